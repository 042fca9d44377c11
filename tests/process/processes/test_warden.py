"""When the daemon dies, in whatever way, nothing that it started lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.process_tokens import PATIENCE_S, pids_with, runs, wait_until

TOP = Path(__file__).parents[3]
StartDaemon = Callable[[str], "Daemon"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    process: subprocess.Popen[bytes]
    warden: int
    started: tuple[int, ...]

    def say_end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"end\n")
        self.process.stdin.flush()

    def expect_everything_gone(self, token: str) -> None:
        wait_until(lambda: not any(map(runs, self.started)), "every child to be ended")
        wait_until(lambda: not runs(self.warden), "the warden to leave")
        assert pids_with(token) == []


@pytest.fixture
def start_daemon(token: str) -> Iterator[StartDaemon]:
    with ExitStack() as stack:

        def start(mode: str) -> Daemon:
            process = stack.enter_context(
                subprocess.Popen(
                    (sys.executable, "-m", "tests.support.process_daemon", mode, token),
                    cwd=TOP,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            lines = [process.stdout.readline().split() for _ in range(3)]
            warden, *started = [int(word) for line in lines for word in line]
            return Daemon(process=process, warden=warden, started=tuple(started))

        yield start


def test_a_daemon_killed_by_sigkill_leaves_nothing_behind(
    start_daemon: StartDaemon, token: str
) -> None:
    daemon = start_daemon("killed")
    assert len(daemon.started) == 4
    assert all(map(runs, daemon.started))

    daemon.process.kill()

    daemon.expect_everything_gone(token)


def test_killing_the_whole_group_of_the_daemon_does_not_hit_the_warden(
    start_daemon: StartDaemon, token: str
) -> None:
    daemon = start_daemon("killed")
    os.killpg(daemon.process.pid, signal.SIGKILL)
    daemon.expect_everything_gone(token)


def test_a_daemon_that_forgets_to_dismiss_the_warden_leaves_nothing_behind(
    start_daemon: StartDaemon, token: str
) -> None:
    daemon = start_daemon("careless")
    daemon.say_end()
    daemon.expect_everything_gone(token)


def test_signals_that_end_a_daemon_in_good_order_do_not_end_the_warden(
    start_daemon: StartDaemon, token: str
) -> None:
    daemon = start_daemon("killed")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(daemon.warden, number)
    daemon.process.kill()
    daemon.expect_everything_gone(token)


def test_a_dismissed_warden_leaves_without_ending_anything_and_is_reaped(
    start_daemon: StartDaemon,
) -> None:
    daemon = start_daemon("orderly")
    daemon.say_end()
    assert daemon.process.wait(timeout=PATIENCE_S) == 0
    assert not Path(f"/proc/{daemon.warden}").exists()
    # The children saw the end of their input, their stubborn grandchildren did not mind.
    orphans = daemon.started[1::2]
    assert all(map(runs, orphans))
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)


def test_the_warden_holds_none_of_the_daemons_files(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("killed")
    files = {
        int(entry.name): os.readlink(entry) for entry in Path(f"/proc/{daemon.warden}/fd").iterdir()
    }
    standard = [files.pop(number) for number in range(3)]
    assert standard == [os.devnull] * 3
    assert len(files) == 1
    assert next(iter(files.values())).startswith("pipe:")
    assert os.getsid(daemon.warden) == daemon.warden
    assert Path(f"/proc/{daemon.warden}/comm").read_text() == "symphony-warden\n"


def test_a_daemon_goes_on_when_somebody_killed_its_warden(start_daemon: StartDaemon) -> None:
    daemon = start_daemon("orderly")
    os.kill(daemon.warden, signal.SIGKILL)
    wait_until(lambda: not runs(daemon.warden), "the warden to end")
    daemon.say_end()
    assert daemon.process.wait(timeout=PATIENCE_S) == 0
    for pid in daemon.started[1::2]:
        os.kill(pid, signal.SIGKILL)


def test_the_warden_is_forked_before_anything_heavy_is_loaded() -> None:
    program = "import sys, symphony.processes.warden; print(*sys.modules)"
    result = subprocess.run(
        (sys.executable, "-c", program), cwd=TOP, capture_output=True, check=True, text=True
    )
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert not loaded & {"anyio", "asyncio", "pydantic", "jinja2", "subprocess", "threading"}
