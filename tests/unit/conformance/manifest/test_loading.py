"""Manifests: what is read, and how their authors are told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import Profile
from conformance.manifest.errors import ManifestError
from conformance.manifest.loading import (
    LARGEST_MANIFEST,
    load_manifest,
    manifest_for_command,
    shipped_manifests,
)
from conformance.manifest.sections import Capability, Dialect, Spelling

SMALLEST = """\
schema = 1
[implementation]
name = "mine"
[launch]
command = ["./mine", "{workflow}"]
"""


def read(tmp_path: Path, text: str) -> ManifestError:
    """The error that this text ends with."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert caught.value.path == path
    assert str(caught.value).startswith(str(path))
    return caught.value


def test_the_smallest_manifest_names_a_program_and_declares_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST)
    manifest = load_manifest(path)
    assert manifest.name == "mine"
    assert manifest.launch.command == ("./mine", "{workflow}")
    assert manifest.launch.stop_signal == "TERM"
    assert manifest.profiles == {Profile.CORE}
    assert manifest.tracker.dialects == (Dialect.LINEAR,)
    assert manifest.tracker.spelling is Spelling.BOTH
    assert manifest.path == path
    assert manifest.directory == tmp_path


@pytest.mark.parametrize("name", ["openai-symphony-elixir", "symphony-for-python"])
def test_the_manifests_that_come_with_the_suite_are_accepted(name: str) -> None:
    manifest = load_manifest(shipped_manifests()[name])
    assert manifest.speaks(Dialect.LINEAR)
    assert manifest.offers("tools")
    assert manifest.documented_at("policy.input.documented")


def test_a_bare_command_is_a_manifest_without_a_file() -> None:
    manifest = manifest_for_command(["./bin/my-symphony", "{workflow}"])
    assert manifest.name == "my-symphony"
    assert manifest.path is None
    assert manifest.directory == Path.cwd()


def test_a_tool_makes_the_tools_profile_bind(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('capabilities = ["linear_graphql"]\n' + SMALLEST)
    manifest = load_manifest(path)
    assert manifest.profiles == {Profile.CORE, Profile.TOOLS}
    assert manifest.offers("tools")
    assert not manifest.offers("http")
    with pytest.raises(ValueError, match="telepathy"):
        manifest.offers("telepathy")


def test_a_pattern_of_documentation_covers_what_it_matches(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST + '[documentation]\n"tracker.profile.*" = "docs/trackers.md"\n')
    manifest = load_manifest(path)
    assert manifest.documented_at("tracker.profile.errors") == "docs/trackers.md"
    assert manifest.documented_at("policy.input.documented") is None
    assert manifest.attested_at("tracker.profile.errors") is None


def test_texts_of_front_matter_may_have_braces_that_are_no_placeholders(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST + "[front_matter.hooks]\nbefore_run = 'echo ${x} {{ y }} {} {1}'\n")
    assert load_manifest(path).front_matter["hooks"]


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        ("", "schema", None, "missing"),
        ("schema = 2\n", "schema", 1, "write schema = 1"),
        (f"colour = 1\n{SMALLEST}", "colour", 1, "known are attested, build"),
        (f"{SMALLEST}comand = []\n", "launch.comand", 6, "did you mean command?"),
        (SMALLEST.replace("{workflow}", "{workflw}"), "launch.command", 5, "mean {workflow}?"),
        (f"capabilities = ['htp']\n{SMALLEST}", "capabilities", 1, "did you mean http?"),
        (f"{SMALLEST}stop_signal = 'SIGTERM'\n", "launch.stop_signal", 6, "without SIG"),
        (f"{SMALLEST}stop_grace_ms = 0\n", "launch.stop_grace_ms", 6, "greater than 0"),
        (f"{SMALLEST}stop_grace_ms = true\n", "launch.stop_grace_ms", 6, "integer"),
        (f"{SMALLEST}git_repository = 'yes'\n", "launch.git_repository", 6, "boolean"),
        (f"{SMALLEST}[policies]\ninput = 'maybe'\n", "policies.input", 7, "answer_none"),
        (f"{SMALLEST}[tracker]\ndialects = ['jira']\n", "tracker.dialects", 7, "'github'"),
        (f"{SMALLEST}[http]\nport_pattern = 'port'\n", "http.port_pattern", 7, "one group"),
        (f"{SMALLEST}[http]\nport_pattern = '('\n", "http.port_pattern", 7, "regular expression"),
        (f"{SMALLEST}[front_matter.a]\nb = '{{nope}}'\n", "front_matter.a.b", 7, "{nope}"),
        (f"{SMALLEST}[front_matter]\na = 2020-01-01\n", "front_matter.a", 7, "JSON"),
        (SMALLEST.replace('["./mine", "{workflow}"]', '"mine"'), "launch.command", 5, "a list"),
        ("a = 1\nb = [\n\nc\n", "", 4, "not TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_remedy(
    tmp_path: Path, text: str, key: str, line: int | None, said: str
) -> None:
    error = read(tmp_path, text)
    assert error.key == key
    assert error.line == line
    assert said in str(error)
    assert error.remedy


def test_a_link_for_no_requirement_is_refused_with_a_proposal(tmp_path: Path) -> None:
    error = read(tmp_path, SMALLEST + '[documentation]\n"policy.input.docmented" = "x"\n')
    assert error.line == 7
    assert "did you mean policy.input.documented?" in str(error)


@pytest.mark.parametrize(
    ("table", "requirement", "other"),
    [
        ("documentation", "retry.backoff.failure", "attested"),
        ("attested", "policy.input.documented", "documentation"),
    ],
)
def test_a_link_in_the_wrong_table_is_refused(
    tmp_path: Path, table: str, requirement: str, other: str
) -> None:
    error = read(tmp_path, f'{SMALLEST}[{table}]\n"{requirement}" = "x"\n')
    assert f"it belongs into [{other}]" in str(error)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.toml"):
        with pytest.raises(ManifestError, match="cannot be read") as caught:
            load_manifest(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a = '\xff'", "not UTF-8"), (b"#" * (LARGEST_MANIFEST + 1), "larger than 1 MiB")],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(ManifestError, match=said):
        load_manifest(path)


def test_a_bare_command_is_checked_like_a_manifest() -> None:
    with pytest.raises(ManifestError, match="no command"):
        manifest_for_command([])
    with pytest.raises(ManifestError, match=r"launch\.command: there is no placeholder \{file\}"):
        manifest_for_command(["mine", "{file}"])


def test_each_capability_is_a_word_that_scenarios_can_need() -> None:
    assert {each.value for each in Capability} >= {"http", "tools", "linear_graphql", "github_api"}
