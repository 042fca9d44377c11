"""The workspace roots that a daemon holds: under any name, as they are now, and swept."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from symphony.domain.problems import ProblemError
from symphony.observability.redaction import Redactor
from symphony.processes.lock import RootLock
from symphony.runtime.configuration import WorkflowComposer
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.identity import new_daemon_id
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.reload import Reloader
from symphony.runtime.roots import WorkspaceRoots
from symphony.scheduler.events import Event, PollRequested, WorkflowAccepted, WorkflowRejected

pytestmark = pytest.mark.anyio

# In a process of its own: using up descriptors would break the test runner.
OUT_OF_DESCRIPTORS = """
import anyio, os, resource, sys
from symphony.domain.problems import ProblemError
from symphony.processes.lock import RootLock
from symphony.runtime.identity import new_daemon_id
from symphony.runtime.roots import WorkspaceRoots

async def main():
    roots = WorkspaceRoots(new_daemon_id())
    await roots.take(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    os.close(taken.pop())  # for the lock; none is left for the look
    try:
        await roots.take(sys.argv[2])
    except ProblemError as refused:
        print(refused.problems[0].code)
    for descriptor in taken:
        os.close(descriptor)
    RootLock.acquire(sys.argv[2]).release()
    await roots.take(sys.argv[2])
    try:
        RootLock.acquire(sys.argv[2])
    except ProblemError as refused:
        print(refused.problems[0].code)

anyio.run(main)
"""


@pytest.fixture
def roots() -> Iterator[WorkspaceRoots]:
    held = WorkspaceRoots(new_daemon_id())
    yield held
    held.release_all()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    opened = Mailbox()
    yield opened
    opened.close()


def is_free(root: Path) -> bool:
    try:
        RootLock.acquire(str(root)).release()
    except ProblemError:
        return False
    return True


async def test_a_root_that_is_held_may_be_spelled_in_another_way(
    roots: WorkspaceRoots, tmp_path: Path
) -> None:
    root, link = tmp_path / "root", tmp_path / "link"
    root.mkdir()
    link.symlink_to(root)
    await roots.take(str(root))
    for spelling in (f"{root}/", f"{tmp_path}/./root", str(link)):
        await roots.take(spelling)
    assert not is_free(root)


async def test_a_link_that_leads_elsewhere_now_is_another_root(
    roots: WorkspaceRoots, tmp_path: Path
) -> None:
    first, second, link = tmp_path / "first", tmp_path / "second", tmp_path / "link"
    for directory in (first, second):
        directory.mkdir()
    link.symlink_to(first)
    await roots.take(str(link))
    link.unlink()
    link.symlink_to(second)
    await roots.take(str(link))
    assert not is_free(second)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc to look at")
@pytest.mark.proves("recovery.service.survives")
def test_a_root_that_cannot_be_swept_is_refused_and_can_be_taken_later(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "first"), str(tmp_path / "second")]
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_DESCRIPTORS, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    codes = ["workspace_root_not_swept", "workspace_root_in_use"]
    assert done.stdout.splitlines() == codes, done.stderr


def workflow_text(top: Path) -> str:
    return f"""\
---
tracker: {{kind: files, provider: {{path: .}}}}
workspace: {{root: {top / "workspaces"}}}
---
"""


class LookedAfter:
    """A daemon's look at its workflow file and its root."""

    def __init__(self, roots: WorkspaceRoots, top: Path, mailbox: Mailbox) -> None:
        self.root = top / "workspaces"
        file = top / "WORKFLOW.md"
        file.write_text(workflow_text(top))
        composer = WorkflowComposer(str(file), {})
        self.mailbox = mailbox
        self.reloader = Reloader(
            composer=composer,
            shelf=WorkflowShelf(composer.load().workflow),
            mailbox=self.mailbox,
            redactor=Redactor(),
            roots=roots,
        )

    async def look(self) -> list[Event]:
        """What a look brings to light."""
        posted: list[Event] = []
        await self.reloader.look()
        end = PollRequested()
        await self.mailbox.post(end)
        async for event in self.mailbox.events():
            if event is end:
                break
            posted.append(event)
        return posted


async def test_a_root_that_was_replaced_is_held_again_at_the_next_look(
    roots: WorkspaceRoots, mailbox: Mailbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = LookedAfter(roots, tmp_path, mailbox)
    await roots.take(str(daemon.root))
    assert await daemon.look() == []
    daemon.root.rmdir()
    daemon.root.mkdir()
    assert is_free(daemon.root)
    caplog.set_level(logging.INFO, "symphony")
    assert await daemon.look() == []
    assert not is_free(daemon.root)
    assert [record.message for record in caplog.records] == ["workspace_root_replaced"]


async def test_a_root_that_somebody_else_took_meanwhile_blocks_dispatch_until_it_is_free(
    roots: WorkspaceRoots, mailbox: Mailbox, tmp_path: Path
) -> None:
    daemon = LookedAfter(roots, tmp_path, mailbox)
    await roots.take(str(daemon.root))
    daemon.root.rmdir()
    other = RootLock.acquire(str(daemon.root))
    try:
        (rejected,) = await daemon.look()
        assert isinstance(rejected, WorkflowRejected)
        assert "in use by" in rejected.reason
        assert await daemon.look() == []
    finally:
        other.release()
    (accepted,) = await daemon.look()
    assert isinstance(accepted, WorkflowAccepted)
    assert not is_free(daemon.root)


class Unlucky(WorkspaceRoots):
    """As where the system gives no thread, until `is_over`."""

    is_over = False

    async def take(self, root: str) -> None:
        if not self.is_over:
            raise RuntimeError("can't start new thread")
        await super().take(root)


@pytest.mark.proves("recovery.service.survives", "reload.invalid.recovers")
async def test_whatever_goes_wrong_with_a_root_does_not_end_the_daemon(
    mailbox: Mailbox, tmp_path: Path
) -> None:
    roots = Unlucky(new_daemon_id())
    daemon = LookedAfter(roots, tmp_path, mailbox)
    (rejected,) = await daemon.look()
    assert isinstance(rejected, WorkflowRejected)
    assert "can't start new thread" in rejected.reason
    roots.is_over = True
    (accepted,) = await daemon.look()
    assert isinstance(accepted, WorkflowAccepted)
    roots.release_all()
