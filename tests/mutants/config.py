"""Mutants of settings: what is resolved, what is refused, and what holds where nothing is said."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from dataclasses import replace as changed
from typing import Any

from symphony.documents import references
from symphony.documents.front_matter import Document
from symphony.domain.json import JsonValue, as_object
from symphony.domain.settings import Settings
from symphony.trackers.linear import settings as linear
from symphony.workflow import resolve, validation
from symphony.workflow.schema import FrontMatter
from symphony.workflow.validation import CheckedFrontMatter
from tests.mutants.patching import replace
from tests.mutants.registry import mutant

_Found = Callable[[Settings, FrontMatter], Settings]


def _settings(change: _Found) -> None:
    """Change what the front matter comes to. It is given as it was checked, too."""
    original: Any = resolve.resolve_settings

    def resolve_settings(values: FrontMatter, **more: Any) -> Settings:
        return change(original(values, **more), values)

    replace(resolve, "resolve_settings", resolve_settings)


def _front_matter(section: str, change: Callable[[dict[str, JsonValue]], None]) -> None:
    """Change a section before it is checked."""
    original = validation.check_front_matter

    def check(document: Document, path: str) -> CheckedFrontMatter:
        given = as_object(document.metadata.get(section))
        if given is None:
            return original(document, path)
        written = dict(given)
        change(written)
        metadata = {**document.metadata, section: written}
        return original(changed(document, metadata=metadata), path)

    replace(validation, "check_front_matter", check)


@mutant(
    "secret_unset_is_its_name",
    kills=("config.secret.empty",),
    about="Where the variable of a secret is unset, its name serves as the secret.",
)
def _() -> None:
    original: Any = linear.__dict__["_secret"]

    def secret(written: str | None, environment: Mapping[str, str]) -> str | None:
        return original(written, environment) or written

    replace(linear, "_secret", secret)


@mutant(
    "empty_states_are_defaults",
    kills=("config.states.explicit_empty",),
    about="An explicit empty list of states is replaced by the default one.",
)
def _() -> None:
    def states(configured: list[str] | None, assumed: tuple[str, ...] | None) -> tuple[str, ...]:
        return tuple(configured or ()) or assumed or ()

    replace(resolve, "_states", states)


def _root(change: Callable[[str | None, Mapping[str, str], str], str | None]) -> None:
    """Resolve some workspace roots in another way; None stands for the usual one."""
    original = resolve.resolve_root

    def resolve_root(written: str | None, *, environment: Mapping[str, str], directory: str) -> str:
        found = change(written, environment, directory)
        return found or original(written, environment=environment, directory=directory)

    replace(resolve, "resolve_root", resolve_root)


@mutant(
    "root_counts_from_current_directory",
    kills=("config.root.relative",),
    about="A relative workspace root counts from the current directory.",
)
def _() -> None:
    def root(written: str | None, environment: Mapping[str, str], directory: str) -> str | None:
        del environment, directory
        is_plain = written is not None and not written.strip().startswith(("/", "~", "$"))
        return os.path.abspath(written) if written and is_plain else None

    _root(root)


@mutant(
    "root_is_not_at_home",
    kills=("config.root.home",),
    about="A leading `~` of the workspace root is a directory of that name.",
)
def _() -> None:
    def root(written: str | None, environment: Mapping[str, str], directory: str) -> str | None:
        del environment
        is_home = written is not None and written.startswith("~")
        return os.path.join(directory, written) if written and is_home else None

    _root(root)


@mutant(
    "root_unset_is_its_name",
    kills=("config.root.variable_unset",),
    about="Where the variable of the workspace root is unset, a directory called `$NAME` is made.",
)
def _() -> None:
    def root(written: str | None, environment: Mapping[str, str], directory: str) -> str | None:
        name = references.referenced_name(written)
        is_unset = name is not None and not environment.get(name)
        return os.path.join(directory, written) if written and is_unset else None

    _root(root)


@mutant(
    "variables_within_paths",
    kills=("config.variable.whole_value",),
    about="A `$NAME` in the middle of the workspace root is replaced.",
)
def _() -> None:
    def root(written: str | None, environment: Mapping[str, str], directory: str) -> str | None:
        if written is None or "$" not in written or references.referenced_name(written):
            return None
        for name, value in environment.items():
            written = written.replace(f"${name}", value)
        return os.path.normpath(os.path.join(directory, os.path.expanduser(written)))

    _root(root)


@mutant(
    "command_is_expanded",
    kills=("config.coerce.verbatim",),
    about="Variables within the agent's command are replaced before the shell sees it.",
)
def _() -> None:
    def expanded(settings: Settings, values: FrontMatter) -> Settings:
        command = os.path.expandvars(values.codex.command)
        return changed(settings, codex=changed(settings.codex, command=command))

    _settings(expanded)


@mutant(
    "empty_command_is_the_default",
    kills=("config.codex.command_empty",),
    about="An empty command of the agent means the default one.",
)
def _() -> None:
    def fill(codex: dict[str, JsonValue]) -> None:
        if not str(codex.get("command", "x")).strip():
            del codex["command"]

    _front_matter("codex", fill)


@mutant(
    "hook_timeout_zero_is_the_default",
    kills=("config.validate.limits",),
    about="A hook timeout that is not positive means the default one.",
)
def _() -> None:
    def fill(hooks: dict[str, JsonValue]) -> None:
        timeout = hooks.get("timeout_ms", 1)
        if isinstance(timeout, int) and timeout <= 0:
            del hooks["timeout_ms"]

    _front_matter("hooks", fill)


@mutant(
    "wrong_type_is_the_default",
    kills=("config.validate.types",),
    about="A poll interval or a limit that is no number is dropped.",
)
def _() -> None:
    def drop(section: dict[str, JsonValue]) -> None:
        for name in ("interval_ms", "max_concurrent_agents", "max_retry_backoff_ms"):
            if not isinstance(section.get(name, 1), int):
                del section[name]

    _front_matter("polling", drop)
    _front_matter("agent", drop)


@mutant(
    "default_interval_is_half",
    kills=("config.default.times",),
    about="Without a poll interval, ticks repeat every 15 s.",
)
def _() -> None:
    def hurried(settings: Settings, values: FrontMatter) -> Settings:
        if "interval_ms" in values.polling.model_fields_set:
            return settings
        return changed(settings, polling=changed(settings.polling, interval_ms=15_000))

    _settings(hurried)


@mutant(
    "default_root_is_another",
    kills=("config.default.workspace_root", "config.root.variable_unset"),
    about="The default root is called `symphony-workspaces`.",
)
def _() -> None:
    replace(resolve, "WORKSPACES_DIRECTORY", "symphony-workspaces")


@mutant(
    "default_cap_is_twelve",
    kills=("config.default.limits",),
    about="Without a limit, twelve sessions run at once.",
)
def _() -> None:
    def more(settings: Settings, values: FrontMatter) -> Settings:
        if "max_concurrent_agents" in values.agent.model_fields_set:
            return settings
        return changed(settings, agent=changed(settings.agent, max_concurrent_agents=12))

    _settings(more)


@mutant(
    "default_command_is_another",
    kills=("config.default.command",),
    about="Without a command, the agent is started as `codex`.",
)
def _() -> None:
    def plain(settings: Settings, values: FrontMatter) -> Settings:
        if "command" in values.codex.model_fields_set:
            return settings
        return changed(settings, codex=changed(settings.codex, command="codex"))

    _settings(plain)
