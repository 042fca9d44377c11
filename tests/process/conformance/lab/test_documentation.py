"""What the documentation shows works as it is written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[4]
_PAGE = _ROOT / "docs" / "conformance" / "writing-scenarios.md"
_PATIENCE_S = 120.0


def test_the_example_of_a_scenario_passes_with_our_daemon(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text("utf-8"), re.M | re.S)
    path = tmp_path / "example.py"
    path.write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "tests.support.conformance_example", path, tmp_path / "lab"]
    done = subprocess.run(
        list(map(str, command)),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    assert len(found) == 5
    assert set(found.values()) == {"pass"}, done.stderr
