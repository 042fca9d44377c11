"""The REST interface: which addresses there are, and what is read there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.entities import Issue, Repository, Token
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.replies import ApiError, Reply, json_reply
from conformance.fakes.github.shapes import Shapes
from conformance.fakes.json_values import JsonObject, JsonValue

LARGEST_PAGE = 100
USUAL_PAGE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `path` is decoded and has no prefix; `base` is the address it is below."""

    method: str
    path: str
    base: str
    query: Mapping[str, str]
    body: JsonObject
    token: Token
    chaos: Chaos


Action: TypeAlias = "Callable[[Rest, Call, Repository, re.Match[str]], Reply]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`name` is how faults and recordings call it."""

    name: str
    method: str
    pattern: re.Pattern[str]
    action: Action


def route(name: str, method: str, pattern: str, action: Action) -> Route:
    return Route(name=name, method=method, pattern=re.compile(pattern), action=action)


class Rest:
    """Answers calls over one hub."""

    def __init__(self, hub: Hub, writes: Sequence[Route] = ()) -> None:
        self.hub = hub
        self._routes = (*READS, *writes)

    def route_of(self, call: Call) -> Route | None:
        """The route of a call, whatever its repository."""
        rest = re.fullmatch(r"/(?:repos/[^/]+/[^/]+|repositories/\d+)(/.*)?", call.path)
        if rest is None:
            return None
        below = rest.group(1) or ""
        return next(
            (
                each
                for each in self._routes
                if each.method == call.method and each.pattern.fullmatch(below)
            ),
            None,
        )

    def answer(self, call: Call) -> Reply:
        """The answer, also for what is refused."""
        try:
            with self.hub.lock:
                return self._answer(call)
        except ApiError as error:
            return error.reply()

    def shapes(self, call: Call) -> Shapes:
        return Shapes(self.hub, call.base, call.chaos)

    def _answer(self, call: Call) -> Reply:
        repository, below = self._place(call)
        found = self.route_of(call)
        if found is None:
            raise ApiError(404, "Not Found")
        if found.method != "GET" and not call.token.can_write:
            raise ApiError(403, "Resource not accessible by personal access token")
        match = found.pattern.fullmatch(below)
        if match is None:
            raise ApiError(404, "Not Found")
        return found.action(self, call, repository, match)

    def _place(self, call: Call) -> tuple[Repository, str]:
        named = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", call.path)
        if named is not None:
            repository = self.hub.repository(named.group(1))
            if repository is not None and repository.key != named.group(1).lower():
                query = f"?{urlencode(call.query)}" if call.query else ""
                below = named.group(2) or ""
                target = f"{call.base}/repositories/{repository.id}{below}{query}"
                raise ApiError(301, "Moved Permanently", Location=target)
        else:
            named = re.fullmatch(r"/repositories/(\d+)(/.*)?", call.path)
            wanted = int(named.group(1)) if named is not None else 0
            everywhere = self.hub.repositories.values()
            repository = next((each for each in everywhere if each.id == wanted), None)
        if repository is None or named is None or not may_see(call.token, repository):
            raise ApiError(404, "Not Found")
        return repository, named.group(2) or ""

    def issue(self, call: Call, repository: Repository, number: str) -> Issue:
        """The issue of this number. Raises `ApiError`, a redirect for one that was transferred."""
        if not repository.has_issues:
            raise ApiError(410, "Issues are disabled for this repo")
        found = repository.issues.get(int(number))
        if found is not None:
            return found
        if int(number) in repository.deleted:
            raise ApiError(410, "This issue was deleted")
        moved = repository.moved.get(int(number))
        target = None if moved is None else self.hub.repositories.get(moved[0])
        if moved is None or target is None:
            raise ApiError(404, "Not Found")
        location = f"{call.base}/repositories/{target.id}/issues/{moved[1]}"
        raise ApiError(301, "Moved Permanently", Location=location)

    def page(self, call: Call, entries: Sequence[JsonValue]) -> Reply:
        """One page of a list, with links to the others."""
        size = call.chaos.page(_number(call.query.get("per_page"), USUAL_PAGE, LARGEST_PAGE))
        number = _number(call.query.get("page"), 1, 1_000_000)
        last = max(1, -(-len(entries) // size))
        reply = json_reply(list(entries[(number - 1) * size : number * size]))
        places = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number >= last:
            del places["next"], places["last"]
        if number == 1:
            del places["prev"], places["first"]
        links: list[str] = []
        for relation, page in places.items():
            query = urlencode({**call.query, "page": page})
            links.append(f'<{call.base}{call.path}?{query}>; rel="{relation}"')
        if links:
            reply.headers["Link"] = ", ".join(links)
        return reply


def may_see(token: Token, repository: Repository) -> bool:
    return token.repositories is None or repository.key in token.repositories


def split_address(target: str) -> tuple[str, dict[str, str]]:
    """Decoded path and parameters of a request target."""
    parts = urlsplit(target)
    return unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))


def _number(text: str | None, usual: int, largest: int) -> int:
    if text is None or not text.isdigit() or int(text) < 1:
        return usual
    return min(int(text), largest)


def _show_repository(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    return json_reply(rest.shapes(call).repository(at, can_write=call.token.can_write))


def _list_issues(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    if not at.has_issues:
        raise ApiError(410, "Issues are disabled for this repo")
    state = call.query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise ApiError(422, "Validation Failed")
    labels = {each.strip().lower() for each in call.query.get("labels", "").split(",") if each}
    wanted = [
        issue
        for issue in at.issues.values()
        if state == "all" or issue.is_open is (state == "open")
        if labels <= {each.strip().lower() for each in issue.labels}
        if _assignee_fits(issue, call.query.get("assignee"))
    ]
    shapes = rest.shapes(call)
    return rest.page(call, [shapes.issue(at, each) for each in _ordered(wanted, call)])


def _assignee_fits(issue: Issue, wanted: str | None) -> bool:
    match wanted:
        case None:
            return True
        case "*":
            return bool(issue.assignees)
        case "none":
            return not issue.assignees
        case _:
            return wanted.lower() in (each.lower() for each in issue.assignees)


def _ordered(issues: list[Issue], call: Call) -> list[Issue]:
    sort = call.query.get("sort")
    if sort is None and call.chaos.shuffle:
        return sorted(issues, key=lambda issue: call.chaos.order_key(issue.id))

    def key(issue: Issue) -> tuple[datetime, int]:
        return (issue.updated_at if sort == "updated" else issue.created_at, issue.id)

    return sorted(issues, key=key, reverse=call.query.get("direction", "desc") != "asc")


def _show_issue(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    return json_reply(rest.shapes(call).issue(at, rest.issue(call, at, found["n"])))


def _list_comments(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    shapes = rest.shapes(call)
    return rest.page(call, [shapes.comment(at, issue, each) for each in issue.comments])


def _list_issue_labels(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    shapes = rest.shapes(call)
    return rest.page(call, [shapes.label(at, name) for name in issue.labels])


def _list_labels(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    shapes = rest.shapes(call)
    return rest.page(call, [shapes.label(at, name) for name in at.labels.values()])


def _list_blockers(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    return rest.page(call, _shapes_of(rest, call, issue.blocked_by))


def _list_blocking(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    shapes = rest.shapes(call)
    others = rest.hub.blocked_by_it((at.key, issue.number))
    return rest.page(call, [shapes.issue(place, each) for place, each in others])


def _list_sub_issues(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    shapes = rest.shapes(call)
    children = rest.hub.sub_issues((at.key, issue.number))
    return rest.page(call, [shapes.issue(place, each) for place, each in children])


def _list_pulls(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    state = call.query.get("state", "open")
    shapes = rest.shapes(call)
    found = [
        shapes.pull_request(at, each)
        for each in at.issues.values()
        if each.pull_request is not None
        if state == "all" or each.is_open is (state == "open")
    ]
    return rest.page(call, found)


def _show_pull(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    if issue.pull_request is None:
        raise ApiError(404, "Not Found")
    return json_reply(rest.shapes(call).pull_request(at, issue))


def _shapes_of(rest: Rest, call: Call, references: Sequence[tuple[str, int]]) -> list[JsonValue]:
    shapes = rest.shapes(call)
    found: list[JsonValue] = []
    for name, number in references:
        place = rest.hub.repositories.get(name)
        issue = rest.hub.find((name, number))
        if place is not None and issue is not None:
            found.append(shapes.issue(place, issue))
    return found


_ONE = r"/issues/(?P<n>\d+)"
READS: Sequence[Route] = (
    route("repository", "GET", "", _show_repository),
    route("issues", "GET", "/issues", _list_issues),
    route("issue", "GET", _ONE, _show_issue),
    route("comments", "GET", f"{_ONE}/comments", _list_comments),
    route("issue_labels", "GET", f"{_ONE}/labels", _list_issue_labels),
    route("labels", "GET", "/labels", _list_labels),
    route("blocked_by", "GET", f"{_ONE}/dependencies/blocked_by", _list_blockers),
    route("blocking", "GET", f"{_ONE}/dependencies/blocking", _list_blocking),
    route("sub_issues", "GET", f"{_ONE}/sub_issues", _list_sub_issues),
    route("pulls", "GET", "/pulls", _list_pulls),
    route("pull", "GET", r"/pulls/(?P<n>\d+)", _show_pull),
)
