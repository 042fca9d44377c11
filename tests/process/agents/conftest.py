"""What the tests of agent sessions share: the real program, or a loud word that there is none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from jsonschema.protocols import Validator

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from tests.support.codex import Laboratory, Missing, find_ground, find_program


def _found(thing: Path | Missing) -> Path:
    if isinstance(thing, Missing):
        pytest.skip(f"the real Codex was NOT tested: {thing.reason}")
    return thing


@pytest.fixture
def laboratory() -> Iterator[Laboratory]:
    """A fresh laboratory around the real program."""
    built = Laboratory.build(_found(find_ground()), _found(find_program()))
    try:
        yield built
    finally:
        built.clean()


def _validator(schema: JsonObject) -> Validator:
    return jsonschema.Draft7Validator(schema)


class Schemas:
    """The schemas that the installed Codex generates of its own protocol."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schemas: dict[str, JsonObject] = {}

    def check(self, message: JsonValue, name: str, method: str | None = None) -> None:
        """Fail unless the message is valid by the file `name`, as the one that `method` names."""
        key = f"{name} {method}"
        if key not in self._schemas:
            read = self.read(name) if method is None else self.read_message(name, method)
            self._schemas[key] = read
        # Without a look at the schema itself, which takes longer than everything else.
        _validator(self._schemas[key]).validate(message)

    def read(self, name: str) -> JsonObject:
        """One of the generated files, such as `ClientRequest` or `v2/ThreadStartResponse`."""
        text = (self._folder / f"{name}.json").read_text(encoding="utf-8")
        schema = as_object(json.loads(text))
        assert schema is not None
        return schema

    def read_message(self, kind: str, method: str) -> JsonObject:
        """The schema of one message of a kind such as `ServerNotification`: trying every other
        message as well takes seconds."""
        whole = self.read(kind)
        for entry in as_array(whole["oneOf"]) or ():
            schema = as_object(entry) or {}
            properties = as_object(schema.get("properties")) or {}
            if method in (as_array((as_object(properties.get("method")) or {}).get("enum")) or ()):
                return {**schema, "definitions": whole.get("definitions", {})}
        raise AssertionError(f"{kind} has no {method}")


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    """Generated once; needs the real program."""
    program, folder = _found(find_program()), tmp_path_factory.mktemp("schemas")
    subprocess.run(
        (program, "app-server", "generate-json-schema", "--experimental", "--out", folder),
        check=True,
        capture_output=True,
        env={"HOME": str(folder), "CODEX_HOME": str(folder)},
        timeout=60,
    )
    return Schemas(folder)
