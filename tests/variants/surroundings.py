"""Variants of what is around the daemon: its logs, its exit code, its interface."""

from __future__ import annotations

import sys
from typing import Any

import anyio

from symphony.cli import daemon as command
from symphony.cli import signals
from symphony.http import answers
from symphony.observability import logs
from symphony.observability.logs import Logs
from symphony.runtime.daemon import Daemon
from tests.mutants.patching import replace
from tests.variants.registry import Variant, declared, variant

PORT_PATTERN = r"port_pattern = 'event=http_listening .*\bport=(\d+)'"
PORT_IN_JSON = r"""port_pattern = '"event": ?"http_listening".*"port": ?(\d+)'"""

declared(
    Variant(
        name="logs_are_json",
        permitted_by=("log.format.keys",),
        plays=("log", "http.enable", "hook.log", "recovery"),
        arguments=("--log-format", "json"),
        declares={PORT_PATTERN: PORT_IN_JSON},
        about="Log lines are JSON.",
    )
)


@variant(
    "logs_go_to_standard_output",
    permitted_by=("log.failure.visible",),
    plays=("log", "startup"),
    about="Log lines go to standard output; nothing is said on standard error.",
)
def _() -> None:
    original: Any = logs.configure_logging

    def configured(**options: Any) -> Logs:
        made: Logs = original(**{**options, "stream": sys.stdout})
        return made

    replace(logs, "configure_logging", configured)


@variant(
    "stops_with_the_code_of_the_signal",
    permitted_by=("cli.exit.signal",),
    plays=("cli",),
    declares={"stop_exit_codes = [0]": "stop_exit_codes = [143]"},
    about="After an orderly stop the exit code is what a shell shows of the signal: 143 or 130.",
)
def _() -> None:
    original: Any = command.serve
    codes: list[int] = []

    async def watch(daemon: Daemon, before_exit: object) -> None:
        del before_exit
        with anyio.open_signal_receiver(*signals.STOPPING_SIGNALS) as received:
            async for number in received:
                codes.append(128 + number)
                await daemon.request_stop()

    def serve(*arguments: Any) -> tuple[int, bool]:
        code, in_order = original(*arguments)
        return code or next(iter(codes), 0), in_order

    replace(signals, "_watch", watch)
    replace(command, "serve", serve)


@variant(
    "answers_have_more_members",
    permitted_by=("http.api.stable",),
    plays=("http", "snapshot"),
    about="Every object that the interface answers has a member that nobody knows.",
)
def _() -> None:
    original: Any = answers.encoded

    def encoded(document: Any) -> bytes:
        made: bytes = original({**document, "weather": {"wind": "west", "knots": 12}})
        return made

    replace(answers, "encoded", encoded)
