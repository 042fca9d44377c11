"""A workspace whose removal was cut off is not taken for a whole one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.daemon_site import Site

FILES = 3_000
"""Enough that the kill comes before the last one is gone, as a rule."""
ATTEMPTS = 10

FILL = f"mkdir bulk && cd bulk && seq {FILES} | xargs touch"


def _number_of_files(workspace: Path) -> int:
    try:
        return len(os.listdir(workspace / "bulk"))
    except FileNotFoundError:
        return 0


def _issue_with_half_a_workspace(site: Site) -> str:
    for number in range(ATTEMPTS):
        name = f"MT-{number}"
        _cut_off_a_removal(site, name)
        if 0 < _number_of_files(site.workspace(name)) < FILES:
            return name
    raise AssertionError("no removal was cut off in the middle")


def _cut_off_a_removal(site: Site, name: str) -> None:
    """Let an issue get done, and kill the daemon while it removes the workspace."""
    site.write_issue(name)
    daemon = site.start()
    removing = site.top / f"{name}.removing"
    daemon.wait_for(removing.exists, "the removal begins")
    while _number_of_files(site.workspace(name)) == FILES:
        assert daemon.runs
    daemon.kill()


@pytest.mark.proves("recovery.workspace.half_removed")
@pytest.mark.proves(
    "recovery.restart.redispatch", "hook.after_create.again", "workspace.populate.surfaced"
)
def test_what_is_left_of_a_removal_that_was_cut_off_is_not_worked_in(site: Site) -> None:
    site.write_workflow(
        hooks={
            "after_create": FILL,
            "before_run": f'ls bulk | wc -l >> {site.top}/"$SYMPHONY_ISSUE_ID.found"',
            "before_remove": f'touch {site.top}/"$SYMPHONY_ISSUE_ID.removing"',
        }
    )
    name = _issue_with_half_a_workspace(site)
    site.write_issue(name)
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
    assert (site.top / f"{name}.found").read_text().split() == [str(FILES)] * 2
