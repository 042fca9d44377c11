"""What is wrong with a prompt template, found without rendering it.

Walks the parsed template through every branch, also those that no issue takes, and knows the shape
of `issue`, so that a misspelt field is found when the file is saved and not in the one run that
needs it (`template.variable.untaken_branch`). Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from jinja2 import nodes

from symphony.workflow.template_language import (
    LOOP_CALLS,
    LOOP_MEMBERS,
    NAMED_FILTER_ARGUMENT,
    NAMED_TEST_ARGUMENT,
    PromptEnvironment,
)

PARSE_ERROR: Final = "template_parse_error"
RENDER_ERROR: Final = "template_render_error"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value: its members and its items; None where anything is possible."""

    members: Mapping[str, Shape] | None = None
    item: Shape | None = None


ANYTHING: Final = Shape()
TEXT: Final = Shape(members={})
"""A single value: text, a number or null. It has no members."""

_KEEPS_ITEMS: Final = frozenset(
    {"sort", "list", "unique", "reverse", "select", "reject", "selectattr", "rejectattr"}
)
_TAKES_ITEM: Final = frozenset({"first", "last", "min", "max"})

_LOOP: Final = Shape(members=dict.fromkeys(LOOP_MEMBERS, ANYTHING))

_REFUSED: Final[tuple[tuple[type[nodes.Node], str], ...]] = (
    (nodes.Macro, "macro"),
    (nodes.CallBlock, "call"),
    (nodes.Include, "include"),
    (nodes.Import, "import"),
    (nodes.FromImport, "from"),
    (nodes.Extends, "extends"),
    (nodes.Block, "block"),
    (nodes.ScopedEvalContextModifier, "autoescape"),
)

Scope: TypeAlias = dict[str, Shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """One mistake; `line` counts from 1 in the template."""

    code: str
    line: int
    message: str
    remedy: str = ""


def check_template(
    tree: nodes.Template, environment: PromptEnvironment, variables: Mapping[str, Shape]
) -> tuple[TemplateFault, ...]:
    """Every mistake of the template, in the order of its lines."""
    check = _Check(environment)
    check.statements(tree.body, dict(variables))
    return tuple(sorted(check.faults, key=lambda fault: fault.line))


@dataclass(slots=True)
class _Check:
    environment: PromptEnvironment
    faults: list[TemplateFault] = field(default_factory=list[TemplateFault])

    def fault(self, code: str, node: nodes.Node, message: str, remedy: str = "") -> None:
        self.faults.append(
            TemplateFault(code=code, line=_line(node), message=message, remedy=remedy)
        )

    def statements(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        for node in body:
            self.statement(node, scope)

    def statement(self, node: nodes.Node, scope: Scope) -> None:
        if isinstance(node, nodes.For):
            self._loop(node, scope)
        elif isinstance(node, nodes.If):
            self._branches(node, scope)
        elif isinstance(node, nodes.Assign):
            self._bind(node.target, self.expression(node.node, scope), scope)
        elif isinstance(node, nodes.AssignBlock):
            self._captured(node, scope)
        elif isinstance(node, nodes.With):
            self._with(node, scope)
        elif isinstance(node, nodes.FilterBlock):
            self.expression(node.filter, scope)
            self.statements(node.body, dict(scope))
        elif isinstance(node, nodes.Output):
            self._each(node.nodes, scope)
        elif type(node) is nodes.Scope:
            self.statements(node.body, dict(scope))
        else:
            self._refuse(node)

    def _loop(self, node: nodes.For, scope: Scope) -> None:
        if node.recursive:
            self.fault(PARSE_ERROR, node, "recursive loops are not supported")
        items = self.expression(node.iter, scope)
        inner = dict(scope)
        self._bind(node.target, items.item or ANYTHING, inner)
        if node.test is not None:
            self.expression(node.test, inner)
        inner["loop"] = _LOOP
        self.statements(node.body, inner)
        self.statements(node.else_, dict(scope))

    def _branches(self, node: nodes.If, scope: Scope) -> None:
        # A name that is set in one branch is known afterwards; strictness at rendering decides.
        self.expression(node.test, scope)
        self.statements(node.body, scope)
        self.statements(node.elif_, scope)
        self.statements(node.else_, scope)

    def _captured(self, node: nodes.AssignBlock, scope: Scope) -> None:
        self.statements(node.body, dict(scope))
        if node.filter is not None:
            self.expression(node.filter, scope)
        self._bind(node.target, TEXT, scope)

    def _with(self, node: nodes.With, scope: Scope) -> None:
        inner = dict(scope)
        for target, value in zip(node.targets, node.values, strict=True):
            self._bind(target, self.expression(value, scope), inner)
        self.statements(node.body, inner)

    def _bind(self, target: nodes.Node, shape: Shape, scope: Scope) -> None:
        if isinstance(target, nodes.Name):
            scope[target.name] = shape
        elif isinstance(target, nodes.Tuple):
            for part in target.items:
                self._bind(part, ANYTHING, scope)
        else:
            self.fault(PARSE_ERROR, target, "only plain names can be set")

    def _refuse(self, node: nodes.Node) -> None:
        name = next((tag for kind, tag in _REFUSED if isinstance(node, kind)), None)
        what = f"`{name}`" if name is not None else "this statement"
        self.fault(
            PARSE_ERROR, node, f"{what} is not supported in a prompt", "Use `if`, `for` and `set`."
        )

    def _each(self, expressions: Iterable[nodes.Node], scope: Scope) -> None:
        for expression in expressions:
            self.expression(expression, scope)

    def expression(self, node: nodes.Node, scope: Scope) -> Shape:
        """Check an expression and say what is known of its value."""
        if isinstance(node, nodes.Name):
            return self._name(node, scope)
        if isinstance(node, nodes.Getattr):
            return self._member(node, self.expression(node.node, scope), node.attr)
        if isinstance(node, nodes.Getitem):
            return self._item(node, scope)
        if isinstance(node, nodes.Filter):
            return self._filter(node, scope)
        if isinstance(node, nodes.CondExpr):
            self._each(node.iter_child_nodes(), scope)
            return ANYTHING
        if isinstance(node, nodes.Call):
            self._call(node)
        elif isinstance(node, nodes.Test):
            self._known("test", node.name, self.environment.tests, node)
        elif isinstance(node, nodes.Pow):
            self.fault(PARSE_ERROR, node, "`**` is not supported in a prompt")
        self._each(node.iter_child_nodes(), scope)
        return ANYTHING

    def _name(self, node: nodes.Name, scope: Scope) -> Shape:
        if node.name in scope:
            return scope[node.name]
        self.fault(
            RENDER_ERROR,
            node,
            f"the variable `{node.name}` does not exist",
            _suggestion(node.name, scope),
        )
        return ANYTHING

    def _member(self, node: nodes.Node, owner: Shape, name: str) -> Shape:
        if owner.members is None:
            return ANYTHING
        if name not in owner.members:
            whole = _spelled(node)
            self.fault(
                RENDER_ERROR,
                node,
                f"`{whole}` does not exist",
                _suggestion(name, owner.members),
            )
            return ANYTHING
        return owner.members[name]

    def _item(self, node: nodes.Getitem, scope: Scope) -> Shape:
        owner = self.expression(node.node, scope)
        if not isinstance(node.arg, nodes.Const):
            self.expression(node.arg, scope)
            return owner if isinstance(node.arg, nodes.Slice) else ANYTHING
        if isinstance(node.arg.value, str):
            return self._member(node, owner, node.arg.value)
        return owner.item or ANYTHING

    def _filter(self, node: nodes.Filter, scope: Scope) -> Shape:
        self._known("filter", node.name, self.environment.filters, node)
        value = ANYTHING if node.node is None else self.expression(node.node, scope)
        self._each(_arguments(node), scope)
        self._named_argument(node)
        if node.name in _KEEPS_ITEMS:
            return Shape(item=value.item)
        return value.item or ANYTHING if node.name in _TAKES_ITEM else ANYTHING

    def _named_argument(self, node: nodes.Filter) -> None:
        named = node.args[0] if node.args else None
        if not isinstance(named, nodes.Const):
            return
        if node.name in NAMED_FILTER_ARGUMENT:
            self._known("filter", str(named.value), self.environment.filters, named)
        elif node.name in NAMED_TEST_ARGUMENT:
            self._known("test", str(named.value), self.environment.tests, named)

    def _known(self, what: str, name: str, known: Iterable[str], node: nodes.Node) -> None:
        public = [entry for entry in known if not entry.startswith("_")]
        if name not in public:
            self.fault(
                RENDER_ERROR,
                node,
                f"the {what} `{name}` does not exist",
                _suggestion(name, public),
            )

    def _call(self, node: nodes.Call) -> None:
        called = node.node
        if not (
            isinstance(called, nodes.Getattr)
            and called.attr in LOOP_CALLS
            and isinstance(called.node, nodes.Name)
            and called.node.name == "loop"
        ):
            self.fault(
                PARSE_ERROR,
                node,
                f"`{_spelled(called)}(...)` cannot be called in a prompt",
                "Use a filter, such as `issue.title | upper`.",
            )


def _line(node: nodes.Node) -> int:
    """Nodes that the parser made up have no line; what they hold does."""
    lines: list[int | None] = [found.lineno for found in (node, *node.find_all(nodes.Node))]
    return next((line for line in lines if line is not None), 1)


def _arguments(node: nodes.Filter) -> Iterator[nodes.Node]:
    yield from node.args
    for pair in node.kwargs:
        yield pair.value


def _spelled(node: nodes.Node) -> str:
    """The expression as it was probably written."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_spelled(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        part = node.arg.value
        return f"{_spelled(node.node)}" + (f".{part}" if isinstance(part, str) else f"[{part}]")
    return "(...)"


def _suggestion(name: str, known: Iterable[str]) -> str:
    """The nearest known name, or all of them where they are few."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"There are: {', '.join(names)}." if names else "It is a single value without members."
