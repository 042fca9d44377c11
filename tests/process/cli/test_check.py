"""`symphony check`: would the daemon start, and if not, why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.daemon_process import RunCommand

GOOD = """\
---
tracker:
  kind: files
workspace:
  root: ./workspaces
codex:
  command: cat
---
Work on {{ issue.identifier }}.
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """A good file."""
    (tmp_path / "issues").mkdir()
    path = tmp_path / "WORKFLOW.md"
    path.write_text(GOOD)
    return path


@pytest.mark.proves("config.root.relative")
def test_a_good_file_is_summed_up_and_nothing_is_made(run: RunCommand, workflow: Path) -> None:
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{workflow} is good." in done.stdout
    assert str(workflow.parent / "workspaces") in done.stdout
    assert sorted(path.name for path in workflow.parent.iterdir()) == ["WORKFLOW.md", "issues"]


def test_a_file_of_another_name_is_checked_where_it_is(run: RunCommand, workflow: Path) -> None:
    moved = workflow.parent / "issues" / "check"
    workflow.rename(moved)
    done = run("check", "issues/check")
    assert done.returncode == 1
    # What it names is looked for beside it.
    assert f"{moved}:" in done.stderr
    assert "tracker.provider.path" in done.stderr


@pytest.mark.proves("workflow.error.location", "workflow.error.class_names")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: files", "kind: jira", "WORKFLOW.md:3: tracker.kind: "),
        ("kind: files", "kind: files: x", "WORKFLOW.md:3: "),
        ("command: cat", "command: ''", "WORKFLOW.md:7: codex.command: "),
        ("command: cat", "command: no-such-program", "WORKFLOW.md: codex.command: "),
        ("root: ./workspaces", "root: WORKFLOW.md/x", "WORKFLOW.md: workspace.root: "),
        ("issue.identifier", "issue.identifer", "WORKFLOW.md:9: "),
        ("issue.identifier", "issue.identifier | nope", "WORKFLOW.md:9: "),
        ("{{ issue.identifier }}", "{% if %}", "WORKFLOW.md:9: "),
        ("---\nWork", "Work", "WORKFLOW.md:1: "),
    ],
)
def test_a_mistake_is_named_with_its_place(
    run: RunCommand, workflow: Path, old: str, new: str, told: str
) -> None:
    assert old in GOOD
    workflow.write_text(GOOD.replace(old, new))
    done = run("check")
    assert (done.returncode, done.stdout) == (1, "")
    first = done.stderr.splitlines()[0]
    assert first.startswith("error: ")
    assert told in first
    assert "one problem" in done.stderr.lower()


def test_every_mistake_is_named_at_once(run: RunCommand, workflow: Path) -> None:
    bad = GOOD.replace("kind: files", "kind: jira").replace("command: cat", "command: ''")
    workflow.write_text(bad)
    done = run("check")
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 2
    assert "2 problems" in done.stderr


def test_a_missing_file_is_named_with_what_to_do(run: RunCommand, tmp_path: Path) -> None:
    done = run("check")
    assert done.returncode == 1
    assert str(tmp_path / "WORKFLOW.md") in done.stderr
    assert "symphony init" in done.stderr


@pytest.mark.proves("config.unknown_keys.ignored", "config.agent.by_state_invalid")
def test_what_is_only_odd_is_a_warning(run: RunCommand, workflow: Path) -> None:
    odd = "agent:\n  max_concurrent_agents_by_state: {Todo: 0}\nextra: 1\ncodex:"
    workflow.write_text(GOOD.replace("codex:", odd))
    done = run("check")
    assert done.returncode == 0
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert any("max_concurrent_agents_by_state" in line for line in warnings)


def test_online_asks_the_tracker_once(run: RunCommand, workflow: Path) -> None:
    issue = workflow.parent / "issues" / "MT-1.md"
    issue.write_text("---\ntitle: One\nstate: Todo\n---\n")
    done = run("check", "--online")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The tracker answers: 1 issues in active states." in done.stdout


def test_online_tells_why_the_tracker_does_not_answer(run: RunCommand, workflow: Path) -> None:
    for number in range(20_001):
        (workflow.parent / "issues" / f"{number}.md").touch()
    done = run("check", "--online")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the tracker did not answer" in done.stderr


@pytest.mark.proves("security.secret.logs")
@pytest.mark.parametrize("words", [("check",), ("explain", "A-1"), ("render", "--sample")])
def test_a_key_that_was_pasted_in_a_wrong_place_is_not_printed(
    run: RunCommand, workflow: Path, words: tuple[str, ...]
) -> None:
    key = "lin_api_" + "4f9Q2k7L" * 5
    workflow.write_text(GOOD.replace("codex:", f"polling:\n  interval_ms: {key}\ncodex:"))
    done = run(*words)
    assert done.returncode != 0
    assert "polling.interval_ms" in done.stderr
    assert "[redacted]" in done.stderr
    assert key not in done.stdout + done.stderr
