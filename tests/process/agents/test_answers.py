"""A session that goes on with what an operator answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.session import TurnCompleted
from symphony.domain.json import as_object
from symphony.domain.run import NeedsPerson, OperatorAnswer
from tests.support.agent_sessions import Script, answered, fake_session

pytestmark = pytest.mark.anyio

QUESTION = "Colour: Which colour shall it be? (Red / Blue)"
ASKED = "item/tool/requestUserInput"


@pytest.mark.proves("operator.answer.told")
async def test_it_resumes_the_thread_that_asked(tmp_path: Path) -> None:
    async with fake_session(tmp_path, answer=answered("thread-7")) as bench:
        assert bench.session.thread_id == "thread-7"
        assert bench.session.is_resumed
    assert len(bench.received("thread/resume")) == 1
    assert bench.received("thread/start") == []


@pytest.mark.proves("operator.answer.told")
async def test_a_thread_that_is_gone_gives_way_to_a_new_one(tmp_path: Path) -> None:
    script: Script = {"refuse": {"thread/resume": "no rollout found for thread id thread-7"}}
    async with fake_session(tmp_path, script, answer=answered("thread-7")) as bench:
        assert not bench.session.is_resumed
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
    assert len(bench.received("thread/start")) == 1


async def test_without_a_thread_to_go_on_with_a_new_one_is_started(tmp_path: Path) -> None:
    async with fake_session(tmp_path, answer=answered(None)) as bench:
        assert not bench.session.is_resumed
    assert bench.received("thread/resume") == []


async def test_the_same_question_is_answered_with_the_same_words_but_once(tmp_path: Path) -> None:
    """A tool that asks does so again in a session that goes on; a loop of it needs a person."""
    script: Script = {"turns": [[{"do": "user_input"}], [{"do": "user_input"}]]}
    answer = answered("thread-7", question=QUESTION, text="Blue")
    async with fake_session(tmp_path, script, answer=answer) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert isinstance(await bench.session.run_turn("Go on.", 2), NeedsPerson)
    first, *others = bench.answers(ASKED)
    words = as_object((as_object(first["result"]) or {})["answers"]) or {}
    assert list(words.values()) == [{"answers": ["Blue"]}]
    assert all("error" in other for other in others)


@pytest.mark.proves("policy.input.not_invented", "operator.answer.late")
@pytest.mark.parametrize(
    "answer",
    [
        answered("thread-7", question="Another question?", text="Blue"),
        replace(answered("thread-7", question=QUESTION, text="Blue"), request="elicitation"),
    ],
    ids=["another question", "another kind"],
)
async def test_another_question_needs_a_person_again(
    tmp_path: Path, answer: OperatorAnswer
) -> None:
    script: Script = {"turns": [[{"do": "user_input"}]]}
    async with fake_session(tmp_path, script, answer=answer) as bench:
        need = await bench.session.run_turn("Go.", 1)
    assert need == NeedsPerson(request="user_input", question=QUESTION)
