"""What the GitHub tracker makes of answers that go wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.entities import Repository, Token
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import Answer, patience_of
from symphony.trackers.github.client import Limits
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import TOKEN, Open, github_fake, github_settings

pytestmark = pytest.mark.anyio


async def failure(tracker: GitHubTracker, *, by_ids: bool = False) -> TrackerError:
    read = (
        partial(tracker.fetch_issues_by_ids, [IssueId("1")])
        if by_ids
        else partial(tracker.fetch_issues_by_states, ["open"])
    )
    with pytest.raises(TrackerError) as caught:
        await read()
    assert TOKEN not in str(caught.value)
    return caught.value


@pytest.mark.proves("tracker.error.categories", "tracker.limit.bounded")
@pytest.mark.parametrize("by_ids", [False, True])
async def test_a_limit_with_retry_after_is_told_and_nothing_is_sent_meanwhile(
    fake: GitHubFake, tracker: GitHubTracker, by_ids: bool
) -> None:
    fake.faults.add(Fault(kind="status", status=429, retry_after="17"))
    error = await failure(tracker, by_ids=by_ids)
    assert (error.category, error.retry_after_ms) == ("tracker_rate_limited", 17_000)
    sent = len(fake.requests)
    again = await failure(tracker)
    assert again.category == "tracker_rate_limited"
    assert again.retry_after_ms is not None
    assert 0 < again.retry_after_ms <= 17_000
    assert len(fake.requests) == sent


async def test_a_secondary_limit_is_a_limit_although_it_looks_like_a_refusal(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    fake.faults.add(Fault(kind="status", status=403, retry_after="5"))
    error = await failure(tracker)
    assert (error.category, error.retry_after_ms) == ("tracker_rate_limited", 5_000)


@pytest.mark.parametrize("by_ids", [False, True])
async def test_an_exhausted_limit_ends_when_it_starts_again(
    fake: GitHubFake, tracker: GitHubTracker, by_ids: bool
) -> None:
    fake.faults.add(Fault(kind="rate_limited", reset_in_ms=120_000))
    error = await failure(tracker, by_ids=by_ids)
    assert error.category == "tracker_rate_limited"
    assert error.retry_after_ms is not None
    assert 60_000 < error.retry_after_ms <= 122_000


@pytest.mark.parametrize(
    ("status", "headers", "message", "patience"),
    [
        (429, {}, "", 60_000),
        (429, {"retry-after": "soon"}, "", 60_000),
        (429, {"retry-after": "999999999999"}, "", 3_600_000),
        (429, {"retry-after": "Sat, 01 Mar 2025 10:00:30 GMT"}, "", 31_000),
        (403, {}, "You have exceeded a secondary rate limit.", 60_000),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1740823210"}, "", 11_000),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999999"}, "", 60_000),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "", 1_000),
        (403, {"x-ratelimit-remaining": "12"}, "Resource not accessible", None),
        (200, {"x-ratelimit-remaining": "0"}, "", None),
        (503, {"retry-after": "3"}, "", None),
    ],
)
async def test_patience_is_read_from_every_form_that_github_has(
    status: int, headers: dict[str, str], message: str, patience: int | None
) -> None:
    body = f'{{"message": "{message}"}}'.encode()
    answer = Answer(url="https://x", status=status, headers=headers, body=body)
    assert patience_of(answer, datetime(2025, 3, 1, 10, tzinfo=UTC)) == patience


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (401, "tracker.provider.token"),
        (403, "tracker.provider.token"),
        (404, "tracker.provider.repo"),
        (410, "tracker.provider.repo"),
    ],
)
async def test_a_refusal_names_the_key_what_github_said_and_the_remedy(
    fake: GitHubFake, tracker: GitHubTracker, status: int, key: str
) -> None:
    fake.faults.add(Fault(kind="status", status=status))
    error = await failure(tracker)
    assert (error.category, error.status) == ("tracker_status", status)
    assert error.message.startswith(key)
    assert str(status) in error.message


async def test_a_repository_that_does_not_exist_is_named(open_tracker: Open) -> None:
    tracker = open_tracker(repo="acme/nowhere")
    assert "acme/nowhere" in (await failure(tracker)).message
    by_ids = await failure(tracker, by_ids=True)
    assert by_ids.message.startswith("tracker.provider.repo")
    assert "Could not resolve" in by_ids.message


async def test_a_token_without_rights_on_the_repository_is_an_error_of_its_own() -> None:
    with github_fake(token=Token(repositories=frozenset())) as fake:
        tracker = GitHubTracker(github_settings(fake))
        assert "tracker.provider.repo" in (await failure(tracker)).message
        await tracker.aclose()


async def test_an_answer_that_repeats_the_token_does_not_show_it(
    fake: GitHubFake, open_tracker: Open
) -> None:
    fake.faults.add(Fault(kind="echo_secret"))
    assert "[redacted]" in (await failure(open_tracker())).message


@pytest.mark.parametrize("by_ids", [False, True])
@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("cut_body", "tracker_request"),
        ("not_json", "tracker_response"),
    ],
)
async def test_a_broken_answer_fails_the_read(
    fake: GitHubFake, tracker: GitHubTracker, kind: str, category: str, by_ids: bool
) -> None:
    broken = Fault(kind="cut_body" if kind == "cut_body" else "not_json", times=None)
    fake.faults.add(broken)
    assert (await failure(tracker, by_ids=by_ids)).category == category


async def test_a_server_error_is_told_with_its_status_and_its_wish(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    fake.faults.add(Fault(kind="status", status=503, retry_after="9"))
    error = await failure(tracker)
    assert (error.category, error.status, error.retry_after_ms) == ("tracker_status", 503, 9_000)


async def test_a_connection_that_breaks_once_does_not_fail_a_read(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    fake.faults.add(Fault(kind="reset"))
    assert list(await tracker.fetch_issues_by_states(["open"])) == []


@pytest.mark.parametrize("kind", ["silence", "slow_body"])
async def test_an_answer_that_does_not_end_is_given_up(fake: GitHubFake, kind: str) -> None:
    fault = Fault(kind="silence" if kind == "silence" else "slow_body", times=None, delay_s=0.2)
    fake.hub.put_issue(next(iter(fake.hub.repositories.values())))
    fake.faults.add(fault)
    limits = Limits(connect_seconds=1, silence_seconds=0.5, request_seconds=1.0)
    tracker = GitHubTracker(github_settings(fake), limits=limits)
    error = await failure(tracker)
    assert error.category == "tracker_request"
    assert "did not answer" in error.message
    await tracker.aclose()


async def test_an_answer_without_measure_is_cut_short(fake: GitHubFake) -> None:
    fake.faults.add(Fault(kind="huge_body", size=100_000))
    tracker = GitHubTracker(github_settings(fake), limits=Limits(body_bytes=10_000))
    assert "exceeds" in (await failure(tracker)).message
    await tracker.aclose()


@contextmanager
def stranger() -> Generator[tuple[str, list[bytes]]]:
    """Another origin, which keeps what it is sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    received.append(connection.recv(65536))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", received
        over.set()
        thread.join()


@pytest.mark.proves("tracker.redirect.secret")
@pytest.mark.parametrize("by_ids", [False, True])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_to_another_origin_is_not_followed(
    fake: GitHubFake, tracker: GitHubTracker, status: int, by_ids: bool
) -> None:
    with stranger() as (address, received):
        fake.faults.add(Fault(kind="redirect", status=status, location=address, times=None))
        error = await failure(tracker, by_ids=by_ids)
    assert received == []
    assert error.category in ("tracker_request", "tracker_status")


async def test_a_redirect_within_the_origin_is_followed(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    target = f"{fake.url}/repositories/{repository.id}/issues?per_page=100"
    fake.faults.add(Fault(kind="redirect", status=307, location=target))
    assert [each.id for each in await tracker.fetch_issues_by_states(["open"])] == ["1"]


async def test_redirects_without_end_are_given_up(fake: GitHubFake, tracker: GitHubTracker) -> None:
    location = f"{fake.url}/repos/acme/widgets/issues"
    fake.faults.add(Fault(kind="redirect", status=302, location=location, times=None))
    assert "redirected more than" in (await failure(tracker)).message


async def test_a_renamed_repository_is_an_error_that_says_so(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.hub.rename(repository, "gadgets")
    error = await failure(tracker)
    assert error.message.startswith("tracker.provider.repo")
    assert "acme/gadgets" in error.message
    assert (await failure(tracker, by_ids=True)).message.startswith("tracker.provider.repo")


@pytest.mark.proves("tracker.pages.integrity", "tracker.reads.atomic")
async def test_a_list_that_never_ends_fails(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.faults.add(Fault(kind="cursor_loop", times=None, only="issues"))
    assert (await failure(tracker)).category == "tracker_pagination"


@pytest.mark.proves("tracker.reads.atomic")
async def test_a_failure_on_a_later_page_fails_the_whole_read() -> None:
    with github_fake(chaos=Chaos(page_size=2)) as fake:
        place = next(iter(fake.hub.repositories.values()))
        for _ in range(5):
            fake.hub.put_issue(place)
        fake.faults.add(Fault(kind="status", status=500, skip=2, only="issues"))
        tracker = GitHubTracker(github_settings(fake))
        assert (await failure(tracker)).status == 500
        await tracker.aclose()


@pytest.mark.proves("tracker.error.application")
@pytest.mark.parametrize("kind", ["errors_without_data", "errors_with_null", "errors_beside_data"])
async def test_graphql_errors_in_a_good_answer_are_errors(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository, kind: str
) -> None:
    fake.hub.put_issue(repository)
    fault = {
        "errors_without_data": Fault(kind="errors_without_data"),
        "errors_with_null": Fault(kind="errors_with_null"),
        "errors_beside_data": Fault(kind="errors_beside_data"),
    }[kind]
    fake.faults.add(fault)
    error = await failure(tracker, by_ids=True)
    assert error.category == "tracker_response"
    assert "Something went wrong" in error.message
