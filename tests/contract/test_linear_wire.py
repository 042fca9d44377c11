"""The Linear tracker and what can go wrong on the way: it has a category, a sentence and an end."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import Bounds
from symphony.trackers.linear.tracker import LinearTracker
from tests.support.linear import ACTIVE, KEY, linear_fake, linear_tracker, put_issue

pytestmark = pytest.mark.anyio

A_MOMENT = Bounds(connect_seconds=5.0, silence_seconds=0.3, request_seconds=1.0)


@pytest.fixture
def fake() -> Generator[LinearFake]:
    with linear_fake() as running:
        put_issue(running, "ENG-1")
        yield running


async def read(tracker: LinearTracker) -> list[str]:
    return [each.identifier for each in await tracker.fetch_issues_by_states(ACTIVE)]


async def failure(tracker: LinearTracker) -> TrackerError:
    with pytest.raises(TrackerError) as caught:
        await read(tracker)
    assert caught.value.message
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("key", "header"), [(KEY, KEY), ("lin_oauth_0123456789", "Bearer lin_oauth_0123456789")]
)
async def test_personal_keys_go_bare_and_tokens_of_applications_as_bearers(
    fake: LinearFake, key: str, header: str
) -> None:
    (ada, *_) = fake.world.users.values()
    fake.keys[key] = Rights(user_id=ada.id)
    async with linear_tracker(fake, api_key=key) as tracker:
        assert await read(tracker) == ["ENG-1"]
    (request,) = fake.requests.all()
    assert request.headers["authorization"] == header
    assert request.status == 200


async def test_a_key_that_linear_refuses_is_an_error_with_the_setting_and_the_remedy(
    fake: LinearFake,
) -> None:
    async with linear_tracker(fake, api_key="lin_api_wrong") as tracker:
        error = await failure(tracker)
    assert (error.category, error.status) == ("tracker_status", 401)
    assert error.message.startswith("tracker.provider.api_key: ")
    assert "not authenticated" in error.message
    assert "Settings" in error.message


@pytest.mark.proves("tracker.error.categories", "tracker.error.application")
@pytest.mark.parametrize(
    ("fault", "category"),
    [
        (Fault(kind="status", status=500), "tracker_status"),
        (Fault(kind="status", status=503), "tracker_status"),
        (Fault(kind="status", status=404), "tracker_status"),
        (Fault(kind="status", status=204), "tracker_status"),
        (Fault(kind="not_json"), "tracker_response"),
        (Fault(kind="errors_without_data"), "tracker_response"),
        (Fault(kind="errors_with_null"), "tracker_response"),
        (Fault(kind="null_field", field="issues"), "tracker_response"),
        (Fault(kind="null_field", field="nodes"), "tracker_response"),
        (Fault(kind="null_field", field="pageInfo"), "tracker_pagination"),
        (Fault(kind="echo_secret"), "tracker_status"),
    ],
)
async def test_an_answer_that_is_no_result_is_an_error_and_the_next_one_counts_again(
    fake: LinearFake, fault: Fault, category: str
) -> None:
    fake.faults.add(fault)
    async with linear_tracker(fake) as tracker:
        assert (await failure(tracker)).category == category
        assert await read(tracker) == ["ENG-1"]


@pytest.mark.proves("tracker.error.application")
async def test_errors_beside_data_that_is_complete_do_no_harm(fake: LinearFake) -> None:
    fake.faults.add(Fault(kind="errors_beside_data"))
    async with linear_tracker(fake) as tracker:
        assert await read(tracker) == ["ENG-1"]


@pytest.mark.parametrize("kind", ["reset", "cut_body"])
async def test_a_connection_that_breaks_once_is_tried_again_and_twice_is_an_error(
    fake: LinearFake, kind: str
) -> None:
    fault = Fault(kind="reset" if kind == "reset" else "cut_body", times=3)
    fake.faults.add(fault)
    async with linear_tracker(fake) as tracker:
        assert (await failure(tracker)).category == "tracker_request"
        assert await read(tracker) == ["ENG-1"]
    assert len(fake.requests) == 4


async def test_a_server_that_is_not_there_is_an_error(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        fake.stop()
        assert (await failure(tracker)).category == "tracker_request"


@pytest.mark.parametrize("kind", ["silence", "slow_body"])
async def test_an_answer_that_does_not_come_or_drips_is_given_up(
    fake: LinearFake, kind: str
) -> None:
    fault = Fault(kind="silence" if kind == "silence" else "slow_body", delay_s=0.05)
    fake.faults.add(fault)
    async with linear_tracker(fake, A_MOMENT) as tracker:
        assert (await failure(tracker)).category == "tracker_request"
        assert await read(tracker) == ["ENG-1"]


async def test_an_answer_without_end_is_given_up(fake: LinearFake) -> None:
    fake.faults.add(Fault(kind="huge_body", size=200_000))
    async with linear_tracker(fake, Bounds(answer_bytes=100_000)) as tracker:
        error = await failure(tracker)
        assert await read(tracker) == ["ENG-1"]
    assert error.category == "tracker_response"
    assert "100,000 bytes" in error.message


@pytest.mark.proves("tracker.limit.bounded")
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=429, retry_after="2"),
        Fault(kind="status", status=503, retry_after="2"),
        Fault(kind="rate_limited", retry_after="2"),
        Fault(kind="rate_limited", reset_in_ms=2_000),
    ],
)
async def test_a_provider_that_asks_for_patience_is_left_alone_until_then(
    fake: LinearFake, fault: Fault
) -> None:
    fake.faults.add(fault)
    async with linear_tracker(fake) as tracker:
        began = time.monotonic()
        first = await failure(tracker)
        assert first.category == "tracker_rate_limited"
        assert first.retry_after_ms is not None
        assert 1_000 < first.retry_after_ms <= 2_001
        again = await failure(tracker)
        if time.monotonic() - began < 1.5:
            assert again.category == "tracker_rate_limited"
            assert again.retry_after_ms is not None
            assert again.retry_after_ms <= first.retry_after_ms
            assert len(fake.requests) == 1, "nothing was sent meanwhile"


async def test_a_rate_limit_without_a_time_still_gets_patience(fake: LinearFake) -> None:
    fake.faults.add(Fault(kind="rate_limited"))
    async with linear_tracker(fake) as tracker:
        assert (await failure(tracker)).retry_after_ms == 60_000


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_within_the_origin_is_followed(fake: LinearFake, status: int) -> None:
    fake.faults.add(Fault(kind="redirect", status=status, location="/graphql?moved=1"))
    async with linear_tracker(fake) as tracker:
        assert await read(tracker) == ["ENG-1"]
    first, second = fake.requests.all()
    assert (first.method, second.method) == ("POST", "POST")
    assert second.path == "/graphql?moved=1"
    assert second.query == first.query


@pytest.mark.proves("tracker.redirect.secret", "tracker.transport.encrypted")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_is_not_followed_and_the_key_stays_here(
    fake: LinearFake, status: int
) -> None:
    with linear_fake() as other:
        fake.faults.add(Fault(kind="redirect", status=status, location=other.url))
        async with linear_tracker(fake) as tracker:
            error = await failure(tracker)
        assert len(other.requests) == 0
    assert (error.category, error.status) == ("tracker_status", status)
    assert error.message.startswith("tracker.provider.endpoint: ")
    assert other.url.removesuffix("/graphql") in error.message


@pytest.mark.parametrize("location", ["https://[", "//[::1", "/graphql", "", "http://localhost"])
async def test_a_redirect_that_leads_nowhere_is_an_error(fake: LinearFake, location: str) -> None:
    fake.faults.add(Fault(kind="redirect", status=307, location=location, times=None))
    async with linear_tracker(fake) as tracker:
        assert (await failure(tracker)).category in ("tracker_status", "tracker_request")
    assert len(fake.requests) <= Bounds().redirects + 1


async def test_no_proxy_of_the_environment_sees_what_stays_on_this_machine(
    fake: LinearFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with linear_tracker(fake) as tracker:
        assert await read(tracker) == ["ENG-1"]


async def test_a_closed_tracker_opens_new_connections_when_it_is_used_again(
    fake: LinearFake,
) -> None:
    async with linear_tracker(fake) as tracker:
        assert await read(tracker) == ["ENG-1"]
        await tracker.aclose()
        assert await read(tracker) == ["ENG-1"]
