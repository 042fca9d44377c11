"""The boundary between the scheduler and any issue tracker (SPEC.md section 11).

The daemon only reads. What changes a tracker are the provider's own tools, which the agent calls
and the daemon executes with the credential that it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue
from symphony.domain.settings import TrackerSettings
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec


class Tracker(Protocol):
    """One configured tracker. Every operation may be called concurrently with any other.

    Reads are atomic: they give a complete answer or raise `TrackerError`. They end in bounded time.
    """

    async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
        """The issues of the configured scope in these states, compared without case.

        Issues that are not dispatchable are included. No states: empty, without a request. A
        record that lacks what an `Issue` needs is left out and logged (`tracker.malformed.logged`).
        """
        ...

    async def fetch_issues_by_ids(self, ids: Collection[IssueId]) -> Sequence[Issue]:
        """Full current snapshots of these issues, each at most once, in any order.

        What is no longer visible in the scope is left out. No ids: empty, without a request. A
        malformed record that was asked for is an error, because a gap has a meaning here.
        """
        ...

    async def fetch_issues_by_identifiers(
        self, identifiers: Collection[IssueIdentifier]
    ) -> Sequence[Issue]:
        """The issues of the scope with exactly these identifiers, in whatever state, each at most
        once and in any order; archived ones too where the provider archives by itself.

        What is not visible in the scope, or is no identifier of this provider, is left out, and so
        is a malformed record, which is logged: whoever asks takes a gap for no answer. No
        identifiers: empty, without a request.
        """
        ...

    def tool_specs(self) -> Sequence[ToolSpec]:
        """The provider's tools, constant for the life of this object."""
        ...

    async def execute_tool(
        self, name: str, arguments: JsonValue, context: ToolContext
    ) -> ToolResult:
        """Run one tool on the host. Never raises for what the caller did wrong or the provider
        refused: that is a `ToolResult` with `success=False` and a readable `content`."""
        ...

    def secret_environment_names(self) -> frozenset[str]:
        """Names of variables that hold this tracker's secrets; children never inherit them."""
        ...

    def secret_values(self) -> frozenset[str]:
        """The secrets themselves, for redaction only."""
        ...

    async def aclose(self) -> None:
        """Release connections. Idempotent."""
        ...


@runtime_checkable
class TellsRights(Protocol):
    """A tracker that can say what its credentials may do. For people who check a configuration;
    nothing is decided by it."""

    async def rights(self) -> Sequence[str]:
        """One sentence for each credential, without the secret. Raises `TrackerError`."""
        ...


@runtime_checkable
class CountsRequests(Protocol):
    """A tracker that counts what it asks of its provider, for people who watch a limit."""

    @property
    def requests_sent(self) -> int:
        """Requests so far, those of the tools and those that cost nothing of a limit included.
        Never shrinks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterProfile:
    """What is known of a provider before it is configured.

    `build` receives the tracker settings, the environment and the directory that relative paths
    count from. It raises `symphony.domain.problems.ProblemError` with keys such as
    `tracker.provider.path` where the settings cannot be used. It does no I/O beyond looking at
    local paths. Where `default_active_states` is None, the workflow must name them.
    """

    kind: str
    default_active_states: tuple[str, ...] | None
    default_terminal_states: tuple[str, ...] | None
    build: Callable[[TrackerSettings, Mapping[str, str], str], Tracker]
