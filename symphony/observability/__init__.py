"""What the daemon tells people: log lines, session logs, and the secrets they must not hold.

Nothing here is needed for correctness. A sink that fails, blocks or fills up is reported where
that is still possible, and the daemon goes on (`log.sink.survives`).
"""
