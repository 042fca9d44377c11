"""The WORKFLOW.md that `symphony init` writes: few answers in, every key explained.

Comments and defaults come from the models, so that they say what this version does. The result
loads without problem or warning. Pure; nothing is written here.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from symphony.workflow.schema import sections
from symphony.workflow.section import Section, is_older_form
from symphony.workflow.settings_reference import default_text, example_of
from symphony.workflow.starter_prompt import HANDOFF_STATE, starter_prompt
from symphony.workflow.yaml_text import yaml_text

StarterKind: TypeAlias = Literal["files", "linear", "github"]

STARTER_KINDS: Final[tuple[StarterKind, ...]] = ("files", "linear", "github")

_WIDTH: Final = 92
"""Of a comment, without its indentation."""

_INTRODUCTION: Final = (
    "The workflow of Symphony: settings above the second line of three hyphens, the prompt for the "
    "agent below it. An edit applies while the daemon runs. `symphony check` says whether it would "
    "accept this file."
)


_ON_A_BRANCH: Final = (
    '  branch="symphony/$(basename "$PWD")"',
    '  git switch --quiet "$branch" 2>/dev/null || git switch --quiet --create "$branch"',
)
_PUSH: Final = (
    "  # A workspace is removed when its issue is finished; the commits have to leave it before.",
    "  git push --quiet origin HEAD",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterAnswers:
    """What has to be known. All texts are single lines.

    `scope` is the folder for files, the project's slug id for linear, `owner/name` for github.
    `clone_url` is what `git clone` takes, None for a workspace that begins empty.
    `workspace_root` None means the default.
    """

    kind: StarterKind
    scope: str
    max_concurrent_agents: int = 3
    workspace_root: str | None = None
    clone_url: str | None = None


def render_starter(answers: StarterAnswers) -> str:
    """The text of the file. Raises ValueError for an answer that is not a single line of text."""
    for answer in (answers.scope, answers.workspace_root, answers.clone_url):
        if answer is not None and not (answer.strip() and answer.isprintable()):
            raise ValueError(f"an answer must be one line of text, not {answer!r}")
    chosen = _chosen(answers)
    lines = ["---", *_comment(_INTRODUCTION, "")]
    for name, section in sections().items():
        lines += ["", *_section(name, section, chosen)]
    return "\n".join([*lines, "---", "", starter_prompt(answers.kind)])


def _chosen(answers: StarterAnswers) -> Mapping[tuple[str, str], list[str]]:
    """The settings that the answers decide, as lines below their section."""
    chosen = {
        ("tracker", "kind"): [f"kind: {answers.kind}"],
        ("tracker", "provider"): _provider(answers),
        ("agent", "max_concurrent_agents"): [
            f"max_concurrent_agents: {answers.max_concurrent_agents}"
        ],
    }
    if answers.workspace_root is not None:
        chosen["workspace", "root"] = [f"root: {yaml_text(answers.workspace_root)}"]
    if answers.clone_url is not None:
        clone = f"git clone --quiet -- {shlex.quote(answers.clone_url)} ."
        chosen["hooks", "after_create"] = ["after_create: |", f"  {clone}", *_ON_A_BRANCH]
        chosen["hooks", "after_run"] = ["after_run: |", *_PUSH]
    return chosen


def _provider(answers: StarterAnswers) -> list[str]:
    scope = yaml_text(answers.scope)
    if answers.kind == "files":
        return [
            "provider:",
            "  # A folder with one Markdown file per issue.",
            f"  path: {scope}",
            "  # States that the agent may set, beside those that the lists below name.",
            f"  states: [{HANDOFF_STATE}]",
        ]
    if answers.kind == "linear":
        return [
            "provider:",
            "  # The end of the project's address, such as my-project-0a1b2c3d4e5f.",
            f"  project_slug: {scope}",
            "  # The key is read from the environment; agents never see it.",
            "  api_key: $LINEAR_API_KEY",
        ]
    return [
        "provider:",
        "  # owner/name",
        f"  repo: {scope}",
        "  # The token is read from the environment; agents never see it.",
        "  token: $GITHUB_TOKEN",
        "  # Where states come from: issue (open or closed), label (such as status:Todo), or",
        "  # project (a column of a board, with project_number). Of the last two the active and",
        "  # terminal states have to be named below.",
        "  state_source: issue",
    ]


def _section(
    name: str, section: type[Section], chosen: Mapping[tuple[str, str], list[str]]
) -> Iterator[str]:
    yield from _comment(section.about, "")
    yield f"{name}:"
    for index, (member, field) in enumerate(section.model_fields.items()):
        if is_older_form(field):
            continue
        if index:
            yield ""
        lines = chosen.get((name, member))
        default = "" if lines else f" Default: {default_text(field).replace('`', '')}."
        yield from _comment((field.description or "").replace("`", "") + default, "  ")
        shown = lines or [f"# {member}: {yaml_text(example_of(field))}"]
        yield from (f"  {line}" for line in shown)


def _comment(text: str, indent: str) -> list[str]:
    prefix = f"{indent}# "
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )
