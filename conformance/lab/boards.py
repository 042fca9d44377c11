"""Issues as a scenario names them, whatever the tracker calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.faults import Faults
from conformance.fakes.json_values import JsonObject
from conformance.fakes.recording import Recording

ACTIVE_STATES = ("Todo", "In Progress")
TERMINAL_STATES = ("Done", "Canceled", "Cancelled", "Duplicate")
"""What the lab writes into a workflow file unless the scenario says otherwise."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class Fields(TypedDict, total=False):
    """What can be said of an issue. What is left out stays as it is; a new issue is in `Todo`.

    `blocked_by` holds names of other issues as the scenario gave them. `created_at` is RFC 3339.
    `priority` 0 means none. `assignee` is a login: `bot` (whose key the daemon has) or `ada`.
    """

    state: str
    title: str
    description: str | None
    labels: Sequence[str]
    priority: int
    assignee: str | None
    blocked_by: Sequence[str]
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a workflow file says of where its issues are; None where the dialect has no such key."""

    project_slug: str | None = None
    team_key: str | None = None
    repository: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """An issue. `name` is the scenario's, `identifier` what people see, `id` the tracker's.
    `number` is set where identifiers are made from numbers, which each adapter does in its way; the
    `identifier` is then the usual one."""

    name: str
    identifier: str
    id: str
    number: int | None = None

    @property
    def directory_start(self) -> str:
        """With what the name of its workspace begins: all of it, unless the identifier has
        characters that a directory's name must not have."""
        return _UNSAFE.sub("_", self.identifier)

    @property
    def is_plain(self) -> bool:
        """Whether its workspace has the identifier itself for a name."""
        return _UNSAFE.search(self.identifier) is None and self.identifier not in (".", "..")

    @property
    def shell_pattern(self) -> str:
        """What `case` of a shell takes for the name of its workspace."""
        if self.number is None:
            return f"{self.identifier}|{self.id}"
        return f"{self.number}|*[!0-9]{self.number}"

    def is_workspace(self, name: str) -> bool:
        """Whether a directory of this name is its workspace, or may be. Also where it has the
        tracker's id for a name: that is one breach (`is_named`), and all else can be judged."""
        return self.is_named(name) or (self.number is None and name == self.id)

    def is_named(self, name: str) -> bool:
        """Whether its identifier may give a directory this name."""
        if self.number is not None:
            return re.search(rf"(?<!\d){self.number}$", name) is not None
        if self.is_plain:
            return name == self.identifier
        return name.startswith(self.directory_start) and name != self.directory_start


def only_for(scripts: Mapping[Handle, str]) -> str:
    """A script for a hook, of which each issue gets its own part."""
    parts = [f"{issue.shell_pattern}) {script} ;;" for issue, script in scripts.items()]
    return "\n".join(['case "${PWD##*/}" in', *parts, "esac"])


class Board(Protocol):
    """One fake tracker with its issues. Names are those that the scenario gave. Every method but
    `put` raises `LookupError` for a name that is not there."""

    scope: Scope
    secret: str
    """The credential that the daemon gets; it must not turn up anywhere else."""

    @property
    def endpoint(self) -> str: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def requests(self) -> Recording: ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def set_chaos(self, chaos: ChaosSetting) -> None: ...
    def know_states(self, names: Sequence[str]) -> None:
        """States that the workflow file names exist on the board."""
        ...

    def state_name(self, text: str) -> str:
        """The name of the state that has this id; other texts as they are."""
        ...

    def put(self, name: str, fields: Fields) -> Handle:
        """Add the issue, or change it."""
        ...

    def relate(self, name: str, other: str) -> None:
        """The two belong together in the tracker's own way, and neither waits for the other."""
        ...

    def handle(self, name: str) -> Handle: ...
    def state(self, name: str) -> str: ...
    def labels(self, name: str) -> Sequence[str]: ...
    def comments(self, name: str) -> Sequence[str]: ...
    def remove(self, name: str) -> None:
        """Delete it for good."""
        ...

    def move_out(self, name: str) -> None:
        """It goes on to exist, outside of the scope that the workflow file sets."""
        ...

    def archive(self, name: str) -> None:
        """Take it out of everyday view. Raises `NotImplementedError` where there is no archive."""
        ...

    def hide(self, name: str) -> None:
        """Nobody sees it until `show`."""
        ...

    def show(self, name: str) -> None: ...
    def spoil(self, name: str, members: JsonObject) -> None:
        """Its record has these members from now on, whatever the schema says."""
        ...

    def mend(self) -> None:
        """Every record is told as it is."""
        ...

    def spoilt(self, name: str) -> int:
        """In how many answers its record was told wrong."""
        ...

    def further_secret(self) -> str:
        """Another credential that is accepted from now on."""
        ...
