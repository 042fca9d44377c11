"""Results replace those of an earlier run, and nothing else; two runs do not share a directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.runner.results import ResultsError, fresh_results


def test_an_earlier_run_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "records.ndjson").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    sealed = tmp_path / "scenarios" / "smoke" / "sealed"
    sealed.mkdir(parents=True)
    (sealed / "file").write_text("old")
    sealed.chmod(0o500)
    with fresh_results(tmp_path):
        assert not (tmp_path / "records.ndjson").exists()
        assert list((tmp_path / "scenarios").iterdir()) == []
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    with fresh_results(tmp_path):
        (tmp_path / "records.ndjson").write_text("of the one that runs")
        with pytest.raises(ResultsError, match="another run"), fresh_results(tmp_path):
            pass
        assert (tmp_path / "records.ndjson").read_text() == "of the one that runs"
    with fresh_results(tmp_path):
        assert not (tmp_path / "records.ndjson").exists()


def test_a_directory_that_cannot_be_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="--results"), fresh_results(tmp_path / "file" / "r"):
        pass
