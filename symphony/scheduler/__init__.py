"""Every decision of the daemon, as pure functions of state, event and time.

`step` takes the scheduler's state, one event and the moment, changes the state and returns
commands. Nothing here reads a clock, touches a file or the network, or writes a log; the runtime
does what the commands say and feeds back what came of it.
"""
