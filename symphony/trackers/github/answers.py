"""What an answer of GitHub means: its JSON, whether it asks for patience, and what was refused.

Pure functions of an answer. Every error names the key of the settings that may be wrong, what
GitHub said, and what to do; none contains a credential, because no request is quoted.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from symphony.domain.json import JsonObject, JsonValue, as_object, as_text, parse_json
from symphony.trackers.errors import TrackerError

SECONDARY_LIMIT_MS = 60_000
"""GitHub asks for at least a minute where a secondary limit comes without a time."""

LONGEST_PATIENCE_MS = 3_600_000
"""Limits are counted by the hour; a longer wish is a clock that is wrong."""

QUOTED_CHARACTERS = 300
"""How much of the provider's own words an error repeats."""


DAEMON_KEY = "tracker.provider.token"
REPOSITORY_KEY = "tracker.provider.repo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. Names of headers are in lower case; `url` is where it came from."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def json_of(answer: Answer) -> JsonValue:
    """The payload. Raises `TrackerError` where it is cut off or no JSON."""
    try:
        payload: JsonValue = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise TrackerError(
            "tracker_response",
            f"GitHub's answer ({answer.status}, {len(answer.body)} bytes) is not valid JSON; it "
            "may have been cut off",
            status=answer.status,
        ) from None
    return payload


def words_of(answer: Answer) -> str:
    """What GitHub said, in one short line."""
    payload = as_object(parse_json(answer.body)) or {}
    text = as_text(payload.get("message")) or ""
    line = " ".join(text.split())[:QUOTED_CHARACTERS]
    return f"{answer.status} {line}".strip()


def patience_of(answer: Answer, now: datetime) -> int | None:
    """For how many milliseconds GitHub wants no requests, or None where the answer is no limit."""
    headers = answer.headers
    said = words_of(answer).lower()
    exhausted = headers.get("x-ratelimit-remaining") == "0"
    secondary = "secondary rate limit" in said or "abuse detection" in said
    limited = answer.status == 429 or (
        answer.status == 403
        and (exhausted or secondary or "retry-after" in headers or "rate limit exceeded" in said)
    )
    if not limited:
        return None
    wish = retry_after_ms(headers, now)
    if wish is None and exhausted:
        wish = _until_reset(headers, now)
    return SECONDARY_LIMIT_MS if wish is None else wish


def retry_after_ms(headers: Mapping[str, str], now: datetime) -> int | None:
    """The header `Retry-After`, in seconds or as a date, as bounded milliseconds."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1000, LONGEST_PATIENCE_MS)
    try:
        return _milliseconds(parsedate_to_datetime(text), headers, now)
    except (ValueError, OverflowError):
        return None


def reset_ms(headers: Mapping[str, str], now: datetime) -> int:
    """How long until the rate limit starts again, else the patience of a secondary limit."""
    found = _until_reset(headers, now)
    return SECONDARY_LIMIT_MS if found is None else found


def rate_limited(answer: Answer, wait_ms: int) -> TrackerError:
    """The error for an answer that asks for patience."""
    return TrackerError(
        "tracker_rate_limited",
        f"GitHub's rate limit is reached ({words_of(answer)}); asking again after "
        f"{wait_ms / 1000:.0f} s",
        retry_after_ms=wait_ms,
        status=answer.status,
    )


def refused(answer: Answer, repository: str, key: str, now: datetime) -> TrackerError:
    """The error for an answer to a read that is neither what was asked for nor a rate limit. `key`
    is the setting that the token came from."""
    said = words_of(answer)
    match answer.status:
        case 401:
            message = (
                f"{key}: GitHub does not accept the token ({said}). Make a new "
                "one and set it in the environment of the daemon"
            )
        case 403:
            message = (
                f"{key}: the token may not read {repository} ({said}"
                f"{rights_asked_for(answer)}). Give it the right to read issues and metadata"
            )
        case 404:
            message = not_seen(repository, key, said)
        case 410:
            message = (
                f"tracker.provider.repo: {repository} has no issues ({said}). Switch them on in "
                "the settings of the repository"
            )
        case _:
            message = f"GitHub refused the read ({said})"
    wish = retry_after_ms(answer.headers, now) if answer.status == 503 else None
    return TrackerError("tracker_status", message, status=answer.status, retry_after_ms=wish)


def not_seen(repository: str, key: str, said: str) -> str:
    """The sentence for a repository that is not there for this token. The daemon's own reads come
    first, so where the tools' token is the one that misses it, the name is right."""
    blamed = REPOSITORY_KEY if key == DAEMON_KEY else key
    return (
        f"{blamed}: there is no repository {repository}, or the token cannot see it ({said}). "
        f"Correct {REPOSITORY_KEY}, or give the token in {key} access"
    )


def object_of(value: JsonValue, what: str) -> JsonObject:
    """The value as an object. Raises `TrackerError` that names what was expected."""
    found = as_object(value)
    if found is None:
        raise TrackerError("tracker_response", f"GitHub's answer has no {what} where one must be")
    return found


def rights_asked_for(answer: Answer) -> str:
    """What GitHub says that the token would need, as the end of a sentence."""
    wanted = answer.headers.get("x-accepted-github-permissions")
    single_sign_on = " The organisation asks for single sign-on" if _needs_sign_on(answer) else ""
    return (f"; it needs {wanted}" if wanted else "") + single_sign_on


def _needs_sign_on(answer: Answer) -> bool:
    return answer.headers.get("x-github-sso", "").startswith("required")


def _until_reset(headers: Mapping[str, str], now: datetime) -> int | None:
    text = headers.get("x-ratelimit-reset", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        return _milliseconds(datetime.fromtimestamp(int(text), UTC), headers, now)
    except (ValueError, OverflowError, OSError):
        return None


def _milliseconds(instant: datetime, headers: Mapping[str, str], now: datetime) -> int:
    # Counted from GitHub's own clock where it tells it: this machine's may be wrong.
    with contextlib.suppress(ValueError):
        now = parsedate_to_datetime(headers.get("date", ""))
    if instant.tzinfo is None or now.tzinfo is None:
        raise ValueError("a time without a zone")
    # One second more: both times are cut to whole seconds.
    wanted = round((instant - now).total_seconds() * 1000) + 1000
    return max(1000, min(wanted, LONGEST_PATIENCE_MS))
