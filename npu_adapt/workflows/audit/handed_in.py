"""A bundle of ours against its own record: its files are made again, its results are computed again."""

from __future__ import annotations

import ast
import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt import __version__
from npu_adapt.files import SMALL_FILE, read_regular
from npu_adapt.models.hashing import FileHash, hash_files
from npu_adapt.records import InputInfo, Summary
from npu_adapt.records.audit import AuditFinding, Note, Place
from npu_adapt.report.bundle.contents import contents
from npu_adapt.report.bundle.modelzoo import LEVEL_FILE
from npu_adapt.report.bundle.recipes import recipe_of
from npu_adapt.report.bundle.scripts import Inputs
from npu_adapt.report.phrases import say
from npu_adapt.workflows.audit.findings import of_field, short
from npu_adapt.workflows.audit.place import OwnSummary
from npu_adapt.workflows.audit.rendered import LANGUAGES, differences, summary_hash
from npu_adapt.workflows.bundle.inputs import completed_in, given_in

README, SCRIPT, ACCURACY = "README.md", "inference.py", "eval/eval_accuracy.py"
RAN = "results/inference.json", "results/accuracy.json", "results/performance.json"
Part = tuple[list[AuditFinding], list[Note], int]


def is_bundle(folder: Path) -> bool:
    """Whether the folder is what `report --bundle` writes."""
    return (folder / SCRIPT).is_file() and (folder / "logs" / "summary.json").is_file()


def against_record(folder: Path, own: OwnSummary) -> Part:
    """What files of a bundle say that its record does not: scripts, versions, results, screens, README, weights."""
    found = [*_recomputed(folder, own.summary), *_weights_inside(folder, own.summary)]
    if own.summary.tool.version != __version__:
        return found, [Note(id="other-version", values={"version": own.summary.tool.version})], 1
    count = 0
    for place, expected in _expected(folder, own).items():
        path = folder / place
        count += 1
        if not path.is_file():
            found.append(_differs(path, 0, "", expected.partition("\n")[0], own))
            continue
        text = read_regular(path, SMALL_FILE).decode(errors="replace")
        if place == README:
            found += differences(path, text.splitlines(), expected.splitlines(), own)
        elif text != expected:
            found.append(_first_difference(path, text.splitlines(), expected.splitlines(), own))
    return found, [], count


def _expected(folder: Path, own: OwnSummary) -> dict[str, str]:
    """Each text of the bundle as the record gives it, in the language of the README that is there."""
    summary = own.summary
    model, run = summary.model, summary.run
    recipe = None if model is None or run is None else recipe_of(model, run)
    if recipe is None or run is None:
        return {}
    layout = "modelzoo" if (folder / LEVEL_FILE).exists() else "contest"
    inside = (folder / "weights").is_dir()
    inputs = _inputs(folder / SCRIPT, run.inputs, is_adapter=model is not None and model.adapter is not None)
    compared = _compared(folder, summary)
    texts = _text(folder / README)
    made = contents(
        summary,
        recipe,
        inputs or Inputs((), {}),
        compared,
        layout,
        next((each for each in LANGUAGES if f"## {say('title-scoring', each)}\n" in texts), "en"),
        weights_inside=inside,
        as_pixels=False,
    )
    decoded = {place: data.decode() for place, data in made.items()}
    if summary_hash(texts) not in own.hashes or not texts:
        decoded.pop(README)  # a report of another summary: told by its own check
    else:  # PNG or SVG, by what the machine could draw
        decoded[README] = "\n".join(
            line for line in decoded[README].splitlines() if not line.startswith("![npu-adapt ")
        )
    return decoded


def _inputs(script: Path, infos: tuple[InputInfo, ...], *, is_adapter: bool) -> Inputs | None:
    """What a script takes by default, read from it. None: it has no such line, or it is no Python."""
    given, completed = given_in(infos), completed_in(infos)
    try:
        tree = ast.parse(_text(script))
        values = next(
            ast.literal_eval(each.value)
            for each in tree.body
            if isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == "INPUTS" and each.value is not None
        )
    except (SyntaxError, ValueError, StopIteration):
        return None
    there = isinstance(values, tuple) and all(isinstance(value, str) for value in values)
    return Inputs(values, {}, () if values or is_adapter else given, completed) if there else None


def _compared(folder: Path, summary: Summary) -> Inputs | None:
    """The inputs of the comparison, where they are others than the run's."""
    run, compare = summary.run, summary.compare
    if run is None or compare is None or not compare.inputs or compare.inputs == run.inputs:
        return None
    is_adapter = summary.model is not None and summary.model.adapter is not None
    return _inputs(folder / ACCURACY, compare.inputs, is_adapter=is_adapter) or Inputs((), {})


def _text(path: Path) -> str:
    try:
        return read_regular(path, SMALL_FILE).decode(errors="replace")
    except OSError:
        return ""


def _first_difference(path: Path, lines: Sequence[str], expected: Sequence[str], own: OwnSummary) -> AuditFinding:
    length = min(len(lines), len(expected))
    at = next((at for at in range(length) if lines[at] != expected[at]), length)
    stands = lines[at] if at < len(lines) else ""
    return _differs(path, at + 1, stands, expected[at] if at < len(expected) else "", own)


def _differs(path: Path, line: int, stands: str, derived: str, own: OwnSummary) -> AuditFinding:
    values = {"recorded": short(stands), "derived": short(derived), "file": path.name, "source": str(own.path)}
    place = Place(file=str(path), line=line or None, field=path.name, quote=short(stands))
    return AuditFinding(
        id="bundle-differs", nature="contradiction", certainty="certain", places=(place,), values=dict(values)
    )


def _weights_inside(folder: Path, summary: Summary) -> Iterator[AuditFinding]:
    """The weights that travel in the bundle, hashed."""
    recorded = {} if summary.weights is None else {each.name: each for each in summary.weights.files}
    there = {path: each for name, each in recorded.items() if (path := folder / "weights" / name).is_file()}
    for path, hashed in hash_files(there, lambda _count: None):
        if isinstance(hashed, FileHash) and hashed.sha256 != there[path].sha256:
            field = f"weights.files: {path.name}"
            yield of_field("weights-changed", str(path), field, there[path].sha256, hashed.sha256, str(path))


def _recomputed(folder: Path, summary: Summary) -> Iterator[AuditFinding]:
    """Results that the scripts wrote, against their own figures and the record's."""
    for place, check in zip(RAN, (_of_run, _of_accuracy, _of_performance), strict=True):
        try:
            result = json.loads(read_regular(folder / place, SMALL_FILE))
        except (OSError, ValueError):
            continue
        if isinstance(result, dict):
            for field, derived, source in check(result, summary):
                if field in result and result[field] != derived:
                    yield of_field("derived-figure", str(folder / place), field, result[field], derived, source)


def _of_run(result: dict[str, Any], summary: Summary) -> Iterator[tuple[str, Any, str]]:
    if summary.run is not None:
        recorded = msgspec.to_builtins(summary.run.predictions)
        inputs = [each for sample in _samples(result) for each in sample.values()]
        same = not inputs or inputs == [each.sha256 for each in summary.run.inputs]
        yield "same_inputs", same, "inputs, run.inputs"
        yield "same_as_reported", same and result.get("predictions") == list(recorded), "predictions, run.predictions"


def _samples(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The digests of the inputs, sample by sample; what is no mapping is none."""
    found = result.get("inputs")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of_accuracy(result: dict[str, Any], _summary: Summary) -> Iterator[tuple[str, Any, str]]:
    outputs = [each for each in (result.get("outputs") or {}).values() if isinstance(each, dict)]
    for metric in ("max_abs_diff", "mean_abs_diff", "relative_l2", "cosine_similarity"):
        values = [value for each in outputs if isinstance(value := each.get(metric), (int, float))]
        if values and len(values) == len(outputs):
            yield metric, min(values) if metric == "cosine_similarity" else max(values), "outputs"
    error = result.get("relative_l2")
    near = isinstance(error, (int, float)) and error <= 0.01
    within = near and result.get("top1_match", True) is not False and result.get("top5_match") is not False
    yield "match_within_1_percent", within, "relative_l2, top1_match, top5_match"


def _of_performance(result: dict[str, Any], _summary: Summary) -> Iterator[tuple[str, Any, str]]:
    for side in ("device", "cpu"):
        samples = result.get(f"{side}_samples_ms")
        if isinstance(samples, list) and samples and all(isinstance(value, (int, float)) for value in samples):
            yield f"{side}_median_ms", statistics.median(samples), f"{side}_samples_ms"
            yield "iterations", len(samples), f"{side}_samples_ms"
    device, cpu = result.get("device_median_ms"), result.get("cpu_median_ms")
    if isinstance(device, (int, float)) and isinstance(cpu, (int, float)) and device > 0:
        yield "speed_up", cpu / device, "cpu_median_ms / device_median_ms"
