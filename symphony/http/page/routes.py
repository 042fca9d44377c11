"""The addresses of the page. They come before those of the JSON interface and are behind its guard.

Whatever goes wrong is told on a page as well. The policy of each page allows this package's own
style sheet and script, and nothing that stands in the page itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from symphony.domain.ids import IssueIdentifier
from symphony.domain.issue import Issue
from symphony.http.answers import ApiError, not_found
from symphony.http.bodies import form_body
from symphony.http.endpoints import Services
from symphony.http.issue import KnownIssue, known_issues
from symphony.http.page.assets import STATIC_PREFIX, Assets, load_assets
from symphony.http.page.foreign import Foreign, issue_address
from symphony.http.page.log_tail import read_tail
from symphony.http.page.rendering import BoardRenderer, Pages, Trouble
from symphony.http.page.rows import key_of
from symphony.http.page.session import SessionPage, make_session_page
from symphony.http.rendering import take_snapshot
from symphony.http.routing import Handler, acting, reading
from symphony.scheduler.snapshot import Snapshot

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    # With `no-referrer` a browser hides the origin of a form, and the guard refuses it.
    "Referrer-Policy": "same-origin",
}
KEEP: Final = "private, max-age=86400, immutable"
"""Of what has its content in its address."""

_Shown: TypeAlias = Callable[[Request], Awaitable[bytes]]
_Acted: TypeAlias = Callable[[Request], Awaitable[Issue]]


def page_routes(services: Services) -> Sequence[BaseRoute]:
    """Everything for people."""
    assets = load_assets()
    place = _Place(services, assets, Pages(assets))
    return (
        reading("/", place.board),
        # An identifier may have a slash; the server has decoded it, once.
        reading("/issues/{identifier:path}", place.issue),
        acting("/poll", place.poll),
        acting("/answer", place.answer),
        acting("/stop", place.stop),
        reading(f"{STATIC_PREFIX}/{{version}}/{{name}}", place.asset),
    )


class _Place:
    """The handlers."""

    def __init__(self, services: Services, assets: Assets, pages: Pages) -> None:
        self._services = services
        self._view = services.view
        self._assets = assets
        self._pages = pages
        self._board = BoardRenderer(services.view, pages)
        # Of its own: requests must not use up the threads that the daemon's own work needs.
        self._threads = anyio.CapacityLimiter(1)
        self.board: Handler = self._told(self._show_board)
        self.issue: Handler = self._told(self._show_issue)
        self.answer: Handler = self._done(self._answer)
        self.stop: Handler = self._done(self._stop)

    async def poll(self, request: Request) -> Response:
        """The button of a browser without script; the script asks the JSON interface."""
        del request
        if not take_snapshot(self._view).draining:
            self._services.refresher.request()
        return RedirectResponse("/", status_code=303)

    async def _answer(self, request: Request) -> Issue:
        fields = await form_body(request)
        known, number = self._keyed(fields), fields.get("question", "")
        question = int(number) if number.isdecimal() else None
        # A browser ends lines as mail does.
        text = fields.get("answer", "").replace("\r\n", "\n")
        await self._services.operator.answer(known, text, question)
        return known.issue

    async def _stop(self, request: Request) -> Issue:
        known = self._keyed(await form_body(request))
        await self._services.operator.stop(known)
        return known.issue

    def _keyed(self, fields: Mapping[str, str]) -> KnownIssue:
        """The issue that a form is about."""
        for known in known_issues(take_snapshot(self._view)):
            if key_of(known.issue) == fields.get("issue"):
                return known
        raise ApiError(
            status=404,
            code="issue_not_found",
            message="The issue of this form does not run, wait or block any more.",
        )

    async def asset(self, request: Request) -> Response:
        """A file of this package. An address of another version is that of an older page."""
        asset = self._assets.files.get(str(request.path_params["name"]))
        if asset is None:
            raise not_found(request.url.path)
        is_present = request.path_params["version"] == self._assets.version
        headers = {"Cache-Control": KEEP} if is_present else None
        return Response(asset.body, media_type=asset.media_type, headers=headers)

    async def _show_board(self, request: Request) -> bytes:
        del request
        return await self._board.render()

    async def _show_issue(self, request: Request) -> bytes:
        identifier = str(request.path_params["identifier"])
        snapshot = take_snapshot(self._view)
        path = await self._view.session_log_path(IssueIdentifier(identifier))
        return await anyio.to_thread.run_sync(
            self._rendered_issue, snapshot, identifier, path, limiter=self._threads
        )

    def _rendered_issue(self, snapshot: Snapshot, identifier: str, path: str | None) -> bytes:
        page = self._issue_page(snapshot, identifier, path)
        if page is None:
            shown = Foreign(self._view.redact).line(identifier, 80)
            raise ApiError(
                status=404,
                code="issue_not_found",
                message=f"No issue {shown} runs, waits or is blocked, the last poll did not find "
                "it, and it has no session log.",
            )
        return self._pages.session(page)

    def _issue_page(
        self, snapshot: Snapshot, identifier: str, path: str | None
    ) -> SessionPage | None:
        log = None if path is None else read_tail(path, Foreign(self._view.redact))
        return make_session_page(snapshot, identifier, log, self._view.redact)

    def _told(self, shown: _Shown) -> Handler:
        """What a handler makes, or why not, as a page."""

        async def handler(request: Request) -> Response:
            try:
                return HTMLResponse(await shown(request), headers=PAGE_HEADERS)
            except ApiError as error:
                return self._trouble(error)

        return handler

    def _done(self, acted: _Acted) -> Handler:
        """Back to the page of the issue, or why nothing was done, as a page."""

        async def handler(request: Request) -> Response:
            try:
                issue = await acted(request)
            except ApiError as error:
                return self._trouble(error)
            return RedirectResponse(issue_address(issue.identifier), status_code=303)

        return handler

    def _trouble(self, error: ApiError) -> Response:
        title = _TITLES.get(error.status, "This cannot be shown")
        trouble = Trouble(status=error.status, title=title, text=error.message)
        headers = {**error.headers, **PAGE_HEADERS}
        return HTMLResponse(self._pages.trouble(trouble), status_code=error.status, headers=headers)


_TITLES: Final = {
    404: "There is no such issue here",
    400: "This cannot be used",
    409: "It is not as you saw it any more",
    503: "The state is not available",
}
