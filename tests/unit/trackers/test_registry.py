"""Which trackers there are, and what naming them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symphony.domain.problems import ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.registry import adapter_profiles, profile

SHOW_WHAT_IS_IMPORTED = """
import sys
from symphony.trackers.registry import adapter_profiles
print({"files", "github", "memory"} <= set(adapter_profiles()),
      adapter_profiles()["files"].default_active_states)
print([name for name in ("anyio", "httpx", "pydantic", "yaml", "symphony.trackers.files.tracker",
                         "symphony.trackers.github.tracker")
       if name in sys.modules])
"""


def test_profiles_are_known_without_importing_any_adapter() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", SHOW_WHAT_IS_IMPORTED], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == ["True ('Todo', 'In Progress')", "[]"]


@pytest.mark.proves("config.tracker.kind_supported")
def test_an_unknown_kind_names_those_that_there_are() -> None:
    with pytest.raises(ProblemError) as caught:
        profile("jira")
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == ("unsupported_tracker_kind", "tracker.kind")
    assert "files" in problem.remedy


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["files", "memory"])
async def test_every_kind_builds_a_tracker_over_its_settings(kind: str, tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    found = adapter_profiles()[kind]
    assert found.default_active_states is not None
    assert found.default_terminal_states is not None
    settings = TrackerSettings(
        kind=kind,
        active_states=found.default_active_states,
        terminal_states=found.default_terminal_states,
    )
    tracker = found.build(settings, {}, str(tmp_path))
    assert list(await tracker.fetch_issues_by_states(["Todo"])) == []
    assert [spec.name for spec in tracker.tool_specs()] == ["issue_update"]
    await tracker.aclose()
