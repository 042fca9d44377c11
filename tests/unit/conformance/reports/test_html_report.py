"""The page stands by itself: it loads nothing, and runs nothing that the suite did not write."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.reports.html import html_report
from conformance.reports.matrix import html_matrix
from conformance.reports.model import RunReport
from tests.support.run_records import HOSTILE, record_sample, requirements

_VOID = {"meta", "link", "input", "br", "wbr"}


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and whether its tags match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.mismatched: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.mismatched.extend(self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.mismatched.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def having(self, attribute: str) -> list[str]:
        return [found[attribute] for _, found in self.elements if attribute in found]


@pytest.fixture
def report(tmp_path: Path) -> RunReport:
    return record_sample(tmp_path / "r.ndjson")


@pytest.fixture
def page(report: RunReport) -> Page:
    return Page(html_report(report))


def test_every_tag_is_closed_in_order(report: RunReport, page: Page) -> None:
    assert page.mismatched == []
    assert Page(html_matrix([report, report])).mismatched == []


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    ids = page.having("id")
    assert len(ids) == len(set(ids))
    inner = {address[1:] for address in page.having("href") if address.startswith("#")}
    assert inner <= set(ids)
    assert {requirement.id for requirement in requirements()} <= set(ids)


def test_labels_and_descriptions_refer_to_what_is_there(page: Page) -> None:
    assert set(page.having("aria-labelledby")) <= set(page.having("id"))


def test_only_web_addresses_become_links(page: Page) -> None:
    outer = {address for address in page.having("href") if not address.startswith("#")}
    assert outer == {
        "data:,",
        "https://example.org/symphony-sample",
        "https://example.org/posture",
    }
    assert "javascript:alert(1)" in page.text


def test_the_policy_allows_the_page_its_own_style_and_script_and_nothing_else(
    report: RunReport, page: Page
) -> None:
    text = html_report(report)
    (policy,) = [
        found["content"]
        for tag, found in page.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_is_loaded_and_no_element_has_a_style_or_handler_of_its_own(page: Page) -> None:
    assert page.having("src") == []
    assert page.having("style") == []
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]


def test_hostile_text_stays_text(report: RunReport, page: Page) -> None:
    assert "<script>alert" not in html_report(report)
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "</script><script>alert(1)</script>" in page.text
    assert "\x1b" in HOSTILE
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_the_matrix_needs_no_script(report: RunReport) -> None:
    matrix = Page(html_matrix([report, report]))
    assert "script" not in [tag for tag, _ in matrix.elements]
