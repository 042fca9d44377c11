"""The vocabulary of the log, the code that uses it and the page that explains it agree."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId, IssueIdentifier, RunId, SessionId
from symphony.domain.issue import Issue
from symphony.domain.run import RunRequest
from symphony.observability.events import EVENTS, events_table
from symphony.observability.fields import issue_fields, run_fields
from symphony.observability.log_lines import LIBRARY_EVENT, as_text, line_of
from symphony.observability.redaction import Redactor

TOP = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception"}
# Made by the logging code itself, below any logger.
MADE_INSIDE = {LIBRARY_EVENT, "log_record_unreadable", "log_sink_failed", "log_sink_recovered"}

ISSUE = Issue(
    id=IssueId("7"),
    identifier=IssueIdentifier("ABC-1"),
    title="Title",
    state="Todo",
    dispatchable=True,
)


@dataclass(frozen=True)
class Use:
    """One place in the code that names an event; `level` is None where it is decided there."""

    place: str
    event: str
    level: str | None


def bindings(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Which names an assignment binds to what; pairs and conditional pairs are taken apart."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(), ast.IfExp(body=body, orelse=orelse):
            yield from bindings(target, body)
            yield from bindings(target, orelse)
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for each, one in zip(targets, values, strict=True):
                yield from bindings(each, one)
        case _:
            return


class Names:
    """What names stand for: constants of the whole project, and assignments of one module."""

    def __init__(self, trees: Mapping[Path, ast.Module]) -> None:
        self._values: dict[str, list[ast.expr]] = {}
        for path, tree in trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign):
                    for name, value in bindings(node.targets[0], node.value):
                        key = name if name.isupper() else f"{path}:{name}"
                        self._values.setdefault(key, []).append(value)

    def texts(self, path: Path, node: ast.expr) -> Iterator[str]:
        """The event names that an expression can have; none where they come from a caller."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=orelse):
                yield from self.texts(path, body)
                yield from self.texts(path, orelse)
            case ast.Name(id=name):
                for value in self._values.get(name if name.isupper() else f"{path}:{name}", []):
                    yield from self.texts(path, value)
            case _:
                return


def uses() -> Iterator[Use]:
    paths = sorted((TOP / "symphony").rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    names = Names(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for expression, level in events_of(node):
                    for event in names.texts(path, expression):
                        yield Use(f"{path.relative_to(TOP)}:{node.lineno}", event, level)


def events_of(call: ast.Call) -> Iterator[tuple[ast.expr, str | None]]:
    """The expression that names the event which a call reports, and its level."""
    given = {word.arg: word.value for word in call.keywords}
    match call.args:
        case [ast.Attribute(value=ast.Name(id="logging"), attr=level), event, *_]:
            # `logger.log(logging.INFO, ...)`, and functions of a module that end in it.
            yield event, level.lower()
        case _:
            pass
    match call.func:
        case ast.Attribute(value=ast.Name(id="logger" | "_logger"), attr=attr) if attr in LEVELS:
            yield call.args[0], "error" if attr == "exception" else attr
        case ast.Name(id="announce"):
            yield call.args[0], "info"
        case ast.Name(id="Announce"):
            level = given.get("level", ast.Constant("info"))
            fixed = level.value if isinstance(level, ast.Constant) else None
            yield given["name"], fixed if isinstance(fixed, str) else None
        case ast.Name(id="Notice"):
            yield given["event"], "warning"
        case _:
            return


def test_every_event_in_the_code_is_in_the_vocabulary_at_its_level() -> None:
    wrong = [
        f"{use.place}: {use.event} ({use.level})"
        for use in uses()
        if use.event not in EVENTS
        or (use.level is not None and use.level not in EVENTS[use.event].levels)
    ]

    assert not wrong


def test_every_event_of_the_vocabulary_is_used() -> None:
    assert set(EVENTS) - MADE_INSIDE - {use.event for use in uses()} == set()


def test_the_operations_page_shows_the_vocabulary() -> None:
    page = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")

    # To mend it: print(symphony.observability.events.events_table())
    assert events_table() in page


@pytest.mark.proves("log.outcome.stated")
def test_every_event_states_an_outcome() -> None:
    assert all(event.outcome for event in EVENTS.values())


@pytest.mark.proves("log.context.issue", "log.context.session")
def test_lines_about_runs_carry_issue_and_session() -> None:
    request = RunRequest(run_id=RunId(3), issue=ISSUE, attempt=None)
    fields = run_fields(request, SessionId("thread-turn"))
    record = logging.LogRecord("symphony.x", logging.INFO, "", 1, "dispatched", None, None)
    record.__dict__["fields"] = fields

    line = as_text(line_of(record, Redactor()))

    assert "issue_id=7 issue_identifier=ABC-1 session_id=thread-turn run_id=3" in line
    assert "attempt" not in line


def test_issue_fields_name_the_issue() -> None:
    assert issue_fields(ISSUE) == {"issue_id": "7", "issue_identifier": "ABC-1"}
