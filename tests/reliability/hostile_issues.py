"""All that the daemon does with an issue whose texts and numbers are anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from symphony.domain.issue import Issue
from symphony.http.answers import encoded
from symphony.http.issue import issue_document, known_issues
from symphony.http.page.assets import load_assets
from symphony.http.page.rendering import Pages
from symphony.http.state import state_document
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.state import Waiting
from symphony.workflow.template import parse_template
from symphony.workspaces.key import workspace_key
from tests.support.demo_snapshots import EMPTY
from tests.support.http_view import MemoryView

TEMPLATE: Final = parse_template(
    "{{ issue.title }}{{ issue.created_at }}{{ issue.labels }}{{ issue }}x"
)
"""Prints all that an issue has."""
PAGES: Final = Pages(load_assets())


def use(issues: Sequence[Issue]) -> None:
    """Whatever an issue says, everything that is done with one can be done with it."""
    ordered = in_dispatch_order(issues)
    rows = tuple(Waiting(issue=each, code="no_slot", reason="no slot is free") for each in ordered)
    snapshot = replace(EMPTY, skipped=rows)
    view = MemoryView(snapshot)
    encoded(state_document(snapshot, view.settings(), view.redact))
    PAGES.board(snapshot, view.settings(), view)
    for known in known_issues(snapshot):
        encoded(issue_document(known, view.settings(), None, view.redact))
        assert TEMPLATE.render(known.issue, None)
        assert "/" not in workspace_key(known.issue.identifier)
