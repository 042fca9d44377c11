"""The GraphQL documents that the adapter sends.

Every one is checked against GitHub's published schema in the tests. What a server of an older
version does not know is left out by `Extras`, and then unknown rather than empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

LABELS = 100
"""GitHub takes no more labels on one issue."""

ASSIGNEES = 20
"""GitHub takes ten."""

PULL_REQUESTS = 20
"""As many as a prompt can use; the newest matter least here, so there is no second page."""

PLACEMENTS = 50
"""On how many boards one issue may stand before it is an error not to find ours."""


class Extras(Enum):
    """Fields that not every server knows, by the name that its refusal shows."""

    PULL_REQUESTS = "closedByPullRequestsReferences"
    SUB_ISSUES = "subIssuesSummary"
    PARENT = "parent"


_EXTRA_TEXT = {
    Extras.PULL_REQUESTS: (
        f"closedByPullRequestsReferences(first: {PULL_REQUESTS}, includeClosedPrs: true) "
        "{ nodes { number state isDraft url headRefName repository { nameWithOwner } } }"
    ),
    Extras.SUB_ISSUES: "subIssuesSummary { total completed }",
    Extras.PARENT: "parent { number }",
}

_PLACEMENT = """
fragment Placement on ProjectV2Item {
  id
  isArchived
  status: fieldValueByName(name: $statusField) {
    ... on ProjectV2ItemFieldSingleSelectValue { name }
  }
  priority: fieldValueByName(name: $priorityField) {
    ... on ProjectV2ItemFieldSingleSelectValue { name }
    ... on ProjectV2ItemFieldNumberValue { number }
    ... on ProjectV2ItemFieldTextValue { name: text }
  }
}
"""

_BOARD_HEAD = """
      id
      field(name: $statusField) {
        __typename
        ... on ProjectV2SingleSelectField { id options { id name } }
      }
"""


def issues_by_number(numbers: Iterable[int], extras: Iterable[Extras], *, with_board: bool) -> str:
    """The issues of one repository, each under the alias `i<number>`; variables `owner`, `name`,
    and those of the board."""
    aliases = "\n".join(f"    i{each}: issue(number: {each}) {{ ...Record }}" for each in numbers)
    board = _board_of_owner(_BOARD_HEAD) if with_board else ""
    return f"""query Issues({_variables("$owner: String!, $name: String!", with_board)}) {{
  repository(owner: $owner, name: $name, followRenames: false) {{
    nameWithOwner
{aliases}
  }}
{board}}}
{_record(extras, with_board=with_board)}"""


def board_items(extras: Iterable[Extras]) -> str:
    """A page of the items of a board; variables `after` and those of the board."""
    items = """      items(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          ...Placement
          content { __typename ... on Issue { ...Record } }
        }
      }
"""
    return f"""query Board({_variables("$after: String", True)}) {{
{_board_of_owner(_BOARD_HEAD + items)}}}
{_record(extras, with_board=False)}{_PLACEMENT}"""


def pull_requests_of_nodes(extras: Iterable[Extras]) -> str:
    """The pull requests of issues by their node ids; variable `ids`."""
    wanted = _EXTRA_TEXT[Extras.PULL_REQUESTS] if Extras.PULL_REQUESTS in extras else ""
    return f"""query PullRequests($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Issue {{ id {wanted} }}
  }}
}}
"""


SET_STATUS = """mutation SetStatus($project: ID!, $item: ID!, $field: ID!, $option: String!) {
  updateProjectV2ItemFieldValue(
    input: {
      projectId: $project, itemId: $item, fieldId: $field, value: { singleSelectOptionId: $option }
    }
  ) {
    projectV2Item { id }
  }
}
"""


def all_documents() -> Sequence[str]:
    """One of each form that can be sent, for checking them against a schema."""
    every = tuple(Extras)
    return (
        issues_by_number((1, 2), every, with_board=False),
        issues_by_number((1, 2), every, with_board=True),
        issues_by_number((1,), (), with_board=True),
        board_items(every),
        board_items(()),
        pull_requests_of_nodes(every),
        pull_requests_of_nodes(()),
        SET_STATUS,
    )


def _variables(first: str, with_board: bool) -> str:
    board = "$boardOwner: String!, $board: Int!, $statusField: String!, $priorityField: String!"
    return f"{first}, {board}" if with_board else first


def _board_of_owner(selection: str) -> str:
    return f"""  repositoryOwner(login: $boardOwner) {{
    ... on ProjectV2Owner {{
    projectV2(number: $board) {{
{selection}    }}
    }}
  }}
"""


def _record(extras: Iterable[Extras], *, with_board: bool) -> str:
    placements = f"""
  projectItems(first: {PLACEMENTS}, includeArchived: false) {{
    pageInfo {{ hasNextPage }}
    nodes {{ project {{ id }} ...Placement }}
  }}"""
    return f"""fragment Record on Issue {{
  id
  number
  title
  body
  state
  url
  createdAt
  updatedAt
  repository {{ nameWithOwner }}
  labels(first: {LABELS}) {{ pageInfo {{ hasNextPage }} nodes {{ name }} }}
  assignees(first: {ASSIGNEES}) {{ pageInfo {{ hasNextPage }} nodes {{ login }} }}
  {" ".join(_EXTRA_TEXT[each] for each in extras)}{placements if with_board else ""}
}}
{_PLACEMENT if with_board else ""}"""
