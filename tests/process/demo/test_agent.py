"""The demo agent as a real process: the protocol it speaks, and the work it does."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony.demo.board import ISSUES
from symphony.demo.git import run_git
from symphony.demo.outcome import results
from symphony.demo.place import Place
from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from tests.process.demo.conftest import MakeWorkspace, StartAgent
from tests.support.demo_agent import (
    PATIENCE_S,
    DemoAgent,
    changed_paths,
    error_text,
    texts,
    tool_answer,
)
from tests.support.transcripts import codex_transcripts, lines_of

PROMPT = "You work on {}: a title\n\nThe text of the issue.\n"


def done(
    agent: DemoAgent, name: str, *, attempt: bool = False, base: str | None = None
) -> JsonObject:
    head = f"You work on {name}: a title\n"
    head += f"It builds on {base}.\n" if base else ""
    head += "This is attempt 2; something may be left.\n" if attempt else ""
    return agent.turn(agent.open(), f"{head}\nThe text of the issue.\n")


def test_an_issue_is_changed_checked_committed_pushed_and_reported(
    place: Place, workspace: MakeWorkspace, start: StartAgent
) -> None:
    agent = start(workspace("DUR-1"))
    turn = done(agent, "DUR-1")
    assert (turn["status"], turn["error"]) == ("completed", None)
    begin, end = (as_object(each) or {} for each in agent.arguments())
    assert begin == {"state": "In Progress"}
    assert end["state"] == "Done"
    assert "ValueError" in str(end["comment"])
    assert changed_paths(agent.items("fileChange")) == ["durations.py", "test_durations.py"]
    commands = texts(agent.items("commandExecution"), "command")
    assert [command.split()[0:2] for command in commands] == [
        ["python3", "-m"],
        ["git", "add"],
        ["git", "push"],
    ]
    subject = run_git(place.repository, "log", "-1", "--format=%s", "issue/DUR-1").strip()
    assert subject == "Refuse texts that are no durations"
    assert run_git(agent.workspace, "status", "--short") == ""
    assert agent.close() == 0


def test_every_issue_of_the_board_gets_done(
    place: Place, workspace: MakeWorkspace, start: StartAgent
) -> None:
    for issue in ISSUES:
        agent = start(workspace(issue.identifier))
        thread = agent.open()
        head = f"You work on {issue.identifier}: {issue.title}\n"
        head += f"It builds on {issue.blocked_by}.\n" if issue.blocked_by else ""
        # As a later attempt: nothing fails on purpose.
        turn = agent.turn(thread, f"{head}This is attempt 2\n\n{issue.text}\n")
        if len(agent.calls) == 1:
            turn = agent.turn(thread, "Go on.")
        assert turn["status"] == "completed", turn
        agent.close()
    assert [result.issue.identifier for result in results(place) if not result.commit] == []


def test_one_issue_fails_in_its_first_run_and_not_in_the_next(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    directory = workspace("DUR-5")
    first = start(directory)
    turn = done(first, "DUR-5")
    assert turn["status"] == "failed"
    assert "on purpose" in error_text(turn)
    assert [params["willRetry"] for params in first.notifications("error")] == [False]
    assert first.close() == 0
    (directory / "durations.py").write_text("half of an edit", encoding="utf-8")
    assert done(start(directory), "DUR-5", attempt=True)["status"] == "completed"


def test_work_that_was_committed_before_is_only_reported(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    directory = workspace("DUR-2")
    assert done(start(directory), "DUR-2")["status"] == "completed"
    again = start(directory)
    assert done(again, "DUR-2", attempt=True)["status"] == "completed"
    assert again.items("fileChange") == []
    assert as_object(again.arguments()[-1] or {}) == {
        "state": "Done",
        "comment": "`show(0)` is `0s`.",
    }


def test_one_issue_takes_two_turns_of_one_thread(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    agent = start(workspace("DUR-6"))
    thread = agent.open()
    assert agent.turn(thread, PROMPT.format("DUR-6"))["status"] == "completed"
    assert len(agent.calls) == 1
    assert agent.turn(thread, "Go on.")["status"] == "completed"
    assert len(agent.calls) == 2
    totals = [usage(params) for params in agent.notifications("thread/tokenUsage/updated")]
    assert totals == sorted(totals)
    assert len(set(totals)) == len(totals)


def usage(params: JsonObject) -> int:
    total = as_object((as_object(params["tokenUsage"]) or {})["total"]) or {}
    assert isinstance(total["totalTokens"], int)
    assert total["totalTokens"] == sum(
        each for name in ("inputTokens", "outputTokens") if isinstance(each := total[name], int)
    )
    return total["totalTokens"]


def test_an_issue_that_builds_on_another_begins_with_its_branch(
    place: Place, workspace: MakeWorkspace, start: StartAgent
) -> None:
    done(start(workspace("DUR-3")), "DUR-3")
    agent = start(workspace("DUR-4"))
    assert done(agent, "DUR-4", base="DUR-3")["status"] == "completed"
    subjects = run_git(place.repository, "log", "--format=%s", "main..issue/DUR-4").splitlines()
    assert subjects == ["Know weeks", "Know days"]


@pytest.mark.parametrize(
    "answer",
    [
        tool_answer('{"error": {"code": "unknown_state"}}', success=False),
        {"error": {"code": -32601, "message": "unknown_state"}},
    ],
)
def test_a_tool_that_refuses_fails_the_turn_with_its_words(
    workspace: MakeWorkspace, start: StartAgent, answer: JsonObject
) -> None:
    agent = start(workspace("DUR-1"))
    turn = agent.turn(agent.open(), PROMPT.format("DUR-1"), lambda _: answer)
    assert turn["status"] == "failed"
    assert "unknown_state" in error_text(turn)


def test_a_client_without_the_tool_is_told_so(tmp_path: Path, start: StartAgent) -> None:
    agent = start(tmp_path)
    turn = agent.turn(agent.open(tools=()), PROMPT.format("DUR-1"))
    assert "offers no tool `issue_update`" in error_text(turn)


def test_a_prompt_without_a_task_fails_the_turn(tmp_path: Path, start: StartAgent) -> None:
    agent = start(tmp_path)
    turn = agent.turn(agent.open(), "Tell me a story.")
    assert turn["status"] == "failed"
    assert "You work on" in error_text(turn)


def test_a_program_that_fails_fails_the_turn_with_its_last_words(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    directory = workspace("DUR-1")
    (directory / "test_durations.py").write_text("class Parse(unittest.TestCase):\n    pass\n")
    turn = done(start(directory), "DUR-1")
    assert turn["status"] == "failed"
    assert "NameError" in error_text(turn)


def test_an_interrupt_ends_a_turn_that_waits_for_a_tool(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    agent = start(workspace("DUR-1"))
    thread = agent.open()
    turn = agent.start_turn(thread, PROMPT.format("DUR-1"))
    while agent.receive().get("method") != "item/tool/call":
        pass
    agent.call("turn/interrupt", {"threadId": thread, "turnId": turn})
    ended = agent.finish_turn()
    assert (ended["status"], ended["error"]) == ("interrupted", None)
    assert agent.turn(thread, "Go on.")["status"] == "completed"


def test_requests_of_the_agent_are_numbered_from_zero(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    agent = start(workspace("DUR-1"))
    done(agent, "DUR-1")
    assert [call["id"] for call in agent.calls] == [0, 1]


def test_a_second_turn_start_means_the_turn_that_goes_on(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    agent = start(workspace("DUR-1"))
    thread = agent.open()
    first = agent.start_turn(thread, PROMPT.format("DUR-1"))
    while agent.receive().get("method") != "item/tool/call":
        pass
    assert agent.start_turn(thread, "Hurry.") == first


def test_nothing_works_before_the_handshake_and_the_handshake_works_once(
    tmp_path: Path, start: StartAgent
) -> None:
    agent = start(tmp_path)
    assert error_text(agent.call("thread/start", {"cwd": str(tmp_path)})) == "Not initialized"
    agent.open()
    assert error_text(agent.call("initialize", {})) == "Already initialized"


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("no/such/method", {}, "unknown variant `no/such/method`"),
        ("thread/start", {}, "needs `cwd`"),
        ("turn/start", {"threadId": "t-1"}, "thread not found: t-1"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused(
    tmp_path: Path, start: StartAgent, method: str, params: JsonObject, words: str
) -> None:
    agent = start(tmp_path)
    agent.open()
    answer = agent.call(method, params)
    assert words in error_text(answer)
    assert (as_object(answer["error"]) or {})["code"] == -32600


def test_lines_that_are_no_message_get_no_answer(tmp_path: Path, start: StartAgent) -> None:
    agent = start(tmp_path)
    for line in (b"{not json", b"", b"[]", b'{"id":99,"result":{}}', b'{"method":"no/such"}'):
        agent.send_line(line)
    agent.open()
    assert not [message for message in agent.heard if "error" in message]


@pytest.mark.parametrize("how", ["end of input", "SIGTERM"])
def test_the_agent_leaves_at_once_in_the_middle_of_a_turn(
    workspace: MakeWorkspace, start: StartAgent, how: str
) -> None:
    agent = start(workspace("DUR-1"))
    agent.start_turn(agent.open(), PROMPT.format("DUR-1"))
    while agent.receive().get("method") != "item/tool/call":
        pass
    if how == "SIGTERM":
        agent.process.send_signal(signal.SIGTERM)
        assert agent.process.wait(PATIENCE_S) == 0
    else:
        assert agent.close() == 0


def test_what_it_sends_has_no_member_that_the_real_agent_does_not_send(
    workspace: MakeWorkspace, start: StartAgent
) -> None:
    real = members_of(
        as_object(json.loads(line)) or {}
        for file in codex_transcripts()
        for line in lines_of(file, "s2c")
    )
    if not real:
        pytest.skip("no recorded sessions of Codex are at hand")
    agent = start(workspace("DUR-1"))
    done(agent, "DUR-1")
    ours = members_of(iter(agent.heard))
    unknown = {name: members - real.get(name, set()) for name, members in ours.items()}
    assert {name: members for name, members in unknown.items() if members} == {}


def members_of(messages: Iterator[JsonObject]) -> dict[str, set[str]]:
    """The dotted names of all members of parameters and items, by method; items by type."""
    found: dict[str, set[str]] = {}
    for message in messages:
        method, params = as_text(message.get("method")), as_object(message.get("params"))
        if method is None or params is None:
            continue
        item = as_object(params.get("item"))
        name = method if item is None else f"{method} {item['type']}"
        free = {"arguments"} if item is None else {"arguments", "changes"}
        found.setdefault(name, set()).update(names_in(params, free))
    return found


def names_in(value: JsonValue, free: set[str], head: str = "") -> Iterator[str]:
    for name, member in (as_object(value) or {}).items():
        yield head + name
        if name not in free:
            yield from names_in(member, free, f"{head}{name}.")
