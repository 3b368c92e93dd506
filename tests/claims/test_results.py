"""Result files beside a report of anybody's: a figure that the report gives otherwise is named with both places."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from npu_adapt.progress import Silent
from npu_adapt.records.audit import AuditFinding
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest
from tests.claims.scoring import TEXTS

RESULTS: dict[str, Any] = {
    "npu": {"batch_1": {"latency_ms": {"mean_ms": 3.21, "p99_ms": 3.6}}, "throughput": 311.5},
    "cpu": {"latency_ms": 41.2},
    "accuracy": {"cosine_similarity": 0.99999541, "max_abs_error": 0.012871, "relative_l2": 0.0031},
    "config": {"batch_size": 1, "iterations": 100, "seed": 0},
    "samples_ms": [3.2, 3.3, 9.9],
}


def audited(folder: Path, results: object) -> list[AuditFinding]:
    shutil.copy(TEXTS / "first" / "02-resnet50-clean.en.md", folder / "README.md")
    (folder / "results").mkdir()
    (folder / "results" / "results.json").write_text(results if isinstance(results, str) else json.dumps(results))
    return list(audit(AuditRequest(folder, offline=True), Silent()).findings)


def test_results_that_the_report_repeats_are_nothing_to_find(tmp_path: Path) -> None:
    assert audited(tmp_path, RESULTS) == []


@pytest.mark.parametrize(
    ("section", "name", "value", "line"),
    [
        ("accuracy", "max_abs_error", 0.0212, 31),
        ("accuracy", "cosine_similarity", 0.998, 34),
        ("cpu", "latency_ms", 55.0, 44),
    ],
)
def test_another_value_is_named_with_both_places(
    tmp_path: Path, section: str, name: str, value: float, line: int
) -> None:
    (found,) = audited(tmp_path, {**RESULTS, section: {**RESULTS[section], name: value}})
    assert found.id == "results-differ" and found.nature == "contradiction"
    report, file = found.places
    assert (report.line, file.field) == (line, f"{section}.{name}")


@pytest.mark.parametrize("content", ["{", "[1, 2]", '"text"', "null", "[" * 3000])
def test_what_is_no_result_is_left_alone(tmp_path: Path, content: str) -> None:
    assert audited(tmp_path, content) == []
