"""One round: issues, a stage, a kill, damage, a new start, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from symphony.workspaces.key import workspace_key
from symphony.workspaces.unfinished import note_unfinished
from tests.reliability.arena import Arena, Generation, Manners, steps
from tests.reliability.plans import Plan
from tests.reliability.witness import BULK
from tests.support.daemon_process import wait_until
from tests.support.process_tokens import pids_with

GONE_WITHIN_S: Final = 10.0
"""How long anything of a killed generation may live."""
BULK_FILES: Final = 1_500
"""Enough that a removal takes long enough to be hit."""
FINISHED_WITHIN_S: Final = 300.0
"""Until a round counts as wedged; a machine may be busy with much else."""
WARDEN: Final = "symphony-warden"
REFUSALS_AT_ONCE: Final = 20
"""How often a start may be refused because the kernel has not let go of the root yet."""
_LOOK_AGAIN_S: Final = 0.02


class Round:
    """Plays one plan in the arena. What it found is in its attributes afterwards."""

    def __init__(self, arena: Arena, plan: Plan, bystander: int) -> None:
        self.arena = arena
        self.site = arena.site
        self.plan = plan
        self.bystander = bystander
        self.names = [f"R{plan.number}-{index}" for index in range(plan.issues)]
        self.killed: list[Generation] = []
        self.finished: list[str] = []
        self.survivors: list[str] = []
        self.refused_at_once = 0
        self._since = arena.mark()
        self._complaints = len(arena.complaints())

    def play(self) -> None:
        """Raises AssertionError where a promise is broken."""
        if self.plan.stray:
            self.arena.leave_stray(self.bystander)
        if self.plan.stage != "idle":
            self._bring_issues()
        self._reach_stage()
        time.sleep(self.plan.wait_s)
        self._kill()
        if self.plan.stage == "start":
            self._start_at_once(wait=False)
            time.sleep(self.plan.wait_s)
            self._kill()
        self._put_right()
        self._do_damage()
        self._start_at_once(wait=True)
        self._expect_everything_done()
        self._expect_order()

    # Up to the kill.

    def _bring_issues(self) -> None:
        for name in self.names:
            script = steps(self.arena, handshake_s=0.2, turn_s=0.3)
            manners = self._manners()
            deaf = "agent" in manners
            self.arena.behave(name, manners, {**script, "ignore_end": deaf, "ignore_term": deaf})
            self.site.write_issue(name)

    def _manners(self) -> Manners:
        stage = self.plan.stage
        if stage == "hook":
            return {self.plan.hook: {"seconds": 0.5, "deaf": True}}
        if stage == "cleanup":
            return {"before_remove": {"seconds": 0.4, "deaf": True}}
        if stage == "removal":
            return {"after_create": {"files": BULK_FILES}}
        # Without environment, parent and warden nothing says any more whose child it is.
        return {"agent": {"deaf": True, "forgetful": not self.plan.warden_dies}}

    def _reach_stage(self) -> None:
        signs: dict[str, Callable[[], bool]] = {
            "start": lambda: self._seen("turn"),
            "idle": lambda: True,
            "hook": lambda: self._seen(self.plan.hook),
            "handshake": lambda: self._seen("agent"),
            "turn": lambda: self._seen("turn"),
            "ending": lambda: self._seen("turn"),
            "cleanup": lambda: self._seen("before_remove"),
            "removal": self._is_being_removed,
            "reload": lambda: self._seen("turn"),
        }
        sign = signs[self.plan.stage]
        self.site.until(sign, f"the stage {self.plan.stage}")
        if self.plan.stage == "ending":
            for name in self.names:
                self.site.write_issue(name, "Human Review")
            self.site.daemon.wait_for_log(event="run_stopping")
        elif self.plan.stage == "reload":
            self._edit()

    def _seen(self, kind: str) -> bool:
        return self.arena.seen(kind, self.names, self._since)

    def _is_being_removed(self) -> bool:
        """Looked at without a pause: the moment is short."""
        if not self._seen("before_remove"):
            return False
        seen = self.arena.happenings(self._since)
        name = next(each.issue for each in seen if each.kind == "before_remove")
        deadline = time.monotonic() + GONE_WITHIN_S
        while time.monotonic() < deadline:
            try:
                number = len(os.listdir(self.site.workspace(name) / BULK))
            except FileNotFoundError:
                return True
            if number < BULK_FILES:
                return True
        return False

    def _edit(self) -> None:
        if self.plan.bad_edit:
            self.site.write_workflow_text("---\ntracker: [\n---\n")
        else:
            self.arena.write_workflow(interval_ms=90)

    def _kill(self) -> None:
        generation = self.arena.current
        wardens = _wardens(generation) if self.plan.warden_dies else []
        generation.daemon.kill()
        for pid in wardens:
            os.kill(pid, signal.SIGKILL)
        self.killed.append(generation)
        threading.Thread(target=_watch, args=(generation,), daemon=True).start()

    # Between two lives.

    def _put_right(self) -> None:
        """What a person would: a valid workflow, issues that are wanted; agents behave from now."""
        self.arena.write_workflow()
        for name in self.names:
            number = BULK_FILES if self.plan.stage == "removal" else 0
            polite = steps(self.arena, handshake_s=0, turn_s=0.1)
            self.arena.behave(name, {"after_create": {"files": number}}, polite)
            if self.plan.stage in {"idle", "ending"} or self.plan.reopened:
                self.site.write_issue(name)

    def _do_damage(self) -> None:
        name = self.names[0]
        root, path = self.site.workspaces, self.site.workspace(name)
        if self.plan.damage in {"removed", "file", "note_only"}:
            # At once, also where a hook of the killed daemon still works in it.
            with contextlib.suppress(FileNotFoundError):
                path.rename(self.site.top / f"taken-away-{self.plan.number}")
        if self.plan.damage in {"unfinished", "note_only"}:
            note_unfinished(str(root), workspace_key(name))
        if self.plan.damage == "unfinished":
            path.mkdir(exist_ok=True)
            (path / "half").write_text(str(self.bystander))
        elif self.plan.damage == "file":
            path.write_text(str(self.bystander))

    def _start_at_once(self, *, wait: bool) -> None:
        for _ in range(REFUSALS_AT_ONCE):
            daemon = self.arena.start().daemon
            if not wait:
                return
            wait_until(
                lambda daemon=daemon: daemon.events("daemon_started", "startup_failed"), "a start"
            )
            if daemon.log(event="daemon_started"):
                return
            assert daemon.log(event="startup_failed", code="workspace_root_in_use")
            self.refused_at_once += 1
        raise AssertionError("the root stays in use")

    # Afterwards.

    def _expect_everything_done(self) -> None:
        deadline = time.monotonic() + FINISHED_WITHIN_S
        waiting = list(self.names)
        while waiting or any(each.gone_after_s is None for each in self.killed):
            self._clear_the_way()
            for name in [name for name in waiting if self._is_done(name)]:
                waiting.remove(name)
                self.finished.append(name)
                self.site.remove_issue(name)
            assert self.arena.current.daemon.runs, "the daemon has ended"
            assert time.monotonic() < deadline, f"not finished: {waiting}"
            time.sleep(_LOOK_AGAIN_S)
        self.survivors = [each for killed in self.killed for each in killed.survivors]

    def _clear_the_way(self) -> None:
        """A file in the place of a directory is refused; a person looks at it and moves it away."""
        path = self.site.workspace(self.names[0])
        refused = self.arena.current.daemon.log(
            event="run_ended", issue_identifier=self.names[0], outcome="failed"
        )
        done = self.site.state(self.names[0]) == "Done" if self._has_file() else False
        if path.is_file() and (done or any(str(path) in line["reason"] for line in refused)):
            path.unlink()

    def _has_file(self) -> bool:
        return (self.site.issues / f"{self.names[0]}.md").exists()

    def _is_done(self, name: str) -> bool:
        return self.site.state(name) == "Done" and not os.path.lexists(self.site.workspace(name))

    def _expect_order(self) -> None:
        complaints = self.arena.complaints()[self._complaints :]
        assert not complaints, f"{len(complaints)} complaints, the first: {complaints[0]}"
        assert os.path.exists(f"/proc/{self.bystander}/stat"), "the bystander was ended"
        if self.plan.second:
            self._expect_refusal()

    def _expect_refusal(self) -> None:
        holder = self.arena.current.daemon
        second = self.site.start(str(self.site.workflow))
        try:
            assert second.wait_for_exit() == 1
            (refusal,) = second.log(event="startup_failed")
            assert refusal["code"] == "workspace_root_in_use"
            assert f"process {holder.pid} " in refusal["reason"]
        finally:
            second.kill()
            # The one that counts is the one that holds the root.
            self.site.daemons.remove(second)


def wait_until_gone(generation: Generation) -> None:
    """Wait until nothing of a generation is left."""
    wait_until(lambda: not pids_with(generation.word), "the generation is gone")


def _watch(generation: Generation) -> None:
    """From the kill until nothing of it is left, or for as long as it may live."""
    began = time.monotonic()
    while left := pids_with(generation.word):
        if time.monotonic() - began > GONE_WITHIN_S:
            generation.survivors = [f"{pid}: {_command(pid)}" for pid in left]
            break
        time.sleep(_LOOK_AGAIN_S)
    generation.gone_after_s = time.monotonic() - began


def _wardens(generation: Generation) -> list[int]:
    return [pid for pid in pids_with(generation.word) if _name(pid) == WARDEN]


def _name(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/comm")).strip()


def _command(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")[:120]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
