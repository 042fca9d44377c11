"""Every address of the interface, asked over a real socket."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote

import anyio
import httpx
import pytest

from symphony.http.bodies import MAX_BODY_BYTES
from symphony.http.refresh import Refresher
from symphony.testing import settle
from tests.support.demo_snapshots import EMPTY, blocked, issue, retry, running, said, waiting
from tests.support.http_view import (
    PATIENCE_S,
    TOKEN,
    MemoryView,
    error_code,
    object_of,
    served,
    with_token,
)

pytestmark = pytest.mark.anyio

BUSY = replace(
    EMPTY,
    running=(running(issue("MT-1"), recent=said("working")),),
    retrying=(retry(issue("acme/app#12")),),
    blocked=(blocked(issue("MT-3")),),
    skipped=(waiting(issue("MT-4")),),
    cleaning=(issue("MT-5"),),
)


@pytest.mark.proves("http.state.served", "http.state.shape", "http.enable.ephemeral")
async def test_the_state_is_served() -> None:
    async with served(MemoryView(BUSY)) as site:
        answer = await site.client.get("/api/v1/state")
    document = object_of(answer)
    assert answer.headers["content-type"] == "application/json"
    assert {"generated_at", "codex_totals", "rate_limits", "limits", "settings"} <= set(document)
    for name in ("running", "retrying", "blocked", "skipped", "cleaning"):
        rows = document[name]
        assert isinstance(rows, list)
        assert len(rows) == 1


@pytest.mark.proves("snapshot.rows.current")
async def test_the_state_is_the_present_one() -> None:
    view = MemoryView(EMPTY)
    async with served(view) as site:
        assert (await site.get("/api/v1/state"))["running"] == []
        view.show(BUSY)
        assert (await site.get("/api/v1/state"))["running"] != []


@pytest.mark.proves("http.issue.served", "http.issue.encoded")
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("MT-1", "running"),
        ("acme/app#12", "retrying"),
        ("MT-3", "blocked"),
        ("MT-4", "waiting"),
        ("MT-5", "cleaning"),
    ],
)
async def test_every_issue_that_is_known_has_an_address(name: str, status: str) -> None:
    async with served(MemoryView(BUSY)) as site:
        document = await site.get(f"/api/v1/{quote(name, safe='')}")
    assert document["issue_identifier"] == name
    assert document["status"] == status


@pytest.mark.proves("http.issue.encoded")
@pytest.mark.parametrize(
    "name", ["100%", "%41", "a b", "../state", "ä/ö?x=1#y", "%2e%2e", "state/"]
)
async def test_identifiers_are_decoded_once(name: str) -> None:
    view = MemoryView(replace(EMPTY, running=(running(issue(name)),)))
    async with served(view) as site:
        document = await site.get(f"/api/v1/{quote(name, safe='')}")
    assert document["issue_identifier"] == name


@pytest.mark.proves("http.issue.unknown", "http.error.envelope")
@pytest.mark.parametrize("path", ["MT-99", "", "%ff", "%2e%2e", "%00", "mt-1", "MT-1/"])
async def test_an_unknown_issue_is_not_found(path: str) -> None:
    async with served(MemoryView(BUSY)) as site:
        url = httpx.URL(f"http://127.0.0.1:{site.port}", raw_path=f"/api/v1/{path}".encode())
        assert error_code(await site.client.get(url), 404) == "issue_not_found"


async def test_the_newest_session_log_is_named() -> None:
    view = MemoryView(BUSY)
    view.log_paths["MT-1"] = "/logs/MT-1/1.jsonl"
    async with served(view) as site:
        document = await site.get("/api/v1/MT-1")
    assert document["logs"] == {
        "codex_session_logs": [{"label": "latest", "path": "/logs/MT-1/1.jsonl", "url": None}]
    }


@pytest.mark.proves("http.refresh.triggers", "http.refresh.accepted")
@pytest.mark.parametrize("body", [b"", b"{}", b' {"later": 1} '])
async def test_a_refresh_makes_the_daemon_poll(body: bytes) -> None:
    view = MemoryView(EMPTY)
    requested = view.poll_requested
    async with served(view) as site:
        document = object_of(await site.client.post("/api/v1/refresh", content=body), 202)
        with anyio.fail_after(PATIENCE_S):
            await requested.wait()
    assert view.polls == 1
    assert document["queued"] is True
    assert document["coalesced"] is False
    assert document["operations"] == ["poll", "reconcile"]


@pytest.mark.proves("http.refresh.coalesced")
async def test_refreshes_that_come_together_are_served_by_two_polls_and_none_is_lost() -> None:
    view = MemoryView(EMPTY)
    refresher = Refresher(view, spacing_s=0.05)
    told: list[bool] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refresher.run)
        assert refresher.request() is False
        await settle()
        again = view.poll_requested
        told += [refresher.request() for _ in range(5)]
        with anyio.fail_after(PATIENCE_S):
            await again.wait()
        await settle()
        tasks.cancel_scope.cancel()
    assert told == [False, True, True, True, True]
    assert view.polls == 2


@pytest.mark.parametrize("body", [b"[]", b"no", b"1", b"\xff", b'{"a":', b"[" * 5_000])
async def test_a_refresh_with_another_body_is_refused(body: bytes) -> None:
    view = MemoryView(EMPTY)
    async with served(view) as site:
        answer = await site.client.post("/api/v1/refresh", content=body)
    assert error_code(answer, 400) == "invalid_body"
    assert view.polls == 0


async def test_a_large_body_is_refused_before_it_is_read() -> None:
    async with served(MemoryView(EMPTY)) as site:
        answer = await site.client.post("/api/v1/refresh", content=b" " * (MAX_BODY_BYTES + 1))
    assert error_code(answer, 413) == "body_too_large"


async def test_a_daemon_that_stops_polls_no_more() -> None:
    async with served(MemoryView(replace(EMPTY, draining=True))) as site:
        assert error_code(await site.client.post("/api/v1/refresh"), 503) == "draining"


@pytest.mark.proves("http.error.method", "http.error.envelope", "http.api.read_only")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/state"),
        ("DELETE", "/api/v1/state"),
        ("GET", "/api/v1/refresh"),
        ("PUT", "/api/v1/refresh"),
        ("POST", "/api/v1/events"),
        ("POST", "/api/v1/MT-1"),
        ("DELETE", "/api/v1/MT-1"),
        ("OPTIONS", "/api/v1/state"),
        ("POST", "/metrics"),
        ("BREW", "/healthz"),
    ],
)
async def test_a_method_that_an_address_does_not_have_is_refused(method: str, path: str) -> None:
    async with served(MemoryView(BUSY)) as site:
        answer = await site.client.request(method, path)
    assert error_code(answer, 405) == "method_not_allowed"
    assert method not in answer.headers["allow"].split(", ")


async def test_the_head_of_a_document_can_be_had() -> None:
    async with served(MemoryView(BUSY)) as site:
        answer = await site.client.head("/api/v1/state")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.proves("http.error.envelope")
@pytest.mark.parametrize("path", ["/nothing", "/api/v2/state", "/api", "//api/v1/state", "/%2e%2e"])
async def test_other_addresses_are_not_found(path: str) -> None:
    async with served(MemoryView(EMPTY)) as site:
        url = httpx.URL(f"http://127.0.0.1:{site.port}", raw_path=path.encode())
        assert error_code(await site.client.get(url), 404) == "not_found"


@pytest.mark.proves("http.snapshot.failure", "snapshot.error.modes")
@pytest.mark.parametrize("path", ["/api/v1/state", "/api/v1/MT-1", "/api/v1/events", "/metrics"])
async def test_a_state_that_cannot_be_read_is_an_error_and_not_an_empty_one(path: str) -> None:
    view = MemoryView(BUSY)
    view.failure = RuntimeError("the reason, with details that are nobody's business")
    async with served(view) as site:
        answer = await site.client.get(path)
        assert error_code(answer, 503) == "snapshot_unavailable"
        assert "details" not in answer.text
        assert (await site.client.get("/healthz")).status_code == 200
        view.failure = None
        assert (await site.client.get("/api/v1/state")).status_code == 200


async def test_before_the_daemon_has_begun_the_state_is_unavailable() -> None:
    async with served(MemoryView(None)) as site:
        assert error_code(await site.client.get("/api/v1/state"), 503) == "snapshot_unavailable"
        assert error_code(await site.client.get("/readyz"), 503) == "snapshot_unavailable"


async def test_it_is_ready_once_the_tracker_answered_and_the_workflow_is_good() -> None:
    view = MemoryView(EMPTY)
    view.polled = False
    async with served(view) as site:
        assert error_code(await site.client.get("/readyz"), 503) == "not_polled"
        view.polled = True
        assert object_of(await site.client.get("/readyz")) == {"status": "ready"}
        view.show(replace(EMPTY, workflow_problem="/secret/path/WORKFLOW.md:3: no"))
        answer = await site.client.get("/readyz")
        assert error_code(answer, 503) == "workflow_invalid"
        assert "/secret/path" not in answer.text
        view.show(replace(EMPTY, draining=True))
        assert error_code(await site.client.get("/readyz"), 503) == "draining"


async def test_metrics_are_in_the_prometheus_format() -> None:
    async with served(MemoryView(BUSY)) as site:
        answer = await site.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert "symphony_running 1.0" in lines
    assert 'symphony_skipped{code="no_global_slot"} 1.0' in lines
    assert 'symphony_tokens_total{kind="input"} 0.0' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
    assert "MT-" not in answer.text


async def test_every_answer_keeps_browsers_from_doing_more_with_it() -> None:
    async with served(MemoryView(EMPTY)) as site:
        for path in ("/api/v1/state", "/metrics", "/nothing"):
            headers = (await site.client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert "access-control-allow-origin" not in headers
            assert "server" not in headers


async def test_other_names_and_other_sites_are_refused() -> None:
    view = MemoryView(EMPTY)
    async with served(view) as site:
        named = await site.client.get("/api/v1/state", headers={"Host": "evil.example"})
        assert error_code(named, 403) == "host_refused"
        headers = {"Origin": "http://evil.example"}
        posted = await site.client.post("/api/v1/refresh", headers=headers)
        assert error_code(posted, 403) == "origin_refused"
        events = await site.client.get("/api/v1/events", headers=headers)
        assert error_code(events, 403) == "origin_refused"
    assert view.polls == 0


async def test_with_a_token_only_probes_are_answered_without_it() -> None:
    async with served(MemoryView(EMPTY, with_token())) as site:
        for path in ("/api/v1/state", "/api/v1/events", "/metrics", "/", "/nothing"):
            answer = await site.client.get(path)
            assert error_code(answer, 401) == "unauthorized"
            assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert (await site.client.get("/healthz")).status_code == 200
        assert (await site.client.get("/readyz")).status_code == 200


@pytest.mark.proves("security.secret.http")
async def test_with_the_token_all_is_answered_and_it_is_shown_nowhere() -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with served(MemoryView(EMPTY, with_token()), headers=headers) as site:
        for path in ("/api/v1/state", "/metrics", "/api/v1/openapi.json"):
            answer = await site.client.get(path)
            assert answer.status_code == 200
            assert TOKEN not in answer.text
        asked = await site.client.get("/api/v1/state", headers={}, auth=("me", TOKEN))
        assert asked.status_code == 200


async def test_a_thousand_rows_are_valid_json() -> None:
    rows = tuple(waiting(issue(f"MT-{number}")) for number in range(1_000))
    async with served(MemoryView(replace(EMPTY, skipped=rows))) as site:
        answer = await site.client.get("/api/v1/state")
    assert len(json.loads(answer.content)["skipped"]) == 1_000


async def test_whoever_asks_at_the_same_time_gets_an_answer() -> None:
    statuses: list[int] = []
    async with served(MemoryView(BUSY)) as site, anyio.create_task_group() as tasks:

        async def ask() -> None:
            statuses.append((await site.client.get("/api/v1/state")).status_code)

        for _ in range(40):
            tasks.start_soon(ask)
    assert statuses == [200] * 40
