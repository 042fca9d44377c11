"""The HTTP interface (SPEC.md section 13.7): what the daemon does now, for programs and people.

It reads snapshots and may ask for a poll; it decides nothing and keeps no state of its own that the
daemon needs. Nothing here is imported unless a port is asked for.
"""
