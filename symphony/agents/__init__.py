"""The client of the agent's app-server (SPEC.md section 10).

`rpc`, `messages`, `policy`, `telemetry`, `activity` and `turn` are pure: bytes and values in,
values out. `session` drives them over a `channel`, which owns the transport. `launch`, `sandbox`
and `git_directory` say how an agent is started and what it may write. Nothing here knows a tracker
or a workspace manager: what is needed of them comes in as callables.
"""
