"""A tracker that fails, answers with half of what was asked, or asks for patience."""

from __future__ import annotations

import contextlib
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.agents.steps import WORKS, exit_with
from conformance.fakes.elsewhere import Elsewhere
from conformance.fakes.faults import FaultKind
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.lab.timeline import Event
from conformance.lab.tracker import FaultTarget
from conformance.lab.waiting import PATIENCE_S
from conformance.manifest.sections import Dialect
from conformance.scenario import Lane, scenario
from conformance.scenarios.lives import brief_life

REST_S: Final = 4.0
"""Long enough for several polls, and for the end of an agent with its hook, to fall into it."""
ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - only ever connected to
"""Not a loopback address, although Linux leads it to this very machine."""
UNDER_WAY_S: Final = 1.5
"""What is sent this soon after a refusal was on its way already; times `scale`."""
_TELLS: Final = re.compile(
    r"fail|error|unavailable|invalid|unusable|could not|cannot|refused|unreadable|tracker_",
    re.IGNORECASE,
)
_ABOUT_READS: Final = re.compile(
    r"tracker|candidate|fetch|poll|read|linear|github|graphql|request|response|page|cursor",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One way in which reads of the candidates go wrong. `ids` are what it judges; `category` is
    how section 11.4 calls it. `only` says which of the requests it meets."""

    kind: FaultKind
    ids: Sequence[str]
    category: str
    only: FaultTarget = "candidates"
    dialects: Sequence[Dialect] = tuple(Dialect)


CANDIDATES: Final = "tracker.error.candidates"
APPLICATION: Final = "tracker.error.application"
ATOMIC: Final = "tracker.reads.atomic"
PAGES: Final = "tracker.pages.integrity"
TROUBLES: Final = (
    Trouble(kind="status", ids=(CANDIDATES,), category="tracker_status"),
    Trouble(
        kind="errors_without_data",
        ids=(APPLICATION, CANDIDATES),
        category="tracker_response",
        dialects=(Dialect.LINEAR,),
    ),
    Trouble(
        kind="errors_with_null",
        ids=(APPLICATION,),
        category="tracker_response",
        dialects=(Dialect.LINEAR,),
    ),
    Trouble(kind="status", ids=(ATOMIC,), category="tracker_status", only="candidates_further"),
    Trouble(kind="reset", ids=(ATOMIC,), category="tracker_request", only="candidates_further"),
    Trouble(kind="cursor_missing", ids=(PAGES,), category="tracker_pagination"),
    Trouble(kind="cursor_loop", ids=(PAGES,), category="tracker_pagination"),
)


@scenario(
    "Candidates that cannot be read whole are not read at all, and are read anew at the next tick",
    checks=(
        CANDIDATES,
        APPLICATION,
        ATOMIC,
        PAGES,
        "tracker.error.categories",
        "tracker.writes.none",
    ),
)
async def candidates_that_cannot_be_read(lab: Lab) -> None:
    plug = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow(agent={"max_concurrent_agents": 2})
    await lab.start()
    await lab.at_gate(plug)

    judged: set[str] = set()
    named: dict[str, bool] = {}
    for place, trouble in enumerate(each for each in TROUBLES if lab.dialect in each.dialects):
        judged.update(trouble.ids)
        known, mark = len(lab.log()), lab.timeline.last
        lab.tracker.fault(trouble.kind, only=trouble.only, times=None)
        if trouble.only == "candidates":
            # So that no read which began without the trouble comes upon the fresh issues.
            with contextlib.suppress(UnmetError):
                await lab.until(
                    lambda after=mark: lab.timeline.events("tracker", "fault", after=after),
                    "a read that meets the trouble",
                )
        # With the one that runs they make two pages, in an order that nobody knows.
        fresh = [lab.tracker.put(f"ENG-{10 * (place + 1) + number}") for number in range(3)]
        unmet = await _nothing_comes_of(lab, trouble, fresh)
        lines = [each.text for each in lab.log()[known:]]
        for name in trouble.ids:
            with lab.judging(name):
                if unmet is not None:
                    raise unmet
        # What was not taken for a failure is not logged as one; that is a finding already.
        if unmet is None:
            if CANDIDATES in trouble.ids:
                _is_logged(lab, trouble, lines)
            is_named = any(trouble.category in each for each in lines)
            # Which of them was taken for an error at all is for the requirements above.
            named[trouble.category] = is_named or named.get(trouble.category, False)
        for issue in fresh:
            lab.tracker.set_state(issue.name, "Human Review")
        await lab.until(lambda: len(lab.running()) < 2, "the slot is free again")
    if APPLICATION not in judged:
        lab.not_applicable(APPLICATION, "lists of GitHub's REST interface have no `errors`")
    with lab.judging("tracker.error.categories") as judge:
        missing = [category for category, is_named in named.items() if not is_named]
        judge.equal(missing, [], "the categories that are missing in the output")
    with lab.judging("tracker.writes.none") as judge:
        judge.equal(list(lab.tracker.reads("mutation")), [], "what was written to the tracker")


def _is_logged(lab: Lab, trouble: Trouble, lines: Sequence[str]) -> None:
    with lab.judging(CANDIDATES) as judge:
        judge.holds(
            any(_TELLS.search(each) and _ABOUT_READS.search(each) for each in lines),
            expected=f"{trouble.kind} is logged as a read that failed",
            seen=lines[-3:],
        )


async def _nothing_comes_of(
    lab: Lab, trouble: Trouble, fresh: Sequence[Handle]
) -> UnmetError | None:
    """While the trouble lasts none of these is dispatched; afterwards one is, for which there is a
    slot, and what runs goes on."""
    where = "a further page" if trouble.only == "candidates_further" else "every page"
    what = f"{trouble.kind} on {where} of the candidates"
    try:
        await lab.never(
            lambda: any(lab.sessions(each) or lab.files.workspace(each) for each in fresh),
            f"{what}: nothing is dispatched",
            polls=3,
        )
    except UnmetError as unmet:
        return unmet
    finally:
        lab.tracker.clear_faults()
    try:
        await lab.until(
            lambda: any(lab.running(each) for each in fresh),
            f"{what}: a later tick reads them, and dispatches one",
        )
    except UnmetError as unmet:
        return unmet
    return None if len(lab.running()) > 1 else UnmetError(f"{what}: what runs goes on", "it ended")


@scenario(
    "A tracker that asks for patience gets it, and nothing else waits for the tracker",
    checks=("tracker.limit.bounded",),
    lane=Lane.REAL_TIME,
)
async def patience(lab: Lab) -> None:
    working = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    trace = lab.files.trace("after_run")
    lab.workflow(hooks={"after_run": trace.hook("over")})
    await lab.start()
    session = await lab.at_gate(working)

    mark = lab.timeline.last
    rest_s = math.ceil(REST_S * lab.scale)
    lab.tracker.fault("status", status=429, retry_after=str(rest_s), only="candidates")
    refused = await lab.until(
        lambda: [each for each in lab.tracker.answers(after=mark) if each.data["status"] == 429],
        "a read of the candidates is refused",
    )
    lab.tracker.set_state(working.name, "Human Review")
    session.push(exit_with(1))
    ended = await lab.until(trace.lines, "after_run of the agent that left")
    came = time.monotonic()
    again = await lab.until(
        lambda: _requests_after(lab, refused[0]),
        "the tracker is asked again",
        within=PATIENCE_S + rest_s,
    )
    with lab.judging("tracker.limit.bounded") as judge:
        judge.holds(
            came < again[0].at and ended,
            expected="the end of an agent is dealt with while the tracker rests",
            seen="after_run ran only when the tracker was asked again",
        )
        judge.at_least(again[0].at - refused[0].at, rest_s, "the next request")


def _requests_after(lab: Lab, refusal: Event) -> Sequence[Event]:
    events = lab.timeline.events("tracker", after=refusal.number)
    return [
        each
        for each in events
        if each.kind not in ("answered", "fault") and each.at - refusal.at > UNDER_WAY_S * lab.scale
    ]


@scenario(
    "Without encryption the credential goes to loopback addresses only",
    checks=("tracker.transport.encrypted",),
    dialects=("linear",),
)
async def unencrypted_requests(lab: Lab) -> None:
    if not sys.platform.startswith("linux"):
        lab.not_applicable("tracker.transport.encrypted", f"{ANY_ADDRESS} leads nowhere here")
        return
    lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    endpoint = lab.tracker.endpoint.replace("127.0.0.1", ANY_ADDRESS)
    lab.workflow(tracker={"provider": {"endpoint": endpoint}})
    life = await brief_life(lab, f"the endpoint {endpoint}")
    with lab.judging("tracker.transport.encrypted") as judge:
        judge.contains(endpoint, ANY_ADDRESS, "the endpoint of this scenario")
        judge.equal(life.asked, 0, f"the requests that were sent to {endpoint}")


@scenario(
    "A redirect to another origin never carries the credential there",
    checks=("tracker.redirect.secret",),
)
async def redirects(lab: Lab) -> None:
    kept = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow()
    with Elsewhere() as elsewhere:
        await lab.start()
        await lab.at_gate(kept)
        for status in (302, 307):
            where = f"{elsewhere.url}/graphql"
            mark = lab.timeline.last
            lab.tracker.fault("redirect", status=status, location=where, times=None)
            await lab.until(
                lambda after=mark: lab.timeline.events("tracker", "fault", after=after)[3:],
                "requests that are led elsewhere",
            )
            lab.tracker.clear_faults()
    with lab.judging("tracker.redirect.secret") as judge:
        judge.lacks(elsewhere.heard, lab.secret, "what the other origin was told")
        judge.info(f"{elsewhere.count} requests came to the other origin")
