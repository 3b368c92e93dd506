"""How far correct kernels of real chips are from their floors: the limits of the verdict stand above all that was seen.

`python -m tests.device` writes these files on the chip that they name.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npu_adapt.numerics.error_statistics import LIMITS

KEPT = sorted((Path(__file__).parents[1] / "data").glob("margins-*.json"))


def test_a_calibration_on_hardware_is_kept() -> None:
    assert KEPT


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_no_correct_operator_of_a_real_chip_comes_near_the_limit(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    for setting, operators in record["settings"].items():
        judged = sum(sum(entry["counts"]) for entry in operators.values())
        worst = max(operators, key=lambda name: operators[name]["largest"])
        assert judged > 900, setting
        assert operators[worst]["largest"] <= 0.6 * LIMITS.rms, (setting, worst)
