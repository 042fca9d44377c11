"""The tracker of one scenario: one vocabulary over both dialects, each request on the timeline.

Guarantees: a scenario that only uses this works with every dialect; what a request is for is told
from what it asks for. Legal variety (small pages, an order that nobody promised) is on by default,
the same for a seed. Must not: show how a dialect stores things, or judge.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal, TypeAlias, TypedDict, Unpack

from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.faults import Fault, FaultKind
from conformance.fakes.json_values import JsonValue
from conformance.fakes.recording import Request
from conformance.lab.boards import Board, Fields, Handle
from conformance.lab.github_board import GitHubBoard
from conformance.lab.linear_board import LinearBoard
from conformance.lab.reads import Reader, ReadKind
from conformance.lab.timeline import Event, Timeline
from conformance.lab.watch import Poll, Watch
from conformance.manifest.front_matter import Wiring
from conformance.manifest.sections import Dialect

_BOARDS: dict[Dialect, Callable[..., Board]] = {
    Dialect.LINEAR: LinearBoard,
    Dialect.GITHUB: GitHubBoard,
}

FaultTarget: TypeAlias = (
    ReadKind | Literal["candidates_further", "by_id_further", "terminal_further"]
)


class FaultOptions(TypedDict, total=False):
    """Details of some faults, as `Fault` explains them."""

    status: int
    retry_after: str | None
    reset_in_ms: int | None
    delay_s: float
    size: int
    location: str
    field: str


class Tracker:
    """Use between `start` and `stop`. Issues go by the names that the scenario gave them."""

    def __init__(
        self,
        dialect: Dialect,
        timeline: Timeline,
        *,
        seed: int = 0,
        chaos: ChaosSetting | None = None,
    ) -> None:
        self.dialect = dialect
        self.board = _BOARDS[dialect](seed=seed, chaos=chaos or ChaosSetting(seed=seed))
        self._timeline = timeline
        self._reader = Reader(self.board.state_name)
        self._watch = Watch(timeline, self._reader)
        self.board.requests.watcher = self._watch
        self.hold_back = False
        self._hidden: list[str] = []

    @property
    def endpoint(self) -> str:
        return self.board.endpoint

    @property
    def secret(self) -> str:
        """The daemon's credential: a canary that must not turn up anywhere else."""
        return self.board.secret

    def wiring(self, *, workspace_root: str, agent_command: str) -> Wiring:
        """What points a workflow file at this tracker; the credential is named, not written."""
        scope = self.board.scope
        return Wiring(
            endpoint=self.endpoint,
            workspace_root=workspace_root,
            agent_command=agent_command,
            project_slug=scope.project_slug,
            team_key=scope.team_key,
            repository=scope.repository,
        )

    def variables(self) -> dict[str, str]:
        """The environment that holds the credential, by the names that the wiring uses."""
        names = self.wiring(workspace_root="", agent_command="").secret_variables(self.dialect)
        return dict.fromkeys(names, self.secret)

    def start(self) -> None:
        self.board.start()

    def stop(self) -> None:
        self.board.stop()

    def configure(self, active: Collection[str], terminal: Collection[str]) -> None:
        """These states stand in the workflow file from now on."""
        self._reader.configure(active, terminal)
        self.board.know_states([*active, *terminal])

    def life_began(self) -> None:
        """A daemon was started: what it reads before any candidates belongs to its cleanup."""
        self._watch.life_began()

    # Issues.

    def put(self, name: str, **fields: Unpack[Fields]) -> Handle:
        """Add the issue in `Todo`, or change what is said of it."""
        handle = self._put(name, fields)
        shown = ", ".join(f"{key} {value!r}" for key, value in fields.items())
        self._did(name, f"put as {handle.identifier}" + (f": {shown}" if shown else ""))
        return handle

    @property
    def hidden(self) -> Sequence[str]:
        """Issues that nobody can see yet: where `hold_back` is set, all that are put."""
        return self._hidden

    def relate(self, name: str, other: str) -> None:
        """The two belong together, and neither waits for the other: related in Linear, a part of it
        in GitHub."""
        self.board.relate(name, other)
        self._did(name, f"belongs together with {other}")

    def show_all(self) -> None:
        """Let them be seen, and what is put from now on too."""
        self.hold_back = False
        for name in self._hidden:
            self.board.show(name)
            self._did(name, "can be seen from now on")
        self._hidden = []

    def handle(self, name: str) -> Handle:
        """What the tracker calls it. Raises `LookupError`."""
        return self.board.handle(name)

    def set_state(self, name: str, state: str) -> None:
        """Move it, as a person would."""
        self.board.handle(name)
        self._put(name, Fields(state=state))
        self._did(name, f"moved to {state}")

    def set_labels(self, name: str, *labels: str) -> None:
        """Give it these labels, and no others."""
        self.board.handle(name)
        self._put(name, Fields(labels=labels))
        self._did(name, f"labels {', '.join(labels) or 'none'}")

    def remove(self, name: str) -> None:
        """Delete it for good: a read by its id finds nothing."""
        self.board.remove(name)
        self._did(name, "deleted")

    def move_out(self, name: str) -> None:
        """Move it to another project or repository, out of the scope of the workflow file."""
        self.board.move_out(name)
        self._did(name, "moved out of the scope")

    def archive(self, name: str) -> None:
        """Archive it; Linear only."""
        self.board.archive(name)
        self._did(name, "archived")

    def state(self, name: str) -> str:
        """The state that it is in, as the tracker spells it."""
        return self.board.state(name)

    def labels(self, name: str) -> Sequence[str]:
        """Its labels, without those that the dialect uses for states and priorities."""
        return self.board.labels(name)

    def comments(self, name: str) -> Sequence[str]:
        """The texts of its comments, the oldest ahead."""
        return self.board.comments(name)

    # What goes wrong, and what is merely unusual.

    def fault(
        self,
        kind: FaultKind,
        *,
        times: int | None = 1,
        only: FaultTarget | None = None,
        skip: int = 0,
        **options: Unpack[FaultOptions],
    ) -> None:
        """From now on: `times` requests (None: all, until `clear_faults`) go wrong, of those that
        are for `only`; the first `skip` of them pass."""
        self.board.faults.add(Fault(kind=kind, times=times, only=only, skip=skip, **options))
        count = "always" if times is None else f"{times} times"
        self._did("", f"fault {kind}, {count}, for {only or 'any request'}")

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        self.board.faults.clear()
        self._did("", "no more faults")

    def spoil(self, name: str, **members: JsonValue) -> None:
        """From now on, until `mend`, every answer gives this one record these members, against the
        schema: `spoil("ENG-1", title=None, created_at="soon")`. Providers' spelling is no matter.
        """
        self.board.spoil(name, members)
        shown = ", ".join(f"{key} {value!r}" for key, value in members.items())
        self._did(name, f"told wrong: {shown}")

    def mend(self) -> None:
        """Every record is told as it is."""
        self.board.mend()
        self._did("", "every record is told as it is")

    def spoilt(self, name: str) -> int:
        """In how many answers this record has been told wrong."""
        return self.board.spoilt(name)

    def further_secret(self) -> str:
        """Another credential that the tracker accepts from now on."""
        return self.board.further_secret()

    def set_chaos(self, chaos: ChaosSetting) -> None:
        """Another amount of legal variety."""
        self.board.set_chaos(chaos)

    # What was asked.

    def reads(self, kind: ReadKind, *, after: int = 0) -> Sequence[Event]:
        """The requests of this kind. `data` has `number`, `states`, `ids`, `is_opening` and, for
        candidates, `poll`."""
        return self._timeline.events("tracker", kind, after=after)

    def polls(self, *, after: int = 0) -> Sequence[Poll]:
        """Reads of the candidates that began after the event of this number."""
        return [each for each in self._watch.polls() if each.event > after]

    def answers(self, *, after: int = 0) -> Sequence[Event]:
        """What was answered: `data` has `number` (of the request), `status` and `fault`."""
        return self._timeline.events("tracker", "answered", after=after)

    def requests(self) -> Sequence[Request]:
        """Every request as it came in, with its headers."""
        return self.board.requests.all()

    def _put(self, name: str, fields: Fields) -> Handle:
        if name in self._hidden:
            self.board.show(name)
            self._hidden.remove(name)
        handle = self.board.put(name, fields)
        if self.hold_back:
            self.board.hide(name)
            self._hidden.append(name)
        return handle

    def _did(self, name: str, text: str) -> None:
        self._timeline.add("scenario", "tracker", text, subject=name)
