"""The credentials of the conformance suite stay out of its reports, whatever a target prints.

They are those of the suite's own fakes and open nothing; but a report is published, and what it
shows of these it would show of others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.daemon_process import PROGRAM

SUITE: Final = str(Path(sys.executable).with_name("symphony-conformance"))
LIMIT_S: Final = 300.0
CREDENTIAL: Final = re.compile(rb"(?:lin_api_|ghp_)canary[0-9a-f]{16,}")
REPOSITORY: Final = Path(__file__).resolve().parents[2]
PUBLISHED: Final = ("docs", "benchmarks", "conformance-results", "README.md", "CHANGELOG.md")


def holding(*places: Path) -> list[str]:
    """The files at and below these places in which a credential stands."""
    files = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    return [str(path) for path in files if CREDENTIAL.search(path.read_bytes())]


def suite(*words: str, directory: Path) -> bytes:
    """All that a command of the suite says."""
    done = subprocess.run(
        [SUITE, *words],
        cwd=directory,
        env={**os.environ, "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("dialect", ["linear", "github"])
def test_a_target_that_prints_its_environment_gives_no_key_away(
    dialect: str, tmp_path: Path
) -> None:
    script = f'env >&2; echo "key $LINEAR_API_KEY $GITHUB_TOKEN"; exec "{PROGRAM}" "$1"'
    command = json.dumps(["sh", "-c", script, "sh", "{workflow}"])
    (tmp_path / "m.toml").write_text(
        f'schema = 1\n[implementation]\nname = "talker"\n[launch]\ncommand = {command}\n'
        '[tracker]\ndialects = ["linear", "github"]\n'
    )
    smoke = ("smoke", "--implementation", "m.toml", "--dialect", dialect)
    said = [suite(*smoke, directory=tmp_path)]
    for form in ("html", "json", "junit", "markdown", "console"):
        said.append(suite("report", "render", form, directory=tmp_path))
    output, records = tmp_path / "output", tmp_path / "conformance-results" / "records.ndjson"
    output.write_bytes(b"".join(said))
    # The evidence beside them is what the target said, word for word, and is not published.
    assert holding(output, records) == []


def test_nothing_that_is_published_holds_one() -> None:
    assert holding(*(REPOSITORY / name for name in PUBLISHED)) == []


def test_a_credential_in_a_report_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>lin_api_canary0123456789abcdef0123456789abcdef</p>")
    assert holding(tmp_path) == [str(tmp_path / "report.html")]
