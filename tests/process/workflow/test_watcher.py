"""The watcher with real files: everything that editors and deployments do to a WORKFLOW.md."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from symphony.workflow.watcher import watch_workflow

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 20.0


class Calls:
    """Counts calls of `on_change`, and waits for a state of the file that was seen by one."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = anyio.Event()

    async def __call__(self) -> None:
        self.count += 1
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(DEADLINE_SECONDS):
            while not condition():
                await self._changed.wait()

    async def next_after(self, count: int) -> None:
        await self.until(lambda: self.count > count)


def edit(path: Path, text: str) -> None:
    """Change the file in place."""
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """Change the file as editors do: by a new one that takes its name."""
    beside = path.with_name(".WORKFLOW.md.swp")
    beside.write_text(text)
    os.replace(beside, path)


@asynccontextmanager
async def watching(path: Path) -> AsyncGenerator[Calls]:
    """A watch that has made its first call, ended when the block ends."""
    calls = Calls()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch_workflow, path, calls)
        await calls.next_after(0)
        yield calls
        tasks.cancel_scope.cancel()


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    path = tmp_path / "checkout" / "WORKFLOW.md"
    path.parent.mkdir()
    path.write_text("first")
    return path


@pytest.mark.proves("reload.detect.change")
async def test_a_change_in_place_is_noticed(workflow: Path) -> None:
    async with watching(workflow) as calls:
        count = calls.count
        edit(workflow, "second, longer")
        await calls.next_after(count)


@pytest.mark.proves("reload.detect.change")
async def test_a_replacement_by_rename_is_noticed_each_time(workflow: Path) -> None:
    async with watching(workflow) as calls:
        for text in ("second", "third"):
            count = calls.count
            replace(workflow, text)
            await calls.next_after(count)


async def test_deletion_and_return_of_the_file_are_noticed(workflow: Path) -> None:
    async with watching(workflow) as calls:
        count = calls.count
        os.unlink(workflow)
        await calls.next_after(count)
        count = calls.count
        edit(workflow, "back")
        await calls.next_after(count)


async def test_a_mounted_configuration_that_switches_its_links_is_noticed(tmp_path: Path) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "WORKFLOW.md").write_text(f"version {version}")
    (tmp_path / "..data").symlink_to("one")
    path = tmp_path / "WORKFLOW.md"
    path.symlink_to("..data/WORKFLOW.md")
    async with watching(path) as calls:
        count = calls.count
        (tmp_path / "..data_next").symlink_to("two")
        os.replace(tmp_path / "..data_next", tmp_path / "..data")
        await calls.next_after(count)
        assert path.read_text() == "version two"


async def test_a_change_behind_a_link_to_another_directory_is_noticed(
    workflow: Path, tmp_path: Path
) -> None:
    link = tmp_path / "linked" / "WORKFLOW.md"
    link.parent.mkdir()
    link.symlink_to(workflow)
    async with watching(link) as calls:
        count = calls.count
        edit(workflow, "changed behind the link")
        await calls.next_after(count)


async def test_a_directory_that_goes_and_comes_back_is_watched_again(workflow: Path) -> None:
    async with watching(workflow) as calls:
        count = calls.count
        shutil.rmtree(workflow.parent)
        await calls.next_after(count)
        count = calls.count
        workflow.parent.mkdir()
        edit(workflow, "a new checkout")
        await calls.next_after(count)
        count = calls.count
        edit(workflow, "edited in the new checkout")
        await calls.next_after(count)


async def test_a_file_that_is_not_there_yet_is_noticed_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "later" / "WORKFLOW.md"
    async with watching(path) as calls:
        count = calls.count
        path.parent.mkdir()
        path.write_text("here")
        await calls.next_after(count)


async def test_other_files_in_the_directory_cause_no_call(workflow: Path) -> None:
    async with watching(workflow) as calls:
        count = calls.count
        for number in range(20):
            workflow.with_name(f"note-{number}").write_text("beside it")
        # The file itself is changed last: one call, for it alone.
        replace(workflow, "changed last")
        await calls.next_after(count)
        assert calls.count == count + 1


async def test_an_error_of_the_caller_ends_the_watch(workflow: Path) -> None:
    async def refuse() -> None:
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"), anyio.fail_after(DEADLINE_SECONDS):
        await watch_workflow(workflow, refuse)


async def test_cancelling_ends_the_watch_with_its_thread(workflow: Path) -> None:
    with anyio.fail_after(DEADLINE_SECONDS):
        async with watching(workflow):
            pass
