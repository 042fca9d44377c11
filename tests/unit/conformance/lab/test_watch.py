"""Requests on the timeline, and the polls that they make."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from conformance.fakes.recording import Asked, Request
from conformance.lab.reads import Reader
from conformance.lab.timeline import Timeline
from conformance.lab.watch import Watch

_numbers: Iterator[int] = itertools.count(1)


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


@pytest.fixture
def watch(timeline: Timeline) -> Watch:
    reader = Reader(lambda text: text)
    reader.configure(["Todo", "In Progress"], ["Done"])
    return Watch(timeline, reader)


def listing(state: str, page: int = 1) -> Request:
    arguments = {"labels": f"status:{state}", "page": str(page)}
    return _request(Asked(field="issues", arguments=arguments))


def one() -> Request:
    return _request(Asked(field="issue", arguments={"number": 7}))


def _request(asked: Asked) -> Request:
    return Request(
        number=next(_numbers), at=0.0, method="GET", path="/", headers={}, asked=(asked,)
    )


def test_a_poll_may_take_a_request_for_each_state(watch: Watch) -> None:
    for state in ("Todo", "In Progress", "In Progress", "Todo", "Todo"):
        watch.understood(listing(state))
    assert [each.number for each in watch.polls()] == [1, 2, 3]


def test_further_pages_belong_to_their_poll(watch: Watch, timeline: Timeline) -> None:
    watch.understood(listing("Todo"))
    names = watch.understood(listing("Todo", page=2))
    assert len(watch.polls()) == 1
    assert names == ("candidates", "candidates_further")
    assert [each.data["poll"] for each in timeline.events("tracker", "candidates")] == [1, 1]


def test_a_poll_is_where_its_earliest_request_is_on_the_timeline(
    watch: Watch, timeline: Timeline
) -> None:
    timeline.add("scenario", "note", "something else")
    watch.understood(listing("Todo"))
    (poll,) = watch.polls()
    assert timeline.events("tracker", "candidates")[0].number == poll.event


def test_reads_before_any_candidates_of_a_life_are_its_cleanup(watch: Watch) -> None:
    assert watch.understood(one()) == ("terminal",)
    watch.understood(listing("Todo"))
    assert watch.understood(one()) == ("by_id",)
    watch.life_began()
    assert watch.understood(one()) == ("terminal",)


def test_answers_and_faults_are_on_the_timeline(watch: Watch, timeline: Timeline) -> None:
    request = listing("Todo")
    watch.understood(request)
    request.fault, request.status = "status", 500
    watch.spoilt(request)
    watch.answered(request)
    assert [each.kind for each in timeline.events("tracker")] == ["candidates", "fault", "answered"]
    assert timeline.events("tracker", "answered")[0].data["status"] == 500
