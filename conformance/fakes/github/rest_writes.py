"""The REST interface: what can be changed there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.fakes.github.entities import Comment, Issue, Repository
from conformance.fakes.github.replies import ApiError, Reply, json_reply
from conformance.fakes.github.rest import Call, Rest, Route, route
from conformance.fakes.json_values import JsonValue, as_array, as_object, as_text, texts

BOT = "symphony-bot"


def _create_issue(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    title = as_text(call.body.get("title"))
    if not title:
        raise ApiError(422, "Validation Failed")
    issue = rest.hub.put_issue(
        at,
        title=title,
        body=as_text(call.body.get("body")),
        labels=_label_names(call.body.get("labels")),
        assignees=texts(call.body.get("assignees")),
    )
    return json_reply(rest.shapes(call).issue(at, issue), 201)


def _change_issue(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    body = call.body
    if "title" in body:
        issue.title = as_text(body["title"])
    if "body" in body:
        issue.body = as_text(body["body"])
    if "assignees" in body:
        issue.assignees = texts(body["assignees"])
    if "labels" in body:
        rest.hub.set_labels(at, issue, _label_names(body["labels"]))
    if "state" in body:
        state = as_text(body["state"])
        if state not in ("open", "closed"):
            raise ApiError(422, "Validation Failed")
        rest.hub.set_open(issue, state == "open", as_text(body.get("state_reason")))
    rest.hub.touch(issue)
    return json_reply(rest.shapes(call).issue(at, issue))


def _create_comment(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    text = as_text(call.body.get("body"))
    if not text:
        raise ApiError(422, "Validation Failed")
    comment = rest.hub.comment(issue, text, call.token.login or f"{BOT}[bot]")
    return json_reply(rest.shapes(call).comment(at, issue, comment), 201)


def _change_comment(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue, comment = _comment(at, int(found["id"]))
    comment.body = as_text(call.body.get("body")) or comment.body
    rest.hub.touch(issue)
    return json_reply(rest.shapes(call).comment(at, issue, comment))


def _delete_comment(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    del call
    issue, comment = _comment(at, int(found["id"]))
    issue.comments.remove(comment)
    rest.hub.touch(issue)
    return Reply(status=204)


def _add_labels(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    return _labelled(rest, call, at, issue, [*issue.labels, *_label_names(call.body.get("labels"))])


def _set_labels(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    return _labelled(rest, call, at, issue, _label_names(call.body.get("labels")))


def _remove_labels(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    _labelled(rest, call, at, rest.issue(call, at, found["n"]), [])
    return Reply(status=204)


def _remove_label(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    kept = [each for each in issue.labels if each.lower() != found["label"].lower()]
    if len(kept) == len(issue.labels):
        raise ApiError(404, "Label does not exist")
    return _labelled(rest, call, at, issue, kept)


def _create_label(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    name = as_text(call.body.get("name"))
    if not name or name.lower() in at.labels:
        raise ApiError(422, "Validation Failed")
    at.labels[name.lower()] = name
    return json_reply(rest.shapes(call).label(at, name), 201)


def _add_blocker(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    for place in rest.hub.repositories.values():
        for other in place.issues.values():
            if other.id == call.body.get("issue_id"):
                issue.blocked_by.append((place.key, other.number))
                rest.hub.touch(issue)
                return json_reply(rest.shapes(call).issue(at, issue), 201)
    raise ApiError(404, "Not Found")


def _create_pull(rest: Rest, call: Call, at: Repository, _: re.Match[str]) -> Reply:
    title, head = as_text(call.body.get("title")), as_text(call.body.get("head"))
    if not title or not head:
        raise ApiError(422, "Validation Failed")
    text = as_text(call.body.get("body")) or ""
    named = re.findall(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?) #(\d+)", text)
    closes = [(at.key, int(each)) for each in named if int(each) in at.issues]
    draft = call.body.get("draft") is True
    issue = rest.hub.add_pull_request(at, title=title, head=head, closes=closes, is_draft=draft)
    issue.body = text
    return json_reply(rest.shapes(call).pull_request(at, issue), 201)


def _merge_pull(rest: Rest, call: Call, at: Repository, found: re.Match[str]) -> Reply:
    issue = rest.issue(call, at, found["n"])
    if issue.pull_request is None or not issue.is_open:
        raise ApiError(405, "Pull Request is not mergeable")
    issue.pull_request.is_merged = True
    rest.hub.set_open(issue, False)
    for reference in issue.pull_request.closes:
        rest.hub.set_open(rest.hub.existing(reference), False)
    return json_reply({"merged": True, "message": "Pull Request successfully merged"})


def _labelled(rest: Rest, call: Call, at: Repository, issue: Issue, names: Sequence[str]) -> Reply:
    rest.hub.set_labels(at, issue, names)
    shapes = rest.shapes(call)
    return json_reply([shapes.label(at, name) for name in issue.labels])


def _comment(at: Repository, comment_id: int) -> tuple[Issue, Comment]:
    for issue in at.issues.values():
        for comment in issue.comments:
            if comment.id == comment_id:
                return issue, comment
    raise ApiError(404, "Not Found")


def _label_names(value: JsonValue) -> list[str]:
    names = (as_text(each) or as_text(as_object(each).get("name")) for each in as_array(value))
    return [name for name in names if name]


_ONE = r"/issues/(?P<n>\d+)"
_COMMENT = r"/issues/comments/(?P<id>\d+)"
WRITES: Sequence[Route] = (
    route("create_issue", "POST", "/issues", _create_issue),
    route("change_issue", "PATCH", _ONE, _change_issue),
    route("create_comment", "POST", f"{_ONE}/comments", _create_comment),
    route("change_comment", "PATCH", _COMMENT, _change_comment),
    route("delete_comment", "DELETE", _COMMENT, _delete_comment),
    route("add_labels", "POST", f"{_ONE}/labels", _add_labels),
    route("set_labels", "PUT", f"{_ONE}/labels", _set_labels),
    route("remove_labels", "DELETE", f"{_ONE}/labels", _remove_labels),
    route("remove_label", "DELETE", f"{_ONE}/labels/(?P<label>.+)", _remove_label),
    route("create_label", "POST", "/labels", _create_label),
    route("add_blocker", "POST", f"{_ONE}/dependencies/blocked_by", _add_blocker),
    route("create_pull", "POST", "/pulls", _create_pull),
    route("merge_pull", "PUT", r"/pulls/(?P<n>\d+)/merge", _merge_pull),
)
