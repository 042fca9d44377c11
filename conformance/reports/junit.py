"""A run as JUnit XML: one suite per area, one case per requirement.

Guarantees: well-formed whatever an implementation printed. A broken MUST is a failure, a fault of
the suite an error; a broken SHOULD passes with its text in `system-out`, unless the run was strict;
a known problem, and what was not checked, is skipped with the reason. What is not applicable and
what was not part of the run is skipped too, so that no case looks like a pass that was none.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from conformance.outcomes import Outcome
from conformance.reports.argument import argument
from conformance.reports.model import RequirementResult, RunReport
from conformance.reports.verdict import binding
from conformance.reports.words import STANDINGS, subject

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(report: RunReport) -> str:
    """The document, with a line end."""
    root = Xml.Element("testsuites", name=_text(f"Symphony conformance of {subject(report)}"))
    if report.ended is not None:
        root.set("time", f"{report.ended.duration_s:.3f}")
    for area, results in report.areas().items():
        suite = Xml.SubElement(root, "testsuite", name=area)
        for result in results:
            _case(suite, result, report)
        _count(suite, len(results))
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _case(suite: Xml.Element, result: RequirementResult, report: RunReport) -> None:
    case = Xml.SubElement(
        suite, "testcase", name=result.id, classname=f"{result.requirement.profile}.{result.area}"
    )
    if result.outcome is Outcome.HARNESS_ERROR:
        _child(case, "error", "the suite itself failed", argument(result))
    elif result.id in report.known:
        _child(case, "skipped", f"known failure: {report.known[result.id]}")
        _child(case, "system-out", "", argument(result))
    elif binding([result], strict=report.strict):
        _child(case, "failure", STANDINGS[result.standing].word, argument(result))
    elif result.problem:
        _child(case, "system-out", "", argument(result))
    elif result.outcome not in (Outcome.PASS, Outcome.INFO):
        _child(case, "skipped", _why_skipped(result))


def _why_skipped(result: RequirementResult) -> str:
    standing = STANDINGS[result.standing]
    if result.reason is not None:
        return f"{standing.word}: {result.reason.reason}"
    seen = next((finding.seen for finding in result.findings if finding.seen), standing.meaning)
    return f"{standing.word}: {seen}"


def _child(case: Xml.Element, tag: str, message: str, text: str = "") -> None:
    child = Xml.SubElement(case, tag)
    if message:
        child.set("message", _text(message))
    child.text = _text(text) or None


def _count(suite: Xml.Element, tests: int) -> None:
    suite.set("tests", str(tests))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))


def _text(text: str) -> str:
    """The text without the characters that XML cannot hold, not even escaped."""
    return _NOT_XML.sub("�", text)
