"""How long a retry waits (`retry.backoff.*`)."""

from __future__ import annotations

CONTINUATION_DELAY_MS = 1_000
FIRST_FAILURE_DELAY_MS = 10_000
NO_SLOTS = "no available orchestrator slots"
# 10 s doubled this often exceeds a year; a larger exponent would only build huge integers.
_MAX_DOUBLINGS = 32


def failure_delay_ms(failures: int, cap_ms: int) -> int:
    """`min(10000 * 2^(failures - 1), cap_ms)` for the given count of failures in a row, from 1."""
    doublings = min(max(failures, 1) - 1, _MAX_DOUBLINGS)
    return min(FIRST_FAILURE_DELAY_MS << doublings, cap_ms)
