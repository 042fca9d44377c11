"""`python -m benchmarks.inside WORKFLOW snapshots AGENTS | poll`: what cannot be seen from outside.

Runs parts of the daemon in this process, without the fakes, and prints figures as one JSON object.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio

from symphony.runtime.clock import SystemClock
from symphony.runtime.configuration import WorkflowComposer
from symphony.runtime.daemon import Daemon, DaemonOptions
from symphony.scheduler.dispatch import dispatch_candidates
from symphony.scheduler.state import SchedulerState
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.normalize import Rules, to_issue
from symphony.trackers.linear.reads import Reader
from symphony.trackers.linear.settings import read_settings

EVERY_S = 0.01
AFTERWARDS_S = 2.0
"""Beyond the start of the last session: polls and reconciliation go on."""

NOBODY_IS_HERE = ("A state without issues",)


@dataclass(slots=True)
class Lateness:
    """Seconds by which snapshots came late, and of the loop's own processor time between two."""

    late: list[float] = field(default_factory=list[float])
    busy: list[float] = field(default_factory=list[float])

    def figures(self) -> dict[str, float]:
        ordered = sorted(self.late)
        return {
            "latest snapshot, ms": ordered[-1] * 1000,
            "99 of 100 snapshots within, ms": ordered[len(ordered) * 99 // 100] * 1000,
            "most processor time between two snapshots, ms": max(self.busy) * 1000,
        }


async def snapshots(workflow: str, agents: int) -> dict[str, float]:
    """A whole daemon, asked for a snapshot every 10 ms from its start until some time after the
    last agent has its session."""
    options = DaemonOptions(workflow_path=workflow, environment=dict(os.environ))
    daemon, lateness = Daemon(options), Lateness()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(daemon.run)
        await _ask(daemon, lateness, agents)
        await daemon.request_stop()
    return lateness.figures()


async def _ask(daemon: Daemon, lateness: Lateness, agents: int) -> None:
    end: float | None = None
    due = time.monotonic()
    while end is None or due < end:
        due = max(due + EVERY_S, time.monotonic())
        used = time.thread_time()
        await anyio.sleep(max(due - time.monotonic(), 0))
        snapshot = daemon.snapshot()
        lateness.late.append(time.monotonic() - due)
        lateness.busy.append(time.thread_time() - used)
        rows = () if snapshot is None else snapshot.running
        if end is None and sum(row.session_id is not None for row in rows) >= agents:
            end = due + AFTERWARDS_S


async def poll(workflow: str) -> dict[str, float]:
    """Processor time of the parts of one poll at Linear, one after the other."""
    settings = WorkflowComposer(workflow, os.environ).load().workflow.settings
    linear = read_settings(settings.tracker, os.environ)
    client = LinearClient(linear.endpoint, linear.api_key, secrets=linear.secrets)
    reader = Reader(client, linear, DEFAULT_BOUNDS)
    rules = Rules(assignee_id=None, unstarted=linear.unstarted, terminal=linear.terminal)
    parts: dict[str, float] = {}
    await reader.by_states(NOBODY_IS_HERE)  # Opens the connection.
    gc.collect()
    gc.freeze()  # As the daemon does at its start.
    with _timed(parts, "requests, JSON included, s of processor time"):
        answer = await reader.by_states(settings.tracker.active_states)
    await client.aclose()
    with _timed(parts, "normalising, s of processor time"):
        issues = [to_issue(each, rules) for each in answer.records]
    text = json.dumps(answer.records)
    # What is alive counts: the collector of garbage looks at it again and again.
    del answer
    state = SchedulerState(settings=settings)
    with _timed(parts, "judging and ordering, s of processor time"):
        dispatch_candidates(state, issues, state.next_epoch(), SystemClock().now())
    del issues, state
    with _timed(parts, "JSON alone, s of processor time"):
        json.loads(text)
    return parts


@contextmanager
def _timed(parts: dict[str, float], name: str) -> Generator[None]:
    before = time.process_time()
    yield
    parts[name] = time.process_time() - before


def main(words: Sequence[str]) -> None:
    workflow, what, *rest = words
    if what == "poll":
        figures = anyio.run(partial(poll, workflow))
    else:
        figures = anyio.run(partial(snapshots, workflow, int(rest[0])))
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
