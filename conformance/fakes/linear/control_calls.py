"""The calls by which another process steers the fake of Linear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import cast

from conformance.fakes.control import Call
from conformance.fakes.entities import Issue, Team
from conformance.fakes.faults import KINDS, Fault, FaultKind
from conformance.fakes.json_values import JsonObject, JsonValue
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.world import IssueFields


def control_calls(fake: LinearFake) -> Mapping[str, Call]:
    """Every call, by its name."""
    calls = _Calls(fake)
    return {
        "issue.put": calls.put_issue,
        "issue.get": calls.get_issue,
        "issue.list": calls.list_issues,
        "issue.archive": calls.archive_issue,
        "issue.remove": calls.remove_issue,
        "issue.comment": calls.comment,
        "project.put": calls.put_project,
        "faults.add": calls.add_fault,
        "faults.clear": calls.clear_faults,
        "chaos.set": calls.set_chaos,
        "requests.list": calls.list_requests,
        "requests.count": lambda _: len(fake.requests),
    }


class _Calls:
    def __init__(self, fake: LinearFake) -> None:
        self._fake = fake
        self._world = fake.world

    def put_issue(self, arguments: JsonObject) -> JsonValue:
        """`team` (key), `identifier`, and the fields of `IssueFields`."""
        fields = dict(arguments)
        team = self._team(fields.pop("team", None))
        identifier = fields.pop("identifier", None)
        name = None if identifier is None else str(identifier)
        issue = self._world.put_issue(team, name, **cast("IssueFields", fields))
        return self._shown(issue)

    def get_issue(self, arguments: JsonObject) -> JsonValue:
        """`issue`: id or identifier."""
        return self._shown(self._issue(arguments))

    def list_issues(self, arguments: JsonObject) -> JsonValue:
        del arguments
        with self._world.lock:
            return [self._shown(each) for each in self._world.issues.values()]

    def archive_issue(self, arguments: JsonObject) -> JsonValue:
        """`issue`, and `trashed` for a deletion by its user."""
        self._world.archive(self._issue(arguments), trashed=arguments.get("trashed") is True)
        return None

    def remove_issue(self, arguments: JsonObject) -> JsonValue:
        self._world.remove(self._issue(arguments))
        return None

    def comment(self, arguments: JsonObject) -> JsonValue:
        """`issue` and `body`."""
        return self._world.comment(self._issue(arguments), str(arguments["body"])).id

    def put_project(self, arguments: JsonObject) -> JsonValue:
        """`slug` and `name`; of all teams."""
        with self._world.lock:
            teams = list(self._world.teams.values())
        slug = str(arguments["slug"])
        return self._world.add_project(slug, str(arguments.get("name", slug)), *teams).id

    def add_fault(self, arguments: JsonObject) -> JsonValue:
        """The fields of `Fault`."""
        kind = str(arguments["kind"])
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind}; there are {', '.join(KINDS)}")
        fields = {name: value for name, value in arguments.items() if name != "kind"}
        self._fake.faults.add(replace(Fault(kind=cast("FaultKind", kind)), **fields))
        return None

    def clear_faults(self, arguments: JsonObject) -> JsonValue:
        del arguments
        self._fake.faults.clear()
        return None

    def set_chaos(self, arguments: JsonObject) -> JsonValue:
        """Fields of `Chaos`; what is left out stays."""
        self._fake.chaos = replace(self._fake.chaos, **arguments)
        return asdict(self._fake.chaos)

    def list_requests(self, arguments: JsonObject) -> JsonValue:
        """Those with numbers above `after`, 0 by default."""
        after = arguments.get("after", 0)
        found = self._fake.requests.all(after if isinstance(after, int) else 0)
        return [asdict(each) for each in found]

    def _team(self, key: JsonValue) -> Team:
        with self._world.lock:
            teams = list(self._world.teams.values())
        return next(team for team in teams if key is None or key in (team.key, team.id))

    def _issue(self, arguments: JsonObject) -> Issue:
        return self._world.existing(str(arguments["issue"]))

    def _shown(self, issue: Issue) -> JsonObject:
        world = self._world
        with world.lock:
            return {
                "id": issue.id,
                "identifier": issue.identifier,
                "title": issue.title,
                "state": world.state_of(issue),
                "labels": world.labels_of(issue),
                "assignee": issue.assignee_id,
                "description": issue.description,
                "archived": issue.archived_at is not None,
                "comments": [each.body for each in world.comments_of(issue)],
            }
