"""What an operator asks for over HTTP: by another program, by a form, and by the wrong people."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

import httpx
import pytest

from symphony.domain.json import JsonObject
from symphony.http.operator import MAX_ANSWER_CHARACTERS
from symphony.http.page.routes import page_routes
from symphony.http.page.rows import key_of
from tests.support.demo_snapshots import EMPTY, blocked, issue, retry, running, waiting
from tests.support.http_view import MemoryView, error_code, object_of, served
from tests.support.page_html import assert_harmless

pytestmark = pytest.mark.anyio

ASKING = blocked(issue("MT-3"))
NUMBER = ASKING.number
BOARD = replace(
    EMPTY,
    running=(running(issue("MT-1")),),
    retrying=(retry(issue("MT-2")),),
    blocked=(ASKING,),
    skipped=(waiting(issue("MT-4")),),
    cleaning=(issue("MT-5"),),
)
ANSWER = {"issue_identifier": "MT-3", "answer": "Blue."}


def form(**fields: str) -> tuple[bytes, dict[str, str]]:
    """A form as a browser sends it."""
    return urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_blocked_issue_is_answered() -> None:
    view = MemoryView(BOARD)
    async with served(view) as site:
        answer = await site.client.post("/api/v1/answer", json=ANSWER)
    document = object_of(answer, 202)
    assert (document["accepted"], document["was"]) == (True, "blocked")
    assert view.answers == [(ASKING.issue.id, NUMBER, "Blue.")]


@pytest.mark.proves("operator.answer.late")
async def test_an_answer_to_another_question_than_the_present_one_is_refused() -> None:
    view = MemoryView(BOARD)
    async with served(view) as site:
        late = await site.client.post(
            "/api/v1/answer", json={**ANSWER, "question_number": NUMBER - 1}
        )
        assert error_code(late, 409) == "question_changed"
        right = await site.client.post("/api/v1/answer", json={**ANSWER, "question_number": NUMBER})
        assert right.status_code == 202
    assert len(view.answers) == 1


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"issue_identifier": "MT-9", "answer": "x"}, 404, "issue_not_found"),
        ({"issue_identifier": "MT-1", "answer": "x"}, 409, "not_blocked"),
        ({"issue_identifier": "MT-3"}, 400, "invalid_body"),
        ({"issue_identifier": "MT-3", "answer": " \n"}, 400, "invalid_body"),
        ({"issue_identifier": "MT-3", "answer": 7}, 400, "invalid_body"),
        ({"answer": "x"}, 400, "invalid_body"),
        ({"issue_identifier": ["MT-3"], "answer": "x"}, 400, "invalid_body"),
        ({**ANSWER, "question_number": "first"}, 400, "invalid_body"),
        ({**ANSWER, "answer": "x" * (MAX_ANSWER_CHARACTERS + 1)}, 400, "invalid_body"),
        ({**ANSWER, "answer": "\ud800"}, 400, "invalid_body"),
    ],
)
async def test_what_cannot_be_answered_is_told(members: JsonObject, status: int, code: str) -> None:
    view = MemoryView(BOARD)
    async with served(view) as site:
        answer = await site.client.post("/api/v1/answer", content=json.dumps(members))
    assert error_code(answer, status) == code
    assert view.answers == []


@pytest.mark.parametrize("name", ["MT-1", "MT-2", "MT-4"])
async def test_what_runs_or_waits_is_stopped(name: str) -> None:
    view = MemoryView(BOARD)
    async with served(view) as site:
        answer = await site.client.post("/api/v1/stop", json={"issue_identifier": name})
    assert answer.status_code == 202
    assert view.stops == [issue(name).id]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("MT-3", 409, "nothing_to_stop"),
        ("MT-5", 409, "nothing_to_stop"),
        ("MT-9", 404, "issue_not_found"),
    ],
)
async def test_what_cannot_be_stopped_is_told(name: str, status: int, code: str) -> None:
    view = MemoryView(BOARD)
    async with served(view) as site:
        answer = await site.client.post("/api/v1/stop", json={"issue_identifier": name})
    assert error_code(answer, status) == code
    assert view.stops == []


@pytest.mark.parametrize("path", ["/api/v1/answer", "/api/v1/stop", "/answer", "/stop"])
@pytest.mark.proves("http.error.method")
async def test_wishes_are_posted_and_never_by_a_page_of_another_site(path: str) -> None:
    view = MemoryView(BOARD)
    async with served(view, extra_routes=page_routes) as site:
        assert (await site.client.get(path)).status_code == 405
        body, headers = form(issue=key_of(ASKING.issue), answer="Blue.")
        answer = await site.client.post(
            path, content=body, headers={**headers, "Origin": "https://evil.example"}
        )
        assert error_code(answer, 403) == "origin_refused"
    assert (view.answers, view.stops) == ([], [])


async def test_a_daemon_that_stops_takes_no_wishes() -> None:
    view = MemoryView(replace(BOARD, draining=True))
    async with served(view) as site:
        for path, members in (
            ("answer", ANSWER),
            ("stop", {"issue_identifier": "MT-1"}),
        ):
            answer = await site.client.post(f"/api/v1/{path}", json=members)
            assert error_code(answer, 503) == "draining"
    assert (view.answers, view.stops) == ([], [])


async def submit(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    body, headers = form(**fields)
    return await client.post(path, content=body, headers=headers)


async def test_the_page_of_a_blocked_issue_has_a_form_that_answers_it() -> None:
    view = MemoryView(BOARD)
    async with served(view, extra_routes=page_routes) as site:
        page = assert_harmless((await site.client.get("/issues/MT-3")).text)
        assert {"/answer"} <= set(page.values("action"))
        assert str(MAX_ANSWER_CHARACTERS) in page.values("maxlength")
        hidden = set(page.values("value"))
        assert {key_of(ASKING.issue), str(NUMBER)} <= hidden
        done = await submit(
            site.client,
            "/answer",
            issue=key_of(ASKING.issue),
            question=str(NUMBER),
            answer="Blue,\r\nnot red.",
        )
    assert (done.status_code, done.headers["location"]) == (303, "/issues/MT-3")
    assert view.answers == [(ASKING.issue.id, NUMBER, "Blue,\nnot red.")]


async def test_a_form_that_is_behind_gets_a_page_that_says_so() -> None:
    view = MemoryView(BOARD)
    async with served(view, extra_routes=page_routes) as site:
        late = await submit(
            site.client,
            "/answer",
            issue=key_of(ASKING.issue),
            question=str(NUMBER - 1),
            answer="Blue.",
        )
        gone = await submit(site.client, "/answer", issue="0" * 16, question="1", answer="Blue.")
    assert late.status_code == 409
    assert "asked something else since" in assert_harmless(late.text).text
    assert gone.status_code == 404
    assert view.answers == []


async def test_what_runs_can_be_stopped_on_its_page() -> None:
    view = MemoryView(BOARD)
    async with served(view, extra_routes=page_routes) as site:
        page = assert_harmless((await site.client.get("/issues/MT-1")).text)
        assert "/stop" in page.values("action")
        done = await submit(site.client, "/stop", issue=key_of(issue("MT-1")))
    assert done.status_code == 303
    assert view.stops == [issue("MT-1").id]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%ff", b"&".join([b"a=1"] * 100), b"x" * 70_000])
async def test_a_body_that_is_no_form_is_told(body: bytes) -> None:
    async with served(MemoryView(BOARD), extra_routes=page_routes) as site:
        answer = await site.client.post("/answer", content=body)
    assert answer.status_code in {400, 404, 413}
