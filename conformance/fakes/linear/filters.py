"""Linear's filters, evaluated on the world.

GraphQL has checked the filter against the schema before, so a key that is not known here is an
error of the fake and says so. What is not there equals nothing: only `null: true`, `neq` and `nin`
hold for it.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from conformance.fakes.entities import Entity, Issue
from conformance.fakes.linear.links import Links, entities

FilterValue = Mapping[str, object]

_DURATION = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?"
)
_TEXT_RULES: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda actual, wanted: actual == wanted,
    "neq": lambda actual, wanted: actual == wanted,
    "contains": lambda actual, wanted: wanted in actual,
    "startswith": lambda actual, wanted: actual.startswith(wanted),
    "endswith": lambda actual, wanted: actual.endswith(wanted),
}
_COMPARATOR = re.compile("eq|neq|in$|nin$|gt|lt|null|contains|not|starts|ends")


def matches(links: Links, entity: Entity, wanted: FilterValue) -> bool:
    """Whether the entity satisfies every part of the filter."""
    return all(_part(links, entity, key, value) for key, value in wanted.items())


def _part(links: Links, entity: Entity, key: str, value: object) -> bool:
    if value is None:
        return True
    match key:
        case "and":
            return all(matches(links, entity, each) for each in _filters(value))
        case "or":
            return any(matches(links, entity, each) for each in _filters(value))
        case "null":
            return value is False
        case "id":
            return _id(entity, _filter(value))
        case _:
            return _field(links, links.get(entity, key), _filter(value))


def _field(links: Links, actual: object, wanted: FilterValue) -> bool:
    if isinstance(actual, list):
        return _collection(links, entities(cast("object", actual)), wanted)
    if isinstance(actual, Entity):
        return matches(links, actual, wanted)
    if actual is None and not _is_comparator(wanted):
        return wanted.get("null") is True
    return all(_compare(name, actual, each) for name, each in wanted.items() if each is not None)


def _collection(links: Links, actual: Sequence[Entity], wanted: FilterValue) -> bool:
    """`some` is meant where the filter names fields directly."""
    direct = {
        key: each
        for key, each in wanted.items()
        if key not in ("some", "every", "length", "null", "and", "or")
    }
    checks = [
        not direct or any(matches(links, each, direct) for each in actual),
        all(_collection(links, actual, each) for each in _filters(wanted.get("and") or [])),
    ]
    if wanted.get("or") is not None:
        checks.append(any(_collection(links, actual, each) for each in _filters(wanted["or"])))
    if wanted.get("some") is not None:
        checks.append(any(matches(links, each, _filter(wanted["some"])) for each in actual))
    if wanted.get("every") is not None:
        checks.append(all(matches(links, each, _filter(wanted["every"])) for each in actual))
    if wanted.get("length") is not None:
        checks.append(_field(links, float(len(actual)), _filter(wanted["length"])))
    if wanted.get("null") is not None:
        checks.append((not actual) is wanted["null"])
    return all(checks)


def _id(entity: Entity, wanted: FilterValue) -> bool:
    """An issue is also meant by its identifier."""
    names = {entity.id, entity.identifier} if isinstance(entity, Issue) else {entity.id}
    checks: Mapping[str, Callable[[object], bool]] = {
        "eq": lambda value: value in names,
        "neq": lambda value: value not in names,
        "in": lambda value: not names.isdisjoint(_list(value)),
        "nin": lambda value: names.isdisjoint(_list(value)),
    }
    return all(checks[name](value) for name, value in wanted.items() if value is not None)


def _compare(name: str, actual: object, wanted: object) -> bool:
    match name:
        case "null":
            return (actual is None) is wanted
        case "and":
            return all(_all_compare(actual, each) for each in _filters(wanted))
        case "or":
            return any(_all_compare(actual, each) for each in _filters(wanted))
        case "neq":
            return not _equal(actual, wanted)
        case "nin":
            return not any(_equal(actual, each) for each in _list(wanted))
        case _ if actual is None:
            return name == "eq" and wanted is None
        case "eq":
            return _equal(actual, wanted)
        case "in":
            return any(_equal(actual, each) for each in _list(wanted))
        case "gt" | "gte" | "lt" | "lte":
            return _ordered(name, actual, wanted)
        case _:
            return _text(name, str(actual), str(wanted))


def _all_compare(actual: object, wanted: FilterValue) -> bool:
    return all(_compare(name, actual, each) for name, each in wanted.items() if each is not None)


def _equal(actual: object, wanted: object) -> bool:
    if isinstance(actual, datetime):
        return actual == _instant(wanted)
    return actual == wanted


def _ordered(name: str, actual: object, wanted: object) -> bool:
    compare = getattr(operator, {"gt": "gt", "gte": "ge", "lt": "lt", "lte": "le"}[name])
    if isinstance(actual, datetime):
        return bool(compare(actual, _instant(wanted)))
    return bool(compare(actual, wanted))


def _text(name: str, actual: str, wanted: str) -> bool:
    if "IgnoreCase" in name:
        actual, wanted = actual.lower(), wanted.lower()
    if name.endswith("AndAccent"):
        actual, wanted = _plain(actual), _plain(wanted)
    name = name.replace("AndAccent", "").replace("IgnoreCase", "")
    is_negative = name.startswith(("not", "neq"))
    kind = name.removeprefix("not").lower()
    return _TEXT_RULES[kind](actual, wanted) is not is_negative


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _instant(value: object) -> datetime:
    """A time, or a duration from now such as `-P2W`."""
    text = str(value)
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        sign, *numbers = duration.groups()
        years, months, weeks, days, hours, minutes = (int(each or 0) for each in numbers)
        span = timedelta(
            days=years * 365 + months * 30 + weeks * 7 + days, hours=hours, minutes=minutes
        )
        return datetime.now(UTC) + (-span if sign else span)
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _is_comparator(wanted: FilterValue) -> bool:
    """Whether the keys compare a value, instead of naming fields of an entity."""
    return all(_COMPARATOR.match(key) for key in wanted)


def _filter(value: object) -> FilterValue:
    return cast("FilterValue", value)


def _filters(value: object) -> Sequence[FilterValue]:
    return cast("Sequence[FilterValue]", value)


def _list(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value)
