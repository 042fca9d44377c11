"""Which requests the tool `github_api` may make, judged on the path as it will be sent.

Pure. A path is taken apart, decoded and freed of `.` and `..` first; only then is it compared with
what is allowed, and what is sent is written anew from the judged parts (`tool.scope.confined`). A
path that could be understood in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.issue_update import RefusedError

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
MAXIMUM_PATH_CHARACTERS = 2_000
"""Far beyond any address that GitHub has."""

READABLE = frozenset(
    {
        "assignees",
        "branches",
        "check-runs",
        "check-suites",
        "comments",
        "commits",
        "compare",
        "contents",
        "issues",
        "labels",
        "languages",
        "milestones",
        "pulls",
        "readme",
        "releases",
        "tags",
    }
)
"""First parts of a path below the repository that may be read; the repository itself may too."""

READABLE_BELOW: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "actions": frozenset({"runs", "jobs", "workflows"}),
        "git": frozenset({"commits", "refs", "ref", "matching-refs", "tags", "trees", "blobs"}),
    }
)
"""Parts of which only some second parts may be read: the rest of `actions` is secrets and keys."""

_WRITABLE = (
    # New issues, and everything about one: fields, comments, labels, people, other issues.
    ("POST", "issues"),
    (None, r"issues/\d+"),
    (None, r"issues/\d+/(?:comments|labels|assignees|sub_issue|sub_issues|reactions)(?:/.+)?"),
    (None, r"issues/\d+/dependencies(?:/.+)?"),
    (None, r"issues/comments/\d+(?:/reactions(?:/\d+)?)?"),
    # Labels may be made, but not taken from every issue at once.
    ("POST", "labels"),
    # Pull requests up to the merge.
    ("POST", "pulls"),
    ("PATCH", r"pulls/\d+"),
    (None, r"pulls/\d+/(?:comments|reviews|requested_reviewers)(?:/.+)?"),
    (None, r"pulls/comments/\d+(?:/reactions(?:/\d+)?)?"),
    ("POST", r"commits/[^/]+/comments"),
)
_MERGE = ("PUT", r"pulls/\d+/merge")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPath:
    """`path` begins with a slash, is encoded, and is what may be sent."""

    path: str


def judged_path(method: str, path: str, settings: GitHubSettings) -> JudgedPath:
    """The path in the form that is sent. Raises `RefusedError` for one that may not be."""
    parts = _parts(path)
    # A server may decode an encoded slash before it looks, so it is judged as one as well.
    flat = _without_dots("/".join(parts).split("/"))
    if len(flat) != sum(len(part.split("/")) for part in parts):
        raise _refused_path("it has `.` or `..` behind an encoded slash")
    prefix = ["repos", settings.owner.lower(), settings.name.lower()]
    if [part.lower() for part in parts[:3]] != prefix:
        raise RefusedError(
            "out_of_scope",
            f"the path must begin with /repos/{settings.repository}/: other repositories, "
            "organisations and users are out of scope",
            {"path": _encoded(parts)},
        )
    below = flat[3:]
    if not (_may_read(below) if method == "GET" else _may_write(method, below, settings)):
        raise RefusedError(
            "not_allowed",
            f"{method} is not allowed here; allowed are reads of the repository, its issues, pull "
            "requests, commits, checks and contents, and writes to issues, comments, labels and "
            "pull requests",
            {"path": _encoded(parts)},
        )
    return JudgedPath(path=_encoded([*prefix[:1], settings.owner, settings.name, *parts[3:]]))


def _parts(path: str) -> list[str]:
    if len(path) > MAXIMUM_PATH_CHARACTERS:
        raise _refused_path(f"it has more than {MAXIMUM_PATH_CHARACTERS} characters")
    if "://" in path:
        raise _refused_path(
            "it is an address; give the path alone, such as /repos/OWNER/NAME/issues"
        )
    if "?" in path or "#" in path:
        raise _refused_path("it has a query or a fragment; give parameters in `params`")
    decoded = [_decoded(part) for part in path.split("/")]
    return _without_dots(decoded)


def _decoded(part: str) -> str:
    text = unquote(part, errors="strict") if _is_utf8(part) else None
    if text is None or not text.isprintable() or "\\" in text:
        raise _refused_path("it has a character that no path of GitHub has")
    if unquote(text) != text:
        raise _refused_path("it is encoded twice")
    return text


def _is_utf8(part: str) -> bool:
    try:
        unquote(part, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _without_dots(parts: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == "..":
            if kept:
                kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return kept


def _encoded(parts: Sequence[str]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _may_read(below: Sequence[str]) -> bool:
    if not below:
        return True
    if below[0] == "branches" and "protection" in below:
        return False
    if below[0] in READABLE_BELOW:
        return len(below) > 1 and below[1] in READABLE_BELOW[below[0]]
    return below[0] in READABLE


def _may_write(method: str, below: Sequence[str], settings: GitHubSettings) -> bool:
    path = "/".join(below)
    allowed = (*_WRITABLE, _MERGE) if settings.tool_may_merge else _WRITABLE
    return any(
        wanted in (None, method) and re.fullmatch(pattern, path, re.ASCII)
        for wanted, pattern in allowed
    )


def _refused_path(reason: str) -> RefusedError:
    return RefusedError("invalid_arguments", f"`path` cannot be used: {reason}")
