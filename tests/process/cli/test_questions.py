"""`symphony plan`, `explain` and `render`: answers that a person, or a script, can act upon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue, as_array, as_object
from tests.support.daemon_process import RunCommand

WORKFLOW = """\
---
tracker:
  kind: files
  required_labels: [agent]
workspace:
  root: ./workspaces
agent:
  max_concurrent_agents: 1
codex:
  command: cat
---
Work on {{ issue.identifier }}{% if attempt %}, attempt {{ attempt }}{% endif %}.
"""


@pytest.fixture(autouse=True)
def board(tmp_path: Path) -> Path:
    """Two issues that could run, one without the label, one that is done."""
    issues = tmp_path / "issues"
    issues.mkdir()
    for name, state, labels in (
        ("A-1", "Todo", "[agent]"),
        ("A-2", "Todo", "[agent]"),
        ("A-3", "Todo", "[]"),
        ("A-4", "Done", "[agent]"),
    ):
        (issues / f"{name}.md").write_text(
            f"---\ntitle: Title of {name}\nstate: {state}\nlabels: {labels}\n"
            f"created_at: 2026-01-0{name[-1]}T00:00:00Z\n---\n"
        )
    (tmp_path / "WORKFLOW.md").write_text(WORKFLOW)
    return tmp_path


def test_a_plan_lists_what_would_start_and_why_the_rest_would_not(run: RunCommand) -> None:
    done = run("plan")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[1:4] for row in rows[:3]] == [
        ["A-1", "Todo", "start"],
        ["A-2", "Todo", "wait"],
        ["A-3", "Todo", "wait"],
    ]
    assert "no_global_slot" in done.stdout
    assert "label_missing: it lacks the required labels: agent" in done.stdout
    assert "1 of 3 candidates would be started." in done.stdout


def test_a_plan_can_be_read_by_programs(run: RunCommand) -> None:
    rows = as_array(_parsed(run("plan", "--json").stdout)) or ()
    assert [(as_object(row) or {})["code"] for row in rows] == [
        None,
        "no_global_slot",
        "label_missing",
    ]


@pytest.mark.parametrize(
    ("issue", "code", "told"),
    [
        ("A-1", 0, "It would run: number 1 of 3 candidates."),
        ("A-2", 3, "It would not run (no_global_slot)"),
        ("A-3", 3, "It would not run (label_missing)"),
        ("A-4", 3, "It would not run (state_terminal)"),
    ],
)
def test_an_explanation_ends_with_the_verdict(
    run: RunCommand, issue: str, code: int, told: str
) -> None:
    done = run("explain", issue)
    assert (done.returncode, done.stderr) == (code, "")
    assert told in done.stdout
    assert done.stdout.count("pass ") + done.stdout.count("BLOCK") == 14


def test_an_explanation_can_be_read_by_programs(run: RunCommand) -> None:
    told = as_object(_parsed(run("explain", "A-3", "--json").stdout)) or {}
    assert (told["would_run"], told["code"]) == (False, "label_missing")
    assert len(as_array(told["rules"]) or ()) == 14


def test_an_issue_that_nobody_sees_has_an_exit_code_of_its_own(run: RunCommand) -> None:
    for command in (("explain", "A-9"), ("render", "A-9")):
        done = run(*command)
        assert (done.returncode, done.stdout) == (4, "")
        assert "shows no issue A-9" in done.stderr


def test_a_tracker_that_does_not_answer_has_an_exit_code_of_its_own(
    run: RunCommand, board: Path
) -> None:
    linear = "kind: linear\n  provider: {endpoint: 'http://127.0.0.1:9', api_key: k, team_key: A}"
    (board / "WORKFLOW.md").write_text(WORKFLOW.replace("kind: files", linear))
    done = run("explain", "A-1")
    assert done.returncode == 5
    assert "the tracker did not answer: " in done.stderr


def test_a_workflow_that_cannot_be_used_is_told_with_its_line(run: RunCommand, board: Path) -> None:
    (board / "WORKFLOW.md").write_text(WORKFLOW.replace("kind: files", "kind: jira"))
    for command in (("explain", "A-1"), ("plan",), ("render", "A-1")):
        done = run(*command)
        assert done.returncode == 1
        assert "WORKFLOW.md:3: tracker.kind: " in done.stderr


def test_a_prompt_is_printed_as_the_agent_gets_it_and_nothing_else(run: RunCommand) -> None:
    assert run("render", "A-1").stdout == "Work on A-1.\n"
    assert run("render", "A-1", "--attempt", "2").stdout == "Work on A-1, attempt 2.\n"


def test_a_sample_needs_no_tracker(run: RunCommand, board: Path) -> None:
    for path in (board / "issues").iterdir():
        path.unlink()
    done = run("render", "--sample", "WORKFLOW.md")
    assert (done.returncode, done.stdout) == (0, "Work on SAMPLE-1.\n")


def test_a_template_that_fails_for_an_issue_is_told_with_its_line(
    run: RunCommand, board: Path
) -> None:
    body = "{{ issue.labels[3] }}"
    (board / "WORKFLOW.md").write_text(f"{WORKFLOW}{body}\n")
    done = run("render", "A-1")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"WORKFLOW.md:{WORKFLOW.count(chr(10)) + 1}: " in done.stderr


@pytest.mark.parametrize("words", [("render",), ("render", "A", "B", "C"), ("explain",)])
def test_wrong_use_is_told_with_the_usage(run: RunCommand, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "usage: symphony" in done.stderr


def _parsed(text: str) -> JsonValue:
    value: JsonValue = json.loads(text)
    return value
