"""`symphony [PATH]`: the daemon in the foreground.

The warden is forked first of all, while the process has neither threads nor heavy modules; it ends
what is left if the daemon is killed (`recovery.kill.agents_ended`).
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import anyio

    from symphony.cli.foreground import Foreground
    from symphony.domain.problems import ProblemError
    from symphony.observability.logs import Logs
    from symphony.runtime.daemon import Daemon
    from symphony.runtime.identity import Identity
    from symphony.runtime.round import Round
    from symphony.runtime.surface import Surface, SurfaceFactory, Wish

DEFAULT_WORKFLOW = "WORKFLOW.md"

_STANDARD_OUTPUT = 1

COLLECTION = (50_000, 20, 50)
"""When Python looks for garbage. A poll of many issues makes many objects at once and hardly any
cycles; with the usual thresholds a tenth of it went into looking."""


def run_daemon(
    *,
    path: str | None,
    port: int | None,
    logs_root: str | None,
    log_format: Literal["text", "json"],
    log_level: Literal["debug", "info", "warning", "error"],
    plain: bool,
    once: bool,
) -> int:
    """Run until stopped, or until one round is over; returns the exit code."""
    identity = own_processes()
    # Importing makes many objects and no garbage; looking for some took a tenth of the start.
    gc.disable()
    from symphony.observability.logs import configure_logging
    from symphony.observability.redaction import Redactor

    redactor = Redactor()
    foreground = None if plain else _foreground(log_format)
    logs = configure_logging(
        line_format=log_format,
        stream=sys.stderr,
        redactor=redactor,
        logs_root=logs_root,
        level=log_level,
        terminal=foreground,
    )
    if sys.stderr is None:
        _tell_closed_stream()
    from symphony.runtime.daemon import Daemon, DaemonOptions

    options = DaemonOptions(
        workflow_path=os.path.abspath(path or DEFAULT_WORKFLOW),
        environment=dict(os.environ),
        logs_root=logs_root,
        port=port,
        identity=identity,
        redactor=redactor,
        surface=open_http,
        show=None if foreground is None else foreground.show,
    )
    only = _one_round() if once else None
    daemon = Daemon(options, governor=only)
    # What is there now stays until the end, and need not be looked at again.
    gc.freeze()
    gc.set_threshold(*COLLECTION)
    gc.enable()
    code, in_order = serve(daemon, logs, None if only is None else only.over)
    if in_order and identity.warden is not None:
        identity.warden.dismiss()
    return code if only is None or code else _conclude(only)


def _one_round() -> Round:
    # Late: a daemon that goes on has no use for it.
    from symphony.runtime.round import Round

    return Round()


def _foreground(log_format: str) -> Foreground | None:
    """The view of a daemon that is started on a terminal; None where there is none to be had."""
    from symphony.cli.terminal import can_show

    if log_format != "text" or not can_show(os.environ, sys.stdout, sys.stderr):
        return None
    from symphony.cli.foreground import Foreground

    return Foreground(sys.stderr.fileno())


def _conclude(only: Round) -> int:
    """Say what came of it; the exit code."""
    from symphony.cli.closing import lines_of_round
    from symphony.observability.sinks import write_all

    text = "".join(f"{line}\n" for line in lines_of_round(only))
    # Whoever has closed standard output does not want to know, and the exit code still counts: it
    # is written without a buffer, which Python would try to empty once more at the end.
    with contextlib.suppress(OSError):
        write_all(_STANDARD_OUTPUT, text.encode("utf-8", "replace"))
    return 0 if only.went_well else 1


async def open_http(wish: Wish) -> Surface:
    """The HTTP interface; a daemon without a port does not pay for its import."""
    import anyio.to_thread

    opened = await anyio.to_thread.run_sync(_import_http)
    return await opened(wish)


def _import_http() -> SurfaceFactory:
    from symphony.http.page.routes import page_routes
    from symphony.http.surface import open_surface

    return partial(open_surface, extra_routes=page_routes)


def own_processes() -> Identity:
    """Reserve the standard descriptors, hide the environment, fork the warden, say who we are."""
    from symphony.observability.descriptors import reserve_standard_descriptors
    from symphony.processes.privacy import hide_from_other_processes
    from symphony.processes.warden import start_warden
    from symphony.runtime.identity import Identity, new_daemon_id

    reserve_standard_descriptors()
    hide_from_other_processes()
    daemon_id = new_daemon_id()

    return Identity(daemon_id=daemon_id, warden=start_warden(daemon_id))


def serve(daemon: Daemon, logs: Logs, over: anyio.Event | None = None) -> tuple[int, bool]:
    """The exit code, and whether the daemon is known to have ended all that it owned. It is stopped
    when `over` is set."""
    import anyio

    from symphony.cli.signals import until_signal
    from symphony.domain.problems import ProblemError

    try:
        anyio.run(partial(until_signal, daemon, before_exit=logs.flush_lines, over=over))
    except ProblemError as error:
        _report_start_failure(error)
        return 1, True
    except Exception as error:
        _report_defect(error)
        return 1, False
    finally:
        logs.close()
    return 0, True


def _tell_closed_stream() -> None:
    """The other sink says that this one is missing (`log.sink.warned`)."""
    import logging

    fields = {"sink": "stderr", "reason": "standard error was closed before the start"}
    logging.getLogger(__name__).warning("log_sink_failed", extra={"fields": fields})


def _report_defect(error: Exception) -> None:
    """On the log's sinks and redacted, where the interpreter would print it as it is."""
    import logging

    cause = _innermost(error)
    reason = f"{type(cause).__name__}: {cause}"
    logger = logging.getLogger(__name__)
    logger.error("daemon_failed", exc_info=cause, extra={"fields": {"reason": reason}})


def _innermost(error: Exception) -> Exception:
    """What went wrong: task groups wrap it, and say nothing themselves."""
    if isinstance(error, ExceptionGroup):
        group = cast("ExceptionGroup[Exception]", error)
        return _innermost(group.exceptions[0])
    return error


def _report_start_failure(error: ProblemError) -> None:
    """One log line for each problem (`startup.validate.refused`)."""
    import logging

    from symphony.runtime.reload import problem_fields

    logger = logging.getLogger(__name__)
    for problem in error.problems:
        logger.error("startup_failed", extra={"fields": problem_fields(problem)})
