"""Hooks that do their work, fail, or hang."""

from __future__ import annotations

import pytest

from tests.support.daemon_site import WORKS, Site

PAUSE_MS = 2_000
"""A time-out that a hook which does nothing meets on a loaded machine, too."""


def _on(name: str, command: str) -> str:
    """A hook that does something for one issue only."""
    return f'if [ "$SYMPHONY_ISSUE_ID" = {name} ]; then {command}; fi'


@pytest.mark.proves(
    "hook.after_create.fatal",
    "hook.after_create.again",
    "hook.before_run.fatal",
    "hook.after_run.ignored",
    "hook.before_remove.ignored",
    "hook.log.events",
    "workspace.populate.surfaced",
    "recovery.service.survives",
)
def test_each_hook_that_fails_is_logged_and_has_its_own_consequence(site: Site) -> None:
    made = site.top / "made"
    site.write_workflow(
        agent={"max_retry_backoff_ms": 100},
        hooks={
            "after_create": _on(
                "MT-1", f"ls | wc -l >> {made}; touch left; echo no good >&2; exit 3"
            ),
            "before_run": _on("MT-2", f"echo begun >> {site.top}/begun; exit 4"),
            "after_run": "exit 5",
            "before_remove": "exit 6",
        },
    )
    for name in ("MT-1", "MT-2", "MT-3"):
        site.write_issue(name)
    daemon = site.start()
    for name, hook, code in (("MT-1", "after_create", "3"), ("MT-2", "before_run", "4")):
        ended = daemon.wait_for_log(event="run_ended", issue_identifier=name, count=2)
        assert ended["outcome"] == "failed"
        assert ended["reason"].startswith(f"hook_failed: the hook {hook} ended with exit code")
        failed = daemon.log(event="hook_failed", issue_identifier=name, hook=hook)
        assert {line["exit_code"] for line in failed} == {code}
        assert site.sessions(name) == []
        retry = daemon.wait_for_log(event="retry_scheduled", issue_identifier=name)
        assert retry["delay_ms"] == "100"
    assert "no good" in daemon.log(hook="after_create", event="hook_failed")[0]["output"]
    # Each attempt found an empty directory.
    assert len(made.read_text().split()) >= 2
    assert set(made.read_text().split()) == {"0"}
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-3")
    assert daemon.log(event="hook_failed", hook="after_run", exit_code="5")
    assert daemon.log(event="hook_failed", hook="before_remove", exit_code="6")
    assert not site.workspace("MT-3").exists()


@pytest.mark.proves(
    "hook.timeout.applied",
    "hook.timeout.tree",
    "hook.after_create.fatal",
    "hook.before_run.fatal",
    "hook.after_run.ignored",
    "hook.before_remove.ignored",
    "hook.log.events",
)
def test_each_hook_that_hangs_is_ended_with_all_that_it_started(site: Site) -> None:
    # A child in a session of its own keeps the output open and does not listen to SIGTERM.
    hang = f"setsid bash -c 'trap \"\" TERM; sleep 600; :' & echo $! >> {site.top}/pids; sleep 600"
    hooks = ("after_create", "before_run", "after_run", "before_remove")
    site.write_workflow(
        hooks={"timeout_ms": PAUSE_MS, **{hook: _on(hook.upper(), hang) for hook in hooks}}
    )
    for hook in hooks:
        site.write_issue(hook.upper())
    daemon = site.start()
    for hook in hooks:
        hung = daemon.wait_for_log(event="hook_timed_out", hook=hook)
        assert (hung["issue_id"], hung["outcome"]) == (hook.upper(), "timed_out")
    for hook in ("after_create", "before_run"):
        ended = daemon.wait_for_log(event="run_ended", issue_id=hook.upper())
        assert ended["reason"].startswith(f"hook_timed_out: the hook {hook} timed out")
        assert site.sessions(hook.upper()) == []
    for hook in ("after_run", "before_remove"):
        daemon.wait_for_log(event="workspace_removed", issue_id=hook.upper())
    assert len((site.top / "pids").read_text().split()) == len(hooks)
    # The daemon and its warden.
    site.until(lambda: len(site.processes()) == 2, "nothing of the hooks is left")


@pytest.mark.proves("hook.script.directory", "hook.script.shell", "hook.output.truncated")
def test_a_hook_is_a_whole_script_in_the_workspace_and_its_output_is_cut(site: Site) -> None:
    script = f"""\
set -e
words=(one two)
for word in "${{words[@]}}"; do
  echo "$word" >> list
done
pwd > {site.top}/where
env | sort > {site.top}/environment
head -c 100000 /dev/zero | tr '\\0' x
exit 9
"""
    site.write_workflow(hooks={"after_run": script})
    site.write_script("MT-1", WORKS)
    site.write_issue("MT-1")
    daemon = site.start()
    site.at_gate("MT-1")
    site.write_issue("MT-1", "Human Review")
    failed = daemon.wait_for_log(event="hook_failed")
    assert (site.workspace("MT-1") / "list").read_text() == "one\ntwo\n"
    assert (site.top / "where").read_text().strip() == str(site.workspace("MT-1"))
    environment = (site.top / "environment").read_text().splitlines()
    for line in (
        f"SYMPHONY_WORKSPACE={site.workspace('MT-1')}",
        f"SYMPHONY_WORKFLOW_DIR={site.project}",
        "SYMPHONY_ISSUE_ID=MT-1",
        "SYMPHONY_ISSUE_IDENTIFIER=MT-1",
    ):
        assert line in environment
    assert 100 < len(failed["output"]) < 2_000


@pytest.mark.proves("hook.after_create.again", "reconcile.state.inactive")
def test_a_workspace_that_was_never_filled_is_made_again(site: Site) -> None:
    site.write_workflow(
        hooks={
            "after_create": f"echo x >> {site.top}/tries; [ -e {site.top}/ready ] || sleep 600",
        }
    )
    site.write_issue("MT-1")
    daemon = site.start()
    site.until((site.top / "tries").exists, "the hook runs")
    site.write_issue("MT-1", "Human Review")
    daemon.wait_for_log(event="claim_released", issue_identifier="MT-1")
    assert daemon.log(event="hook_cancelled", hook="after_create", issue_identifier="MT-1")
    (site.top / "ready").touch()
    site.write_issue("MT-1")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    assert (site.top / "tries").read_text().split() == ["x", "x"]
