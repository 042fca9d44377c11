"""What the HTTP interface of an implementation shows, looked up as a client would.

Guarantees: rows are found by the issue they are about, however an adapter makes identifiers. Must
not: judge; what is not there is an `UnmetError` in the block of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, agent_script, fail, gate, rate_limits, turn, usage
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object, as_text
from conformance.lab.api import Api, ApiAnswer
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab

TOKENS: Final[Mapping[str, int]] = {
    "input_tokens": 4321,
    "output_tokens": 123,
    "total_tokens": 4444,
}
"""What the session reports that stands at its gate, in its second turn."""
USED_PERCENT: Final = 37
SLOTS: Final = 2
LONG_BACKOFF_MS: Final = 60_000
"""So that the fixed 10 s count, in which another issue takes the slot."""
MOST_LINKS: Final = 20
POLLS_APART: Final = 5
"""Longer than a second, at four a second: times in a page are seconds."""
MOST_REDIRECTS: Final = 3
_LINK: Final = re.compile(r"""(?:href|src|action)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """`session`, of `running`, stands at its gate in its second turn. `retrying` waits for its
    second attempt, which has no slot as long as `other` runs."""

    running: Handle
    session: AgentSession
    retrying: Handle
    other: Handle


async def keep_busy(lab: Lab, *, error: str = "The bridge is out") -> Busy:
    """One that runs and one that waits for a retry, for as long as the scenario likes. It has a
    workflow file and is not started yet; earlier sessions do not count."""
    before = len(lab.sessions())
    running, retrying = lab.tracker.put("ENG-1", priority=1), lab.tracker.put("ENG-2", priority=2)
    report = turn(usage(4321, 123), rate_limits(_limits()))
    lab.script(None, WORKS)
    lab.script(running, agent_script(report, turn(gate())))
    lab.workflow(agent={"max_concurrent_agents": SLOTS, "max_retry_backoff_ms": LONG_BACKOFF_MS})
    await lab.start(port=lab.free_port())
    session = await at_gate_since(lab, running, before)
    failing = await at_gate_since(lab, retrying, before)
    other = lab.tracker.put("ENG-3", priority=3)
    failing.push(fail(error))
    await lab.at_gate(other)
    return Busy(running=running, session=session, retrying=retrying, other=other)


async def at_gate_since(lab: Lab, issue: Handle, before: int) -> AgentSession:
    """The session of the issue that stands at its gate, none of the first `before`."""

    def standing() -> Sequence[AgentSession]:
        later = lab.sessions()[before:]
        return [each for each in later if issue.is_workspace(each.name) and each.at_gate()]

    found = await lab.until(standing, f"an agent works on {issue.identifier}", within=20)
    return found[0]


def _limits() -> JsonObject:
    window: JsonObject = {
        "usedPercent": USED_PERCENT,
        "windowDurationMins": 300,
        "resetsAt": 1795225530,
    }
    return {"limitId": "codex", "primary": window, "secondary": None, "planType": None}


# The state.


def api_at(lab: Lab, port: int) -> Api:
    """The interface at another port than that of the command line."""
    return Api(lambda: port, lab.timeline, lab.machine)


async def read_state(lab: Lab, api: Api | None = None) -> JsonObject:
    """The state as it is now. Raises `UnmetError` where the answer is none."""
    answer = await (api or lab.api).state()
    state = answer.object()
    if answer.status != 200 or not state or "error" in state:
        seen = f"{answer.status}: {answer.text[:300]}"
        raise UnmetError("GET /api/v1/state answers 200 with the state", seen)
    return state


async def until_up(lab: Lab, api: Api | None = None) -> JsonObject:
    """The state, as soon as the server is there: it may come up after the first poll."""
    return await lab.until_answered(lambda: read_state(lab, api), "an answer of /api/v1/state")


def rows(state: JsonObject, name: str) -> Sequence[JsonObject]:
    """The rows of `running` or `retrying`."""
    return [as_object(each) for each in as_array(state.get(name))]


def is_about(row: JsonObject, issue: Handle) -> bool:
    """Whether the row is about the issue."""
    identifier = as_text(row.get("issue_identifier")) or ""
    if issue.id == row.get("issue_id") or identifier == issue.identifier:
        return True
    return issue.number is not None and issue.is_workspace(identifier)


def row_of(state: JsonObject, name: str, issue: Handle) -> JsonObject:
    """The row about the issue. Raises `UnmetError`."""
    for row in rows(state, name):
        if is_about(row, issue):
            return row
    raise UnmetError(f"{issue.identifier} is among {name}", str(state.get(name)))


async def until_row(lab: Lab, name: str, issue: Handle) -> JsonObject:
    """The row about the issue, sooner or later."""

    async def ask() -> JsonObject:
        return row_of(await read_state(lab), name, issue)

    return await lab.until_answered(ask, f"{issue.identifier} is among {name}")


async def identifier_of(lab: Lab, name: str, issue: Handle) -> str:
    """How the implementation calls the issue, which on GitHub is its own choice."""
    try:
        row = await until_row(lab, name, issue)
    except UnmetError:
        return issue.identifier
    return as_text(row.get("issue_identifier")) or issue.identifier


def leaves(value: JsonValue) -> Iterator[JsonValue]:
    """Every text and number in it."""
    below = [*as_object(value).values(), *as_array(value)]
    if not below:
        yield value
    for each in below:
        yield from leaves(each)


def absent(value: JsonValue, names: Collection[str]) -> Sequence[str]:
    """The members that an object does not have."""
    return sorted(set(names) - as_object(value).keys())


def is_envelope(answer: ApiAnswer) -> bool:
    """Whether the body is an error with a code and a message."""
    error = as_object(answer.object().get("error"))
    return bool(as_text(error.get("code"))) and bool(as_text(error.get("message")))


# The page.


async def read_page(lab: Lab) -> ApiAnswer:
    """What `GET /` leads to, redirects on the same server included."""
    path = "/"
    answer = await lab.api.request("GET", path)
    for _ in range(MOST_REDIRECTS):
        if answer.status not in (301, 302, 303, 307, 308):
            break
        path = urlsplit(urljoin(path, answer.headers.get("location", "/"))).path or "/"
        answer = await lab.api.request("GET", path)
    return answer


async def linked(lab: Lab, page: ApiAnswer) -> Sequence[tuple[str, ApiAnswer]]:
    """What the page refers to on its own server: scripts, styles, further pages."""
    found: dict[str, ApiAnswer] = {}
    for name in _LINK.findall(page.text)[: 2 * MOST_LINKS]:
        parts = urlsplit(urljoin("http://page.invalid/", name))
        if parts.hostname != "page.invalid" or parts.path in found or len(found) >= MOST_LINKS:
            continue
        try:
            found[parts.path] = await lab.api.request("GET", parts.path)
        except UnmetError:
            continue
    return list(found.items())


async def is_browser_rendered(lab: Lab, page: ApiAnswer, identifiers: Collection[str]) -> bool:
    """Whether the page has a script to fill it in: none of the issues stands in it, and what can be
    read there is the same a second later, when a page that was rendered by the server is not."""
    if "<script" not in page.text.lower() or any(each in page.text for each in identifiers):
        return False
    await lab.polls(POLLS_APART)
    return _visible(await read_page(lab)) == _visible(page)


def _visible(page: ApiAnswer) -> str:
    return " ".join(_MARKUP.sub(" ", page.text).split())
