"""A run as one JSON document, for programs.

Guarantees: members are only added within one `schema`; requirements stand in the order of the
specification. The shape:

    {"schema": 1, "run": {...}, "verdict": {"exit_code", "sentence", "complete"}, "counts": {...},
     "requirements": [{"id", "level", ..., "standing", "findings": [...], "reason": {...}|null}],
     "scenarios": [{"name", "title", "lane", "attempts", "outcome", "duration_s", "rescued"}]}
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from conformance.reports.model import RequirementResult, RunReport, ScenarioResult
from conformance.reports.words import verdict_sentence

SCHEMA = 1


def json_report(report: RunReport) -> str:
    """The document, with a line end."""
    ended = report.ended
    run = asdict(report.run)
    for internal in ("record", "schema"):
        del run[internal]
    document = {
        "schema": SCHEMA,
        "run": {**run, "duration_s": ended.duration_s if ended else None},
        "verdict": {
            "exit_code": ended.exit_code if ended else None,
            "sentence": verdict_sentence(report),
            "complete": report.complete,
            "strict": report.strict,
            "known": dict(report.known),
            "stale": list(report.stale),
        },
        "counts": report.counts(),
        "requirements": [_requirement(result) for result in report.requirements],
        "scenarios": [_scenario(result) for result in report.scenarios],
    }
    return json.dumps(document, indent=2) + "\n"


def _requirement(result: RequirementResult) -> dict[str, Any]:
    shown = asdict(result.requirement)
    del shown["record"]
    reason = result.reason
    return {
        **shown,
        "standing": result.standing,
        "rescued": result.rescued,
        "findings": [_finding(asdict(finding)) for finding in result.findings],
        "superseded": [_finding(asdict(finding)) for finding in result.superseded],
        "reason": {"text": reason.reason, "link": reason.link} if reason else None,
    }


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    # The requirement around it says these already.
    return {key: value for key, value in finding.items() if key not in ("record", "id", "level")}


def _scenario(result: ScenarioResult) -> dict[str, Any]:
    ended = result.ended
    return {
        "name": result.name,
        "title": result.started.title,
        "lane": result.started.lane,
        "checks": list(result.started.checks),
        "attempts": result.attempts,
        "outcome": ended.outcome if ended else None,
        "duration_s": ended.duration_s if ended else None,
        "rescued": ended.rescued if ended else False,
        "explanation": ended.explanation if ended else "",
    }
