"""Looks at a document as a browser would take it apart: what is an element, and what only text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    attributes: dict[str, str]


@dataclass(slots=True)
class Document:
    elements: list[Element] = field(default_factory=list[Element])
    texts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """All of it, white space folded."""
        return " ".join(" ".join(self.texts).split())

    def named(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def values(self, attribute: str) -> list[str]:
        """What the attribute is, wherever it is."""
        return [
            element.attributes[attribute]
            for element in self.elements
            if attribute in element.attributes
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.document = Document()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.document.elements.append(Element(tag, attributes))

    def handle_data(self, data: str) -> None:
        self.document.texts.append(data)


def read_html(html: str) -> Document:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.document


def assert_harmless(html: str) -> Document:
    """Nothing in the document runs, loads or leads where this package did not mean it to."""
    document = read_html(html)
    for element in document.elements:
        assert not [name for name in element.attributes if name.startswith("on")], element
        assert "style" not in element.attributes, element
        assert element.name not in {"img", "iframe", "object", "embed", "base", "style"}, element
    for script in document.named("script"):
        assert script.attributes["src"].startswith("/static/"), script
    for address in (*document.values("href"), *document.values("src"), *document.values("action")):
        is_ours = address.startswith(("/", "#")) and not address.startswith("//")
        assert is_ours or address.startswith("https://tracker.example/issue/"), address
    return document
