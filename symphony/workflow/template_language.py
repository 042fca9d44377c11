"""The language that prompts are written in: Jinja without what a prompt has no use for.

Templates see plain data only. A name is a key of a map or it does not exist; members of Python's
objects are out of reach, so `issue.items` cannot find a method. What an issue says is data and is
never evaluated. Work and output are bounded for one rendering by its `Budget`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MAXIMUM_PROMPT_CHARACTERS: Final = 1_048_576
"""The longest input that the agent accepts for one turn."""

TOO_LONG: Final = f"the prompt is longer than {MAXIMUM_PROMPT_CHARACTERS} characters"

_TOO_LONG_TEXT: Final = f"a text of more than {MAXIMUM_PROMPT_CHARACTERS} characters was built"

MAXIMUM_ITERATIONS: Final = 10_000
"""All passes of all loops in one rendering. An issue has dozens of labels and blockers."""

BUDGET: Final = "_budget"
"""Under which name the budget travels in the context; the check refuses it as unknown."""

_COUNTED: Final = "_counted"
_CONCATENATED: Final = "_concatenated"
_NULL_AS_EMPTY: Final = "_null_as_empty"

TEXT_FILTERS: Final = frozenset(
    {"capitalize", "count", "join", "length", "lower", "replace", "string", "title", "trim"}
    | {"truncate", "upper", "urlencode", "wordcount"}
)
"""Filters that take null for empty text; Jinja alone would make `NONE` of it."""

DATA_FILTERS: Final = frozenset(
    {"abs", "d", "default", "dictsort", "first", "float", "groupby", "int", "items", "last"}
    | {"list", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select"}
    | {"selectattr", "sort", "sum", "unique"}
)

FILTERS: Final = TEXT_FILTERS | DATA_FILTERS | {"tojson"}
"""What only looks at data and does bounded work. `replace` and `tojson` are our own."""

NAMED_FILTER_ARGUMENT: Final = frozenset({"map"})
NAMED_TEST_ARGUMENT: Final = frozenset({"select", "reject"})
"""Filters whose first argument names a filter or a test."""

TESTS_LEFT_OUT: Final = frozenset({"callable", "filter", "test"})

LOOP_CALLS: Final = frozenset({"cycle", "changed"})
LOOP_MEMBERS: Final = LOOP_CALLS | {
    *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
    *("depth", "depth0", "previtem", "nextitem"),
}


@dataclass(slots=True)
class Budget:
    """What is left for one rendering."""

    iterations: int = MAXIMUM_ITERATIONS
    characters: int = MAXIMUM_PROMPT_CHARACTERS

    def take_iteration(self) -> None:
        self.iterations -= 1
        if self.iterations < 0:
            raise TemplateRuntimeError(
                f"the loops make more than {MAXIMUM_ITERATIONS} passes in all"
            )

    def take_characters(self, text: str) -> str:
        self.characters -= len(text)
        if self.characters < 0:
            raise TemplateRuntimeError(TOO_LONG)
        return text


_PRINTED_AS_JSON: Final[frozenset[type]] = frozenset({bool, dict, list, tuple})


def as_prompt_text(value: object) -> str:
    """A printed value: nothing for null, JSON for what is no text, and text as it is."""
    if value is None:
        return ""
    if isinstance(value, Iterator):
        return to_json(list(cast("Iterator[object]", value)))
    return to_json(value) if type(value) in _PRINTED_AS_JSON else str(value)


def to_json(value: object) -> str:
    """JSON for people: Jinja's own form escapes what only HTML minds."""
    return json.dumps(value, ensure_ascii=False)


class _Bounding(NodeTransformer):
    """Puts bounded loops, a bounded `~`, and the null rule of text filters into a template."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        first, *rest = node.nodes
        return _filtered(first, _CONCATENATED, rest)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        if node.name in TEXT_FILTERS and node.node is not None:
            node.node = _filtered(node.node, _NULL_AS_EMPTY)
        return node


def _filtered(
    expression: nodes.Node, name: str, arguments: Sequence[nodes.Expr] = ()
) -> nodes.Filter:
    return nodes.Filter(expression, name, list(arguments), [], None, None, lineno=expression.lineno)


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """Jinja confined to data, bounded operators and the filters named here."""

    intercepted_binops = frozenset({"*", "%", "+"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            optimized=False,
            finalize=_printed,
        )
        self.globals.clear()
        filters = cast("dict[str, object]", self.filters)
        for name in set(filters) - FILTERS:
            del filters[name]
        filters["tojson"] = to_json
        filters["replace"] = _replaced
        filters[_COUNTED] = _counted
        filters[_CONCATENATED] = _concatenated
        filters[_NULL_AS_EMPTY] = _null_as_empty
        for name in TESTS_LEFT_OUT:
            del self.tests[name]

    def getattr(self, obj: object, attribute: str) -> object:
        """A member by `.name`; the same as by `["name"]`."""
        return self.member(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """A member by `["name"]`, or an item by its number."""
        return self.member(obj, argument)

    def member(self, obj: object, name: object) -> object:
        """What the data has under this name, else Jinja's undefined."""
        if isinstance(obj, Mapping):
            members = cast("Mapping[object, object]", obj)
            if name in members:
                return members[name]
        elif isinstance(obj, LoopContext):
            if isinstance(name, str) and name in LOOP_MEMBERS:
                return getattr(obj, name)
        elif isinstance(obj, str | list) and isinstance(name, int):
            items = cast("Sequence[object]", obj)
            if -len(items) <= name < len(items):
                return items[name]
        elif isinstance(obj, Undefined):
            # Raises with the name that is missing, not with the one asked of it.
            str(obj)
        return self.undefined(hint=f"`{name}` does not exist here", obj=obj, name=str(name))

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """`*` and `%` on text would make it as large as anyone likes."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _within_bounds(left + right)
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TemplateRuntimeError(f"`{operator}` works on numbers only; `~` joins text")
        return cast("object", super().call_binop(context, operator, left, right))

    def bound_work(self, tree: nodes.Template) -> None:
        """Make the parsed template count its work against the budget. Once per template."""
        _Bounding().visit(tree)
        tree.set_environment(self)


def _budget(context: Context) -> Budget:
    return cast("Budget", context[BUDGET])


@pass_context
def _printed(context: Context, value: object) -> str:
    return _budget(context).take_characters(as_prompt_text(value))


@pass_context
def _counted(context: Context, items: Iterable[object]) -> Iterator[object]:
    budget = _budget(context)
    for item in items:
        budget.take_iteration()
        yield item


def _concatenated(*parts: object) -> str:
    return _within_bounds("".join(as_prompt_text(part) for part in parts))


def _replaced(text: object, old: object, new: object, count: int | None = None) -> str:
    """Jinja's filter, but judged by the length of its result before that is built."""
    whole, before, after = str(text), str(old), as_prompt_text(new)
    found = whole.count(before) if count is None else min(whole.count(before), max(count, 0))
    if len(whole) + found * (len(after) - len(before)) > MAXIMUM_PROMPT_CHARACTERS:
        raise TemplateRuntimeError(_TOO_LONG_TEXT)
    return whole.replace(before, after, found)


def _within_bounds(text: str) -> str:
    if len(text) > MAXIMUM_PROMPT_CHARACTERS:
        raise TemplateRuntimeError(_TOO_LONG_TEXT)
    return text


def _null_as_empty(value: object) -> object:
    return "" if value is None else value
