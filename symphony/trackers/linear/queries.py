"""The GraphQL that the daemon sends to Linear, and the filters that go with it.

Texts are constant for the life of a tracker; what varies goes as variables. Linear charges a query
by its shape: nested pages multiply, so they are small, and the few issues that have more are asked
for the rest.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable

from symphony.domain.json import JsonObject, JsonValue
from symphony.trackers.linear.settings import MYSELF, LinearSettings, Scope

PAGE_SIZE = 50
"""Issues on a first page, and ids in a request: with the sizes below some 1,900 of the 10,000
points that Linear allows for one query."""

LARGEST_PAGE = 200
"""Issues on a further page, at most: some 7,400 points. Linear would give 250, which comes too
close to what it allows."""

LABELS = 10
"""Labels that come with an issue. Hardly any has more."""

RELATIONS = 4
"""Relations of other issues to this one; each costs three times as much as a label."""

REST_SIZE = 50
"""Labels or relations on a further page of one issue."""

_LABELS = "nodes { name } pageInfo { hasNextPage endCursor }"
_RELATIONS = (
    "nodes { type issue { id identifier state { name } } } pageInfo { hasNextPage endCursor }"
)

_IDENTIFIER = re.compile(r"([A-Za-z][A-Za-z0-9]*)-([1-9][0-9]{0,8})", re.ASCII)
"""A team's key and a number; no team has a milliard issues."""

_ISSUES = f"""
  issues(filter: $filter, first: $first, after: $after) {{
    nodes {{
      id identifier number title description priority branchName url
      createdAt updatedAt archivedAt trashed
      state {{ id name type }}
      team {{ id key }}
      project {{ id slugId }}
      assignee {{ id }}
      labels(first: {LABELS}) {{ {_LABELS} }}
      inverseRelations(first: {RELATIONS}) {{ {_RELATIONS} }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
"""

_VARIABLES = f"$filter: IssueFilter!, $first: Int = {PAGE_SIZE}, $after: String"

MORE_ISSUES = f"query SymphonyMoreIssues({_VARIABLES}) {{{_ISSUES}}}"

_ARCHIVED_TOO = _ISSUES.replace("after: $after)", "after: $after, includeArchived: true)")

MORE_ARCHIVED_TOO = f"query SymphonyMoreArchivedToo({_VARIABLES}) {{{_ARCHIVED_TOO}}}"

MORE_LABELS = f"""query SymphonyMoreLabels($id: String!, $after: String) {{
  issue(id: $id) {{ labels(first: {REST_SIZE}, after: $after) {{ {_LABELS} }} }}
}}"""

MORE_RELATIONS = f"""query SymphonyMoreRelations($id: String!, $after: String) {{
  issue(id: $id) {{ inverseRelations(first: {REST_SIZE}, after: $after) {{ {_RELATIONS} }} }}
}}"""


VIEWER = "query SymphonyViewer { viewer { name email } }"


class Queries:
    """The texts and filters for one configuration."""

    def __init__(self, settings: LinearSettings) -> None:
        self._scope = settings.scope
        self._assignee = settings.assignee
        who = _who(settings.assignee)
        self.by_states = _opening("SymphonyIssuesByState", _where(settings.scope), who)
        """First page, with what says whether the project, the team and the assignee exist: a filter
        on a project that is not there gives an empty list and no error."""
        self.by_ids = _opening("SymphonyIssuesById", (), who)
        """First page of a batch. A project that is gone has no issues, which is what it says."""
        self.by_identifiers = _opening("SymphonyIssuesByIdentifier", (), who, _ARCHIVED_TOO)
        """First page of a batch, archived issues included: Linear archives what has been done for
        a while, and its workspace may be here all the same."""

    def opening_variables(self, issues: JsonObject, *, with_scope: bool) -> JsonObject:
        """The variables of an opening query; `issues` is the filter."""
        variables: dict[str, JsonValue] = {"filter": issues, "after": None}
        if with_scope and self._scope.project_slugs:
            variables["project"] = project_filter(self._scope)
        if with_scope and self._scope.team_key is not None:
            variables["team"] = team_filter(self._scope)
        if self._assignee not in (None, MYSELF):
            variables["assignee"] = user_filter(self._assignee or "")
        return variables

    def in_states(self, states: Collection[str]) -> JsonObject:
        """Issues of the scope in these states, compared without case: Linear's plain comparison
        would lose what is spelled in another way (`state.provider.filter`)."""
        names = dict.fromkeys(state.strip() for state in states)
        clauses: list[JsonValue] = [{"name": {"eqIgnoreCase": name}} for name in names]
        return {**self._in_scope(), "state": {"or": clauses}}

    def with_ids(self, ids: Iterable[str]) -> JsonObject:
        """These issues, as far as they are in the scope."""
        return {**self._in_scope(), "id": {"in": list(ids)}}

    def with_identifiers(self, identifiers: Iterable[str]) -> JsonObject:
        """These issues, as far as they are in the scope; each has to be one by `is_identifier`."""
        numbers: dict[str, list[JsonValue]] = {}
        for each in identifiers:
            team, number = each.rsplit("-", 1)
            numbers.setdefault(team.upper(), []).append(int(number))
        clauses: list[JsonValue] = [
            {"team": {"key": {"eqIgnoreCase": team}}, "number": {"in": each}}
            for team, each in numbers.items()
        ]
        return {**self._in_scope(), "or": clauses}

    def _in_scope(self) -> dict[str, JsonValue]:
        scope: dict[str, JsonValue] = {}
        if self._scope.project_slugs:
            scope["project"] = project_filter(self._scope)
        if self._scope.team_key is not None:
            scope["team"] = team_filter(self._scope)
        return scope


def is_identifier(text: str, scope: Scope) -> bool:
    """Whether an issue of the scope can be called so."""
    match = _IDENTIFIER.fullmatch(text)
    if match is None:
        return False
    return scope.team_key is None or match[1].lower() == scope.team_key.lower()


def further_page_size(so_far: int) -> int:
    """As many as there are so far: Linear charges for the size that is asked for, so that no more
    than half of what a read costs is for room that stays empty."""
    return max(PAGE_SIZE, min(so_far, LARGEST_PAGE))


def project_filter(scope: Scope) -> JsonObject:
    return {"slugId": {"in": list(scope.project_slugs)}}


def team_filter(scope: Scope) -> JsonObject:
    return {"key": {"eqIgnoreCase": scope.team_key}}


def user_filter(name: str) -> JsonObject:
    """Somebody by id, address or one of the names that Linear shows."""
    if _is_uuid(name):
        return {"id": {"eq": name}}
    same: JsonObject = {"eqIgnoreCase": name}
    return {"or": [{"email": same}, {"displayName": same}, {"name": same}]}


def _where(scope: Scope) -> tuple[tuple[str, str], ...]:
    """What shows that the scope exists: a variable with its type, and a field."""
    fields: list[tuple[str, str]] = []
    if scope.project_slugs:
        fields.append(("$project: ProjectFilter", "projects(filter: $project, first: 1)"))
    if scope.team_key is not None:
        fields.append(("$team: TeamFilter", "teams(filter: $team, first: 1)"))
    return tuple((variable, f"{each} {{ nodes {{ id }} }}") for variable, each in fields)


def _who(assignee: str | None) -> tuple[tuple[str, str], ...]:
    if assignee is None:
        return ()
    if assignee == MYSELF:
        return (("", "viewer { id }"),)
    return (("$assignee: UserFilter", "users(filter: $assignee, first: 2) { nodes { id } }"),)


def _opening(
    name: str,
    where: tuple[tuple[str, str], ...],
    who: tuple[tuple[str, str], ...],
    issues: str = _ISSUES,
) -> str:
    parts = (*where, *who)
    variables = [_VARIABLES, *(each for each, _ in parts if each)]
    fields = "\n  ".join(each for _, each in parts)
    return f"query {name}({', '.join(variables)}) {{\n  {fields}{issues}}}"


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
