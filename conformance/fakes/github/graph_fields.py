"""Fields and values of boards, and labels, as the graph shows them."""

from __future__ import annotations

from typing import cast

from conformance.fakes.github.connections import Source
from conformance.fakes.github.entities import Issue, Project, ProjectField, ProjectItem


def field_shape(field: ProjectField | None) -> Source | None:
    """A field of a board."""
    if field is None:
        return None
    shape: Source = {
        "__typename": "ProjectV2Field",
        "id": field.id,
        "name": field.name,
        "dataType": field.type,
    }
    if field.options is not None:
        options = [{"id": each, "name": name} for name, each in field.options.items()]
        shape.update(__typename="ProjectV2SingleSelectField", options=options)
    return shape


def value_shape(project: Project, item: ProjectItem, name: str) -> Source | None:
    """What an item has in a field, by its name in lower case."""
    field, value = project.fields.get(name), item.values.get(name)
    if field is None or value is None:
        return None
    shape: Source = {"id": f"V_{item.id}_{name}", "field": lambda _: field_shape(field)}
    if field.options is not None:
        kind, option = "SingleSelect", field.options[str(value)]
        shape.update(name=str(value), optionId=option)
    elif field.type == "NUMBER":
        kind = "Number"
        shape["number"] = value
    else:
        kind = "Text"
        shape["text"] = str(value)
    return {**shape, "__typename": f"ProjectV2ItemField{kind}Value"}


def label_shape(name: str) -> Source:
    return {"__typename": "Label", "id": f"LA_{name}", "name": name, "color": "ededed"}


def has_labels(issue: Issue, wanted: object) -> bool:
    if not isinstance(wanted, list):
        return True
    names = {str(each) for each in cast("list[object]", wanted)}
    return not names or bool(names & set(issue.labels))
