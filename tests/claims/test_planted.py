"""Contradictions planted in our own evidence, a kind each: every one is found and named by its field."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.progress import Silent
from npu_adapt.records import Fact
from npu_adapt.records.audit import AuditFinding
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest

BUILTIN = Path(__file__).parents[2] / "npu_adapt" / "assets" / "digits-vit"


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it is handed in: logs of a comparison and a benchmark, saved outputs, reports in two languages."""
    folder = tmp_path_factory.mktemp("handed-in")
    model = Path(shutil.copytree(BUILTIN, folder / "model"))
    run("compare", model, "--save-outputs", folder / "saved", folder=folder)
    run("bench", model, "--iters", "12", "--batch-size", "1", folder=folder)
    for name in ("README.md", "README.zh.md"):
        language = "zh" if "zh" in name else "en"
        done = CliRunner().invoke(
            app, ["report", "--logs", str(folder / "logs"), "--lang", language, "--out", str(folder / name)]
        )
        assert done.exit_code == 0, done.output
    return folder


def run(command: str, *arguments: object, folder: Path) -> None:
    line = [
        command,
        *map(str, arguments),
        "--device",
        "cpu",
        "--seed",
        "3",
        "--logs",
        str(folder / "logs"),
        "--offline",
    ]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output


def findings(path: Path) -> list[AuditFinding]:
    return list(audit(AuditRequest(path, offline=True), Silent()).findings)


@dataclass(frozen=True)
class Copy:
    """A copy of the evidence, to be edited."""

    folder: Path

    @property
    def summary(self) -> Path:
        return self.folder / "logs" / "summary.json"

    def history(self) -> list[Path]:
        return sorted((self.folder / "logs" / "history").glob("*/summary.json"))

    def set(self, path: Path, field: str, value: Any) -> None:
        """Writes a field, spelled as in a finding."""
        data = json.loads(path.read_text())
        *above, last = field.split(".")
        here = data
        for name in above:
            here = here[int(name)] if isinstance(here, list) else here[name]
        here[int(last) if isinstance(here, list) else last] = value
        path.write_text(json.dumps(data))

    def everywhere(self, field: str, value: Any) -> None:
        """The summary and the copy of its run alike: no copy gives the edit away."""
        self.set(self.summary, field, value)
        shutil.copy(self.summary, self.history()[-1])

    def replace(self, name: str, pattern: str, by: str) -> None:
        path = self.folder / name
        text, count = re.subn(pattern, by, path.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is not in {name}"
        path.write_text(text)


Edit = Callable[[Copy], object]


def derived(field: str, value: Any) -> tuple[str, str, Edit]:
    return "derived-figure", field, lambda copy: copy.everywhere(field, value)


def copied(field: str, value: Any) -> tuple[str, str, Edit]:
    return "edited-copy", field, lambda copy: copy.set(copy.summary, field, value)


def logged(name: str, pattern: str, by: str, field: str) -> tuple[str, str, Edit]:
    return "log-differs", field, lambda copy: copy.replace(f"logs/{name}", pattern, by)


def reported(name: str, pattern: str, by: str, field: str) -> tuple[str, str, Edit]:
    return "report-differs", field, lambda copy: copy.replace(name, pattern, by)


def commanded(line: str, field: str) -> tuple[str, str, Edit]:
    def edit(copy: Copy) -> None:
        copy.everywhere("commands.bench", line)
        copy.everywhere("command", line)

    return "command-differs", field, edit


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


# What is audited; all of it at once takes as long as all of these together.
AUDITED = {
    "derived-figure": "logs/summary.json",
    "edited-copy": "logs/summary.json",
    "history-chain": "logs/summary.json",
    "command-differs": "logs/summary.json",
    "weights-changed": "logs/summary.json",
    "log-differs": "logs",
    "report-differs": "",
    "report-of-another": "README.md",
    "outputs-differ": "saved",
}
RUN, ACCURACY, PROOF = "run_npu.log", "accuracy_compare.log", "pretrained_attempt.log"
BENCH = "npu-adapt bench builtin:digits-vit --device cpu"
PLANTED: tuple[tuple[str, str, Edit], ...] = (
    derived("compare.max_abs_diff", 1e-9),
    derived("compare.cosine_similarity", 0.5),
    derived("compare.relative_l2", 0.3),
    derived("compare.match_within_1_percent", False),
    derived("compare.verdict.passed", False),
    derived("compare.outputs.0.error_over_floor", 0.001),
    derived("compare.outputs.0.mean_abs_diff", 1.0),
    derived("compare.candidate", "npu:0"),
    derived("run.status", "REHEARSED"),
    derived("bench.latency_ms.median", 0.001),
    derived("bench.latency_ms.p90", 99.0),
    derived("bench.throughput_per_s", 9999.0),
    ("derived-figure", "bench.latency_ms.max", lambda copy: copy.everywhere("bench.samples_ms.0", 77.0)),
    derived("bench.batch_size", 8),
    derived("bench.rows.0.roofline.achieved", 0.999),
    derived("weights.files.0.sha256", "0" * 63),
    copied("run.predictions.0.label", "nine"),
    copied("run.seed", 8),
    copied("environment.cpu", "Another processor"),
    copied("model.parameters", 7),
    copied("weights.proven_parameters", 71),
    copied("created_at", "2020-01-01T00:00:00.000Z"),
    ("history-chain", "the SHA-256 of", lambda copy: copy.set(copy.history()[0], "run.seed", 9)),
    logged(ACCURACY, r"(flat max_abs_diff)=\S+", r"\1=0.5", "compare.max_abs_diff"),
    logged(ACCURACY, r"(flat .* cosine_similarity)=\S+", r"\1=0.5", "compare.cosine_similarity"),
    logged(ACCURACY, r"(output name=logits .* max_abs_diff)=\S+", r"\1=0.5", "compare.outputs.0.max_abs_diff"),
    logged(ACCURACY, r"(verdict rule=noise-floor passed)=true", r"\1=false", "compare.verdict.passed"),
    logged(ACCURACY, r"(other-rule rule=field passed)=true", r"\1=false", "compare.verdict.others.1.passed"),
    logged(ACCURACY, r"(id=noise-floor holds=true place=logits value)=\S+", r"\1=2.5", "compare.verdict.terms.0.value"),
    logged(ACCURACY, r"(repeats forwards)=3", r"\1=5", "compare.repeats.forwards"),
    logged(PROOF, r"(proven_tensors)=\d+", r"\1=1", "weights.proven_parameters"),
    logged(RUN, r"(ended status)=SUCCESS", r"\1=FAILED", "run.status"),
    logged(RUN, r"(bench device=cpu iterations=12 median_ms)=\S+", r"\1=0.01", "bench.latency_ms.median"),
    logged(RUN, r"(row status=measured .*threads)=\d+ (batch_size=1 median_ms)=\S+", r"\1=1 \2=0.01", "median"),
    logged(RUN, r"(about model)=\S+", r"\1=another", "model.id"),
    reported("README.md", r"^verdict: passed", "verdict: failed", "verdict"),
    reported("README.md", r"^(\| `max_abs_diff` \|) \S+", r"\1 1.000e-09", "max_abs_diff"),
    reported("README.md", r"^(\| Latency \|) \S+", r"\1 0.01", "Latency"),
    reported("README.md", r"^(\| torch \|) \S+", r"\1 2.9.0", "torch"),
    reported("README.md", r"^PASSED: .*$", "FAILED", "Conclusion"),
    reported("README.zh.md", r"^(\| 状态 \|) SUCCESS", r"\1 FAILED", "状态"),
    reported("README.zh.md", r"^(\| `relative_l2` \|) \S+", r"\1 7.777e-03", "relative_l2"),
    reported("README.zh.md", r"^\| 0 \| zero \|.*\n", "", "0"),
    (
        "report-of-another",
        "summary_sha256",
        lambda copy: copy.replace("README.md", 'summary_sha256: "....', 'summary_sha256: "beef'),
    ),
    commanded(f"{BENCH} --iters 100", "bench.iterations"),
    commanded(f"{BENCH} --batch-size 8", "bench.batch_size"),
    commanded(f"{BENCH} --dtype float16", "run.dtype"),
    commanded(f"{BENCH} --seed 7", "run.seed"),
    commanded("npu-adapt bench builtin:digits-vit --device npu:0", "run.device"),
    ("weights-changed", "weights.files.0.sha256", lambda copy: flip(copy.folder / "model" / "model.safetensors", -40)),
    ("outputs-differ", "compare.outputs", lambda copy: flip(copy.folder / "saved" / "candidate.safetensors", -2)),
)


@pytest.fixture
def copy(evidence: Path, tmp_path: Path) -> Copy:
    """The evidence at another place, whose summaries name the weights there."""
    folder = Path(shutil.copytree(evidence, tmp_path / "copy"))
    return Copy(folder)


def test_nothing_is_found_in_evidence_that_nobody_touched(evidence: Path) -> None:
    for path in (evidence, evidence / "logs", evidence / "logs" / "summary.json", evidence / "saved"):
        assert findings(path) == []
    for name in ("README.md", "README.zh.md"):
        assert findings(evidence / name) == []


def test_there_are_fifty_kinds() -> None:
    assert len({(name, field) for name, field, _ in PLANTED}) >= 50


@pytest.mark.parametrize(("name", "field", "edit"), PLANTED, ids=[f"{name}:{field}" for name, field, _ in PLANTED])
def test_what_is_planted_is_found_and_named(evidence: Path, copy: Copy, name: str, field: str, edit: Edit) -> None:
    weights = evidence / "model" / "model.safetensors"
    kept = weights.read_bytes()
    edit(copy)
    if name == "weights-changed":  # the summary says where they lie
        weights.write_bytes((copy.folder / "model" / "model.safetensors").read_bytes())
    try:
        found = findings(copy.folder / AUDITED[name])
    finally:
        weights.write_bytes(kept)
    named = [each for each in found if each.id == name and any(field in (place.field or "") for place in each.places)]
    assert named, [(each.id, [place.field for place in each.places]) for each in found]
    assert all(each.nature == "contradiction" for each in named)
    for each in found:
        assert words("audit", Fact(each.id, each.values), "en") and words("audit", Fact(each.id, each.values), "zh")
