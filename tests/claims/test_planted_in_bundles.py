"""Contradictions planted in a bundle, a kind each: every one is found, with the file that holds it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.evidence import Logs
from npu_adapt.progress import Silent
from npu_adapt.records import Fact
from npu_adapt.records.audit import AuditFinding
from npu_adapt.report.html import render
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.input_pictures import input_pictures

Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a model that travels in it, and what its scripts wrote."""
    folder = tmp_path_factory.mktemp("bundles")
    logs = folder / "logs"
    for line in (["compare", "builtin:digits-vit", "--fast"], ["bench", "builtin:digits-vit", "--iters", "6"]):
        done = CliRunner().invoke(app, [*line, "--device", "cpu", "--logs", str(logs), "--offline"])
        assert done.exit_code == 0, done.output
    summary = Logs(logs).read()
    assert summary.run is not None
    bundle(summary, Logs(logs), folder / "made", "modelzoo", "zh")
    outputs = {
        "logits": {"max_abs_diff": 2e-3, "mean_abs_diff": 1e-4, "cosine_similarity": 0.9999, "relative_l2": 4e-3}
    }
    predictions = msgspec.to_builtins(summary.run.predictions)
    results: dict[str, dict[str, Any]] = {
        "inference": {
            "inputs": [{each.name: each.sha256} for each in summary.run.inputs], "predictions": predictions,
            "same_inputs": True, "same_as_reported": True,
        },
        "accuracy": {"outputs": outputs, **outputs["logits"], "top1_match": True, "match_within_1_percent": True},
        "performance": {
            "iterations": 3, "device_samples_ms": [2.0, 1.0, 3.0], "device_median_ms": 2.0,
            "cpu_samples_ms": [9.0, 8.0, 7.0], "cpu_median_ms": 8.0, "speed_up": 4.0,
        },
    }  # fmt: skip
    for name, result in results.items():
        (folder / "made" / "results" / f"{name}.json").write_text(json.dumps(result))
    (folder / "made" / "report.html").write_text(render(summary, "zh", input_pictures(summary)))
    return folder / "made"


def findings(path: Path) -> list[AuditFinding]:
    return list(audit(AuditRequest(path, offline=True), Silent()).findings)


def replaced(place: str, pattern: str, by: str) -> Edit:
    def edit(folder: Path) -> None:
        text, count = re.subn(pattern, by, (folder / place).read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is not in {place}"
        (folder / place).write_text(text)

    return edit


def flipped(folder: Path) -> None:
    path = folder / "weights" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-4] ^= 1
    path.write_bytes(data)


PLANTED: tuple[tuple[str, str, Edit], ...] = (
    ("bundle-differs", "inference.py", replaced("inference.py", r"^THREADS = \d+", "THREADS = 64")),
    ("bundle-differs", "inference.py", replaced("inference.py", r'("model.safetensors"): "....', r'\1: "beef')),
    ("bundle-differs", "inference.py", replaced("inference.py", "same_inputs and found == .*,  #", "True,  #")),
    ("bundle-differs", "eval_accuracy.py", replaced("eval/eval_accuracy.py", r"> 0\.01", "> 0.1")),
    ("bundle-differs", "eval_performance.py", replaced("eval/eval_performance.py", r"^WARMUP = \d+", "WARMUP = 0")),
    ("bundle-differs", "self_test.py", replaced("test/self_test.py", "SELF-TEST FAILED", "SELF-TEST PASSED")),
    ("bundle-differs", "requirements.txt", replaced("requirements.txt", r"^torch==.*", "torch==2.6.0")),
    ("bundle-differs", "requirements.txt", lambda folder: (folder / "requirements.txt").unlink()),
    ("bundle-differs", "run.json", replaced("results/run.json", r'"label": "\w+"', '"label": "nine"')),
    ("bundle-differs", "compare.json", replaced("results/compare.json", r'"samples": \d+', '"samples": 99')),
    ("bundle-differs", "bench.json", replaced("results/bench.json", r'"median": [\d.]+', '"median": 0.001')),
    ("bundle-differs", "bench.svg", replaced("screens/bench.svg", r"\d+\.\d+&#160;ms", "0.01&#160;ms")),
    ("bundle-differs", "modelzoo_level.txt", replaced("modelzoo_level.txt", "PrecisionStatus:.*", "PrecisionStatus:X")),
    ("report-differs", "评分一览", replaced("README.md", r"^(\| `max_abs_diff` \|) \S+", r"\1 1.000e-09")),
    ("report-differs", "版本配套", replaced("README.md", r"^(\| PyTorch \||\| torch \|) \S+", r"\1 1.0.0")),
    ("report-differs", "first", replaced("report.html", r"(<dd[^>]*>[^<]*?)\d+\.\d+( ms)", r"\g<1>0.001\2")),
    ("report-differs", "max_abs_diff", replaced("report.html", r"(max_abs_diff</code></button></td><td>)\d", r"\1@")),
    ("report-differs", "pictures", replaced("report.html", r'(<path class="(?:line|dots) s\d" d=")M\S+', r"\1M1 1")),
    ("report-differs", "", replaced("report.html", r'(<article class="en".*\n<h1>)', r"\1The best: ")),
    ("derived-figure", "same_inputs", replaced("results/inference.json", r'("pixel_values"): "....', r'\1: "beef')),
    ("weights-changed", "weights.files", flipped),
    ("derived-figure", "same_as_reported", replaced("results/inference.json", r'"label": "\w+"', '"label": "nine"')),
    ("derived-figure", "match_within_1_percent", replaced("results/accuracy.json", 'match": true', 'match": false')),
    ("derived-figure", "relative_l2", replaced("results/accuracy.json", r'("relative_l2"): 0\.004\}', r"\1: 0.9}")),
    ("derived-figure", "speed_up", replaced("results/performance.json", '"speed_up": 4.0', '"speed_up": 40.0')),
    ("derived-figure", "device_median_ms", replaced("results/performance.json", "ms\": 2.0", 'ms": 0.2')),
    ("derived-figure", "bench.latency_ms.median", replaced("logs/summary.json", r'("median"): [\d.]+', r"\1: 0.001")),
)  # fmt: skip


def test_nothing_is_found_in_a_bundle_that_nobody_touched(handed_in: Path) -> None:
    assert findings(handed_in) == []


@pytest.mark.parametrize(("name", "field", "edit"), PLANTED, ids=[f"{at}:{each[1]}" for at, each in enumerate(PLANTED)])
def test_what_is_planted_in_a_bundle_is_found(
    handed_in: Path, tmp_path: Path, name: str, field: str, edit: Edit
) -> None:
    folder = Path(shutil.copytree(handed_in, tmp_path / "copy"))
    edit(folder)
    found = findings(folder)
    named = [each for each in found if each.id == name and any(field in (place.field or "") for place in each.places)]
    assert named, [(each.id, [place.field for place in each.places]) for each in found]
    for each in found:
        assert words("audit", Fact(each.id, each.values), "en") and words("audit", Fact(each.id, each.values), "zh")
