"""A file that the daemon fails to read is no reason to end, nor to start what nobody agreed to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from symphony.observability.redaction import Redactor
from symphony.runtime.configuration import WorkflowComposer
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.identity import new_daemon_id
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.reload import Reloader
from symphony.runtime.roots import WorkspaceRoots
from symphony.scheduler.events import Event, WorkflowAccepted, WorkflowRejected

pytestmark = pytest.mark.anyio


class Explosive(Mapping[str, str]):
    """An environment in which one variable cannot be read."""

    def __getitem__(self, name: str) -> str:
        if name == "EXPLODES":
            raise RuntimeError("bang")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def text(top: Path, path: str) -> str:
    return f"""\
---
tracker: {{kind: files, provider: {{path: {path}}}}}
workspace: {{root: {top / "workspaces"}}}
---
"""


async def look(reloader: Reloader, mailbox: Mailbox) -> Event:
    """Look, and take the only event that comes of it."""
    await reloader.look()
    async for event in mailbox.events():
        return event
    raise AssertionError("the mailbox is closed")


@pytest.mark.proves("recovery.service.survives", "reload.invalid.recovers")
@pytest.mark.parametrize("repair", ["good again", "good as before"])
async def test_a_defect_blocks_dispatch_until_the_file_can_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, repair: str
) -> None:
    caplog.set_level(logging.INFO, "symphony")
    file = tmp_path / "WORKFLOW.md"
    file.write_text(text(tmp_path, "."))
    composer = WorkflowComposer(str(file), Explosive())
    shelf = WorkflowShelf(composer.load().workflow)
    mailbox, roots = Mailbox(), WorkspaceRoots(new_daemon_id())
    reloader = Reloader(
        composer=composer, shelf=shelf, mailbox=mailbox, redactor=Redactor(), roots=roots
    )
    try:
        file.write_text(text(tmp_path, "$EXPLODES"))
        assert isinstance(await look(reloader, mailbox), WorkflowRejected)
        await reloader.look()
        messages = [record.message for record in caplog.records]
        assert messages == ["workflow_check_defect", "workflow_rejected"]
        file.write_text(text(tmp_path, "./" if repair == "good again" else "."))
        assert isinstance(await look(reloader, mailbox), WorkflowAccepted)
        assert caplog.records[-1].message == "workflow_recovered"
    finally:
        roots.release_all()
        mailbox.close()
