"""Which requests the tool may make, judged on what will be sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony.domain.settings import TrackerSettings
from symphony.trackers.github.settings import GitHubSettings, read_settings
from symphony.trackers.github.tool_paths import METHODS, judged_path
from symphony.trackers.issue_update import RefusedError

SETTINGS: GitHubSettings = read_settings(
    TrackerSettings(
        kind="github",
        provider={"repo": "Acme/widgets", "token": "t"},
        active_states=(),
        terminal_states=(),
    ),
    {},
)
PREFIX = "/repos/Acme/widgets"


def refusal(method: str, path: str) -> str:
    with pytest.raises(RefusedError) as caught:
        judged_path(method, path, SETTINGS)
    return caught.value.code


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/repos/Acme/widgets", "/repos/Acme/widgets"),
        ("repos/acme/WIDGETS/issues/1", "/repos/Acme/widgets/issues/1"),
        ("/repos/Acme/widgets/issues/", "/repos/Acme/widgets/issues"),
        ("//repos//Acme/./widgets/x/../issues", "/repos/Acme/widgets/issues"),
        ("/other/../repos/Acme/widgets/issues", "/repos/Acme/widgets/issues"),
        ("/repos/Acme/widgets/%69ssues/1", "/repos/Acme/widgets/issues/1"),
        ("/repos/Acme/widgets/x/%2E%2e/issues", "/repos/Acme/widgets/issues"),
        ("/repos/Acme/widgets/labels/area%2Fui", "/repos/Acme/widgets/labels/area%2Fui"),
        ("/repos/Acme/widgets/labels/50%25", "/repos/Acme/widgets/labels/50%25"),
        ("/repos/Acme/widgets/labels/a b", "/repos/Acme/widgets/labels/a%20b"),
        ("/repos/Acme/widgets/contents/ä.md", "/repos/Acme/widgets/contents/%C3%A4.md"),
        ("/repos/Acme/widgets/contents/keys/hooks", "/repos/Acme/widgets/contents/keys/hooks"),
    ],
)
def test_a_path_is_sent_in_the_form_in_which_it_was_judged(written: str, sent: str) -> None:
    assert judged_path("GET", written, SETTINGS).path == sent


@pytest.mark.proves("tool.scope.confined")
@pytest.mark.parametrize(
    "path",
    [
        "/repos/Acme/other/issues",
        "/repos/Acme/widgets-2/issues",
        "/repos/Acme/widgets/../other/issues",
        "/repos/Acme/widgets/../../other/repo/issues",
        "/repos/Acme/widgets/%2e%2e/other/issues",
        "/repos/Acme/widgets/.%2E/other",
        "/repos/Acme%2Fwidgets/issues",
        "/repositories/1/issues",
        "/user",
        "/orgs/Acme",
        "/graphql",
        "/",
        "",
        "..",
        "/repos/Acme",
    ],
)
def test_a_path_that_leads_out_of_the_repository_is_refused(path: str) -> None:
    assert refusal("GET", path) == "out_of_scope"


@pytest.mark.parametrize(
    "path",
    [
        "https://api.github.com/repos/Acme/widgets",
        "https://evil.example/repos/Acme/widgets",
        f"{PREFIX}/issues?page=2",
        f"{PREFIX}/issues#x",
        f"{PREFIX}/labels/x%2F..%2F..%2F..%2Fother",
        f"{PREFIX}/labels/%2e%2e%2Fother",
        f"{PREFIX}/issues/%252e%252e/%252e%252e",
        f"{PREFIX}\\..\\other",
        f"{PREFIX}/issues/%5C..",
        f"{PREFIX}/issues/1\r\nHost: x",
        f"{PREFIX}/issues/%0d%0aHost",
        f"{PREFIX}/issues/%ff",
        f"{PREFIX}/issues/%00",
        f"{PREFIX}/{'x' * 3000}",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(path: str) -> None:
    assert refusal("GET", path) in ("invalid_arguments", "out_of_scope")


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("GET", "hooks"),
        ("GET", "keys"),
        ("GET", "collaborators"),
        ("GET", "actions/secrets"),
        ("GET", "actions"),
        ("GET", "branches/main/protection"),
        ("GET", "traffic/views"),
        ("DELETE", ""),
        ("PATCH", ""),
        ("PUT", "collaborators/eve"),
        ("POST", "hooks"),
        ("POST", "keys"),
        ("PUT", "contents/x"),
        ("DELETE", "contents/x"),
        ("POST", "git/refs"),
        ("DELETE", "labels/bug"),
        ("PUT", "pulls/1/merge"),
        ("POST", "statuses/abc"),
        ("POST", "transfer"),
        ("POST", "actions/workflows/1/dispatches"),
        ("POST", "check-runs"),
        ("PUT", "issues/1/lock"),
        ("PATCH", "issues/x"),
        ("PATCH", "issues/1/../../labels/bug"),
    ],
)
def test_what_is_not_on_the_list_is_refused(method: str, below: str) -> None:
    assert refusal(method, f"{PREFIX}/{below}") == "not_allowed"


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("GET", ""),
        ("GET", "commits/abc/check-runs"),
        ("GET", "commits/abc/status"),
        ("GET", "actions/runs/1/jobs"),
        ("GET", "compare/main...x"),
        ("GET", "pulls/1/files"),
        ("POST", "issues"),
        ("PATCH", "issues/1"),
        ("POST", "issues/1/comments"),
        ("PATCH", "issues/comments/5"),
        ("DELETE", "issues/comments/5"),
        ("POST", "issues/1/labels"),
        ("DELETE", "issues/1/labels/status%3Atodo"),
        ("POST", "issues/1/sub_issues"),
        ("POST", "issues/1/dependencies/blocked_by"),
        ("DELETE", "issues/1/dependencies/blocked_by/7"),
        ("POST", "labels"),
        ("POST", "pulls"),
        ("PATCH", "pulls/1"),
        ("POST", "pulls/1/reviews"),
        ("POST", "pulls/1/requested_reviewers"),
    ],
)
def test_what_work_on_an_issue_needs_is_allowed(method: str, below: str) -> None:
    assert judged_path(method, f"{PREFIX}/{below}", SETTINGS).path.startswith(PREFIX)


def test_a_merge_is_allowed_only_where_the_settings_say_so() -> None:
    may_merge = replace(SETTINGS, tool_may_merge=True)
    assert judged_path("PUT", f"{PREFIX}/pulls/1/merge", may_merge).path.endswith("/merge")
    with pytest.raises(RefusedError):
        judged_path("DELETE", f"{PREFIX}/pulls/1/merge", may_merge)


PIECES = st.sampled_from(
    ["..", ".", "", "%2e", "%2E%2e", "%2f", "/", "\\", "%5c", "issues", "1", "labels", "%25", "a"]
)


@pytest.mark.proves("tool.scope.confined")
@settings(max_examples=500)
@given(
    method=st.sampled_from(METHODS),
    tail=st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=8).map("/".join),
)
def test_whatever_is_sent_stays_below_the_repository(method: str, tail: str) -> None:
    try:
        path = judged_path(method, f"{PREFIX}/{tail}", SETTINGS).path
    except RefusedError:
        return
    assert path == PREFIX or path.startswith(f"{PREFIX}/")
    assert not {"", ".", ".."} & set(path.replace("%2F", "/").split("/")[1:])
    assert path.isascii()
    assert path.isprintable()
