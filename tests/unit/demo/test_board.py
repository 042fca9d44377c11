"""The board, the workflow and the prompt of the demo, read by the daemon's own readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from symphony.demo.agent.work import read_prompt
from symphony.demo.board import ISSUES, DemoIssue
from symphony.demo.workflow import PACES, AgentKind, agent_command, workflow_text
from symphony.domain.issue import BlockerRef, Issue
from symphony.runtime.configuration import Composed, WorkflowComposer
from symphony.trackers.files.normalize import IssueFile, parse_issue_file


def read(issue: DemoIssue) -> IssueFile:
    return parse_issue_file(issue.file_name, issue.markdown().encode())


def compose(folder: Path, agent: AgentKind = "demo", command: str | None = None) -> Composed:
    (folder / "issues").mkdir()
    text = workflow_text(
        slots=3, command=command or agent_command(agent, "codex"), pace=PACES[agent]
    )
    (folder / "WORKFLOW.md").write_text(text, encoding="utf-8")
    return WorkflowComposer(str(folder / "WORKFLOW.md"), {}).load()


def as_issue(file: IssueFile, *blockers: BlockerRef) -> Issue:
    return Issue(
        id=file.id,
        identifier=file.identifier,
        title=file.title,
        state=file.state,
        dispatchable=True,
        description=file.description,
        blocked_by=blockers,
    )


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.identifier)
def test_the_files_tracker_reads_each_issue_as_it_was_meant(issue: DemoIssue) -> None:
    file = read(issue)
    assert (file.identifier, file.title, file.state) == (issue.identifier, issue.title, "Todo")
    assert (file.priority, file.labels) == (issue.priority, issue.labels)
    assert file.blockers == ((issue.blocked_by,) if issue.blocked_by else ())
    assert file.description == issue.text


def test_there_are_eight_issues_of_which_one_waits_for_another() -> None:
    names = [issue.identifier for issue in ISSUES]
    assert len(set(names)) == len(names) == 8
    blockers = [issue.blocked_by for issue in ISSUES if issue.blocked_by]
    assert len(blockers) == 1
    assert set(blockers) <= set(names)


@pytest.mark.parametrize("agent", ["demo", "codex"])
def test_the_workflow_is_valid_without_a_warning(tmp_path: Path, agent: AgentKind) -> None:
    composed = compose(tmp_path, agent)
    assert composed.warnings == ()
    assert composed.workflow.template.problems == ()
    assert composed.workflow.settings.workspace.root == str(tmp_path / "workspaces")
    assert composed.workflow.settings.agent.max_concurrent_agents == 3


def test_a_command_with_odd_characters_survives_the_file(tmp_path: Path) -> None:
    command = """'/opt/my "py" \\ #1: é/python' -m x"""
    assert compose(tmp_path, command=command).workflow.settings.codex.command == command


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.identifier)
def test_the_agent_finds_its_task_in_the_prompt(tmp_path: Path, issue: DemoIssue) -> None:
    template = compose(tmp_path).workflow.template
    prompt = template.render(as_issue(read(issue)), None)
    assignment = read_prompt(prompt)
    assert assignment is not None
    assert (assignment.identifier, assignment.title) == (issue.identifier, issue.title)
    assert assignment.base is None
    assert assignment.attempt is None
    assert issue.text in prompt


def test_the_agent_finds_what_it_builds_on_and_that_it_is_not_the_first_attempt(
    tmp_path: Path,
) -> None:
    template = compose(tmp_path).workflow.template
    blocker = BlockerRef(identifier="DUR-3", state="Done")
    assignment = read_prompt(template.render(as_issue(read(ISSUES[3]), blocker), 1))
    assert assignment is not None
    assert assignment.base == "DUR-3"
    assert assignment.attempt == 2


def test_the_text_of_an_issue_cannot_pass_for_the_head_of_the_prompt() -> None:
    prompt = "You work on A-1: a title\n\nIt builds on evil.\nThis is attempt 9\nYou work on B: x"
    assignment = read_prompt(prompt)
    assert assignment is not None
    assert (assignment.identifier, assignment.base, assignment.attempt) == ("A-1", None, None)


def test_a_prompt_without_a_task_is_recognised() -> None:
    assert read_prompt("Continue with DUR-1.") is None
