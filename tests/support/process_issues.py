"""Issues and owners for tests of workspaces."""

from __future__ import annotations

from dataclasses import dataclass, field

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.processes.owner import OwnerMark, root_fingerprint


def make_issue(identifier: str = "MT-1") -> Issue:
    """An issue of which only the names matter."""
    return Issue(
        id=IssueId(f"id of {identifier}"),
        identifier=IssueIdentifier(identifier),
        title="title",
        state="Todo",
        dispatchable=True,
    )


@dataclass(slots=True)
class RecordingOwner:
    """Owns process trees whose marks hold a token, and remembers what it was told."""

    token: str
    groups: list[int] = field(default_factory=list[int])
    ended_groups: list[int] = field(default_factory=list[int])

    def mark(self, workspace_root: str, name: str) -> OwnerMark:
        return OwnerMark(root=root_fingerprint(workspace_root), daemon=self.token, run=name)

    def started(self, group: int) -> None:
        self.groups.append(group)

    def ended(self, group: int) -> None:
        self.ended_groups.append(group)
