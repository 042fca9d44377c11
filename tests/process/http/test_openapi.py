"""The OpenAPI document, held against the running server with generated requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol, cast

import anyio.from_thread
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from symphony.http.events import EventHub
from symphony.http.openapi import openapi_document
from symphony.http.rendering import StateRenderer
from symphony.scheduler.state import LastPoll
from tests.support.demo_snapshots import (
    EMPTY,
    START,
    blocked,
    issue,
    retry,
    running,
    said,
    waiting,
)
from tests.support.http_view import MemoryView, served

BUSY = replace(
    EMPTY,
    running=(running(issue("MT-1"), recent=said("working"), tokens=5),),
    retrying=(retry(issue("MT-2")),),
    blocked=(blocked(issue("MT-3")),),
    skipped=(waiting(issue("MT-4")),),
    cleaning=(issue("MT-5"),),
    rate_limits={"primary": {"usedPercent": 3.5}},
    last_poll=LastPoll(at=START, candidates=5),
)
ENDLESS = "/api/v1/events"


class Answer(Protocol):
    status_code: int


class Case(Protocol):
    """A request; the library's own class has parameters that it leaves unknown."""

    def call_and_validate(self) -> Answer: ...


class Operation(Protocol):
    def as_strategy(self) -> SearchStrategy[Case]: ...

    def Case(self, *, path_parameters: dict[str, str]) -> Case: ...  # noqa: N802


Schema = Mapping[str, Mapping[str, Operation]]


@pytest.fixture(scope="module")
def schema() -> Iterator[Schema]:
    """The document that the server gives, with the server behind it."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(served(MemoryView(BUSY))) as site,
    ):
        url = f"http://127.0.0.1:{site.port}/api/v1/openapi.json"
        yield cast("Schema", schemathesis.openapi.from_url(url))


OPERATIONS = [
    (path, method)
    for path, method in (
        ("/api/v1/state", "get"),
        ("/api/v1/refresh", "post"),
        ("/api/v1/answer", "post"),
        ("/api/v1/stop", "post"),
        ("/api/v1/openapi.json", "get"),
        ("/api/v1/{issue_identifier}", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    )
]


@pytest.mark.proves("http.api.stable", "http.error.envelope", "http.state.shape")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_asked_the_answer_is_one_that_the_document_allows(
    schema: Schema, path: str, method: str
) -> None:
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]

    @settings(max_examples=25, deadline=None, suppress_health_check=slow, database=None)
    @given(case=schema[path][method].as_strategy())
    def check(case: Case) -> None:
        case.call_and_validate()

    check()


@pytest.mark.parametrize("name", ["MT-1", "MT-2", "MT-3", "MT-4", "MT-5"])
def test_the_page_of_every_kind_of_issue_is_as_the_document_says(schema: Schema, name: str) -> None:
    operation = schema["/api/v1/{issue_identifier}"]["get"]
    case = operation.Case(path_parameters={"issue_identifier": name})
    assert case.call_and_validate().status_code == 200


def test_the_document_describes_every_address() -> None:
    described = openapi_document()["paths"]
    assert isinstance(described, dict)
    assert set(described) == {path for path, _ in OPERATIONS} | {ENDLESS}


@pytest.mark.anyio
async def test_the_events_are_the_documents_of_the_state() -> None:
    view = MemoryView(BUSY)
    renderer = StateRenderer(view)
    stream = EventHub(view, renderer).stream()
    assert await renderer.render() in await anext(stream)
    await stream.aclose()
