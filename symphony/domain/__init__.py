"""The vocabulary of the project: values without behaviour that needs the outside world.

Everything here is frozen and uses the standard library only, so that the scheduler, the adapters
and the tests can share it without pulling anything else in.
"""
