"""The suite's command line answers questions about requirements, and says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from conformance import cli
from conformance.catalogue import load_catalogue

CHECKOUT = Path(__file__).parents[3]


def listed(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines()]


# list


def test_list_shows_every_requirement_in_the_order_of_the_specification(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["list"]) == 0
    assert listed(capsys.readouterr().out) == [requirement.id for requirement in load_catalogue()]


def test_list_shows_level_profile_verdict_and_section(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["list", "retry.backoff.after_continuation"])
    columns = capsys.readouterr().out.split()
    assert columns == ["retry.backoff.after_continuation", "MUST", "core", "lenient", "8.4"]


def test_several_patterns_add_up_and_show_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["list", "order.created", "order", "refill"])
    ids = listed(capsys.readouterr().out)
    assert {name.split(".")[0] for name in ids} == {"order", "refill"}
    assert len(set(ids)) == len(ids)


def test_level_and_profile_narrow_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["list", "--level", "should", "--profile", "tools"])
    expected = [
        requirement.id
        for requirement in load_catalogue()
        if (requirement.level, requirement.profile) == ("SHOULD", "tools")
    ]
    assert expected
    assert listed(capsys.readouterr().out) == expected


def test_list_as_json_holds_all_that_the_catalogue_knows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli.main(["list", "retry.backoff.cap", "--json"])
    rows = cast("list[dict[str, object]]", json.loads(capsys.readouterr().out))
    (requirement,) = load_catalogue().matching("retry.backoff.cap")
    assert rows == [
        {
            "id": "retry.backoff.cap",
            "level": "MUST",
            "profile": "core",
            "verdict": "exact",
            "section": "8.4",
            "title": "Retries",
            "text": requirement.text,
            "line": requirement.line,
        }
    ]


def test_a_filter_that_leaves_nothing_gives_an_empty_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["list", "order", "--profile", "ssh"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["list", "order", "--profile", "ssh", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_pattern_that_matches_nothing_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "retry", "retry.backof.failure"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "retry.backoff.failure" in captured.err


@pytest.mark.parametrize(
    ("option", "known"), [("--level", "MUST, SHOULD"), ("--profile", "core, http")]
)
def test_a_level_or_profile_that_does_not_exist_is_wrong_use(
    option: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["list", option, "sometimes"])
    assert stopped.value.code == 2
    assert known in capsys.readouterr().err


# explain


def test_explain_shows_the_sentence_and_how_it_binds(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "retry.slots.reason"]) == 0
    shown = capsys.readouterr().out
    requirement = load_catalogue().require("retry.slots.reason")
    assert requirement.text in " ".join(shown.split())
    assert "MUST" in shown
    assert "core" in shown
    assert "exact" in shown
    assert "8.4 Retries" in shown
    assert f"SPEC.md, line {requirement.line}" in shown


def test_explain_names_the_scenarios_that_check_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "launch.cwd.workspace"]) == 0
    checked = capsys.readouterr().out.splitlines()[-1]
    assert checked.startswith("checked  by ")
    assert "smoke" in checked


def test_explain_points_at_the_line_that_states_the_requirement() -> None:
    catalogue = load_catalogue()
    lines = catalogue.path.read_text(encoding="utf-8").splitlines()
    for requirement in catalogue:
        assert lines[requirement.line - 1].startswith(f"- `{requirement.id}` ")


def test_explain_answers_an_unknown_id_with_close_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "retry.slot.reason"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "did you mean" in captured.err
    assert "retry.slots.reason" in captured.err


def test_explain_answers_an_id_like_no_other_with_the_way_to_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["explain", "zzz"]) == 2
    assert "symphony-conformance list" in capsys.readouterr().err


# The program as a whole


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert "symphony-conformance explain retry.backoff.failure" in shown
    assert "exit codes:" in shown


def test_no_command_is_wrong_use_and_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "examples:" in captured.err


def test_every_id_in_the_help_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["list", "--help"], ["explain", "--help"]):
        with pytest.raises(SystemExit):
            cli.main(arguments)
    words = capsys.readouterr().out.replace(",", " ").replace(")", " ").split()
    named = {word.rstrip(".") for word in words if word.startswith(("retry.", "(retry.", "hook."))}
    assert named
    for name in named:
        assert load_catalogue().matching(name.lstrip("("))


def test_version_counts_the_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("symphony-conformance ")
    assert f"{len(load_catalogue())} requirements" in shown


def test_a_specification_that_cannot_be_read_is_a_fault_of_the_suite(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "SPEC.md"
    broken.write_text("## 1. One\n\n- no requirement\n", encoding="utf-8")
    assert cli.main(["list"], specification=broken) == 3
    assert f"{broken}:3: " in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "list", "--json"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


def test_the_suite_does_not_import_the_daemon() -> None:
    program = (
        "import sys, conformance.cli, conformance.traceability; print('symphony' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, check=True, text=True
    )
    assert shown.stdout == "False\n"
