"""Documents out of templates: everything that is put into one is escaped.

A name that a template expects and does not get is a defect, not an empty place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from symphony.domain.settings import Settings
from symphony.http.page import words
from symphony.http.page.assets import Assets
from symphony.http.page.board import make_board
from symphony.http.page.session import SessionPage
from symphony.http.rendering import StateRenderer
from symphony.http.view import DaemonView
from symphony.scheduler.snapshot import Snapshot

RELOAD_S = 10
"""Between two looks of a browser that runs no script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there is nothing else to see."""

    status: int
    title: str
    text: str


class Pages:
    """The documents of one daemon."""

    def __init__(self, assets: Assets) -> None:
        self._templates = Environment(
            loader=PackageLoader("symphony.http.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(_FILTERS)
        self._assets = assets

    def board(self, snapshot: Snapshot, settings: Settings, view: DaemonView) -> bytes:
        """The page at `/`."""
        board = make_board(snapshot, settings, view.redact)
        return self._rendered("board.html", title=board.title, now=board.now, board=board)

    def session(self, page: SessionPage) -> bytes:
        """The page of an issue."""
        return self._rendered("session.html", title=page.title, now=page.now, page=page)

    def trouble(self, trouble: Trouble) -> bytes:
        """What is shown instead of a page."""
        now = datetime.now(UTC)
        return self._rendered("trouble.html", title=trouble.title, now=now, trouble=trouble)

    def _rendered(self, name: str, **values: object) -> bytes:
        template = self._templates.get_template(name)
        text = template.render(values, assets=self._assets, reload_s=RELOAD_S)
        return text.encode("utf-8", "replace")


class BoardRenderer(StateRenderer):
    """The page at `/` instead of the JSON, and like that once for all who ask at the same time."""

    def __init__(self, view: DaemonView, pages: Pages) -> None:
        super().__init__(view)
        self._pages = pages

    def _encode(self, snapshot: Snapshot, settings: Settings, requests_sent: int | None) -> bytes:
        del requests_sent  # For programs.
        return self._pages.board(snapshot, settings, self._view)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _millis(at: datetime) -> int:
    """Milliseconds since 1970, as a script counts."""
    return int(at.timestamp() * 1000)


_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "duration": words.duration,
    "clock": words.clock,
    "iso": _iso,
    "millis": _millis,
}
