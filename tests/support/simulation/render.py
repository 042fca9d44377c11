"""A case of the simulator as the text of a test, ready to be pasted into a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from symphony.domain.issue import Issue
from symphony.domain.settings import Settings
from symphony.scheduler.step import step
from tests.support.scheduling import START, issue, settings
from tests.support.simulation.bench import Step
from tests.support.simulation.script import At
from tests.support.simulation.shrink import Case, shrink

NAME = "test_found_by_simulation"


@dataclass(slots=True)
class Writer:
    """Python for values; remembers what has to be imported for it."""

    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def name(self, thing: Any) -> str:
        self.used.add((thing.__module__, thing.__name__))
        return str(thing.__name__)

    def value(self, value: object) -> str:
        untyped: Any = value
        match value:
            case Issue():
                return self._issue(value)
            case Settings() if (told := _in_short(value)) is not None:
                self.used.add((settings.__module__, "settings"))
                texts = (f"{key}={self.value(one)}" for key, one in told.items())
                return f"settings({', '.join(texts)})"
            case Enum():
                return f"{self.name(type(value))}.{value.name}"
            case datetime():
                return f"datetime.fromisoformat({value.isoformat()!r})"
            case tuple():
                many: tuple[object, ...] = untyped
                inner = ", ".join(map(self.value, many))
                return f"({inner},)" if len(many) == 1 else f"({inner})"
            case Mapping():
                table: Mapping[object, object] = untyped
                items = (f"{self.value(key)}: {self.value(one)}" for key, one in table.items())
                return f"{{{', '.join(items)}}}"
            case _ if is_dataclass(value) and not isinstance(value, type):
                return self._dataclass(value)
            case _:
                return repr(value)

    def _dataclass(self, value: Any) -> str:
        """Without what is as it is by default."""
        told = [
            (one.kw_only, one.name, getattr(value, one.name))
            for one in fields(value)
            if getattr(value, one.name) != _default(one)
        ]
        texts = [
            f"{name}={self.value(inner)}" if is_named else self.value(inner)
            for is_named, name, inner in told
        ]
        return f"{self.name(type(value))}({', '.join(texts)})"

    def _issue(self, known: Issue) -> str:
        name = known.id.removeprefix("id-")
        told: dict[str, Any] = {}
        for key, usual in (
            ("state", "Todo"),
            ("priority", None),
            ("labels", ()),
            ("dispatchable", True),
            ("description", None),
            ("title", "a title"),
        ):
            if getattr(known, key) != usual:
                told[key] = getattr(known, key)
        if known.identifier != name:
            told["identifier"] = known.identifier
        if known.created_at != START:
            age = known.created_at
            told["created"] = None if age is None else round((age - START).total_seconds() / 60)
        assert issue(name, **told) == known, f"{known} cannot be written in short"
        self.used.add((issue.__module__, "issue"))
        return f"issue({', '.join([repr(name), *(f'{key}={one!r}' for key, one in told.items())])})"


def _in_short(bound: Settings) -> dict[str, Any] | None:
    """What the builder of the tests is told for these settings; None where it cannot make them."""
    told: dict[str, Any] = {
        "slots": bound.agent.max_concurrent_agents,
        "by_state": dict(bound.agent.max_concurrent_agents_by_state),
        "interval_ms": bound.polling.interval_ms,
        "stall_ms": bound.codex.stall_timeout_ms,
        "backoff_cap_ms": bound.agent.max_retry_backoff_ms,
        "labels": bound.tracker.required_labels,
        "active": bound.tracker.active_states,
        "terminal": bound.tracker.terminal_states,
        "root": bound.workspace.root,
        "revision": bound.revision,
    }
    for key in list(told):
        kept = {name: one for name, one in told.items() if name != key}
        if settings(**kept) == bound:
            told = kept
    return told if settings(**told) == bound else None


def _default(one: Any) -> object:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def as_test(case: Case, script: tuple[At, ...] | None) -> str:
    """The whole file. Without a script the world itself is lived again."""
    writer = Writer()
    if script is None:
        body = _world(case, writer)
    else:
        writer.used.add(("tests.support.simulation.script", "replay"))
        lines = [writer.value(case.bound), *map(writer.value, script)]
        body = "    replay(\n" + "".join(f"        {line},\n" for line in lines) + "    )\n"
    modules: dict[str, set[str]] = {}
    for module, name in writer.used:
        modules.setdefault(module, set()).add(name)
    imports = [
        f"from {module} import {', '.join(sorted(names))}"
        for module, names in sorted(modules.items())
    ]
    words = case.complaint.words[:80].replace("\\", "").replace('"', "'")
    return "\n".join(
        [*imports, "", "", f"def {NAME}() -> None:", f'    """It was: {words}"""', body]
    )


def _world(case: Case, writer: Writer) -> str:
    writer.used |= {
        ("tests.support.simulation.world", "World"),
        ("tests.support.simulation.ends", "spend"),
    }
    faults = writer.value(case.faults)
    return (
        f"    world = World({case.seed!r}, faults={faults}, issues={case.issues})\n"
        f"    spend(world, {case.events})\n"
    )


def regression_test(case: Case, *, decide: Step = step) -> str:
    """The case, made as small as possible, as a test."""
    return as_test(*shrink(case, decide=decide))
