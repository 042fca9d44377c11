"""The fake agent, line by line against what the real one said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from conformance.agents.desk import AgentDesk
from conformance.agents.steps import (
    agent_script,
    approve_command,
    approve_file,
    ask_permissions,
    ask_user,
    call_tool,
    elicit,
    error_notice,
    fail,
    rate_limits,
    say,
    turn,
    usage,
)
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object, as_text
from tests.support.agent_clients import AgentClient
from tests.support.transcripts import FOLDER, codex_transcripts, lines_of

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no transcripts of real sessions here")

ANSWERS: Final[Mapping[str, JsonObject]] = {
    "item/tool/call": {"contentItems": [{"type": "inputText", "text": "ok"}], "success": True},
    "item/commandExecution/requestApproval": {"decision": "decline"},
    "item/fileChange/requestApproval": {"decision": "decline"},
    "item/permissions/requestApproval": {"permissions": {}, "scope": "turn"},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None, "_meta": None},
}
FREE: Final = {"arguments", "params.arguments", "requestedSchema"}
"""Members whose content is the tool's business and not the protocol's."""
NOT_IN_TRANSCRIPTS: Final = {"item/tool/requestUserInput"}


def parsed(lines: Sequence[bytes]) -> Iterator[JsonObject]:
    for line in lines:
        try:
            yield as_object(json.loads(line))
        except ValueError:
            continue


def paths(value: JsonValue, place: str = "") -> Iterator[str]:
    """Every place in a message that holds something; items of arrays share one."""
    if place.rpartition(".")[2] in FREE:
        return
    for name, member in as_object(value).items():
        inner = f"{place}.{name}" if place else name
        yield inner
        yield from paths(member, inner)
    for each in as_array(value):
        yield from paths(each, f"{place}[]")


def kind_of(message: JsonObject) -> str:
    """The method, and for items their type: those differ most."""
    parameters = as_object(message.get("params"))
    item = as_text(as_object(parameters.get("item")).get("type")) or ""
    return f"{message['method']} {item}".strip()


def real_shapes() -> Mapping[str, set[str]]:
    shapes: dict[str, set[str]] = {}
    for file in codex_transcripts():
        for message in parsed(lines_of(file, "s2c")):
            if "method" in message:
                shapes.setdefault(kind_of(message), set()).update(paths(message))
    return shapes


def play(client: AgentClient, prompt: str) -> None:
    """A turn with an answer to everything that is asked."""
    client.turn(prompt)
    while (message := client.read()).get("method") != "turn/completed":
        if "id" in message and "method" in message:
            client.answer(message, ANSWERS[str(message["method"])])


def test_everything_that_it_says_has_a_place_in_what_codex_said(
    desk: AgentDesk, tmp_path: Path
) -> None:
    asks = (call_tool("look", {"at": 1}), approve_command(), approve_file(), ask_permissions())
    tells = (say(), usage(10, 1), rate_limits(), error_notice())
    desk.script(None, agent_script(turn(*asks, ask_user(), elicit(), *tells), turn(fail())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin("look")
        play(client, "First.")
        play(client, "Second.")
    real = real_shapes()
    strange: dict[str, set[str]] = {}
    for message in client.messages:
        if "method" not in message or message["method"] in NOT_IN_TRANSCRIPTS:
            continue
        kind = kind_of(message)
        assert kind in real, f"Codex never said {kind}"
        if unknown := set(paths(message)) - real[kind]:
            strange.setdefault(kind, set()).update(unknown)
    assert not strange


def test_its_requests_are_numbered_from_zero_as_those_of_codex(
    desk: AgentDesk, tmp_path: Path
) -> None:
    def ids(messages: Iterator[JsonObject]) -> Sequence[JsonValue]:
        return [each["id"] for each in messages if "id" in each and "method" in each]

    desk.script(None, agent_script(turn(*[call_tool("look", {})] * 3)))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin("look")
        play(client, "Go.")
    assert ids(iter(client.messages)) == [0, 1, 2]
    assert ids(parsed(lines_of(FOLDER / "canonical.jsonl", "s2c"))) == [0, 1, 2]


def outline(messages: Iterator[JsonObject]) -> Sequence[str]:
    """The first turn by kinds of messages, pieces of one text taken together."""
    kinds: list[str] = []
    for message in messages:
        kind = kind_of(message) if "method" in message else "response"
        if kinds[-1:] != [kind]:
            kinds.append(kind)
        if kind == "turn/completed":
            break
    begins = kinds.index("turn/started")
    return [kind for kind in kinds[begins:] if kind != "thread/readState/changed"]


def test_a_simple_turn_has_the_order_of_a_real_one(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(say("Hello."), usage(10, 1), rate_limits())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        play(client, "Go.")
    assert outline(iter(client.messages)) == outline(
        parsed(lines_of(FOLDER / "p_noexp.jsonl", "s2c"))
    )


def test_a_failed_turn_has_the_order_of_a_real_one(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(fail())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        play(client, "Go.")
    real = outline(parsed(lines_of(FOLDER / "e_400.jsonl", "s2c")))
    assert sorted(outline(iter(client.messages))) == sorted(real)


def refusals(messages: Iterator[JsonObject]) -> Mapping[str, str]:
    """What was refused, by the id; lists of known names are cut off."""
    found: dict[str, str] = {}
    for message in messages:
        if "error" in message and "method" not in message:
            error = as_object(message["error"])
            found[str(message["id"])] = f"{error['code']} {error['message']}".partition("`, ")[0]
    return found


BEYOND: Final[Mapping[str, set[str]]] = {
    "p_noexp": {"5", "8", "9", "10", "11"},
    "p_malformed": set(),
    "p_before_init": set(),
    "m_onfail": set(),
    "m_reject": set(),
}
"""The ids of requests, by the transcript, about parts of Codex that the fake does not have, or
about threads of that time."""


@pytest.mark.parametrize("name", BEYOND)
def test_it_refuses_what_codex_refused_in_the_same_words(
    desk: AgentDesk, tmp_path: Path, name: str
) -> None:
    file = FOLDER / f"{name}.jsonl"
    # One line of the transcripts is no text; it ends the program.
    asked = [line for line in lines_of(file, "c2s") if not line.startswith(b"<bytes")]
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        for line in asked:
            client.write(line)
        client.send({"id": "the end", "method": "no/such/end", "params": {}})
        client.response("the end")
    ours = refusals(iter(client.messages[:-1]))
    real = refusals(parsed(lines_of(file, "s2c")))
    assert {key: ours[key] for key in ours.keys() - BEYOND[name]} == {
        key: real[key] for key in real.keys() - BEYOND[name]
    }
