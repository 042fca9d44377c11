"""Every requirement has a check, or a reason in `coverage.toml` for having none."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import RequirementId, load_catalogue
from conformance.coverage import CoverageError, Ground, load_reasons, superfluous, uncovered
from conformance.runner.selection import all_scenarios

CATALOGUE = load_catalogue()


def checked() -> set[RequirementId]:
    return {check for each in all_scenarios() for check in each.checks}


def test_no_requirement_has_both_a_check_and_a_reason_for_having_none() -> None:
    assert superfluous(checked(), set(load_reasons(CATALOGUE))) == []


def test_every_core_must_has_a_check_or_a_reason() -> None:
    missing = uncovered(CATALOGUE, checked(), set(load_reasons(CATALOGUE)))
    assert [requirement.id for requirement in missing] == []


def test_a_reason_says_on_what_ground(tmp_path: Path) -> None:
    file = tmp_path / "coverage.toml"
    file.write_text(
        '[attested]\n"session.identity.composed" = "a"\n[excluded]\n"run.events.stale" = "b"\n'
    )
    reasons = load_reasons(CATALOGUE, file)
    assert [(each.ground, each.text) for each in reasons.values()] == [
        (Ground.ATTESTED, "a"),
        (Ground.EXCLUDED, "b"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[excluded]\n"no.such.requirement" = "x"\n', "no requirement is called"),
        ('[excluded]\n"run.events.stale" = " "\n', "has no reason"),
        ('[forgotten]\n"run.events.stale" = "x"\n', "forgotten"),
        ("[excluded\n", "coverage.toml"),
        (
            '[attested]\n"run.events.stale" = "x"\n[excluded]\n"run.events.stale" = "x"\n',
            "both attested and excluded",
        ),
    ],
)
def test_a_wrong_file_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "coverage.toml"
    file.write_text(text)
    with pytest.raises(CoverageError, match=complaint):
        load_reasons(CATALOGUE, file)
