"""JUnit: one case for each requirement, and no case that looks like a pass and was none."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from conformance.reports.junit import junit_report
from tests.support.run_records import record_sample, requirements


def cases(tmp_path: Path) -> dict[str, Xml.Element]:
    text = junit_report(record_sample(tmp_path / "r.ndjson"))
    root = Xml.fromstring(text)  # noqa: S314 - it is our own
    return {case.get("name", ""): case for case in root.iter("testcase")}


def kinds(case: Xml.Element) -> list[str]:
    return [child.tag for child in case]


def test_every_requirement_is_one_case(tmp_path: Path) -> None:
    assert list(cases(tmp_path)) == [
        requirement.id
        for area in ("issue", "hook", "retry", "security", "http")
        for requirement in requirements()
        if requirement.id.startswith(f"{area}.")
    ]


def test_each_standing_has_its_kind(tmp_path: Path) -> None:
    found = cases(tmp_path)
    assert kinds(found["retry.backoff.failure"]) == ["failure"]
    assert kinds(found["retry.backoff.cap"]) == ["failure"]
    assert kinds(found["hook.timeout.children"]) == ["skipped", "system-out"]
    assert kinds(found["hook.output.logged"]) == ["system-out"]
    assert kinds(found["issue.labels.normalized"]) == []
    assert kinds(found["hook.shell.choice"]) == []
    for name in ("security.memory.cleared", "http.state.shape", "retry.release.terminal"):
        assert kinds(found[name]) == ["skipped"]


def test_a_skipped_case_says_why(tmp_path: Path) -> None:
    skipped = cases(tmp_path)["http.state.shape"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not applicable: the manifest does not declare http"


def test_the_counts_add_up(tmp_path: Path) -> None:
    text = junit_report(record_sample(tmp_path / "r.ndjson"))
    root = Xml.fromstring(text)  # noqa: S314 - it is our own
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(kind, "-1")) == len(root.findall(f".//{tag}"))
    assert int(root.get("tests", "-1")) == len(requirements())
