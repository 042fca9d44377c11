"""The prompt template of a WORKFLOW.md: checked when it is read, rendered once per run.

A template with a mistake is still a value: it fails the run that needs it and nothing else
(`template.error.scope`), and carries its problems for those who want to know earlier. Rendering is
pure, bounded in work and output, and raises `ProblemError` for everything that can go wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from jinja2 import Template
from jinja2.exceptions import TemplateRuntimeError, TemplateSyntaxError

from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import DEFAULT_PROMPT
from symphony.workflow.prompt_input import VARIABLES, prompt_variables
from symphony.workflow.template_check import (
    PARSE_ERROR,
    RENDER_ERROR,
    TemplateFault,
    check_template,
)
from symphony.workflow.template_language import (
    BUDGET,
    MAXIMUM_PROMPT_CHARACTERS,
    TOO_LONG,
    Budget,
    PromptEnvironment,
)

MAXIMUM_TEMPLATE_CHARACTERS: Final = 262_144
"""The longest template. Checking one of this size, all of it expressions, takes seconds."""

MAXIMUM_PROBLEMS: Final = 20
"""How many mistakes of one template are told: a longer list helps nobody, and floods a log."""

_LANGUAGE_HINT: Final = (
    "Prompts are Jinja templates; docs/configuration.md shows what they may use."
)
_ENVIRONMENT: Final = PromptEnvironment()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTemplate:
    """`source` is the trimmed body, or the default prompt where there is none. `first_line` is the
    line of the file on which it begins. `problems` is empty where nothing is wrong."""

    source: str
    path: str | None = None
    first_line: int = 1
    problems: tuple[Problem, ...] = ()
    compiled: Template | None = field(default=None, compare=False, repr=False)

    @property
    def problem(self) -> Problem | None:
        """The first thing that is wrong, in the order of the lines."""
        return self.problems[0] if self.problems else None

    def render(self, issue: Issue, attempt: int | None) -> str:
        """The prompt of one run. `attempt` is None for a fresh run. Raises `ProblemError` with
        `template_parse_error` or `template_render_error`."""
        if self.compiled is None or self.problems:
            raise ProblemError(*(self.problems or (self._failure("it cannot be used", None),)))
        try:
            prompt = self._bounded(self.compiled, prompt_variables(issue, attempt))
        # Whatever an expression does wrong, only this run may fail.
        except Exception as error:
            raise ProblemError(self._failure(_told(error), self._line_of(error))) from None
        if not prompt.strip():
            raise ProblemError(self._failure("the prompt is empty for this issue", None))
        return prompt

    @staticmethod
    def _bounded(template: Template, variables: dict[str, JsonValue]) -> str:
        """Values count as they are printed; this counts the text between them too."""
        parts: list[str] = []
        length = 0
        for part in template.generate({BUDGET: Budget(), **variables}):
            length += len(part)
            if length > MAXIMUM_PROMPT_CHARACTERS:
                raise TemplateRuntimeError(TOO_LONG)
            parts.append(part)
        return "".join(parts)

    def _failure(self, message: str, line: int | None) -> Problem:
        return Problem(
            code=RENDER_ERROR,
            message=message,
            path=self.path,
            line=self.first_line if line is None else line,
        )

    def _line_of(self, error: BaseException) -> int | None:
        """Jinja puts the lines of the template into the traceback."""
        lines = [
            line for name, line in _frames(error.__traceback__) if name == _file_name(self.path)
        ]
        return self.first_line + lines[-1] - 1 if lines else None


def parse_template(body: str, *, path: str | None = None, body_line: int = 1) -> PromptTemplate:
    """Read a template. `body_line` is the line of the file on which `body` begins. Never raises;
    mistakes are in `problems`."""
    source = body.strip().replace("\r\n", "\n")
    if not source:
        return parse_template(DEFAULT_PROMPT, path=path, body_line=body_line)
    blank = body[: len(body) - len(body.lstrip())]
    first_line = body_line + blank.count("\n")
    faults, compiled = _examined(source, path)
    return PromptTemplate(
        source=source,
        path=path,
        first_line=first_line,
        problems=tuple(_problem(fault, path, first_line) for fault in faults[:MAXIMUM_PROBLEMS]),
        compiled=compiled,
    )


def _examined(source: str, path: str | None) -> tuple[tuple[TemplateFault, ...], Template | None]:
    """Everything that is wrong, or else the template ready for rendering."""
    if len(source) > MAXIMUM_TEMPLATE_CHARACTERS:
        message = f"it is longer than {MAXIMUM_TEMPLATE_CHARACTERS} characters"
        return (TemplateFault(code=PARSE_ERROR, line=1, message=message),), None
    try:
        faults = check_template(_ENVIRONMENT.parse(source), _ENVIRONMENT, VARIABLES)
        return faults, None if faults else _compiled(source, path)
    except TemplateSyntaxError as error:
        message = error.message or "it is malformed"
        return (TemplateFault(code=PARSE_ERROR, line=error.lineno, message=message),), None
    except RecursionError:
        message = "it is nested too deeply"
        return (TemplateFault(code=PARSE_ERROR, line=1, message=message),), None


def _compiled(source: str, path: str | None) -> Template:
    tree = _ENVIRONMENT.parse(source)
    _ENVIRONMENT.bound_work(tree)
    code = _ENVIRONMENT.compile(tree, filename=_file_name(path))
    return Template.from_code(_ENVIRONMENT, code, {})


def _file_name(path: str | None) -> str:
    return path or "<prompt>"


def _problem(fault: TemplateFault, path: str | None, first_line: int) -> Problem:
    return Problem(
        code=fault.code,
        message=fault.message,
        remedy=fault.remedy or _LANGUAGE_HINT,
        path=path,
        line=first_line + fault.line - 1,
    )


def _told(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) or type(error).__name__


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def continuation_prompt(*, issue: Issue, turn: int, maximum_turns: int) -> str:
    """What later turns of a run say (`turn.continuation.guidance`); `turn` counts from 1. The task
    itself is in the thread already and is not sent again."""
    return (
        f"Continue with {issue.identifier}. Your last turn ended, but the tracker still has the "
        f'issue in the active state "{issue.state}", so it does not count as finished.\n\n'
        "- The task and what you did so far are earlier in this thread, and the workspace is as "
        "you left it. Go on from there instead of starting over.\n"
        "- If the work is done, check it, and move the issue to the state that the task names.\n"
        "- If something outside your reach stops you, say in the tracker what it is and who can "
        "solve it.\n\n"
        f"This is turn {turn} of at most {maximum_turns} in this run."
    )
