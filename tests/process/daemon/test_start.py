"""From the command line to the first tick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_site import PROMPT, WORKS, Site


@pytest.mark.proves("workflow.path.explicit", "config.root.relative")
def test_an_explicit_path_is_taken_and_what_it_names_is_relative_to_it(site: Site) -> None:
    elsewhere = site.top / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "WORKFLOW.md").write_text("---\nnot: this one\n---\n")
    site.write_workflow(
        tracker={"provider": {"path": "./issues"}}, workspace={"root": "../workspaces"}
    )
    site.write_issue("MT-1")
    daemon = site.start("../project/WORKFLOW.md", directory=elsewhere)
    started = daemon.wait_for_log(event="daemon_started")
    assert started["path"] == str(site.workflow)
    assert started["workspace_root"] == str(site.workspaces)
    daemon.wait_for_log(event="workspace_removed")
    assert site.sessions("MT-1")[0].directory == str(site.workspace("MT-1"))


@pytest.mark.proves("workflow.path.default", "workflow.file.self_contained")
def test_without_a_path_the_file_of_the_current_directory_is_taken(site: Site) -> None:
    site.write_workflow()
    site.write_issue("MT-1")
    # An option alone, so that there are arguments and no path.
    daemon = site.start("--log-level=info", directory=site.project)
    assert daemon.wait_for_log(event="daemon_started")["path"] == str(site.workflow)
    daemon.wait_for_log(event="workspace_removed")


def _edit(old: str, new: str) -> Callable[[Site], None]:
    def edit(site: Site) -> None:
        text = site.workflow_text()
        assert old in text
        site.workflow.write_text(text.replace(old, new))

    return edit


def _text(text: str) -> Callable[[Site], None]:
    return lambda site: site.write_workflow_text(text)


def _with(**sections: dict[str, JsonValue]) -> Callable[[Site], None]:
    return lambda site: site.write_workflow_text(site.workflow_text(PROMPT, **sections))


def _no_directory(site: Site) -> None:
    site.write_workflow()
    site.issues.rmdir()


def _no_root(site: Site) -> None:
    site.workspaces.write_text("a file")
    site.write_workflow()


BROKEN: dict[str, tuple[Callable[[Site], None], str, str | None, str | None]] = {
    "there is no file": (lambda _: None, "missing_workflow_file", None, None),
    "the YAML is broken": (_edit("kind: files", "kind: [files"), "workflow_parse_error", None, ""),
    "the settings are a list": (
        _text("---\n- a\n---\n"),
        "workflow_front_matter_not_a_map",
        None,
        "- a",
    ),
    "the block has no end": (_text("---\ntracker:\n"), "workflow_parse_error", None, "---"),
    "there is no tracker": (_text("Do it.\n"), "missing_tracker_kind", "tracker.kind", "Do it."),
    "the tracker is unknown": (
        _edit("kind: files", "kind: jira"),
        "unsupported_tracker_kind",
        "tracker.kind",
        "  kind: jira",
    ),
    "the issues are nowhere": (
        _no_directory,
        "invalid_tracker_config",
        "tracker.provider.path",
        "    path:",
    ),
    "a number is out of range": (
        _with(agent={"max_turns": 0}),
        "workflow_invalid_setting",
        "agent.max_turns",
        "  max_turns: 0",
    ),
    "a value has the wrong type": (
        _with(hooks={"timeout_ms": "soon"}),
        "workflow_invalid_setting",
        "hooks.timeout_ms",
        "  timeout_ms: soon",
    ),
    "the command is empty": (
        _with(codex={"command": " "}),
        "workflow_invalid_setting",
        "codex.command",
        "  command:",
    ),
    "the root is a file": (_no_root, "workspace_root_unusable", "workspace.root", None),
}


@pytest.mark.proves(
    "startup.validate.refused",
    "workflow.path.missing",
    "workflow.yaml.invalid",
    "workflow.front_matter.map",
    "workflow.front_matter.unterminated",
    "workflow.front_matter.absent",
    "workflow.error.class_names",
    "workflow.error.location",
    "config.tracker.kind_supported",
    "config.provider.rejected",
    "config.validate.limits",
    "config.validate.types",
    "config.codex.command_empty",
    "cli.exit.startup_failure",
    "log.failure.visible",
)
@pytest.mark.parametrize("case", BROKEN)
def test_a_start_that_is_refused_names_the_cause(site: Site, case: str) -> None:
    prepare, code, key, line = BROKEN[case]
    prepare(site)
    daemon = site.start()
    assert daemon.wait_for_exit() == 1
    (refusal,) = daemon.log()
    assert (refusal["event"], refusal["level"]) == ("startup_failed", "error")
    assert (refusal["code"], refusal.get("key")) == (code, key)
    assert refusal["reason"]
    if code != "workflow_parse_error":
        assert refusal["remedy"]
    if code != "workspace_root_unusable":
        assert refusal["path"] == str(site.workflow)
        assert not site.workspaces.exists()
    if line is not None:
        assert site.workflow.read_text().splitlines()[int(refusal["line"]) - 1].startswith(line)


def test_every_mistake_of_a_start_is_named(site: Site) -> None:
    site.write_workflow(agent={"max_turns": 0}, hooks={"timeout_ms": -1})
    daemon = site.start()
    assert daemon.wait_for_exit() == 1
    refusals = daemon.log(event="startup_failed")
    assert sorted(line["key"] for line in refusals) == ["agent.max_turns", "hooks.timeout_ms"]


@pytest.mark.proves(
    "startup.cleanup.terminal",
    "startup.cleanup.others_kept",
    "startup.cleanup.by_workspace",
    "startup.order.sequence",
    "hook.before_remove.runs",
)
def test_finished_issues_are_cleaned_up_before_anything_starts(site: Site) -> None:
    site.write_script("default", WORKS)
    states = {"MT-1": "Todo", "MT-2": "Done", "MT-3": "Backlog", "MT-4": "Cancelled"}
    for name, state in states.items():
        site.write_issue(name, state)
        (site.workspaces / name).mkdir(parents=True)
        (site.workspaces / name / "content").touch()
    site.write_issue("MT-5", "Done")
    (site.workspaces / "notes.txt").touch()
    (site.workspaces / "unknown").mkdir()
    site.write_workflow(hooks={"before_remove": f'echo "$SYMPHONY_ISSUE_ID" >> {site.top}/removed'})
    daemon = site.start()
    site.at_gate("MT-1")
    assert daemon.events("workspace_removed", "dispatched") == [
        "workspace_removed",
        "workspace_removed",
        "dispatched",
    ]
    assert sorted((site.top / "removed").read_text().split()) == ["MT-2", "MT-4"]
    left = sorted(path.name for path in site.workspaces.iterdir())
    assert left == ["MT-1", "MT-3", "notes.txt", "unknown"]
    assert (site.workspace("MT-1") / "content").exists()


@pytest.mark.proves("startup.cleanup.fetch_failed", "tracker.error.candidates")
def test_a_clean_up_that_cannot_read_is_told_and_the_start_goes_on(site: Site) -> None:
    site.write_workflow()
    (site.workspaces / "MT-1").mkdir(parents=True)
    # More issues than the tracker reads.
    for number in range(20_001):
        (site.issues / f"{number}.md").touch()
    daemon = site.start()
    daemon.wait_for_log(event="startup_cleanup_failed", level="warning")
    daemon.wait_for_log(event="candidate_read_failed", count=2)
    full = site.project / "full"
    empty = site.project / "empty"
    empty.mkdir()
    site.issues.rename(full)
    empty.rename(site.issues)
    site.write_issue("MT-1")
    daemon.wait_for_log(event="dispatched", issue_identifier="MT-1")


@pytest.mark.proves("security.root.permissions", "config.root.variable", "config.root.home")
@pytest.mark.parametrize("root", ["$ROOT_OF_TEST", "~/deep/workspaces"])
def test_a_root_that_is_made_is_closed_to_others(site: Site, root: str) -> None:
    made = Path(str(site.home)) / "deep" / "workspaces"
    site.write_workflow(workspace={"root": root})
    daemon = site.start(environment={"ROOT_OF_TEST": str(made)})
    assert daemon.wait_for_log(event="daemon_started")["workspace_root"] == str(made)
    assert made.stat().st_mode & 0o077 == 0
