"""Every message of the daemon, held against the schema that the installed Codex prints itself.

Codex ignores members that it does not know, so that a misspelled one would show as nothing at all.
Here the schema is closed: a member that it does not name is an error.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jsonschema
import pytest

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from tests.integration.running_daemon import RunningDaemon
from tests.support.codex import Laboratory
from tests.support.model_server import Call, IssueScript, ModelServer, Say, shell

pytestmark = pytest.mark.agent

DONE = Call("issue_update", {"state": "Done"})
OPTIONAL_MEMBERS_OF_REQUESTS = {"jsonrpc"}
"""The protocol of Codex goes without it and takes it all the same."""


class Schema:
    """The schemas of one installed version."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._directory = laboratory.root / "schema"
        subprocess.run(
            (
                str(laboratory.program),
                "app-server",
                "generate-json-schema",
                "--experimental",
                "--out",
                str(self._directory),
            ),
            env=laboratory.environment(),
            check=True,
            timeout=60,
        )

    def check_request(self, message: JsonObject) -> None:
        """Raise where a request or notification of the client is not in the schema."""
        name = "ClientRequest.json" if "id" in message else "ClientNotification.json"
        schema = self._load(name)
        branch = next(b for b in _objects(schema["oneOf"]) if _method(b) == message["method"])
        _validate(message, {**branch, "definitions": schema.get("definitions", {})})

    def check_tool_result(self, result: JsonValue) -> None:
        """Raise where the answer to a tool call is not in the schema."""
        _validate(result, self._load("DynamicToolCallResponse.json"))

    def _load(self, name: str) -> JsonObject:
        loaded: object = json.loads((self._directory / name).read_text(encoding="utf-8"))
        schema = as_object(loaded)
        assert schema is not None
        return schema


def _method(branch: JsonObject) -> str | None:
    properties = as_object(branch["properties"]) or {}
    names = as_array((as_object(properties["method"]) or {})["enum"])
    return as_text(names[0]) if names else None


def _validate(instance: JsonValue, schema: JsonObject) -> None:
    jsonschema.validate(instance, _closed(schema), cls=jsonschema.Draft7Validator)


def _closed(schema: JsonValue) -> Mapping[str, JsonValue]:
    closed = _close(schema)
    assert isinstance(closed, dict)
    return closed


def _close(schema: JsonValue) -> JsonValue:
    if (several := as_array(schema)) is not None:
        return [_close(each) for each in several]
    if (found := as_object(schema)) is None:
        return schema
    inside = {name: _close(value) for name, value in found.items()}
    if found.get("type") == "object" and "properties" in found:
        inside.setdefault("additionalProperties", False)
    return inside


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    return (found for each in as_array(value) or () if (found := as_object(each)) is not None)


def _is_tool_call(message: JsonObject) -> bool:
    return message.get("method") == "item/tool/call"


def messages(directory: Path, direction: str) -> Sequence[JsonObject]:
    """What was said in one direction, from the session logs under a directory."""
    said: list[JsonObject] = []
    for file in sorted(directory.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = as_object(json.loads(line)) or {}
            if entry["direction"] == direction:
                message = as_object(json.loads(as_text(entry["line"]) or ""))
                assert message is not None
                said.append(message)
    return said


@pytest.mark.proves(
    "session.protocol.valid",
    "session.start.initialize",
    "session.start.initialized",
    "session.start.prompt",
    "session.rpc.request_ids",
)
def test_every_message_of_a_session_is_valid_for_the_installed_codex(
    daemon: RunningDaemon,
) -> None:
    logs = daemon.laboratory.root / "logs"
    daemon.write_issue("T-1")
    script = IssueScript({"T-1": [shell("ls"), Say("Half of it."), DONE, Say("All of it.")]})
    with ModelServer(script) as model:
        # The read after the second turn ends the run, not a tick in the middle of it.
        daemon.write_workflow(model.base_url, polling={"interval_ms": 60_000})
        daemon.start("--logs-root", str(logs))
        daemon.wait_for(lambda: daemon.log(event="run_ended"), "the run is over")
        daemon.end()

    sent = messages(logs, "to_agent")
    schema = Schema(daemon.laboratory)
    requests = [message for message in sent if "method" in message]
    for message in requests:
        schema.check_request(
            {k: v for k, v in message.items() if k not in OPTIONAL_MEMBERS_OF_REQUESTS}
        )
    received = messages(logs, "from_agent")
    answers = [m for m in sent if "method" not in m]
    assert [m["id"] for m in answers] == [m["id"] for m in received if _is_tool_call(m)]
    for answer in answers:
        schema.check_tool_result(answer["result"])

    methods = [message["method"] for message in requests]
    assert methods[:3] == ["initialize", "initialized", "thread/start"]
    assert methods.count("turn/start") == 2
    numbers = [message["id"] for message in requests if "id" in message]
    assert len(numbers) == len(set(map(str, numbers)))
    assert [m for m in received if "error" in m and "method" not in m] == []
