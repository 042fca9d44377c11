"""A child process: its pipes, its end, and the end of everything it started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from typing import NoReturn

import anyio
import pytest

from symphony.processes.exits import wait_by_polling
from symphony.processes.pipes import KEPT_BYTES, InputClosedError
from symphony.processes.process import OwnedProcess, spawn
from tests.support.process_children import (
    FORGETFUL_GRANDCHILD,
    LEAVES_A_FORGETFUL_GRANDCHILD,
    PARENT_OF_STUBBORN_ORPHAN,
    PIPE_HOLDER,
    QUIET_FOR_EVER,
    STUBBORN,
    python,
)
from tests.support.process_tokens import PATIENCE_S, pids_with, runs

pytestmark = pytest.mark.anyio
Start = Callable[[str], OwnedProcess]
SHORT_GRACE_MS = 100
LONG_GRACE_MS = 60_000


async def read_line(process: OwnedProcess) -> str:
    line = b""
    with anyio.fail_after(PATIENCE_S):
        while not line.endswith(b"\n"):
            data = await process.receive_stdout(1)
            assert data, "the output ended too early"
            line += data
    return line.decode().strip()


async def read_all(process: OwnedProcess) -> bytes:
    received = bytearray()
    with anyio.fail_after(PATIENCE_S):
        while data := await process.receive_stdout(65536):
            received += data
    return bytes(received)


async def test_what_is_sent_comes_back_in_order(start: Start) -> None:
    process = start("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    message = bytes(range(256)) * 8192

    async with anyio.create_task_group() as group:

        async def send() -> None:
            await process.send(message)
            process.close_stdin()

        group.start_soon(send)
        assert await read_all(process) == message

    with anyio.fail_after(PATIENCE_S):
        assert await process.wait() == 0


async def test_standard_error_is_kept_apart(start: Start) -> None:
    process = start("import sys; print('out'); sys.stderr.buffer.write(b'err')")
    with anyio.fail_after(PATIENCE_S):
        assert await process.receive_stderr(100) == b"err"
        assert await process.receive_stderr(100) == b""
    assert await read_line(process) == "out"


async def test_sending_to_a_child_that_closed_its_input_is_a_typed_error(start: Start) -> None:
    process = start("import os, time; os.close(0); print('closed', flush=True); time.sleep(600)")
    assert await read_line(process) == "closed"

    with pytest.raises(InputClosedError):
        await process.send(b"hello\n")
    with pytest.raises(InputClosedError):
        await process.send(b"again\n")


async def test_a_sender_that_waits_is_woken_when_the_child_ends(start: Start) -> None:
    process = start("import sys; sys.stdin.read(1); print('leaving', flush=True)")
    with anyio.fail_after(PATIENCE_S), pytest.raises(InputClosedError):
        await process.send(b"x" * 1_000_000)


async def test_a_send_that_is_cancelled_half_way_closes_the_pipe(start: Start) -> None:
    process = start(QUIET_FOR_EVER)
    with anyio.move_on_after(0.05) as scope:
        await process.send(b"x" * 1_000_000)
    assert scope.cancelled_caught

    with anyio.fail_after(PATIENCE_S), pytest.raises(InputClosedError):
        await process.send(b"the next message")


async def test_closing_the_input_wakes_a_sender(start: Start) -> None:
    process = start(QUIET_FOR_EVER)

    async def send() -> None:
        with pytest.raises(InputClosedError):
            await process.send(b"x" * 1_000_000)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            process.close_stdin()


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
async def test_the_exit_code_is_told_to_every_waiter(start: Start, program: str, code: int) -> None:
    process = start(program)
    codes: list[int] = []

    async def wait() -> None:
        codes.append(await process.wait())

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)

    assert codes == [code, code]
    assert process.exit_code == code
    report = await process.stop(grace_ms=SHORT_GRACE_MS)
    assert (report.exit_code, report.confirmed) == (code, True)
    assert await process.wait() == code


async def test_without_pidfd_the_exit_code_is_found_by_asking() -> None:
    with subprocess.Popen(python("raise SystemExit(4)")) as child:  # noqa: ASYNC220
        with anyio.fail_after(PATIENCE_S):
            assert await wait_by_polling(child) == 4


async def test_a_program_that_does_not_exist_is_an_error_at_once(
    environment: dict[str, str],
) -> None:
    with pytest.raises(FileNotFoundError):
        spawn(("/no/such/program",), cwd="/", environment=environment)
    with pytest.raises(FileNotFoundError):
        spawn(("/bin/sh",), cwd="/no/such/directory", environment=environment)


async def test_a_child_leads_a_session_of_its_own_and_inherits_no_files(start: Start) -> None:
    process = start("import os; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/dev/fd')))")
    # The fourth is the listing's own.
    assert await read_line(process) == "True ['0', '1', '2', '3']"
    assert process.started_at_ticks > 0


async def test_a_child_without_input_reads_nothing(environment: dict[str, str]) -> None:
    process = spawn(
        python("import sys; print(repr(sys.stdin.read()))"),
        cwd="/",
        environment=environment,
        stdin=False,
    )
    try:
        assert await read_line(process) == "''"
        with pytest.raises(InputClosedError):
            await process.send(b"x")
    finally:
        await process.stop(grace_ms=SHORT_GRACE_MS)


async def test_an_agent_that_leaves_at_the_end_of_input_is_not_signalled(
    start: Start, token: str
) -> None:
    process = start("import sys; print('ready', flush=True); sys.stdin.read(); sys.exit(7)")
    assert await read_line(process) == "ready"

    report = await process.stop(grace_ms=LONG_GRACE_MS)

    assert (report.exit_code, report.confirmed) == (7, True)
    assert pids_with(token) == []


async def test_an_agent_that_ignores_the_end_of_input_gets_sigterm(start: Start) -> None:
    process = start(f"print('ready', flush=True); {QUIET_FOR_EVER}")
    assert await read_line(process) == "ready"

    report = await process.stop(grace_ms=SHORT_GRACE_MS)

    assert (report.exit_code, report.confirmed) == (-signal.SIGTERM, True)


async def test_an_agent_that_ignores_end_of_input_and_sigterm_is_killed(
    start: Start, token: str
) -> None:
    process = start(STUBBORN)
    assert await read_line(process) == "ready"

    with anyio.fail_after(PATIENCE_S):
        report = await process.stop(grace_ms=SHORT_GRACE_MS)

    assert (report.exit_code, report.confirmed) == (-signal.SIGKILL, True)
    assert pids_with(token) == []


async def test_a_grandchild_in_a_session_of_its_own_is_ended_although_its_parent_left(
    start: Start, token: str
) -> None:
    process = start(PARENT_OF_STUBBORN_ORPHAN)
    grandchild = int(await read_line(process))
    assert grandchild in pids_with(token)
    process.close_stdin()
    with anyio.fail_after(PATIENCE_S):
        await process.wait()

    report = await process.stop(grace_ms=SHORT_GRACE_MS)

    assert report.confirmed
    assert pids_with(token) == []
    assert not runs(grandchild)


@pytest.mark.parametrize("program", [FORGETFUL_GRANDCHILD, LEAVES_A_FORGETFUL_GRANDCHILD])
async def test_a_grandchild_that_lost_its_mark_is_ended_as_a_descendant(
    start: Start, program: str
) -> None:
    process = start(program)
    grandchild = int(await read_line(process))

    report = await process.stop(grace_ms=SHORT_GRACE_MS)

    assert report.confirmed
    assert not runs(grandchild)


async def test_a_grandchild_that_holds_the_output_delays_neither_wait_nor_stop(
    start: Start, token: str
) -> None:
    process = start(PIPE_HOLDER)
    grandchild = int(await read_line(process))
    ends: list[bytes] = []

    async def read_to_the_end() -> None:
        ends.append(await process.receive_stdout(100))

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group:
            group.start_soon(read_to_the_end)
            assert await process.wait() == 0
            assert runs(grandchild)
            assert (await process.stop(grace_ms=SHORT_GRACE_MS)).confirmed

    assert ends == [b""]
    assert pids_with(token) == []


async def test_stopping_is_not_cut_short_by_cancellation(start: Start, token: str) -> None:
    process = start(STUBBORN)
    assert await read_line(process) == "ready"

    with anyio.CancelScope() as scope:
        scope.cancel()
        await process.stop(grace_ms=SHORT_GRACE_MS)

    assert pids_with(token) == []


async def test_a_stop_that_is_cancelled_in_the_middle_goes_on_to_the_end(
    start: Start, token: str
) -> None:
    process = start(STUBBORN)
    assert await read_line(process) == "ready"

    with anyio.move_on_after(SHORT_GRACE_MS / 1000 / 2):
        report = await process.stop(grace_ms=SHORT_GRACE_MS)
        assert report.confirmed

    assert pids_with(token) == []


async def test_a_task_that_is_torn_down_natively_still_kills(start: Start, token: str) -> None:
    process = start(STUBBORN)
    assert await read_line(process) == "ready"
    stopping = asyncio.ensure_future(process.stop(grace_ms=LONG_GRACE_MS))
    await anyio.wait_all_tasks_blocked()

    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping

    with anyio.fail_after(PATIENCE_S):
        assert await process.wait() == -signal.SIGKILL
    assert pids_with(token) == []


async def test_stopping_twice_and_at_once_gives_the_same_report(start: Start) -> None:
    process = start(STUBBORN)
    assert await read_line(process) == "ready"
    reports: list[object] = []

    async def stop() -> None:
        reports.append(await process.stop(grace_ms=SHORT_GRACE_MS))

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        group.start_soon(stop)

    assert reports == [await process.stop(grace_ms=SHORT_GRACE_MS)] * 2


async def test_output_that_nobody_reads_does_not_keep_a_child_from_leaving(start: Start) -> None:
    process = start(
        "import sys; print('ready', flush=True); sys.stdin.read()\n"
        "sys.stdout.write('x' * 5_000_000 + 'last words'); sys.stdout.flush(); sys.exit(5)"
    )
    assert await read_line(process) == "ready"

    report = await process.stop(grace_ms=LONG_GRACE_MS)

    assert report.exit_code == 5
    kept = await read_all(process)
    assert len(kept) == KEPT_BYTES
    assert kept.endswith(b"last words")


async def test_kill_now_ends_the_tree_without_waiting(start: Start, token: str) -> None:
    process = start(PARENT_OF_STUBBORN_ORPHAN)
    await read_line(process)

    process.kill_now()

    with anyio.fail_after(PATIENCE_S):
        assert await process.wait() == -signal.SIGKILL
    report = await process.stop(grace_ms=LONG_GRACE_MS)
    assert report.confirmed
    assert pids_with(token) == []


class Poisoned(dict[str, str]):
    """An environment that a child can be started with, and nothing can be looked up in."""

    def get(self, *_: object) -> NoReturn:
        raise MemoryError("at the worst moment")


@pytest.mark.proves("run.end.process_stopped")
def test_a_child_that_nobody_came_to_own_does_not_live_on(token: str) -> None:
    with pytest.raises(MemoryError):
        spawn(python(QUIET_FOR_EVER, token), cwd="/", environment=Poisoned(os.environ))
    assert pids_with(token) == []
