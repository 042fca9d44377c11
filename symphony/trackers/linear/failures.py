"""What an answer of Linear that is no result means, in the portable categories.

Pure functions of status, headers, body and the time. A message says what Linear answered and, where
a setting is to blame, which one and what to do. It holds no secret: what the provider repeats of
one is masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text, parse_json
from symphony.trackers.errors import TrackerError, TrackerErrorCategory

RATE_LIMITED = "RATELIMITED"
DENIED = frozenset({"AUTHENTICATION_ERROR", "FORBIDDEN"})

WAIT_WITHOUT_A_WORD_MS = 60_000
"""When Linear asks for patience and does not say for how long; its limits refill steadily."""

LONGEST_WAIT_MS = 3_600_000
"""Linear counts by the hour. A longer wish is taken for a mistake."""

QUOTED_CHARACTERS = 300
"""How much of the provider's own words a message repeats."""

MASK = "[redacted]"

_BUDGETS = ("Endpoint-Requests", "Requests", "Complexity")
_MILLISECONDS_FROM = 10**11
"""Times above are in milliseconds since 1970, below in seconds."""

API_KEY = "tracker.provider.api_key"
TOOL_API_KEY = "tracker.provider.tool_api_key"


class RefusedAnswerError(TrackerError):
    """Linear answered, and not with a result. `answer` is the body as JSON, if it is that."""

    def __init__(
        self,
        category: TrackerErrorCategory,
        message: str,
        *,
        retry_after_ms: int | None = None,
        status: int | None = None,
        answer: JsonValue = None,
    ) -> None:
        super().__init__(category, message, retry_after_ms=retry_after_ms, status=status)
        self.answer = answer


class DeniedError(RefusedAnswerError):
    """Linear refused the key that the setting `key` names; `said` is in what words."""

    def __init__(
        self,
        key: str,
        said: str,
        *,
        changes: bool = False,
        status: int | None = None,
        answer: JsonValue = None,
    ) -> None:
        message = f"{key}: {said}. {remedy(key, changes=changes)}"
        super().__init__("tracker_status", message, status=status, answer=answer)
        self.key = key
        self.said = said

    def of_a_change(self) -> DeniedError:
        """The same for an operation that was to change something."""
        return DeniedError(
            self.key, self.said, changes=True, status=self.status, answer=self.answer
        )


def remedy(key: str, *, changes: bool) -> str:
    """What to do about a key that may not do what was asked of it."""
    right = "read and write" if changes else "read"
    made = (
        f"Make a key in Linear under Settings, Security & access, API, that may {right} this team, "
        f"and put it where {key} says"
    )
    if changes and key == API_KEY:
        return f"{made}; {TOOL_API_KEY} leaves the daemon's own read-only"
    return made


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_ms: float,
    secrets: Collection[str],
    key: str = API_KEY,
) -> RefusedAnswerError:
    """The error that an answer with a status other than 200 stands for. `key` is the setting that
    the credential came from."""
    answer = masked(parse_json(body), secrets)
    errors = errors_of(answer)
    said = quoted(errors)
    wait = retry_after_ms(headers, now_ms)
    if status == 429 or RATE_LIMITED in codes(errors) or (status == 503 and wait is not None):
        return RefusedAnswerError(
            "tracker_rate_limited",
            f"Linear asks for patience (HTTP {status}){said}",
            retry_after_ms=wait or WAIT_WITHOUT_A_WORD_MS,
            status=status,
            answer=answer,
        )
    message = f"Linear answered HTTP {status}{said}"
    if status in (401, 403) or is_denied(errors):
        return DeniedError(key, message, status=status, answer=answer)
    if status in (404, 405):
        message = f"tracker.provider.endpoint: {message}. Check the address of the GraphQL API"
    return RefusedAnswerError("tracker_status", message, status=status, answer=answer)


def errors_in_result(errors: Sequence[JsonValue], key: str = API_KEY) -> RefusedAnswerError:
    """The error that GraphQL errors in an answer with status 200 stand for."""
    said = quoted(errors)
    if RATE_LIMITED in codes(errors):
        return RefusedAnswerError(
            "tracker_rate_limited",
            f"Linear asks for patience{said}",
            retry_after_ms=WAIT_WITHOUT_A_WORD_MS,
        )
    if is_denied(errors):
        return DeniedError(key, f"Linear refused the key{said}")
    return RefusedAnswerError("tracker_response", f"Linear answered with errors{said}")


def retry_after_ms(headers: Mapping[str, str], now_ms: float) -> int | None:
    """How long the provider wants to be left alone, bounded; None where it does not say."""
    wait = _retry_after(headers.get("Retry-After", "").strip(), now_ms)
    if wait is None:
        wait = max((_budget_wait(headers, each, now_ms) for each in _BUDGETS), default=0.0)
    return int(min(wait + 1, LONGEST_WAIT_MS)) if wait > 0 else None


def is_complete(errors: Iterable[JsonValue], data: JsonObject) -> bool:
    """Whether everything that was asked for is there although there are errors: each names a place,
    and nothing is missing at any of them."""
    return all(_is_there(as_array((as_object(each) or {}).get("path")), data) for each in errors)


def errors_of(answer: JsonValue) -> Sequence[JsonValue]:
    """The GraphQL errors of an answer."""
    return as_array((as_object(answer) or {}).get("errors")) or ()


def is_denied(errors: Iterable[JsonValue]) -> bool:
    """Whether the key may not do what was asked of it."""
    return not DENIED.isdisjoint(codes(errors))


def codes(errors: Iterable[JsonValue]) -> frozenset[str]:
    """The codes that the errors carry."""
    found = (as_object((as_object(each) or {}).get("extensions")) or {} for each in errors)
    return frozenset(code for each in found if (code := as_text(each.get("code"))))


def quoted(errors: Iterable[JsonValue]) -> str:
    """The provider's own words, as the end of a sentence; nothing where it has none."""
    messages = (as_text((as_object(each) or {}).get("message")) for each in errors)
    text = " ".join("; ".join(filter(None, messages)).split())
    text = "".join(each if each.isprintable() else " " for each in text)
    if len(text) > QUOTED_CHARACTERS:
        text = f"{text[:QUOTED_CHARACTERS]}..."
    return f": {text}" if text else ""


def masked(value: JsonValue, secrets: Collection[str]) -> JsonValue:
    """The value without any of the secrets (`tool.result.no_secret`)."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if (members := as_object(value)) is not None:
        return {str(masked(name, secrets)): masked(each, secrets) for name, each in members.items()}
    if (items := as_array(value)) is not None:
        return [masked(each, secrets) for each in items]
    return value


def _retry_after(text: str, now_ms: float) -> float | None:
    """Seconds, or a date."""
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text) * 1000
    try:
        instant: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant.timestamp() * 1000 - now_ms


def _budget_wait(headers: Mapping[str, str], budget: str, now_ms: float) -> float:
    """How long until an exhausted budget is full again; 0 for one that is not exhausted."""
    if headers.get(f"X-RateLimit-{budget}-Remaining", "").strip() != "0":
        return 0.0
    try:
        reset = float(headers.get(f"X-RateLimit-{budget}-Reset", ""))
    except ValueError:
        return 0.0
    return (reset if reset > _MILLISECONDS_FROM else reset * 1000) - now_ms


def _is_there(path: Sequence[JsonValue] | None, data: JsonObject) -> bool:
    if not path:
        return False
    value: JsonValue = data
    for step in path:
        items = as_array(value)
        if isinstance(step, str):
            value = (as_object(value) or {}).get(step)
        elif items is not None and isinstance(step, int) and 0 <= step < len(items):
            value = items[step]
        else:
            return False
    return value is not None
