"""A recorded run that holds every standing once, and texts that mean harm to whoever shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.baseline import Baseline, KnownFailure
from conformance.catalogue import Level, Profile, Requirement, RequirementId, Verdict
from conformance.outcomes import Finding, Outcome
from conformance.records import (
    Host,
    Reason,
    RecordWriter,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
    read_records,
)
from conformance.reports.model import RunReport
from conformance.scenario import Lane

HOSTILE = "</script><script>alert(1)</script> \x1b[2J\x00 ``` ]]> | **bold** \u202e & \ufffe"
TIMELINE = (
    "   0.412 tracker  TEST-1: candidates read",
    "   0.530 agent    TEST-1: session 1 started",
    "   0.731 agent    TEST-1: turn failed: 'no'",
    "   1.044 agent    TEST-1: session 2 started",
)
BASELINE = Baseline(
    entries=(KnownFailure(pattern="hook.timeout.children", reason="Issue 12, wanted for 1.5."),)
)

_MUST, _SHOULD, _MAY, _DOCUMENT = Level.MUST, Level.SHOULD, Level.MAY, Level.DOCUMENT
_REQUIREMENTS: Sequence[tuple[str, Level, Profile, Verdict]] = (
    ("issue.labels.normalized", _MUST, Profile.CORE, Verdict.EXACT),
    ("issue.priority.order", _MUST, Profile.CORE, Verdict.LENIENT),
    ("hook.timeout.children", _MUST, Profile.CORE, Verdict.EXACT),
    ("hook.output.logged", _SHOULD, Profile.CORE, Verdict.EXACT),
    ("hook.shell.choice", _MAY, Profile.CORE, Verdict.INFO),
    ("retry.backoff.failure", _MUST, Profile.CORE, Verdict.EXACT),
    ("retry.backoff.cap", _MUST, Profile.CORE, Verdict.EXACT),
    ("retry.slot.requeue", _MUST, Profile.CORE, Verdict.EXACT),
    ("retry.release.terminal", _MUST, Profile.CORE, Verdict.EXACT),
    ("security.posture.documented", _DOCUMENT, Profile.CORE, Verdict.EXACT),
    ("security.trust.documented", _DOCUMENT, Profile.CORE, Verdict.EXACT),
    ("security.memory.cleared", _MUST, Profile.CORE, Verdict.EXACT),
    ("http.state.shape", _MUST, Profile.HTTP, Verdict.EXACT),
    ("http.refresh.accepted", _SHOULD, Profile.HTTP, Verdict.EXACT),
)

_Found = tuple[str, Outcome, str, str]
_SCENARIOS: Sequence[tuple[str, str, int, Sequence[_Found]]] = (
    (
        "a_failed_turn_backs_off",
        "A failed turn is tried again after its backoff",
        1,
        (
            (
                "retry.backoff.failure",
                Outcome.FAIL,
                "the second session of TEST-1 begins 10 s after the first ended",
                f"it began after 0.3 s, having printed {HOSTILE}",
            ),
            ("retry.backoff.cap", Outcome.UNTESTABLE, "a third session of TEST-1", ""),
            ("retry.slot.requeue", Outcome.INCONCLUSIVE, "within 1 s", "after 4.1 s"),
        ),
    ),
    (
        "hooks_end_in_time",
        "A hook that is too slow ends with all that it started",
        1,
        (
            ("hook.timeout.children", Outcome.FAIL, "no process of the hook lives", "1 lives"),
            ("hook.output.logged", Outcome.WARN, "the hook's output in the log", "none of it"),
            ("hook.shell.choice", Outcome.INFO, "", "the hook ran in bash"),
        ),
    ),
    (
        "labels_and_order",
        "Labels are compared in lower case, and order follows priority",
        1,
        (
            ("issue.labels.normalized", Outcome.FAIL, "TEST-2 runs", "nothing ran for 10 s"),
            ("issue.priority.order", Outcome.PASS, "", ""),
        ),
    ),
    (
        "labels_and_order",
        "Labels are compared in lower case, and order follows priority",
        2,
        (
            ("issue.labels.normalized", Outcome.PASS, "", ""),
            ("issue.priority.order", Outcome.PASS, "", ""),
        ),
    ),
)


def requirements() -> Sequence[Requirement]:
    """What the sample run knows of, in the order of its specification."""
    return [
        Requirement(
            id=RequirementId(name),
            level=level,
            profile=profile,
            verdict=verdict,
            section=f"{number}.1",
            title=f"About {name.partition('.')[0]}",
            text=f"What `{name}` says is so, whatever <else> happens & when.",
            line=number,
        )
        for number, (name, level, profile, verdict) in enumerate(_REQUIREMENTS, start=1)
    ]


def run_started(*, name: str = "symphony-sample", patterns: tuple[str, ...] = ()) -> RunStarted:
    return RunStarted(
        started_at="2026-08-01T09:30:00+00:00",
        suite="0.1.0",
        specification="0123456789ab",
        name=name,
        version="1.4.0",
        language="Go",
        source="https://example.org/symphony-sample",
        manifest="sample.toml",
        dialect="linear",
        profiles=(Profile.CORE,),
        capabilities=("reload",),
        policies={"input": "fail"},
        patterns=patterns,
        seed=7,
        workers=4,
        host=Host(cores=2, load=0.5, platform="linux", python="3.11.7"),
    )


def write_body(writer: RecordWriter) -> None:
    """All but the beginning and the end of the sample run."""
    writer.requirements(requirements())
    levels = {each.id: each.level for each in requirements()}
    for scenario, title, attempt, found in _SCENARIOS:
        ids = tuple(RequirementId(name) for name, *_ in found)
        writer.write(
            ScenarioStarted(
                scenario=scenario, title=title, lane=Lane.FAST, attempt=attempt, checks=ids
            )
        )
        for name, outcome, expected, seen in found:
            _write_finding(writer, levels, scenario, attempt, name, outcome, expected, seen)
        worst = max((outcome for _, outcome, _, _ in found), key=lambda outcome: outcome.rank)
        writer.write(
            ScenarioEnded(
                scenario=scenario,
                attempt=attempt,
                outcome=worst,
                duration_s=2.5,
                rescued=attempt == 2,
            )
        )
    _write_unchecked(writer)


def _write_finding(
    writer: RecordWriter,
    levels: dict[RequirementId, Level],
    scenario: str,
    attempt: int,
    name: str,
    outcome: Outcome,
    expected: str,
    seen: str,
) -> None:
    identifier = RequirementId(name)
    finding = Finding(
        id=identifier,
        outcome=outcome,
        scenario=scenario,
        expected=expected,
        seen=seen,
        timeline=(*TIMELINE, HOSTILE) if outcome is Outcome.FAIL else (),
        measured_s=0.3 if "0.3" in seen else None,
    )
    replay = f"symphony-conformance replay results/{scenario}" if expected else ""
    writer.finding(finding, level=levels[identifier], attempt=attempt, replay=replay)


def _write_unchecked(writer: RecordWriter) -> None:
    writer.write(
        Reason(
            id=RequirementId("security.posture.documented"),
            reason="Says which approvals it gives.",
            link="https://example.org/posture",
            record="attested",
        )
    )
    writer.write(
        Reason(
            id=RequirementId("security.memory.cleared"),
            reason="No tap shows the memory of a process.",
            link="javascript:alert(1)",
            record="excluded",
        )
    )
    writer.finding(
        Finding(
            id=RequirementId("http.state.shape"),
            outcome=Outcome.NOT_APPLICABLE,
            scenario="",
            seen="the manifest does not declare http",
        ),
        level=Level.MUST,
    )


def record_sample(path: Path, *, baseline: Baseline | None = BASELINE) -> RunReport:
    """Write the sample run to `path`, and read it back."""
    with RecordWriter(path) as writer:
        writer.write(run_started())
        write_body(writer)
        writer.end(duration_s=81.25, baseline=baseline)
    return read_records(path)
