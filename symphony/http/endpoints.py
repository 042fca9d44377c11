"""What each address of the interface answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from symphony.domain.ids import IssueIdentifier
from symphony.domain.json import JsonObject
from symphony.http.answers import JSON_TYPE, ApiError, json_response, not_found
from symphony.http.bodies import json_body
from symphony.http.events import EventHub
from symphony.http.health import check_ready
from symphony.http.issue import KnownIssue, issue_document
from symphony.http.metrics import CONTENT_TYPE, Metrics
from symphony.http.openapi import openapi_document
from symphony.http.operator import Operator, answer_in, issue_in, known_issue
from symphony.http.refresh import Refresher
from symphony.http.rendering import StateRenderer, take_snapshot
from symphony.http.routing import acting, reading, streaming
from symphony.http.rows import timestamp
from symphony.http.view import DaemonView


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the endpoints share, also those of the page."""

    view: DaemonView
    renderer: StateRenderer
    hub: EventHub
    refresher: Refresher
    operator: Operator
    metrics: Metrics


def make_services(view: DaemonView) -> Services:
    """One of each, for one daemon."""
    renderer = StateRenderer(view)
    return Services(
        view=view,
        renderer=renderer,
        hub=EventHub(view, renderer),
        refresher=Refresher(view),
        operator=Operator(view),
        metrics=Metrics(view),
    )


def api_routes(services: Services) -> Sequence[Route]:
    """All but the page. The addresses before the last one are no identifiers of issues."""
    endpoints = Endpoints(services)
    return (
        reading("/healthz", endpoints.alive),
        reading("/readyz", endpoints.ready),
        reading("/metrics", endpoints.metrics),
        reading("/api/v1/state", endpoints.state),
        reading("/api/v1/openapi.json", endpoints.openapi),
        streaming("/api/v1/events", endpoints.events),
        acting("/api/v1/refresh", endpoints.refresh),
        acting("/api/v1/answer", endpoints.answer),
        acting("/api/v1/stop", endpoints.stop),
        # An identifier may have a slash; the server has decoded it, once (`http.issue.encoded`).
        reading("/api/v1/{identifier:path}", endpoints.issue),
    )


class Endpoints:
    """The handlers; each raises `ApiError` for an answer that is an error."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._view = services.view

    async def alive(self, request: Request) -> Response:
        """The event loop turns, or there would be no answer."""
        del request
        return json_response({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Whether issues that are found are started."""
        del request
        check_ready(self._view)
        return json_response({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        del request
        snapshot = take_snapshot(self._view)
        text = self._services.metrics.render(snapshot, self._services.hub.clients)
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    async def state(self, request: Request) -> Response:
        """Everything."""
        del request
        return Response(await self._services.renderer.render(), media_type=JSON_TYPE)

    async def openapi(self, request: Request) -> Response:
        """The description of all this."""
        del request
        return json_response(openapi_document())

    async def events(self, request: Request) -> Response:
        """The state now, and after each change."""
        del request
        hub = self._services.hub
        hub.check_room()
        take_snapshot(self._view)
        return StreamingResponse(hub.stream(), headers={"Content-Type": "text/event-stream"})

    async def refresh(self, request: Request) -> Response:
        """Poll and reconcile now (`http.refresh.accepted`)."""
        await json_body(request)  # Its members are for versions to come.
        if take_snapshot(self._view).draining:
            raise ApiError(
                status=503, code="draining", message="The daemon stops: it polls no more."
            )
        coalesced = self._services.refresher.request()
        return json_response(
            {
                "queued": True,
                "coalesced": coalesced,
                "requested_at": timestamp(datetime.now(UTC)),
                "operations": ["poll", "reconcile"],
            },
            status=202,
        )

    async def answer(self, request: Request) -> Response:
        """Answer what the agent of a blocked issue asked (`operator.answer.told`)."""
        members = await json_body(request)
        known = self._named(members)
        text, question = answer_in(members)
        operator = self._services.operator
        return json_response(await operator.answer(known, text, question), status=202)

    async def stop(self, request: Request) -> Response:
        """End the run of an issue, and hold it until it changes (`operator.stop.held`)."""
        known = self._named(await json_body(request))
        return json_response(await self._services.operator.stop(known), status=202)

    def _named(self, members: JsonObject) -> KnownIssue:
        return known_issue(take_snapshot(self._view), issue_in(members))

    async def issue(self, request: Request) -> Response:
        """Everything about one issue."""
        identifier = str(request.path_params["identifier"])
        known = known_issue(take_snapshot(self._view), identifier)
        log_path = await self._view.session_log_path(IssueIdentifier(identifier))
        settings = self._view.settings()
        return json_response(issue_document(known, settings, log_path, self._view.redact))


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Every other address, with whatever method."""
    del receive, send
    raise not_found(str(scope["path"]))
