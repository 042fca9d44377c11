"""Mutants of the HTTP interface: where it listens, what it answers, and what it sets off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from symphony.domain.json import JsonObject
from symphony.domain.settings import Settings
from symphony.http import answers, cleaning, endpoints
from symphony.http.answers import ApiError
from symphony.http.cleaning import Redact
from symphony.http.endpoints import Endpoints
from symphony.http.refresh import Refresher
from symphony.http.routing import Methods
from symphony.runtime.daemon import Daemon, DaemonOptions
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant

HTTP_OK, NOT_FOUND, UNAVAILABLE = 200, 404, 503


@mutant(
    "unknown_issue_is_200",
    kills=("http.issue.unknown",),
    about="For an issue that nobody knows of the answer is 200, with the error in it.",
)
def _() -> None:
    original = ApiError.response

    def response(self: ApiError) -> Response:
        answer = original(self)
        if self.status == NOT_FOUND:
            answer.status_code = HTTP_OK
        return answer

    replace(ApiError, "response", response)


@mutant(
    "wrong_method_is_404",
    kills=("http.error.method",),
    about="A method that an address does not have gives 404.",
)
def _() -> None:
    def method_not_allowed(allowed: str) -> ApiError:
        message = f"Nothing takes this method here; {allowed} are taken."
        return ApiError(status=NOT_FOUND, code="not_found", message=message)

    replace(answers, "method_not_allowed", method_not_allowed)


@mutant(
    "state_takes_post",
    kills=("http.error.method",),
    about="POST and DELETE on the state are answered like GET.",
)
def _() -> None:
    original: Any = Methods.__init__

    def init(self: Methods, handlers: dict[str, Any]) -> None:
        read = handlers.get("GET")
        original(self, {**handlers, "POST": read, "DELETE": read} if read else handlers)

    replace(Methods, "__init__", init)


@mutant(
    "errors_without_envelope",
    kills=("http.error.envelope",),
    about="The body of an error has a `detail` in the place of `error.code` and `error.message`.",
)
def _() -> None:
    original = ApiError.envelope

    def envelope(self: ApiError) -> JsonObject:
        # What a state has that cannot be read is another requirement.
        return original(self) if self.status == UNAVAILABLE else {"detail": self.message}

    replace(ApiError, "envelope", envelope)


@mutant(
    "refresh_is_200",
    kills=("http.refresh.accepted",),
    about="A refresh that was queued is answered 200.",
)
def _() -> None:
    original = Endpoints.refresh

    async def refresh(self: Endpoints, request: Request) -> Response:
        answer = await original(self, request)
        answer.status_code = HTTP_OK
        return answer

    replace(Endpoints, "refresh", refresh)


@mutant(
    "refresh_does_nothing",
    kills=("http.refresh.triggers",),
    about="A refresh is accepted, and the next poll comes when it is due.",
)
def _() -> None:
    def request(self: Refresher) -> bool:
        del self
        return False

    replace(Refresher, "request", request)


@mutant(
    "details_lack_attempts",
    kills=("http.issue.envelope",),
    about="The details of an issue say nothing of its attempts.",
)
def _() -> None:
    original: Any = endpoints.issue_document

    def document(*arguments: Any) -> JsonObject:
        built: JsonObject = original(*arguments)
        return {name: value for name, value in built.items() if name != "attempts"}

    replace(endpoints, "issue_document", document)


@mutant(
    "identifiers_stay_encoded",
    kills=("http.issue.encoded",),
    about="A percent-encoded identifier is looked up as it stands in the address.",
)
def _() -> None:
    original = Endpoints.issue

    async def issue(self: Endpoints, request: Request) -> Response:
        places: dict[str, Any] = request.scope["path_params"]
        places["identifier"] = quote(str(places["identifier"]), safe="")
        return await original(self, request)

    replace(Endpoints, "issue", issue)


def _asking_for(port: Callable[[int | None, int | None], int | None]) -> None:
    """Listen on another port than that of the flag, or else of the file."""
    original: Any = private(Daemon, "_surface")

    def surface(self: Daemon, settings: Settings) -> Any:
        options: DaemonOptions = private(self, "_options")
        wanted = port(options.port, settings.server_port)
        self._options = changed(options, port=wanted)  # pyright: ignore[reportPrivateUsage]
        return original(self, settings)

    replace(Daemon, "_surface", surface)


@mutant(
    "port_of_the_file_wins",
    kills=("http.enable.flag", "http.enable.override", "http.enable.ephemeral"),
    about="Where the workflow file names a port, the flag has no effect.",
)
def _() -> None:
    _asking_for(lambda flag, in_file: flag if in_file is None else in_file)


@mutant(
    "listens_unasked",
    kills=("http.enable.absent",),
    about="Where nobody asks for the interface, it takes any free port.",
)
def _() -> None:
    _asking_for(lambda flag, in_file: 0 if flag is None and in_file is None else flag)


@mutant(
    "shown_texts_hold_secrets",
    kills=("security.secret.http",),
    about="What is shown of errors and messages is not searched for the credential.",
)
def _() -> None:
    original = cleaning.clean_text

    def clean_text(text: str, redact: Redact) -> str:
        del redact
        return original(text, str)

    replace(cleaning, "clean_text", clean_text)
