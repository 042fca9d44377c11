"""The provider settings of the Linear tracker, read and judged once.

Only here is `$NAME` resolved for a secret. Keys that are not known are left alone. No request is
made; what only the provider knows, such as whether a project exists, shows at the first read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from symphony.documents.references import referenced_name, resolve_reference
from symphony.domain.issue import state_keys
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.blockers import unstarted_states

DEFAULT_ENDPOINT = "https://api.linear.app/graphql"
KEY_VARIABLE = "LINEAR_API_KEY"
ASSIGNEE_VARIABLE = "LINEAR_ASSIGNEE"
MYSELF = "me"
"""The assignee that stands for the owner of the key."""

INVALID = "invalid_tracker_config"
MISSING_SECRET = "missing_tracker_secret"  # noqa: S105 - a code, not a secret

_SLUG_ID = re.compile(r"[0-9a-f]{12}")
_PROJECT_PATH = re.compile(r"/project/([^/?#]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which issues belong here. `project_slugs` are spellings of one slug id; either they or
    `team_key` is there, or both."""

    project_slugs: tuple[str, ...]
    team_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSettings:
    """`endpoint` is https, or http on loopback. `unstarted` and `terminal` are in the form of
    `state_key`. `secret_names` are the variables that secrets come from."""

    endpoint: str
    api_key: str = field(repr=False)
    tool_api_key: str | None = field(repr=False)
    scope: Scope
    assignee: str | None
    unstarted: frozenset[str]
    terminal: frozenset[str]
    secret_names: frozenset[str]

    @property
    def secrets(self) -> frozenset[str]:
        """Every credential in use."""
        return frozenset(each for each in (self.api_key, self.tool_api_key) if each)


class _Provider(BaseModel):
    model_config = ConfigDict(extra="ignore")

    endpoint: StrictStr | None = None
    api_key: StrictStr | None = None
    tool_api_key: StrictStr | None = None
    project_slug: StrictStr | None = None
    team_key: StrictStr | None = None
    assignee: StrictStr | None = None


def read_settings(tracker: TrackerSettings, environment: Mapping[str, str]) -> LinearSettings:
    """The settings, or `ProblemError` with every key that is wrong."""
    provider = _provider(tracker)
    problems: list[Problem] = []
    endpoint = (provider.endpoint or "").strip() or DEFAULT_ENDPOINT
    problems += _endpoint_problems(endpoint)
    api_key = _api_key(provider.api_key, environment)
    problems += _key_problems("api_key", api_key)
    tool_key = _secret(provider.tool_api_key, environment)
    if provider.tool_api_key is not None:
        problems += _key_problems("tool_api_key", tool_key)
    scope = _scope(provider, environment)
    problems += _scope_problems(scope)
    assignee, assignee_problems = _assignee(provider.assignee, environment)
    problems += assignee_problems
    if problems:
        raise ProblemError(*problems)
    return LinearSettings(
        endpoint=endpoint,
        api_key=api_key or "",
        tool_api_key=tool_key,
        scope=scope,
        assignee=assignee,
        unstarted=unstarted_states(tracker.active_states),
        terminal=state_keys(tracker.terminal_states),
        secret_names=frozenset(_secret_names(provider)),
    )


def _provider(tracker: TrackerSettings) -> _Provider:
    try:
        return _Provider.model_validate(tracker.provider)
    except ValidationError as error:
        problems = [
            _problem(".".join(map(str, each["loc"])), "must be text", "Put it into quotes.")
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise ProblemError(*problems) from None


def _endpoint_problems(endpoint: str) -> Iterator[Problem]:
    """Not encrypted is allowed only where nobody can listen (`tracker.transport.encrypted`)."""
    remedy = f"Write an address such as {DEFAULT_ENDPOINT}, or leave the key out."
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield _problem("endpoint", "this is not an address", remedy)
        return
    if parts.scheme not in ("https", "http") or not host or not endpoint.isprintable():
        yield _problem("endpoint", "this is not an https address", remedy)
    elif parts.username is not None or parts.password is not None or parts.fragment:
        yield _problem("endpoint", "an address with credentials or `#` is not taken", remedy)
    elif parts.scheme == "http" and not is_loopback(host):
        yield _problem("endpoint", "http would send the key in the clear", "Use https.")


def is_loopback(host: str) -> bool:
    """Whether the name or address cannot leave this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_key(written: str | None, environment: Mapping[str, str]) -> str | None:
    """A key that names a variable means that one, and no other (`config.secret.empty`)."""
    if written is None or not written.strip():
        return resolve_reference(f"${KEY_VARIABLE}", environment)
    return _secret(written, environment)


def _secret(written: str | None, environment: Mapping[str, str]) -> str | None:
    return None if written is None else resolve_reference(written, environment)


def _key_problems(key: str, value: str | None) -> Iterator[Problem]:
    if value is None:
        yield Problem(
            code=MISSING_SECRET,
            message="there is no key for Linear's API",
            remedy=f"Make one in Linear under Settings, Security & access, API, and put it into "
            f"the environment variable {KEY_VARIABLE}, or name another variable here as `$NAME`.",
            key=f"tracker.provider.{key}",
        )
    elif not value.isascii() or not value.isprintable():
        yield _problem(key, "the key has characters that no key has", "Copy it again.")


def _scope(provider: _Provider, environment: Mapping[str, str]) -> Scope:
    slug = resolve_reference(provider.project_slug or "", environment)
    team = resolve_reference(provider.team_key or "", environment)
    return Scope(project_slugs=() if slug is None else _slugs(slug), team_key=team)


def _slugs(written: str) -> tuple[str, ...]:
    """Linear shows `name-1a2b3c4d5e6f` in addresses and means the last part."""
    path = _PROJECT_PATH.search(written)
    slug = path.group(1) if path else written
    last = slug.rpartition("-")[2]
    return (slug, last) if last != slug and _SLUG_ID.fullmatch(last) else (slug,)


def _scope_problems(scope: Scope) -> Iterator[Problem]:
    if not scope.project_slugs and scope.team_key is None:
        yield _problem(
            "project_slug",
            "neither a project nor a team is named, which would mean every issue of the workspace",
            "Name the project with `project_slug: ...`, the end of its address in Linear, or a "
            "team with `team_key: ABC`.",
        )


def _assignee(
    written: str | None, environment: Mapping[str, str]
) -> tuple[str | None, list[Problem]]:
    if written is None:
        return resolve_reference(f"${ASSIGNEE_VARIABLE}", environment), []
    name = (resolve_reference(written, environment) or "").removeprefix("@")
    if name:
        return name, []
    # Taken for "anybody", it would start what was meant to be left alone.
    remedy = "Name somebody, set the variable, or remove the key to take every issue."
    return None, [_problem("assignee", f"`{written}` stands for nothing", remedy)]


def _secret_names(provider: _Provider) -> Iterator[str]:
    yield KEY_VARIABLE
    for written in (provider.api_key, provider.tool_api_key):
        name = referenced_name((written or "").strip())
        if name is not None:
            yield name


def _problem(key: str, message: str, remedy: str) -> Problem:
    return Problem(code=INVALID, message=message, remedy=remedy, key=f"tracker.provider.{key}")
