"""What a child may know."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from symphony.processes.environment import child_environment, guard_script, login_shell
from symphony.processes.owner import (
    OWNER_VARIABLE,
    DaemonInstance,
    OwnerMark,
    innermost_mark,
    marked_value,
    parse_daemon,
    parse_marks,
    root_fingerprint,
)

OWNER = OwnerMark(root="r", daemon="d", run="x")
SECRET = "lin_api_0123456789abcdef"


@pytest.mark.proves("security.agent_env.removed", "security.agent_env.absent")
def test_secret_names_and_secret_values_under_other_names_are_dropped() -> None:
    base = {
        "LINEAR_API_KEY": SECRET,
        "COPY_OF_IT": SECRET,
        "REMOTE": f"https://user:{SECRET}@example.com/",
        "SHORT": "s3cret",
        "PATH": "/bin",
    }
    environment = child_environment(
        base, drop_names={"LINEAR_API_KEY"}, drop_values={SECRET, "s3cret"}, owner=OWNER
    )
    assert environment == {"PATH": "/bin", OWNER_VARIABLE: OWNER.render()}


def test_trivial_values_are_no_secrets_and_short_ones_are_not_looked_for_inside_others() -> None:
    base = {"A": "", "B": "1", "C": "true", "D": "my-s3cret-word"}
    environment = child_environment(
        base, drop_names=(), drop_values={"", "1", "true", "s3cret"}, owner=OWNER
    )
    assert {name: environment.get(name) for name in base} == base


def test_names_that_are_asked_for_are_kept() -> None:
    base = {"KEY": SECRET, "TWIN": SECRET}
    environment = child_environment(
        base, drop_names={"KEY"}, drop_values={SECRET}, owner=OWNER, keep_names={"KEY"}
    )
    assert environment["KEY"] == SECRET
    assert "TWIN" not in environment


def test_a_daemon_inside_another_ones_agent_adds_its_mark_to_the_inherited_one() -> None:
    inner = OwnerMark(root="r2", daemon="d:2, and more", run="MT/1")
    outer_environment = child_environment({}, drop_names=(), drop_values=(), owner=OWNER)
    environment = child_environment(outer_environment, drop_names=(), drop_values=(), owner=inner)

    assert parse_marks(environment[OWNER_VARIABLE]) == (OWNER, inner)
    assert innermost_mark(environment) == inner
    assert marked_value(environment[OWNER_VARIABLE], inner) == environment[OWNER_VARIABLE]


def test_what_is_no_mark_is_left_out() -> None:
    assert parse_marks("nonsense,a:b,r:d:x,,1:2:3:4") == (OWNER,)
    assert innermost_mark({}) is None


def test_a_daemon_instance_survives_its_text_form() -> None:
    instance = DaemonInstance(pid=12, started_at_ticks=345, nonce="abc")
    assert parse_daemon(instance.render()) == instance
    assert parse_daemon("another-form") is None
    assert parse_daemon("a-b-c") is None


def test_a_root_has_one_fingerprint_whatever_path_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert root_fingerprint(f"{tmp_path}/link/") == root_fingerprint(f"{tmp_path}/x/../root")
    assert root_fingerprint(f"{tmp_path}/root") != root_fingerprint(f"{tmp_path}/other")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose login profile exports secrets again."""
    profile = f'export TRACKER_KEY="{SECRET}"\ndeclare -rx FIXED_KEY="{SECRET}"\n'
    (tmp_path / ".bash_profile").write_text(profile)
    return tmp_path


def run_in_login_shell(script: str, home: Path) -> str:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    result = subprocess.run(
        login_shell(script, environment),
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    assert result.stderr == ""
    return result.stdout


@pytest.mark.proves("security.agent_env.login_profile")
@pytest.mark.parametrize("names", [{"TRACKER_KEY", "FIXED_KEY"}, {"FIXED_KEY", "not a name"}])
def test_a_login_profile_cannot_bring_a_secret_back(home: Path, names: set[str]) -> None:
    assert f"TRACKER_KEY={SECRET}" in run_in_login_shell("env", home)

    output = run_in_login_shell(guard_script("env", names), home)

    assert [name for name in names if f"{name}=" in output] == []


@pytest.mark.proves("launch.command.verbatim")
@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("FOO=1 sh -c 'echo $FOO'", "1\n"),
        ("true && echo a || echo b", "a\n"),
        ("cat <<END\none\ntwo\nEND", "one\ntwo\n"),
        ("# a remark\necho after", "after\n"),
        ("exec echo 'quoted \"words\"'", 'quoted "words"\n'),
    ],
)
def test_a_guarded_command_means_what_it_says(home: Path, command: str, output: str) -> None:
    assert run_in_login_shell(guard_script(command, {"TRACKER_KEY"}), home) == output


def test_without_names_the_command_stays_as_it_is() -> None:
    assert guard_script("a && b", ()) == "a && b"
    assert guard_script("a && b", {"9 is no name"}) == "a && b"


def test_a_shell_that_cannot_forget_stops_before_the_command(tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text(f"readonly KEY={SECRET}\nexport KEY\n")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    result = subprocess.run(
        ("/bin/sh", "-lc", guard_script("env; echo reached", {"KEY"})),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert SECRET not in result.stdout


def test_where_bash_is_missing_sh_is_used(tmp_path: Path) -> None:
    shell = tmp_path / "sh"
    shell.symlink_to("/bin/sh")
    assert login_shell("true", {"PATH": str(tmp_path)}) == (str(shell), "-lc", "true")
    assert login_shell("true", {"PATH": ""})[0].endswith("/sh")
    assert login_shell("true", os.environ)[0].endswith("/bash")


def test_a_mark_may_hold_what_is_no_text() -> None:
    """A tree is named after an issue, and an issue in a folder after a file."""
    first, second = (
        OwnerMark(root="r", daemon="d", run=os.fsdecode(name)) for name in (b"caf\xe9", b"caf\xe8")
    )
    assert first.render().isascii()
    assert first.render() != second.render()
    (read,) = parse_marks(first.render())
    assert (read.root, read.daemon) == ("r", "d")
    assert read.render() == first.render()
