"""Runs the suite under the signals of a terminal.

Guarantees: Ctrl-C and SIGTERM end a run in order: what was found is kept, and nothing that was
started is left. Every error comes out as itself, not in a group.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from typing import Final

import anyio

from conformance.exit_codes import CommandError, ExitCode
from conformance.records import RecordsError, RunReport, read_records
from conformance.reports.console import Progress
from conformance.runner.results import RECORDS, ResultsError
from conformance.runner.run import RunOptions, choose, run_suite
from conformance.runner.selection import Selection, SelectionError
from conformance.target.errors import LeftoversError, TargetError

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_end(options: RunOptions) -> RunReport:
    """The report of the run, also of an interrupted one; progress goes to standard error. Raises
    `CommandError`."""
    try:
        selection = choose(options)
        with Progress(sys.stderr, scenarios=len(selection.scenarios)) as progress:
            anyio.run(_run, options, selection, progress)
        return _recorded(options)
    except Exception as error:
        raise _explained(error, options) from error


def _recorded(options: RunOptions) -> RunReport:
    path = options.results / RECORDS
    if not path.exists():
        raise CommandError("interrupted before anything was played", ExitCode.HARNESS)
    return read_records(path)


async def _run(options: RunOptions, selection: Selection, progress: Progress) -> None:
    # The receiver outlives the run: a second signal must not cut the stopping short.
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async with anyio.create_task_group() as group:
            playing = anyio.CancelScope()
            group.start_soon(_cancel_on_signal, signals, playing, progress)
            with playing:
                await run_suite(options, selection, progress.see)
            group.cancel_scope.cancel()


async def _cancel_on_signal(
    signals: AsyncIterator[signal.Signals], playing: anyio.CancelScope, progress: Progress
) -> None:
    async for number in signals:
        progress.note(f"{number.name}: stopping what was started ...")
        playing.cancel()


def _explained(error: Exception, options: RunOptions) -> Exception:
    match error:
        case ExceptionGroup():
            # The first is the cause; the others were cancelled because of it.
            return _explained(error.exceptions[0], options)
        case SelectionError() | TargetError() | ResultsError():
            return CommandError(str(error), ExitCode.USAGE)
        case RecordsError() | LeftoversError():
            return CommandError(str(error), ExitCode.HARNESS)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return CommandError(
                f"{where}{error.strerror or error}; what was found so far is kept in "
                f"{options.results}",
                ExitCode.HARNESS,
            )
        case _:
            return error
