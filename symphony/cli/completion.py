"""`symphony completion SHELL`: the script that makes a shell complete commands, options and issues.

The scripts only pass on what was typed, and this program answers from the parsers of its commands:
what it takes is what it completes, in every shell, also after an upgrade. Identifiers come from
outside. What is no plain word is left out, because shells evaluate what stands on their line.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from symphony.cli.main import COMMANDS
from symphony.cli.parsing import CommandParser
from symphony.cli.run import program_parser
from symphony.domain.settings import Settings

PATIENCE_S: Final = 1.0
"""Nobody waits longer for a word to be completed."""
MOST_WORDS: Final = 500
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,99}")
_ASK: Final = "words"
"""What the scripts say instead of a shell: `words INDEX -- WORD...`."""

_DESCRIPTION = """\
Prints a script that makes the shell complete the commands with their options and files, and the
identifiers of issues: those that the running daemon of ./WORKFLOW.md knows, if it has its HTTP
interface, and those with session logs.

  bash   source <(symphony completion bash)        in ~/.bashrc
  zsh    source <(symphony completion zsh)         in ~/.zshrc, after compinit
  fish   symphony completion fish | source         in ~/.config/fish/config.fish
"""

SCRIPTS: Final[Mapping[str, str]] = {
    "bash": """\
_symphony() {
  local kind= word cur=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  {
    IFS= read -r kind
    while IFS= read -r word; do COMPREPLY+=("$word"); done
  } < <("${COMP_WORDS[0]}" completion words "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
  case $kind in files) kind=-f ;; directories) kind=-d ;; *) return ;; esac
  compopt -o filenames 2>/dev/null
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$kind" -- "$cur")
}
complete -F _symphony symphony
""",
    "zsh": """\
#compdef symphony
_symphony() {
  local -a lines
  local program=${(Q)words[1]} place=$((CURRENT - 1))
  lines=("${(@f)$("$program" completion words $place -- "${words[@]}" 2>/dev/null)}")
  (( ${#lines} > 1 )) && compadd -- "${(@)lines[2,-1]}"
  case ${lines[1]} in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
compdef _symphony symphony
""",
    "fish": """\
function __symphony_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($typed[1] completion words (count $typed) -- $typed "$current" 2>/dev/null)
  printf '%s\\n' $lines[2..-1]
  switch "$lines[1]"
    case files
      __fish_complete_path "$current"
    case directories
      __fish_complete_directories "$current"
  end
end
complete -c symphony -f -a '(__symphony_complete)'
""",
}

_KINDS: Final[Mapping[str, str]] = {"PATH": "files", "DIR": "directories"}
"""What the shell itself completes in the place of an argument, by its name in the help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can stand at a place: these words, and what the shell finds (`files`, `directories` or
    `nothing`)."""

    kind: str = "nothing"
    words: Sequence[str] = ()


def completion_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("completion", _DESCRIPTION)
    parser.add_argument(
        "shell", choices=tuple(SCRIPTS), metavar="SHELL", help=f"one of {', '.join(SCRIPTS)}"
    )
    return parser


def run_completion(words: Sequence[str]) -> int:
    """Print the script, or for a script what can stand at a place; gives the exit code."""
    if len(words) > 2 and words[0] == _ASK and words[1].isdecimal():
        typed = words[4:]
        offered = offer(typed, int(words[1]) - 1)
        print("\n".join((offered.kind, *offered.words)))
        return 0
    print(SCRIPTS[completion_parser().parse_args(words).shell], end="")
    return 0


def offer(typed: Sequence[str], index: int) -> Offer:
    """What can stand at this index of what was typed after the name of the program."""
    current = typed[index] if index < len(typed) else ""
    before = typed[:index]
    name = before[0] if before and before[0] in COMMANDS else ""
    parser = _parser_of(name)
    if parser is None:
        return Offer()
    found = _offer(parser, before[1:] if name else before, current)
    words = (*COMMANDS, *found.words) if not before and not current.startswith("-") else found.words
    fitting = dict.fromkeys(word for word in words if word.startswith(current))
    return Offer(kind=found.kind, words=list(fitting)[:MOST_WORDS])


def _offer(parser: CommandParser, before: Sequence[str], current: str) -> Offer:
    options = {name: each for each in parser.arguments for name in each.option_strings}
    places = [each for each in parser.arguments if not each.option_strings]
    waiting: argparse.Action | None = None
    place = 0
    for word in before:
        if waiting is not None:
            waiting = None
        elif word in options:
            waiting = options[word] if options[word].nargs != 0 else None
        elif not word.startswith("-"):
            place += 1
    if waiting is not None:
        return _of_argument(waiting)
    if current.startswith("-"):
        return Offer(words=list(options))
    if place < len(places):
        return _of_argument(places[place])
    # A place that takes several words: an issue, then a file.
    return Offer(kind="files") if places and places[-1].nargs == "*" else Offer()


def _of_argument(action: argparse.Action) -> Offer:
    if action.choices is not None:
        return Offer(words=[str(choice) for choice in action.choices])
    name = str(action.metavar)
    if name.startswith("ISSUE"):
        return Offer(words=list(known_issues()))
    return Offer(kind=_KINDS.get(name, "nothing"))


def _parser_of(name: str) -> CommandParser | None:
    if not name:
        return program_parser()
    factory: object = getattr(import_module(COMMANDS[name][0]), f"{name}_parser", None)
    made: object = factory() if callable(factory) else None
    return made if isinstance(made, CommandParser) else None


def known_issues() -> Iterable[str]:
    """Plain identifiers, of the workflow in this directory. Never fails: nobody would see why."""
    from symphony.cli.board import QuestionError, compose

    try:
        settings = compose(None).settings
    except QuestionError:
        return ()
    found = dict.fromkeys((*_of_daemon(settings), *_of_logs(settings.workspace.root)))
    return [name for name in found if _PLAIN.fullmatch(name)]


def _of_daemon(settings: Settings) -> Iterator[str]:
    from symphony.cli.asking import ask, place_of_daemon
    from symphony.cli.board import QuestionError
    from symphony.domain.json import as_array, as_object, as_text

    try:
        state = ask(place_of_daemon(settings, None), "api/v1/state", timeout_s=PATIENCE_S)
    except QuestionError:
        return
    for name in ("running", "retrying", "blocked", "skipped"):
        for row in as_array(state.get(name)) or ():
            yield as_text((as_object(row) or {}).get("issue_identifier")) or ""


def _of_logs(root: str) -> Sequence[str]:
    """Those of the issues whose directory of session logs tells the identifier."""
    from symphony.observability.session_log import SESSIONS_DIRECTORY, default_logs_root
    from symphony.workspaces.key import identifier_of

    logs = default_logs_root(root, os.environ)
    try:
        names = [] if logs is None else os.listdir(os.path.join(logs, SESSIONS_DIRECTORY))
    except OSError:
        return ()
    return [name for name in map(identifier_of, sorted(names)) if name is not None]
