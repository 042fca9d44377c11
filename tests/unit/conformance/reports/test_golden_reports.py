"""Every report of one sample run is, to the letter, what was last looked at and found good.

After a wanted change: `python -m tests.support.golden_reports`, then read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.golden_reports import FILES, GOLDEN, golden_reports


@pytest.mark.parametrize("name", [*FILES.values(), "matrix.html", "matrix.md"])
def test_a_report_is_what_was_looked_at(name: str, tmp_path: Path) -> None:
    made = golden_reports(tmp_path)[name]
    assert made == (GOLDEN / name).read_text(encoding="utf-8")
