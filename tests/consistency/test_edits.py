"""Sixty-five edits of real summaries: each is named. Untouched ones of every kind raise no alarm.

Edits of generations, modes and sweeps stand beside the tests of those.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from npu_adapt.consistency import contradictions
from npu_adapt.errors import ExitCode
from npu_adapt.evidence import Logs, read_summary
from npu_adapt.records import Depth, decode, encode
from npu_adapt.workflows.reading import SummaryEdited, read_checked
from tests.report.summaries import SAMPLES

KEPT = Path(__file__).parents[1] / "data" / "summaries"

# Of which summary, which field, what it is made: seen by what the field derives from, without a copy beside it.
DERIVED: tuple[tuple[str, str, Any], ...] = (
    ("compare", "compare.max_abs_diff", 1e-9),
    ("compare", "compare.mean_abs_diff", 1e-9),
    ("compare", "compare.cosine_similarity", 1.0),
    ("compare", "compare.relative_l2", 0.0),
    ("compare", "compare.top1_match", False),
    ("compare", "compare.top5_match", False),
    ("compare", "compare.match_within_1_percent", False),
    ("compare", "compare.candidate", "npu:0"),
    ("success", "compare.latency.speed_up", 16.0),
    ("success", "compare.latency.candidate_ms", 0.1),
    ("success", "compare.latency.reference_ms", 99.0),
    ("compare", "compare.outputs.0.relative_l2", 0.0),
    ("compare", "compare.outputs.0.max_abs_diff", 1.0),
    ("compare", "compare.outputs.0.mean_abs_diff", 1.0),
    ("compare", "compare.outputs.0.cosine_similarity", 0.5),
    ("compare", "compare.outputs.0.error_over_floor", 0.001),
    ("compare", "compare.outputs.0.noise_floor", 1.0),
    ("compare", "compare.outputs.0.float64_relative_l2", 0.0),
    ("compare", "compare.outputs.0.nan_mismatches", 3),
    ("compare", "compare.outputs.0.shape", [1, 1000]),
    ("compare", "compare.outputs.0.name", "scores"),
    ("compare", "compare.match_basis.0.value", 1e-9),
    ("compare", "compare.match_basis.0.limit", 0.5),
    ("compare", "compare.verdict.passed", False),
    ("compare", "compare.verdict.terms.0.value", 0.01),
    ("compare", "compare.verdict.terms.0.limit", 30.0),
    ("compare", "compare.verdict.others.0.passed", False),
    ("compare", "compare.worst_outputs.max_abs_diff.output", "pooler"),
    ("compare", "run.device", "npu:0"),
    ("compare", "run.status", "REHEARSED"),
    ("compare-failed", "compare.verdict.passed", True),
    ("compare-failed", "compare.verdict.terms.0.holds", True),
    ("compare-failed", "compare.verdict.terms.4.holds", True),
    ("compare-failed", "compare.operators.0.error_over_floor", 0.5),
    ("compare-failed", "compare.first_suspect.module", "another"),
    ("rehearsal", "run.status", "SUCCESS"),
    ("rehearsal", "compare.outputs.1.relative_l2", 0.5),
    ("bench", "bench.latency_ms.median", 0.9),
    ("bench", "bench.latency_ms.mean", 0.9),
    ("bench", "bench.latency_ms.p90", 0.9),
    ("bench", "bench.latency_ms.std", 0.0),
    ("bench", "bench.latency_ms.min", 0.1),
    ("bench", "bench.throughput_per_s", 9999.0),
    ("bench", "bench.iterations", 1000),
    ("bench", "bench.samples_ms.0", 0.5),
    ("bench", "bench.rows.0.roofline.achieved", 0.9),
    ("bench", "bench.batch_size", 8),
    ("bench-sweep", "bench.best_row", 1),
    ("bench-sweep", "bench.rows.1.throughput_per_s", 9999.0),
    ("infer", "weights.files.0.sha256", "0" * 63),
    ("infer", "model.adapter", {"path": "mine.py", "name": None, "sha256": "0" * 64, "text": "model = None"}),
)
# Fields that follow from nothing else: seen by the copy in the history.
COPIED: tuple[tuple[str, str, Any], ...] = (
    ("infer", "run.predictions.0.label", "nine"),
    ("infer", "run.predictions.0.score", 0.99),
    ("infer", "run.dtype", "float64"),
    ("infer", "run.seed", 7),
    ("infer", "model.parameters", 1),
    ("infer", "environment.torch", "9.9.9"),
    ("infer", "environment.cpu", "another"),
    ("infer", "run.timings_ms.first_forward", 0.1),
    ("compare", "compare.outputs.0.worst_index", [0, 0]),
    ("bench", "bench.peak_memory_bytes", 1),
    (
        "compare",
        "compare.arithmetic.sums",
        [{"terms": 64, "order": "pairwise", "block": None, "at_once": 1, "last_first": False}],
    ),
    ("compare", "compare.arithmetic.found.matmul", "float16"),
    ("compare-failed", "compare.operators.0.test", "whole-numbers"),
    ("compare-failed", "compare.operators.0.index", 9999),
)


def edited(data: bytes, field: str, value: Any) -> bytes:
    record = json.loads(data)
    *above, last = field.split(".")
    place: Any = record
    for name in above:
        place = place[int(name) if isinstance(place, list) else name]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(record).encode()


def present(kept: str) -> bytes:
    """The kept summary as this version writes it, or the sample of that name."""
    if kept in SAMPLES:
        return encode(SAMPLES[kept]())
    return encode(decode((KEPT / f"{kept}.json").read_bytes(), origin=kept))


@pytest.mark.parametrize(("kept", "field", "value"), DERIVED, ids=str)
def test_an_edit_of_a_derived_figure_is_named(tmp_path: Path, kept: str, field: str, value: Any) -> None:
    path = tmp_path / "summary.json"
    path.write_bytes(edited(present(kept), field, value))
    with pytest.raises(SummaryEdited, match="contradicts itself") as caught:
        read_checked(path)
    assert caught.value.exit_code == ExitCode.USAGE
    names = [name for name in field.split(".")[1:] if not name.isdecimal()]
    found = contradictions(read_summary(path))
    assert any(name in str(each) for each in found for name in names), found


@pytest.mark.parametrize(("kept", "field", "value"), [*COPIED, *DERIVED[::7]], ids=str)
def test_an_edit_of_any_field_differs_from_its_copy(tmp_path: Path, kept: str, field: str, value: Any) -> None:
    logs = published(tmp_path, kept)
    logs.summary_path.write_bytes(edited(logs.summary_path.read_bytes(), field, value))
    with pytest.raises(SummaryEdited) as caught:
        read_checked(logs.summary_path)
    assert "summary.json" in caught.value.hint and "history" in caught.value.hint
    if (kept, field, value) in COPIED:
        assert field in caught.value.message


@pytest.mark.parametrize("kept", sorted(path.stem for path in KEPT.glob("*.json") if "env" not in path.stem))
def test_untouched_summaries_raise_no_alarm(tmp_path: Path, kept: str) -> None:
    logs = published(tmp_path, kept)
    assert read_checked(logs.summary_path).run is not None
    copy = next(logs.folder.glob("history/*/summary.json"))
    assert read_checked(copy) == logs.read()


@pytest.mark.parametrize("kept", ["env", "env-npu"])
def test_an_untouched_environment_raises_no_alarm(tmp_path: Path, kept: str) -> None:
    logs = Logs(tmp_path / "logs")
    logs.require_writable()
    for _ in range(2):
        with logs.start("env", "machine") as journal:
            journal.publish_environment(decode(present(kept), origin=kept))
        assert read_checked(logs.summary_path).environment is not None
    for copy in logs.folder.glob("history/*/summary.json"):
        read_checked(copy)


def test_the_sample_of_a_success_is_consistent() -> None:
    assert contradictions(SAMPLES["success"]()) == ()


def test_a_summary_of_the_first_schema_is_taken_as_it_is() -> None:
    assert read_checked(KEPT.parent / "summary-v1.json").compare is not None


def test_an_edited_run_before_the_last_is_named(tmp_path: Path) -> None:
    logs = published(tmp_path, "bench")
    first = next(logs.folder.glob("history/*/summary.json"))
    published(tmp_path, "infer")
    read_checked(logs.summary_path)
    first.write_bytes(edited(first.read_bytes(), "run.seed", 3))
    with pytest.raises(SummaryEdited, match="SHA-256") as caught:
        read_checked(logs.summary_path)
    assert first.parent.name in caught.value.message


def test_a_history_that_was_cleared_is_no_edit(tmp_path: Path) -> None:
    logs = published(tmp_path, "infer")
    for copy in logs.folder.glob("history/*/summary.json"):
        copy.unlink()
    assert read_checked(logs.summary_path).run is not None


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["a named pipe", "a folder"])
def test_a_copy_that_is_no_file_is_as_good_as_none(make: Callable[[Path], None], tmp_path: Path) -> None:
    logs = published(tmp_path, "infer")
    for copy in logs.folder.glob("history/*/summary.json"):
        copy.unlink()
        make(copy)
    assert read_checked(logs.summary_path).run is not None


def published(folder: Path, kept: str) -> Logs:
    logs = Logs(folder / "logs")
    logs.require_writable()
    with logs.start("compare", "model") as journal:
        journal.event("run", "start")
        journal.publish(decode(present(kept), origin=kept))
    return logs


def test_a_mean_that_rounding_puts_above_its_maximum_is_no_edit() -> None:
    summary = SAMPLES["success"]()
    assert summary.compare is not None
    (first, *others) = summary.compare.outputs
    assert first.max_abs_diff is not None
    alike = replace(first, mean_abs_diff=first.max_abs_diff * (1 + 1e-15))
    found = contradictions(replace(summary, compare=replace(summary.compare, outputs=(alike, *others))))
    assert not [each for each in found if each.field == "compare.outputs.0.mean_abs_diff"]


def test_figures_that_no_run_gives_are_an_edit_and_no_traceback(tmp_path: Path) -> None:
    logs = published(tmp_path, "bench")
    for copy in logs.folder.glob("history/*/summary.json"):
        copy.unlink()
    data = json.loads(logs.summary_path.read_bytes())
    data["bench"]["rows"][0]["latency_ms"]["median"] = 0.0
    logs.summary_path.write_text(json.dumps(data))
    with pytest.raises(SummaryEdited):
        read_checked(logs.summary_path)


def test_a_series_over_depth_that_is_too_short() -> None:
    summary = SAMPLES["success"]()
    assert summary.compare is not None
    depth = Depth(
        sample=0, index=(1, 2), module=("a", "b"), operator=("add",) * 2, isolated=(), isolated_floor=(0.0, 0.0)
    )
    found = contradictions(replace(summary, compare=replace(summary.compare, depth=depth)))
    assert [each.field for each in found if "depth" in each.field] == ["compare.depth.isolated"]
