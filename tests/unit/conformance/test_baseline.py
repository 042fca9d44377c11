"""A baseline excuses what it names, for a reason, nothing else, and only while it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.baseline import (
    Baseline,
    BaselineError,
    KnownFailure,
    baseline_of,
    baseline_text,
    judge,
    load_baseline,
)
from tests.support.run_records import record_sample


def known(*patterns: str) -> Baseline:
    return Baseline(entries=tuple(KnownFailure(pattern=each, reason="why") for each in patterns))


def test_a_listed_problem_is_expected_and_the_others_are_not(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    judgement = judge(report, known("retry.*"))
    assert {result.id for result, _ in judgement.expected} == {
        "retry.backoff.failure",
        "retry.backoff.cap",
        "retry.slot.requeue",
    }
    assert {result.id for result in judgement.unexpected} == {
        "hook.timeout.children",
        "hook.output.logged",
    }
    assert judgement.stale == ()


def test_a_listed_one_that_passes_is_stale(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    (stale,) = judge(report, known("issue.priority.order")).stale
    assert stale.passing == ("issue.priority.order",)
    assert "remove it" in str(stale)


def test_a_pattern_that_matches_nothing_is_stale(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    (stale,) = judge(report, known("no.such.*")).stale
    assert "matches no requirement" in str(stale)


def test_what_was_not_run_says_nothing_of_an_entry(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    assert judge(report, known("retry.release.terminal", "http.state.shape")).stale == ()


def test_a_written_baseline_expects_every_problem_of_its_run(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    path = tmp_path / "known.toml"
    path.write_text(baseline_text(baseline_of(report)), encoding="utf-8")
    judgement = judge(report, load_baseline(path))
    assert judgement.unexpected == ()
    assert judgement.stale == ()


def test_a_rewritten_baseline_keeps_reasons_and_drops_what_passes(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    entry = KnownFailure(pattern="retry.backoff.*", reason="Ours.", link="https://example.org/7")
    earlier = Baseline(entries=(entry, *known("issue.*").entries))
    found = {each.pattern: each for each in baseline_of(report, earlier).entries}
    assert found["retry.backoff.cap"].reason == "Ours."
    assert found["retry.backoff.cap"].link == "https://example.org/7"
    assert found["retry.slot.requeue"].reason == "inconclusive: after 4.1 s"
    assert not any(pattern.startswith("issue.") for pattern in found)


@pytest.mark.parametrize("text", ['"quoted" \\ back', "control \x01 \x7f \t", "ünïcode 𝄞"])
def test_any_reason_survives_the_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    baseline = Baseline(entries=(KnownFailure(pattern="a.b.c", reason=text),))
    path.write_text(baseline_text(baseline), encoding="utf-8")
    assert load_baseline(path) == baseline


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("schema = 2", "schema"),
        ("", "schema"),
        ("schema = ", "no TOML"),
        ('schema = 1\n[[known]]\nid = "a.b.c"', r"entry 1 of \[\[known\]\], reason"),
        ('schema = 1\n[[known]]\nid = "a.b.c"\nreason = ""', "reason"),
        ('schema = 1\n[[known]]\nid = "a.b.c"\nreason = "r"\nwhy = "x"', "why"),
    ],
)
def test_a_malformed_baseline_is_refused_with_its_place(
    content: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "known.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BaselineError, match=said) as caught:
        load_baseline(path)
    assert "known.toml" in str(caught.value)


def test_a_baseline_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"nowhere\.toml"):
        load_baseline(tmp_path / "nowhere.toml")
