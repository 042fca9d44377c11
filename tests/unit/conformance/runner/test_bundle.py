"""A bundle holds what is needed to look at a scenario, and to play it once more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.lab.timeline import Timeline
from conformance.runner.bundle import Bundle, BundleError, read_bundle, write_bundle

BUNDLE = Bundle(
    scenario="smoke",
    implementation="mine",
    dialect="linear",
    seed=4,
    scale=1.5,
    launch=("./mine", "{workflow}"),
)


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path) -> None:
    timeline = Timeline()
    timeline.add("output", "line", "hello", stream="stderr")
    timeline.add("agent", "start", "an agent", subject="MT-1")
    write_bundle(tmp_path / "smoke", BUNDLE, timeline)
    assert read_bundle(tmp_path / "smoke") == BUNDLE
    assert read_bundle(tmp_path / "smoke" / "bundle.json") == BUNDLE
    rows = [
        json.loads(line)
        for line in (tmp_path / "smoke" / "timeline.ndjson").read_text().splitlines()
    ]
    assert [(row["tap"], row["subject"]) for row in rows] == [("output", ""), ("agent", "MT-1")]


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2}', "[]"])
def test_what_is_no_bundle_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(BundleError, match=r"bundle\.json"):
        read_bundle(tmp_path)


def test_a_directory_without_a_bundle_is_refused_with_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No such file or directory; a bundle is a directory"):
        read_bundle(tmp_path)
