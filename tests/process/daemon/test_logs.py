"""What the daemon writes about what it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_process import read_record
from tests.support.daemon_site import FINISH, SAY, Site

# In the form of a token of GitHub, and nobody's.
TOKEN = "ghp_" + "A1b2C3d4E5f6" * 3
HOSTILE = 'first\nsecond\r\n\x1b[31mred\x1b[0m\x1b]0;title\x07 \u202eevil\u2028 a=b "quoted" \\ end'


def session_logs(root: Path, workspace: str) -> list[Path]:
    """The session logs of a workspace below a logs root."""
    return sorted((root / "sessions" / workspace).glob("*.jsonl"))


@pytest.mark.proves(
    "log.context.issue",
    "log.context.session",
    "log.format.keys",
    "log.outcome.stated",
    "log.payload.limited",
    "security.secret.logs",
    "session.event.shape",
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_one_event_is_one_line_with_its_issue_and_session(site: Site, form: str) -> None:
    question: JsonValue = {
        "do": "user_input",
        "questions": [{"id": "q", "header": HOSTILE, "question": f"Is {TOKEN} right?"}],
    }
    fail: JsonValue = {"do": "fail", "message": f"{HOSTILE} {TOKEN} " + "x" * 100_000}
    site.write_script("MT-1", {"turns": [[{"do": "message", "text": HOSTILE}], [FINISH]]})
    site.write_script("MT-2", {"turns": [[fail]]})
    site.write_script("MT-3", {"turns": [[question]]})
    site.write_workflow(hooks={"after_run": f"printf '%b' '\\033[1m a\\nb\\n' {TOKEN}; exit 1"})
    for name in ("MT-1", "MT-2", "MT-3"):
        site.write_issue(name, title=HOSTILE)
    daemon = site.start(str(site.workflow), "--log-format", form)
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    failed = daemon.wait_for_log(event="run_ended", issue_identifier="MT-2")
    asked = daemon.wait_for_log(event="issue_blocked", issue_identifier="MT-3")
    assert daemon.stop() == 0
    pids = [session.entries("start")[0]["pid"] for session in site.all_sessions()]
    text = daemon.log_text()
    assert all(line.isprintable() for line in text.split("\n"))
    assert TOKEN not in text
    assert "[redacted]" in failed["reason"]
    assert "[redacted]" in asked["question"]
    assert len(failed["reason"]) < 10_000
    for line in text.splitlines():
        record = read_record(line)
        assert {"level", "event", "outcome"} <= record.keys(), line
        assert line.startswith("{") is (form == "json")
        if record["event"] not in _ABOUT_NO_ISSUE:
            assert record["issue_id"] == record["issue_identifier"] == record["issue_id"].strip()
        if record["event"] in _ABOUT_A_SESSION:
            assert record["session_id"].count("-") >= 9, line
        if record["event"] == "session_started":
            assert int(record["pid"]) in pids


_ABOUT_NO_ISSUE = {"daemon_started", "stop_requested", "daemon_stopped"}
_ABOUT_A_SESSION = {"session_started", "turn_started", "tool_executed", "run_ended"}


@pytest.mark.proves("security.secret.logs", "session.stderr.drained", "session.rpc.malformed")
def test_a_session_is_written_down_line_by_line_and_without_secrets(site: Site) -> None:
    said: list[JsonValue] = [
        {"do": "message", "text": f"The token is {TOKEN}."},
        {"do": "raw", "text": f"oops {TOKEN}\n", "stream": "stderr"},
        {"do": "raw", "text": "no message at all\n"},
        {"do": "stderr_flood", "bytes": 1_000_000},
        FINISH,
    ]
    site.write_script("MT-1", {"turns": [said]})
    site.write_workflow(f"Use {TOKEN}.")
    site.write_issue("MT-1")
    logs = site.top / "logs"
    daemon = site.start(str(site.workflow), "--logs-root", str(logs))
    daemon.wait_for_log(event="workspace_removed")
    assert daemon.stop() == 0
    (path,) = session_logs(logs, "MT-1")
    text = path.read_text()
    assert TOKEN not in text
    entries = [json.loads(line) for line in text.splitlines()]
    kinds = dict.fromkeys(("to_agent", "from_agent", "stderr"), 0)
    for entry in entries:
        kinds[entry["direction"]] += 1
    assert kinds["to_agent"] >= 5
    assert kinds["stderr"] > 10_000
    assert any(entry["line"] == "no message at all" for entry in entries)
    prompts = [entry for entry in entries if '"turn/start"' in entry["line"]]
    assert "Use [redacted]." in prompts[0]["line"]
    assert (logs / "symphony.log").read_text() == daemon.log_text()
    for made in (path, logs / "symphony.log"):
        assert made.stat().st_mode & 0o077 == 0


def test_session_logs_are_kept_in_the_state_directory_by_default(site: Site) -> None:
    site.write_workflow()
    site.write_issue("MT-1")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed")
    assert daemon.stop() == 0
    (root,) = (site.home / "state" / "symphony").iterdir()
    assert root.name.startswith("workspaces-")
    assert len(session_logs(root, "MT-1")) == 1
    assert not (root / "symphony.log").exists()


@pytest.mark.proves("log.sink.survives", "log.sink.warned")
def test_logs_that_cannot_be_written_cost_nothing_but_themselves(site: Site) -> None:
    blocked = site.top / "blocked"
    blocked.write_text("a file")
    site.write_workflow()
    site.write_issue("MT-1")
    daemon = site.start(str(site.workflow), "--logs-root", str(blocked))
    daemon.wait_for_log(event="workspace_removed")
    assert site.state("MT-1") == "Done"
    failed = daemon.wait_for_log(event="log_sink_failed")
    assert failed["sink"] == str(blocked / "symphony.log")
    lost = daemon.wait_for_log(event="session_log_failed")
    assert lost["issue_identifier"] == "MT-1"


@pytest.mark.proves("log.sink.survives", "log.sink.warned", "status.surface.independent")
@pytest.mark.parametrize(
    "shell", ['exec "$@" 2>&-', 'exec "$@" 2>/dev/full', 'exec "$@" <&- >&- 2>&-']
)
def test_a_daemon_that_cannot_speak_works_on(site: Site, shell: str) -> None:
    logs = site.top / "logs"
    site.write_workflow()
    site.write_issue("MT-1")
    site.start(str(site.workflow), "--logs-root", str(logs), shell=shell)
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    file = logs / "symphony.log"
    site.until(lambda: "event=log_sink_failed" in file.read_text(), "the failed sink is told")
    assert "sink=stderr" in file.read_text()
    assert site.daemon.log_text() == ""


def test_less_is_said_where_less_is_asked_for(site: Site) -> None:
    site.write_script("MT-1", {"turns": [[SAY, {"do": "exit", "code": 3}]]})
    site.write_workflow()
    site.write_issue("MT-1")
    daemon = site.start(str(site.workflow), "--log-level", "warning")
    daemon.wait_for_log(event="run_ended")
    assert {line["level"] for line in daemon.log()} == {"warning"}
