"""Which rights a credential has, as far as GitHub tells: for checking a configuration, not for
deciding anything.

`permissions` of the repository are the rights of whoever stands behind the token. What a
fine-grained token or an app was granted of them GitHub says only when it refuses; a classic token's
scopes come with each answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from symphony.domain.json import JsonObject, as_object
from symphony.trackers.github.answers import json_of, object_of, refused
from symphony.trackers.github.client import GitHubClient
from symphony.trackers.github.settings import GitHubSettings

_PUSHING = frozenset({"push", "maintain", "admin"})
_WRITING = _PUSHING | {"triage"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`key` is the setting that the token comes from. `rights` are names such as `pull` and `push`,
    None where GitHub does not say; `scopes` likewise, of a classic token."""

    key: str
    rights: tuple[str, ...] | None
    scopes: tuple[str, ...] | None

    @property
    def can_write(self) -> bool | None:
        """Whether it may close and label issues; None where nobody knows."""
        return None if self.rights is None else not _WRITING.isdisjoint(self.rights)

    def sentence(self) -> str:
        """What is known, for people."""
        if self.rights is None:
            found = "can be used; GitHub does not say what it may do"
        elif self.can_write and _PUSHING.isdisjoint(self.rights):
            found = (
                "reads the repository, and whoever is behind it may close and label its issues, "
                "but push nothing"
            )
        elif self.can_write:
            found = "reads the repository, and whoever is behind it may change that"
        else:
            found = "reads the repository; whoever is behind it may not change that"
        if self.rights:
            found += f" ({', '.join(self.rights)})"
        if self.scopes is not None:
            return f"{self.key} {found}; its scopes are {', '.join(self.scopes) or 'none'}."
        return f"{self.key} {found}; what the token itself was granted shows only at a refusal."


async def read_access(client: GitHubClient, settings: GitHubSettings) -> Access:
    """The rights of the client's credential, with one request. Raises `TrackerError`."""
    answer = await client.request("GET", f"{client.addresses.rest}/repos/{settings.repository}")
    if answer.status != 200:
        raise refused(answer, settings.repository, client.key, client.now())
    repository = object_of(json_of(answer), "repository")
    scopes = answer.headers.get("x-oauth-scopes")
    return Access(
        key=client.key,
        rights=_rights(repository),
        scopes=None if scopes is None else tuple(filter(None, map(str.strip, scopes.split(",")))),
    )


def _rights(repository: JsonObject) -> tuple[str, ...] | None:
    permissions = as_object(repository.get("permissions"))
    if permissions is None:
        return None
    return tuple(name for name, has_it in permissions.items() if has_it is True)
