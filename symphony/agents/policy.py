"""What each request of the app-server is answered: the posture of SECURITY.md, as a table.

Pure: a request goes in, a decision comes out. Nobody's answer is invented. What only a person can
say is refused in the form that means "no answer", and ends the turn. The session sees to it that
each request is answered once and in bounded time (`policy.request.*`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from symphony.agents import person
from symphony.agents.rpc import METHOD_NOT_FOUND, REQUEST_REFUSED
from symphony.agents.text import one_line
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.domain.run import NeedsPerson, OperatorAnswer

MAX_QUESTION_CHARACTERS: Final = 2_000
"""A question is shown in a table and a log line; forms beyond that are read in the session log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Send this result. `event` and `summary` are for the report, None where it is not news.
    `is_of_operator`: it is what an operator said, which is said once."""

    result: JsonObject
    event: str | None = None
    summary: str = ""
    is_of_operator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Send this JSON-RPC error."""

    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """Execute this tool on the host and send its result."""

    name: str
    arguments: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonNeeded:
    """End the turn, and send `reply`, which says that nobody answered."""

    need: NeedsPerson
    reply: Answer | Refusal


Decision: TypeAlias = Answer | Refusal | ToolCall | PersonNeeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """What decides: `codex.auto_approve`, the names of the tools that were advertised, and what an
    operator answered to the question that the run before ended with."""

    auto_approve: bool
    tools: frozenset[str]
    answer: OperatorAnswer | None = None


def decide(method: str, params: JsonObject, posture: Posture) -> Decision:
    """The decision on one request; an unknown one is refused with -32601."""
    rule = _RULES.get(method)
    if rule is None:
        return Refusal(code=METHOD_NOT_FOUND, message=f"{method} is not supported by this client")
    return rule(params, posture)


def tool_result(text: str, *, success: bool) -> JsonObject:
    """The answer to a tool call."""
    return {"contentItems": [{"type": "inputText", "text": text}], "success": success}


def _tool_call(params: JsonObject, posture: Posture) -> Decision:
    name = as_text(params.get("tool")) or ""
    if name in posture.tools and not as_text(params.get("namespace")):
        return ToolCall(name=name, arguments=params.get("arguments"))
    offered = ", ".join(sorted(posture.tools)) or "none"
    shown = one_line(name, 128)
    return Answer(
        result=tool_result(
            f"There is no tool {shown!r} here. Tools of this session: {offered}.", success=False
        ),
        event="unsupported_tool_call",
        summary=f"called a tool that does not exist: {shown}",
    )


def _approval(kind: str) -> Callable[[JsonObject, Posture], Decision]:
    """Command and file-change approvals. Declining lets the turn go on without."""

    def rule(params: JsonObject, posture: Posture) -> Decision:
        subject = _approval_subject(kind, params)
        if not posture.auto_approve:
            return _declined({"decision": "decline"}, subject)
        offered = as_array(params.get("availableDecisions"))
        # The list is a hint of what a person should be shown; `accept` is always on it.
        once = offered is not None and "acceptForSession" not in offered and "accept" in offered
        return _approved({"decision": "accept" if once else "acceptForSession"}, subject)

    return rule


def _older_approval(kind: str) -> Callable[[JsonObject, Posture], Decision]:
    def rule(params: JsonObject, posture: Posture) -> Decision:
        subject = _approval_subject(kind, params)
        if posture.auto_approve:
            return _approved({"decision": "approved_for_session"}, subject)
        return _declined({"decision": "denied"}, subject)

    return rule


def _approved(result: JsonObject, subject: str) -> Answer:
    return Answer(result=result, event="approval_auto_approved", summary=f"approved {subject}")


def _declined(result: JsonObject, subject: str) -> Answer:
    return Answer(result=result, event="notification", summary=f"declined {subject}")


def _approval_subject(kind: str, params: JsonObject) -> str:
    command = params.get("command")
    words = as_array(command)
    text = as_text(command) or " ".join(w for w in words or () if isinstance(w, str))
    text = text or as_text(params.get("reason")) or ""
    return one_line(f"{kind}: {text}" if text else kind, 200)


def _permissions(params: JsonObject, posture: Posture) -> Decision:
    """Wider permissions are never granted, with auto_approve neither: they outlive the command."""
    del posture
    reason = as_text(params.get("reason")) or "no reason given"
    return _declined({"permissions": {}, "scope": "turn"}, f"wider permissions: {reason}")


def _user_input(params: JsonObject, posture: Posture) -> Decision:
    questions = [as_object(entry) for entry in as_array(params.get("questions")) or ()]
    texts = [_question(entry) for entry in questions if entry is not None]
    need = NeedsPerson(request="user_input", question=_joined(texts))
    if (words := _answer_to(need, posture)) and (result := person.choices(params, words)):
        return _from_operator(result)
    return PersonNeeded(
        need=need,
        reply=Refusal(code=REQUEST_REFUSED, message="nobody is here to answer; the turn ends"),
    )


def _answer_to(need: NeedsPerson, posture: Posture) -> str | None:
    """What the operator said to this question, word for word the same."""
    given = posture.answer
    if given is None or (given.request, given.question) != (need.request, need.question):
        return None
    return given.text


def _from_operator(result: JsonObject) -> Answer:
    summary = "answered by the operator"
    return Answer(result=result, event="notification", summary=summary, is_of_operator=True)


def _question(entry: JsonObject) -> str:
    header, question = as_text(entry.get("header")), as_text(entry.get("question"))
    options = [as_object(option) or {} for option in as_array(entry.get("options")) or ()]
    labels = [label for option in options if (label := as_text(option.get("label")))]
    text = ": ".join(part for part in (header, question) if part)
    return f"{text} ({' / '.join(labels)})" if labels else text


def _elicitation(params: JsonObject, posture: Posture) -> Decision:
    """A question of an MCP server; approvals of its tool calls come in the same form."""
    message = as_text(params.get("message")) or ""
    server = as_text(params.get("serverName")) or "?"
    meta = as_object(params.get("_meta")) or {}
    if as_text(meta.get("codex_approval_kind")) is not None:
        subject = one_line(f"MCP server {server}: {message}", 200)
        if posture.auto_approve:
            return _approved({"action": "accept", "content": {}, "_meta": None}, subject)
        return _declined({"action": "decline", "content": None, "_meta": None}, subject)
    need = NeedsPerson(request="elicitation", question=_form(server, message, params))
    if (words := _answer_to(need, posture)) and (result := person.form(params, words)):
        return _from_operator(result)
    return PersonNeeded(
        need=need,
        # `cancel` means that no choice was made; `decline` would be a person's "no".
        reply=Answer(result={"action": "cancel", "content": None, "_meta": None}),
    )


def _form(server: str, message: str, params: JsonObject) -> str:
    schema = as_object(params.get("requestedSchema")) or {}
    fields = list(as_object(schema.get("properties")) or {})
    texts = [f"MCP server {server} asks: {message}"]
    if fields:
        texts.append(f"(fields: {', '.join(fields)})")
    if url := as_text(params.get("url")):
        texts.append(f"(open {url})")
    return _joined(texts)


def _joined(texts: Collection[str]) -> str:
    text = one_line(" ".join(text for text in texts if text), MAX_QUESTION_CHARACTERS)
    return text or "The agent asked for input without saying what about."


_Rule: TypeAlias = Callable[[JsonObject, Posture], Decision]
_RULES: Final[dict[str, _Rule]] = {
    "item/tool/call": _tool_call,
    "item/commandExecution/requestApproval": _approval("a command"),
    "item/fileChange/requestApproval": _approval("a file change"),
    "item/permissions/requestApproval": _permissions,
    "item/tool/requestUserInput": _user_input,
    "mcpServer/elicitation/request": _elicitation,
    "execCommandApproval": _older_approval("a command"),
    "applyPatchApproval": _older_approval("a file change"),
}
KNOWN_REQUESTS: Final[Sequence[str]] = tuple(_RULES)
"""What is answered with something better than -32601. Left out on purpose: renewing somebody's
login, attestation and the time of day, which this client cannot or must not give."""
