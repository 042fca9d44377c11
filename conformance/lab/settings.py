"""What the lab writes into a workflow file by itself: short times, and nothing that matters.

Guarantees: whatever waits waits for less than a second, unless the specification fixes the delay;
limits that end a run are so long that only a scenario that shortens them meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.fakes.json_values import JsonValue
from conformance.lab.boards import ACTIVE_STATES, TERMINAL_STATES
from conformance.manifest.model import Manifest

DEFAULT_PROMPT: Final = "Work on {{ issue.identifier }}: {{ issue.title }}"
POLL_INTERVAL_MS: Final = 250
BACKOFF_CAP_MS: Final = 500
"""Below the fixed 10 s, so that the cap is what counts and failures are tried again at once."""
HOOK_TIMEOUT_MS: Final = 20_000
READ_TIMEOUT_MS: Final = 20_000
SILENCE_MS: Final = 120_000
"""Of turns and of stalls."""


def poll_interval_ms(manifest: Manifest) -> int:
    """The interval that the lab asks for, in milliseconds."""
    return max(POLL_INTERVAL_MS, manifest.limits.smallest_poll_interval_ms)


def default_settings(manifest: Manifest) -> Mapping[str, JsonValue]:
    """Sections of front matter, without what points them at the lab."""
    return {
        "tracker": {
            "active_states": list(ACTIVE_STATES),
            "terminal_states": list(TERMINAL_STATES),
        },
        "polling": {"interval_ms": poll_interval_ms(manifest)},
        "hooks": {"timeout_ms": HOOK_TIMEOUT_MS},
        "agent": {"max_retry_backoff_ms": BACKOFF_CAP_MS},
        "codex": {
            "read_timeout_ms": READ_TIMEOUT_MS,
            "turn_timeout_ms": SILENCE_MS,
            "stall_timeout_ms": SILENCE_MS,
        },
    }
