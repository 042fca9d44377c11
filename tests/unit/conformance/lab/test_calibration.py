"""How patience follows from what was measured."""

from __future__ import annotations

import pytest

from conformance.lab.calibration import LARGEST_SCALE, Calibration, calibrate


@pytest.mark.parametrize(
    ("start_s", "late_s", "scale"),
    [(0.01, 0.001, 1.0), (0.16, 0.001, 2.0), (0.01, 0.06, 3.0), (60.0, 9.0, LARGEST_SCALE)],
)
def test_the_worse_of_both_counts(start_s: float, late_s: float, scale: float) -> None:
    measured = Calibration(process_start_s=start_s, timer_lateness_s=late_s)
    assert measured.scale == pytest.approx(scale)


@pytest.mark.anyio
async def test_a_machine_can_be_measured() -> None:
    measured = await calibrate()
    assert measured.process_start_s > 0
    assert 1.0 <= measured.scale <= LARGEST_SCALE
