"""The shapes of the documents, as JSON Schema for the OpenAPI document.

Members may be added within a version, and none is removed (`http.api.stable`), so further ones are
allowed everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from symphony.domain.json import JsonObject, JsonValue
from symphony.http.operator import MAX_ANSWER_CHARACTERS

TEXT: Final[JsonObject] = {"type": "string"}
OPTIONAL_TEXT: Final[JsonObject] = {"type": ["string", "null"]}
TIME: Final[JsonObject] = {"type": "string", "format": "date-time"}
OPTIONAL_TIME: Final[JsonObject] = {"type": ["string", "null"], "format": "date-time"}
COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
OPTIONAL_COUNT: Final[JsonObject] = {"type": ["integer", "null"], "minimum": 0}
NUMBER: Final[JsonObject] = {"type": "number", "minimum": 0}
SWITCH: Final[JsonObject] = {"type": "boolean"}
ANY_OBJECT: Final[JsonObject] = {"type": "object"}


def reference(name: str) -> JsonObject:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def optional(schema: JsonObject) -> JsonObject:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def rows(name: str) -> JsonObject:
    """A list of the schema of this name."""
    return {"type": "array", "items": reference(name)}


def shape(**members: JsonObject) -> JsonObject:
    """An object with all of these members."""
    return {"type": "object", "required": list(members), "properties": members}


_ISSUE: Final[Mapping[str, JsonObject]] = {
    "issue_id": TEXT,
    "issue_identifier": TEXT,
    "issue_url": OPTIONAL_TEXT,
    "title": TEXT,
    "state": TEXT,
}
_RUN: Final[Mapping[str, JsonObject]] = {
    "state": TEXT,
    "session_id": OPTIONAL_TEXT,
    "turn_count": COUNT,
    "phase": TEXT,
    "stopping": OPTIONAL_TEXT,
    "attempt": OPTIONAL_COUNT,
    "last_event": OPTIONAL_TEXT,
    "last_message": TEXT,
    "started_at": TIME,
    "seconds": NUMBER,
    "last_event_at": OPTIONAL_TIME,
    "tokens": reference("RunTokens"),
    "pid": OPTIONAL_COUNT,
}
_RETRY: Final[Mapping[str, JsonObject]] = {
    "attempt": COUNT,
    "kind": {"enum": ["continuation", "failure", "answer"]},
    "due_at": TIME,
    "due_in_ms": COUNT,
    "waiting_for": {"enum": ["time", "slot", "workflow", "refresh"]},
    "error": OPTIONAL_TEXT,
}
_NAME: Final[JsonObject] = {"type": "string", "minLength": 1}
_TOKENS: Final = ("input_tokens", "output_tokens", "total_tokens")

SCHEMAS: Final[Mapping[str, JsonValue]] = {
    "Error": shape(error=shape(code=TEXT, message=TEXT)),
    "RunTokens": shape(**dict.fromkeys(_TOKENS, OPTIONAL_COUNT)),
    "IssueRow": shape(**_ISSUE),
    "RunningRow": shape(**{**_ISSUE, **_RUN, "workspace_path": OPTIONAL_TEXT}),
    "RetryingRow": shape(**_ISSUE, **_RETRY),
    "BlockedRow": shape(**_ISSUE, request=TEXT, question=TEXT, question_number=COUNT, since=TIME),
    "SkippedRow": shape(**_ISSUE, code=TEXT, reason=TEXT),
    "StateLimit": shape(state=TEXT, limit=COUNT, running=COUNT),
    "LastPoll": shape(at=TIME, candidates=COUNT, problem=OPTIONAL_TEXT, next_at=OPTIONAL_TIME),
    "State": shape(
        generated_at=TIME,
        counts=shape(running=COUNT, retrying=COUNT, blocked=COUNT, skipped=COUNT, cleaning=COUNT),
        running=rows("RunningRow"),
        retrying=rows("RetryingRow"),
        blocked=rows("BlockedRow"),
        skipped=rows("SkippedRow"),
        cleaning=rows("IssueRow"),
        codex_totals=shape(**dict.fromkeys(_TOKENS, COUNT), seconds_running=NUMBER),
        completed_runs=COUNT,
        rate_limits=optional(ANY_OBJECT),
        limits=shape(max_concurrent_agents=COUNT, free_slots=COUNT, by_state=rows("StateLimit")),
        last_poll=optional(reference("LastPoll")),
        tracker=shape(requests_sent=OPTIONAL_COUNT),
        workflow=shape(path=TEXT, revision=TEXT, problem=OPTIONAL_TEXT),
        draining=SWITCH,
        settings=ANY_OBJECT,
    ),
    "SessionLog": shape(label=TEXT, path=TEXT, url=OPTIONAL_TEXT),
    "Event": shape(at=TIME, event=TEXT, message=TEXT),
    "Run": shape(**_RUN),
    "Retry": shape(**_RETRY),
    "Issue": shape(
        issue_identifier=TEXT,
        issue_id=TEXT,
        status={"enum": ["running", "retrying", "blocked", "cleaning", "waiting"]},
        workspace=shape(path=TEXT),
        attempts=shape(restart_count=COUNT, current_retry_attempt=COUNT),
        running=optional(reference("Run")),
        retry=optional(reference("Retry")),
        blocked=optional(reference("BlockedRow")),
        skipped=optional(reference("SkippedRow")),
        logs=shape(codex_session_logs=rows("SessionLog")),
        recent_events=rows("Event"),
        last_error=OPTIONAL_TEXT,
        tracked=ANY_OBJECT,
    ),
    "AnswerWish": {
        "type": "object",
        "required": ["issue_identifier", "answer"],
        "properties": {
            "issue_identifier": _NAME,
            "answer": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ANSWER_CHARACTERS,
                "pattern": r"\S",
            },
            "question_number": {"type": ["integer", "null"]},
        },
    },
    "StopWish": shape(issue_identifier=_NAME),
    "Accepted": shape(accepted=SWITCH, was=TEXT, requested_at=TIME, **_ISSUE),
    "Refresh": shape(
        queued=SWITCH,
        coalesced=SWITCH,
        requested_at=TIME,
        operations={"type": "array", "items": TEXT},
    ),
    "Status": shape(status=TEXT),
}
