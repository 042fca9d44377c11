"""The page as it is served, to a browser without script and to whoever asks with odd requests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from symphony.http.page.routes import page_routes
from tests.support import page_boards as boards
from tests.support.demo_snapshots import EMPTY, START, issue, running
from tests.support.http_view import PATIENCE_S, TOKEN, MemoryView, error_code, served, with_token
from tests.support.page_html import assert_harmless
from tests.support.page_logs import log_lines
from tests.support.page_malice import MARKUP, hostile

pytestmark = pytest.mark.anyio


@pytest.mark.proves("http.dashboard.root", "http.dashboard.content")
async def test_the_root_is_a_page_for_people_that_needs_no_script() -> None:
    async with served(MemoryView(boards.busy(START)), extra_routes=page_routes) as site:
        answer = await site.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    document = assert_harmless(answer.text)
    assert "APP-131 Totals of an invoice" in document.text
    assert '<noscript><meta http-equiv="refresh"' in answer.text


@pytest.mark.proves("http.dashboard.content")
async def test_the_page_shows_the_state_as_it_is_now() -> None:
    view = MemoryView(EMPTY)
    async with served(view, extra_routes=page_routes) as site:
        assert "MT-7" not in (await site.client.get("/")).text
        view.show(replace(EMPTY, running=(running(issue("MT-7")),)))
        assert "MT-7" in (await site.client.get("/")).text


async def test_no_page_may_run_anything_that_stands_in_it() -> None:
    async with served(MemoryView(hostile(START)), extra_routes=page_routes) as site:
        for path in ("/", "/issues/nobody", "/issues/" + "%22%27%3E%3Cscript%3E"):
            answer = await site.client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert_harmless(answer.text)


async def test_every_address_on_the_page_is_there() -> None:
    async with served(MemoryView(boards.busy(START)), extra_routes=page_routes) as site:
        document = assert_harmless((await site.client.get("/")).text)
        ours = [a for a in (*document.values("href"), *document.values("src")) if a[0] == "/"]
        assert len(set(ours)) > 10
        for address in set(ours):
            assert (await site.client.get(address)).status_code == 200, address


async def test_style_and_script_may_be_kept_for_they_change_their_address() -> None:
    async with served(MemoryView(EMPTY), extra_routes=page_routes) as site:
        document = assert_harmless((await site.client.get("/")).text)
        (script,) = document.values("src")
        answer = await site.client.get(script)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        older = await site.client.get("/static/older/page.js")
        assert older.headers["cache-control"] == "no-store"
        assert error_code(await site.client.get("/static/older/../routes.py"), 404)
        assert error_code(await site.client.get("/static/x/%2e%2e%2froutes.py"), 404)


@pytest.mark.proves("http.snapshot.failure", "status.surface.independent")
async def test_a_state_that_cannot_be_read_is_told_on_a_page_with_503() -> None:
    view = MemoryView(EMPTY)
    async with served(view, extra_routes=page_routes) as site:
        view.failure = RuntimeError("boom")
        for path in ("/", "/issues/MT-1"):
            answer = await site.client.get(path)
            assert answer.status_code == 503
            assert "The state is not available" in assert_harmless(answer.text).text
        view.failure = None
        assert (await site.client.get("/")).status_code == 200


async def test_an_unknown_issue_has_a_page_that_says_so() -> None:
    async with served(MemoryView(EMPTY), extra_routes=page_routes) as site:
        answer = await site.client.get("/issues/MT-1")
    assert answer.status_code == 404
    assert "No issue MT-1 runs, waits or is blocked" in assert_harmless(answer.text).text


@pytest.mark.parametrize("name", ["owner/name#1", "a?b", "100%", MARKUP])
async def test_an_issue_of_any_name_has_a_page(name: str) -> None:
    view = MemoryView(replace(EMPTY, running=(running(issue(name)),)))
    async with served(view, extra_routes=page_routes) as site:
        document = assert_harmless((await site.client.get("/")).text)
        (address,) = [a for a in document.values("href") if a.startswith("/issues/")]
        answer = await site.client.get(address)
    assert answer.status_code == 200
    assert "running for" in answer.text


async def test_the_page_of_an_issue_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(log_lines(START, f"All done. {MARKUP}"))
    view = MemoryView(boards.busy(START))
    view.log_paths["APP-131"] = str(log)
    async with served(view, extra_routes=page_routes) as site:
        answer = await site.client.get("/issues/APP-131")
    assert f"said: All done. {MARKUP}" in assert_harmless(answer.text).text


async def test_the_button_asks_for_a_poll_without_script_too() -> None:
    view = MemoryView(EMPTY)
    async with served(view, extra_routes=page_routes) as site:
        requested = view.poll_requested
        origin = f"http://127.0.0.1:{site.port}"
        answer = await site.client.post("/poll", headers={"Origin": origin})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        with anyio.fail_after(PATIENCE_S):
            await requested.wait()


async def test_pages_of_other_sites_cannot_press_the_button() -> None:
    view = MemoryView(EMPTY)
    async with served(view, extra_routes=page_routes) as site:
        for origin in ("http://evil.example", "null"):
            answer = await site.client.post("/poll", headers={"Origin": origin})
            assert error_code(answer, 403) == "origin_refused"
        assert error_code(await site.client.get("/poll"), 405) == "method_not_allowed"
    assert view.polls == 0


async def test_a_token_is_asked_for_before_any_page() -> None:
    view = MemoryView(boards.busy(START), with_token())
    async with served(view, extra_routes=page_routes) as site:
        for path in ("/", "/issues/APP-131", "/static/x/page.js", "/nowhere"):
            answer = await site.client.get(path)
            assert answer.status_code == 401
            assert "APP-131" not in answer.text
        assert (await site.client.get("/", auth=("me", TOKEN))).status_code == 200


async def test_many_pages_at_once_are_all_answered() -> None:
    async with served(MemoryView(boards.busy(START)), extra_routes=page_routes) as site:
        statuses: list[int] = []

        async def ask(path: str) -> None:
            statuses.append((await site.client.get(path)).status_code)

        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(ask, "/" if number % 2 else "/issues/APP-131")
    assert statuses == [200] * 40
