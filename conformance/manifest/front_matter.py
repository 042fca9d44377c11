"""Workflow files for any implementation: what a scenario sets, in the spelling that it reads.

Guarantees: the front matter is plain YAML; secrets stand in it as `$NAME` unless a scenario says
otherwise; what a scenario sets wins over the manifest, and that over the suite's wiring. Must not:
write files or know values of secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from conformance.fakes.json_values import JsonObject, JsonValue, as_object
from conformance.manifest.model import Manifest
from conformance.manifest.placeholders import fill_all
from conformance.manifest.sections import Dialect, GitHubStates, Spelling

FLAT_KEYS: Final = ("endpoint", "api_key", "project_slug", "team_key", "assignee")
"""Which keys of the Linear adapter once stood directly under `tracker`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What points a workflow at the fakes. None or an empty text leaves the key out.

    `endpoint` is the address of the fake, for GitHub its REST interface. `api_key` (Linear) and
    `token` (GitHub) are texts for the file: references such as `$LINEAR_API_KEY`, or literals.
    `repository` is `owner/name`. `agent_command` is what the shell is to run.
    """

    endpoint: str
    workspace_root: str
    agent_command: str
    api_key: str = "$LINEAR_API_KEY"
    project_slug: str | None = None
    team_key: str | None = None
    repository: str | None = None
    token: str = "$GITHUB_TOKEN"  # noqa: S105 - the name of a variable

    def secret_variables(self, dialect: Dialect) -> tuple[str, ...]:
        """The environment variables that the file names for the tracker's credential."""
        reference = self.api_key if dialect is Dialect.LINEAR else self.token
        return (reference[1:],) if reference.startswith("$") else ()


def workflow_text(
    manifest: Manifest,
    dialect: Dialect,
    wiring: Wiring,
    settings: JsonObject,
    prompt: str,
) -> str:
    """A whole WORKFLOW.md.

    `settings` are sections of front matter, merged deeply: a map adds to a map, anything else
    replaces, None removes the key. Keys of the Linear adapter are given under `tracker.provider`,
    whatever the spelling; they end up where the manifest says.
    """
    text = yaml.dump(
        front_matter(manifest, dialect, wiring, settings),
        Dumper=_PlainDumper,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
    )
    return f"---\n{text}---\n{prompt}\n"


class _PlainDumper(yaml.SafeDumper):
    """Writes a value that comes twice twice: not every reader accepts anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def front_matter(
    manifest: Manifest, dialect: Dialect, wiring: Wiring, settings: JsonObject
) -> dict[str, JsonValue]:
    """The settings of `workflow_text` before they become YAML."""
    values = _placeholder_values(manifest, wiring)
    own = manifest.tracker.linear if dialect is Dialect.LINEAR else manifest.tracker.github
    merged: dict[str, JsonValue] = {
        "tracker": {"kind": dialect.value, "provider": _provider(manifest, dialect, wiring)},
        "workspace": {"root": wiring.workspace_root},
        "codex": {"command": wiring.agent_command},
    }
    for layer in (manifest.front_matter, {"tracker": own}):
        merged = merge(merged, as_object(fill_all(layer, values)))
    merged = merge(merged, settings)
    return _spelled(merged, manifest.tracker.spelling) if dialect is Dialect.LINEAR else merged


def merge(below: JsonObject, above: JsonObject) -> dict[str, JsonValue]:
    """`below` with what `above` says; None in `above` removes a key."""
    merged = dict(below)
    for name, value in above.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            merged[name] = merge(as_object(merged.get(name)), value)
        else:
            merged[name] = value
    return merged


def _provider(manifest: Manifest, dialect: Dialect, wiring: Wiring) -> JsonObject:
    if dialect is Dialect.LINEAR:
        keys: dict[str, JsonValue] = {
            "endpoint": wiring.endpoint,
            "api_key": wiring.api_key,
            "project_slug": wiring.project_slug,
            "team_key": wiring.team_key,
        }
    else:
        by_label = manifest.tracker.github_states is GitHubStates.LABEL
        keys = {
            "api_url": wiring.endpoint,
            "token": wiring.token,
            "repo": wiring.repository,
            "state_source": GitHubStates.LABEL.value if by_label else None,
        }
    return {name: value for name, value in keys.items() if value}


def _spelled(settings: dict[str, JsonValue], spelling: Spelling) -> dict[str, JsonValue]:
    """Put the keys of Linear where the implementation reads them."""
    tracker = dict(as_object(settings.get("tracker")))
    if spelling is Spelling.PROVIDER or not isinstance(tracker.get("provider"), Mapping):
        return settings
    provider = dict(as_object(tracker["provider"]))
    flat = {name: provider[name] for name in FLAT_KEYS if name in provider}
    if spelling is Spelling.FLAT:
        provider = {name: value for name, value in provider.items() if name not in flat}
    tracker = {**tracker, **flat, "provider": provider}
    if not provider:
        del tracker["provider"]
    return {**settings, "tracker": tracker}


def _placeholder_values(manifest: Manifest, wiring: Wiring) -> dict[str, str]:
    return {
        "endpoint": wiring.endpoint,
        "api_key": wiring.api_key,
        "project_slug": wiring.project_slug or "",
        "team_key": wiring.team_key or "",
        "repository": wiring.repository or "",
        "token": wiring.token,
        "workspace_root": wiring.workspace_root,
        "agent_command": wiring.agent_command,
        "manifest_dir": str(manifest.directory),
    }
