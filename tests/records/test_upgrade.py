"""From schema 1 to the present one."""

from __future__ import annotations

import json
from pathlib import Path

from npu_adapt.records import Fact, decode

OLD = Path(__file__).parents[1] / "data" / "summary-v1.json"


def test_a_benchmark_of_schema_1_keeps_its_warnings_and_reasons_as_texts() -> None:
    summary = json.loads(OLD.read_text())
    row = {"dtype": "float32", "attention": "sdpa", "mode": "eager", "threads": 2, "batch_size": 1}
    warning = {"id": "outliers", "message": "2 of 100 samples are far outside the rest"}
    summary["bench"] |= {
        "warnings": [warning],
        "memory_source": "resident memory of the process since it began",
        "rows": [
            {**row, "status": "failed", "reason": "npu:0 captures no graphs"},
            {**row, "status": "measured", "reason": "", "warnings": [warning]},
        ],
    }
    bench = decode(json.dumps(summary).encode(), origin="old").bench
    assert bench is not None
    doubt = Fact("outliers", {"text": "2 of 100 samples are far outside the rest"})
    assert bench.warnings == bench.rows[1].warnings == (doubt,)
    assert bench.rows[0].reason == Fact("text", {"text": "npu:0 captures no graphs"})
    assert bench.rows[1].reason is None
    assert bench.memory_source == "resident-since-start"
