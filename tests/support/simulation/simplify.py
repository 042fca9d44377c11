"""Plain settings in the place of odd ones, as far as the same rule still breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from symphony.domain.settings import Settings
from symphony.scheduler.events import WorkflowAccepted
from tests.support.scheduling import settings
from tests.support.simulation.script import At

Breaks: TypeAlias = Callable[[Settings, Iterable[At]], bool]


def simplified(
    bound: Settings, script: tuple[At, ...], breaks: Breaks
) -> tuple[Settings, tuple[At, ...]]:
    """The same script with settings that differ from plain ones only where it matters."""
    for plainer in _plainer(bound):
        if breaks(merged := plainer(bound), script):
            bound = merged
    for index, at in enumerate(script):
        line = at.line
        if not isinstance(line, WorkflowAccepted):
            continue
        for plainer in _plainer(line.settings):
            line = WorkflowAccepted(settings=plainer(line.settings))
            changed = (*script[:index], replace(at, line=line), *script[index + 1 :])
            if breaks(bound, changed):
                script = changed
            else:
                line = script[index].line
                assert isinstance(line, WorkflowAccepted)
    return bound, script


def _plainer(bound: Settings) -> list[Callable[[Settings], Settings]]:
    """One step towards plain settings each."""
    plain = settings(revision=bound.revision)
    tracker, agent = plain.tracker, plain.agent
    return [
        lambda one: replace(one, tracker=replace(one.tracker, provider=tracker.provider)),
        lambda one: replace(one, tracker=replace(one.tracker, required_labels=())),
        lambda one: replace(
            one,
            tracker=replace(
                one.tracker,
                active_states=tracker.active_states,
                terminal_states=tracker.terminal_states,
            ),
        ),
        lambda one: replace(one, agent=replace(one.agent, max_concurrent_agents_by_state={})),
        lambda one: replace(
            one, agent=replace(one.agent, max_retry_backoff_ms=agent.max_retry_backoff_ms)
        ),
        lambda one: replace(
            one, agent=replace(one.agent, max_concurrent_agents=agent.max_concurrent_agents)
        ),
        lambda one: replace(one, workspace=plain.workspace),
        lambda one: replace(one, polling=plain.polling),
        lambda one: replace(one, codex=plain.codex),
    ]
