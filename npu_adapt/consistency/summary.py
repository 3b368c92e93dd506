"""All contradictions of a summary: of its sections, and between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any

from npu_adapt.consistency.bench import of_bench
from npu_adapt.consistency.compare import of_compare
from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.records import ModelInfo, Said, Summary
from npu_adapt.report.language import sentence_of
from npu_adapt.report.phrases.messages import CHINESE

STATUSES = ("SUCCESS", "FAILED", "REHEARSED")
IMPOSSIBLE = (ArithmeticError, ValueError, LookupError)  # a sum of nothing, a division by zero: no run gives them
REHEARSED = "rehearsed:"
HUBS = ("modelscope", "huggingface")
ADAPTER = "adapter"
_SHA256 = re.compile("[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


def contradictions(summary: Summary) -> tuple[Contradiction, ...]:
    """Every field that is not what it derives from, in the order of the record; empty for what npu-adapt wrote."""
    found: list[Contradiction] = []
    for section, check in CHECKS:
        try:
            found += check(summary)
        except IMPOSSIBLE as error:
            found.append(Contradiction(section, str(error), "figures that can be computed with", "its derived figures"))
    return tuple(found)


def _of_top(summary: Summary) -> Iterator[Contradiction]:
    if not _MOMENT.fullmatch(summary.created_at):
        yield Contradiction("created_at", summary.created_at, "a moment in UTC", "its form")
    if summary.commands and summary.command not in summary.commands.values():
        yield Contradiction("command", summary.command, tuple(summary.commands.values()), "commands")
    for name in ("compare", "bench"):
        if getattr(summary, name) is not None and summary.run is None:
            yield Contradiction(name, "a section", "none", "run, which is null")


def _of_model(summary: Summary) -> Iterator[Contradiction]:
    model = summary.model
    if model is not None and (model.adapter is not None or model.source == ADAPTER):
        yield from _of_adapter(model)
    if model is None or model.source not in HUBS or "/" not in model.id:
        return
    yield from held("model.organization", model.organization, model.id.split("/")[0], "model.id")
    if model.url is not None and model.id not in model.url:
        yield Contradiction("model.url", model.url, model.id, "model.id")


def _of_adapter(model: ModelInfo) -> Iterator[Contradiction]:
    """The file that built the model: its text has the hash, and the model its name."""
    yield from held("model.adapter", model.adapter is not None, model.source == ADAPTER, "model.source")
    if model.adapter is None:
        return
    file = model.adapter
    yield from held("model.adapter.sha256", file.sha256, sha256(file.text.encode()).hexdigest(), "model.adapter.text")
    name = file.path.replace("\\", "/").rpartition("/")[2] + ("" if file.name is None else f":{file.name}")
    yield from held("model.id", model.id, name, "model.adapter.path and model.adapter.name")


def _of_weights(summary: Summary) -> Iterator[Contradiction]:
    weights = summary.weights
    if weights is None:
        return
    for at, file in enumerate(weights.files):
        if not _SHA256.fullmatch(file.sha256):
            yield Contradiction(f"weights.files.{at}.sha256", file.sha256, "64 hexadecimal digits", "its form")
    proven = weights.proven_parameters > 0 and bool(weights.files)
    if weights.pretrained_used and not proven:
        yield Contradiction("weights.pretrained_used", True, False, "weights.proven_parameters and weights.files")


def _of_sentence(field: str, text: str, said: Said | None, source: str) -> Iterator[Contradiction]:
    """The text from its template and values; of a template that is not known here, nothing follows."""
    if said is not None and said.id in CHINESE:
        yield from held(field, text, str(sentence_of(said) or ""), source)


def _of_run(summary: Summary) -> Iterator[Contradiction]:
    run = summary.run
    if run is None:
        return
    if run.status not in STATUSES:
        yield Contradiction("run.status", run.status, STATUSES, "its values")
    failed = run.failure is not None or _is_wrong(summary)
    yield from held("run.status", run.status == "FAILED", failed, "run.failure and bench.rows")
    if run.failure is not None:
        yield from _of_sentence("run.failure.message", run.failure.message, run.failure.said, "run.failure.said")
    for at, given in enumerate(run.inputs):
        yield from _of_sentence(f"run.inputs.{at}.origin", given.origin, given.said, f"run.inputs.{at}.said")
    if run.status != "FAILED":
        rehearsed = run.device.startswith(REHEARSED)
        yield from held("run.status", run.status, "REHEARSED" if rehearsed else "SUCCESS", "run.device")
    for at, prediction in enumerate(run.predictions):
        if prediction.index < 0:
            yield Contradiction(f"run.predictions.{at}.index", prediction.index, "0 or more", "its values")
    bench, timings = summary.bench, run.timings_ms
    if timings is None:
        return
    for name in ("load", "first_forward", "warm_forward"):
        value = getattr(timings, name)
        if value is not None and value < 0:
            yield Contradiction(f"run.timings_ms.{name}", value, "0 or more", "its values")
    last = _last_command(summary)
    if bench is not None and last == "bench":
        source = "bench.latency_ms.median"
        yield from held("run.timings_ms.warm_forward", timings.warm_forward, bench.latency_ms.median, source)
    compare = summary.compare
    if compare is not None and last == "compare" and compare.latency is not None and "--rejudge" not in summary.command:
        source = "compare.latency.candidate_ms"
        yield from held("run.timings_ms.warm_forward", timings.warm_forward, compare.latency.candidate_ms, source)


def _is_wrong(summary: Summary) -> bool:
    """Whether the run is that of a benchmark which timed wrong numbers only."""
    rows = () if summary.bench is None else summary.bench.rows
    return bool(rows) and _last_command(summary) == "bench" and not any(row.status == "measured" for row in rows)


def _last_command(summary: Summary) -> str | None:
    """The command that wrote `run`; None: the summary names none."""
    return {line: name for name, line in summary.commands.items()}.get(summary.command)


def _of_reasons(summary: Summary) -> Iterator[Contradiction]:
    """A field that has a reason for being null, and a value."""
    for path in summary.reasons:
        values = [each for each in _at(summary, path.split(".")) if not _is_empty(each)]
        if values:
            yield Contradiction(path, values[0], None, f"reasons[{path!r}]")


def _at(value: Any, path: list[str]) -> list[Any]:
    """What stands at the path; of a tuple without a position every element."""
    if not path or value is None:
        return [value]
    if isinstance(value, tuple):
        if path[0].isdecimal():
            return _at(value[int(path[0])], path[1:]) if int(path[0]) < len(value) else []
        return [found for each in value for found in _at(each, path)]
    if isinstance(value, dict):
        return _at(value.get(path[0]), path[1:])
    return _at(getattr(value, path[0], None), path[1:])


def _is_empty(value: Any) -> bool:
    return value is None or value == ()


# In the order of the record, each with the section that it is about.
CHECKS: tuple[tuple[str, Callable[[Summary], Iterable[Contradiction]]], ...] = (
    ("created_at", _of_top),
    ("model", _of_model),
    ("weights", _of_weights),
    ("run", _of_run),
    ("compare", of_compare),
    ("bench", of_bench),
    ("reasons", _of_reasons),
)
