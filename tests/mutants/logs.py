"""Mutants of what the log says, and of what it may not say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace as changed
from typing import Any

from symphony.observability import events, log_lines
from symphony.observability import fields as about_runs
from symphony.observability.log_lines import LogLine
from symphony.observability.logs import Logs
from symphony.observability.redaction import Redactor
from symphony.observability.sinks import Sink
from symphony.runtime import interpreter
from symphony.scheduler import runs
from symphony.scheduler.commands import Announce
from symphony.trackers.linear import client, failures
from symphony.workspaces import hooks
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant

_KINDS = re.compile(
    r"time[ds_ -]*out|stall|cancel|inactive|not[ _]active|reconcil|no longer", re.IGNORECASE
)
"""The words that tell one end of a run from another."""


def _fields(change: Callable[[dict[str, Any]], None]) -> None:
    """Change the fields of the lines about a run."""
    original: Any = about_runs.run_fields

    def run_fields(*arguments: Any, **options: Any) -> dict[str, Any]:
        fields = dict(original(*arguments, **options))
        change(fields)
        return fields

    replace(about_runs, "run_fields", run_fields)


@mutant(
    "decisions_without_issue",
    kills=("log.context.issue",),
    about="A line about a decision carries no `issue_identifier`.",
)
def _() -> None:
    original = private(interpreter, "_log")

    def log(command: Announce) -> None:
        if command.issue_id is None:
            original(command)
            return
        fields = {"issue_id": command.issue_id, **command.fields}
        original(changed(command, issue_id=None, identifier=None, fields=fields))

    replace(interpreter, "_log", log)


@mutant(
    "sessions_without_id",
    kills=("log.context.session", "session.event.started"),
    about="The lines about a session do not carry its id.",
)
def _() -> None:
    _fields(lambda fields: fields.pop("session_id", None))


@mutant(
    "lines_without_outcome",
    kills=("log.outcome.stated",),
    about="No line states an outcome.",
)
def _() -> None:
    original: Any = log_lines.default_outcome
    make: Any = runs.__dict__["_announce_end"]

    def none(event: str) -> None:
        original(event)

    def announce_end(*arguments: Any) -> Announce:
        announced: Announce = make(*arguments)
        fields = {name: v for name, v in announced.fields.items() if name != "outcome"}
        return changed(announced, fields={**fields, "reason": "ended"})

    replace(events, "default_outcome", none)
    replace(runs, "_announce_end", announce_end)


@mutant(
    "every_end_is_a_failure",
    kills=("run.reason.distinct",),
    about="Timeouts, stalls and cancellations are all told in the words of a failure.",
)
def _() -> None:
    original: Any = log_lines.line_of

    def line_of(*arguments: Any) -> LogLine:
        line: LogLine = original(*arguments)
        if line.event.startswith("hook_"):
            return line
        fields = [(name, _KINDS.sub("fail", v) if type(v) is str else v) for name, v in line.fields]
        return changed(line, event=_KINDS.sub("fail", line.event), fields=fields)

    replace(log_lines, "line_of", line_of)


@mutant(
    "full_sink_ends_the_service",
    kills=("log.sink.survives", "log.sink.warned"),
    about="A log that cannot be written ends the service.",
)
def _() -> None:
    original = private(Sink, "_missed")

    def missed(self: Sink, lines: int, reason: str) -> None:
        original(self, lines, reason)
        os._exit(1)

    replace(Sink, "_missed", missed)


@mutant(
    "failed_end_exits_well",
    kills=("cli.exit.abnormal", "log.sink.survives", "log.sink.warned"),
    about="A log that cannot be written ends the service, with the code 0.",
)
def _() -> None:
    original = private(Sink, "_missed")

    def missed(self: Sink, lines: int, reason: str) -> None:
        original(self, lines, reason)
        os._exit(0)

    replace(Sink, "_missed", missed)


@mutant(
    "full_sink_is_not_told_of",
    kills=("log.sink.warned",),
    about="A log that cannot be written is reported nowhere.",
)
def _() -> None:
    def report(self: Logs, sink: Sink, event: str, fields: Mapping[str, object]) -> None:
        del self, sink, event, fields

    replace(Logs, "_report", report)


@mutant(
    "secret_in_errors",
    kills=("security.secret.logs",),
    about="An error of the tracker that repeats the key is logged as it is.",
)
def _() -> None:
    def as_it_is(value: object, secrets: object) -> object:
        del secrets
        return value

    def redact(self: Redactor, text: str) -> str:
        del self
        return text

    replace_in(failures, "masked", as_it_is)
    replace_in(client, "masked", as_it_is)
    replace(Redactor, "redact", redact)


@mutant(
    "hook_output_in_full",
    kills=("hook.output.truncated",),
    about="The whole output of a hook that fails is logged.",
)
def _() -> None:
    replace(hooks, "HOOK_OUTPUT_BYTES", 100_000_000)
    replace(hooks, "LOGGED_OUTPUT_CHARACTERS", 100_000_000)
    replace(log_lines, "MAX_VALUE_CHARACTERS", 100_000_000)
