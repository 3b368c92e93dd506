"""Comparisons with the CPU: correct kernels must pass, and the arithmetic must be named."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.device import models
from tests.device.part import ROOT, Context, Report, Skipped
from tests.device.suite import SETTINGS

MOST_FINDINGS = 5  # that are kept of one comparison


def compared(context: Context, model: Path, setting: str, **options: Any) -> dict[str, Any]:
    """One comparison in this process, as a row: the verdict, the arithmetic found, the operators' margins."""
    from npu_adapt.errors import DeviceUnavailable
    from tests.device.commands import compare_on

    asked = pinned(context, setting)
    started = time.perf_counter()
    row: dict[str, Any] = {"model": model.name, "setting": setting}
    try:
        summary = compare_on(context, model, f"{setting}/{model.name}", **asked, **options)
    except DeviceUnavailable:
        raise  # nor would any other model find it
    except ImportError as error:
        return row | {"passed": None, "left_out": " ".join(str(error).split())[:200], "seconds": _since(started)}
    except Exception as error:  # noqa: BLE001 - one model must not sink the others
        return row | {"passed": None, "error": f"{type(error).__name__}: {error}"[:400], "seconds": _since(started)}
    return row | figures(summary) | {"seconds": _since(started)}


def pinned(context: Context, setting: str) -> dict[str, Any]:
    """The request's fields of a setting. A device without the flags has nothing to pin."""
    from npu_adapt.devices.names import parse_device_name

    asked = dict(SETTINGS[setting])
    backend = parse_device_name(context.device).backend
    if backend is None or not backend.hf32_flags:
        if asked.get("hf32"):
            raise Skipped(f"{context.device} has no flag for a coarser float32")
        asked.pop("hf32", None)
    return asked


def figures(summary: Any) -> dict[str, Any]:
    """What the table and the histogram need of a comparison's record."""
    from tests.device.commands import words

    compare, run = summary.compare, summary.run
    arithmetic = compare.arithmetic
    return {
        "passed": compare.verdict.passed,
        "reasons": [words(term) for term in compare.verdict.terms if not term.holds],
        "relative_l2": compare.relative_l2,
        "over_floor": max((each.error_over_floor or 0.0 for each in compare.outputs), default=None),
        "readings": {
            each.operators: {
                "arithmetic": each.arithmetic,
                "operand_bits": each.operand_bits,
                "rounding": each.rounding,
                "accumulation_bits": each.accumulation_bits,
                "flushes_denormals": each.flushes_denormals,
            }
            for each in (arithmetic.readings if arithmetic else ())
        },
        "arithmetic": {each.operators: each.arithmetic for each in (arithmetic.readings if arithmetic else ())},
        "judged_at": arithmetic.judged_at if arithmetic else None,
        "numerics": dict(run.numerics),
        "operators_judged": compare.operators_judged,
        "suspects": [
            f"{each.operator} in {each.module} ({each.test}, {each.error_over_floor})"
            for each in compare.operators[:MOST_FINDINGS]
        ],
        "repeats": None if compare.repeats is None else compare.repeats.candidate_differing,
        "latency_ms": None if compare.latency is None else compare.latency.candidate_ms,
        "margins": ratios(compare.depth),
    }


def ratios(depth: Any) -> dict[str, list[float]]:
    """Error over floor of each operator of a forward, by the operator's name."""
    found: dict[str, list[float]] = {}
    if depth is None:
        return found
    for operator, error, floor in zip(depth.operator, depth.isolated, depth.isolated_floor, strict=True):
        if floor > 0:
            found.setdefault(operator, []).append(float(f"{error / floor:.3g}"))
    return found


def tiny_models(context: Context, report: Report) -> None:
    """Every tiny model of the task table in one setting: none may fail, and TF32 must be named."""
    setting = context.arguments["setting"]
    pinned(context, setting)
    rows: list[dict[str, Any]] = []
    for name in models.tiny_names(context):
        rows.append(compared(context, models.tiny(context, name), setting))
        print(rows[-1]["model"], rows[-1]["passed"], rows[-1].get("error", ""), flush=True)
        _summarize(report, rows)
    _check(context, report, rows)


def large_model(context: Context, report: Report) -> None:
    """One model of real size in several settings."""
    model = models.large(context, context.arguments["model"])
    rows: list[dict[str, Any]] = []
    for setting in context.arguments["settings"]:
        try:
            rows.append(compared(context, model, setting))
        except Skipped:
            continue
        _summarize(report, rows)
    _check(context, report, rows)


def language_model(context: Context, report: Report) -> None:
    """A language model of a billion parameters: quickly first, then with its floor."""
    model = models.large(context, "llama-1b")
    (setting,) = context.arguments["settings"]
    quick = compared(context, model, setting, fast=True)
    report.put(fast=quick)
    report.check("it runs", "error" not in quick, quick.get("error"), "no error")
    rows = [compared(context, model, setting)]
    _summarize(report, rows)
    _check(context, report, rows)


def _summarize(report: Report, rows: list[dict[str, Any]]) -> None:
    good = sum(bool(row["passed"]) for row in rows)
    judged = sum(row.get("operators_judged", 0) for row in rows)
    worst = max((row.get("over_floor") or 0.0 for row in rows), default=0.0)
    found = next((row["arithmetic"] for row in rows if row.get("arithmetic")), {})
    named = ", ".join(f"{kind} {name}" for kind, name in found.items())
    left_out = sum("left_out" in row for row in rows)
    report.put(comparisons=rows)
    report.say(f"{good} of {len(rows) - left_out} pass, {judged} operators, worst {worst:.2f} floors; {named}")


def _check(context: Context, report: Report, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if "left_out" in row:  # a library that the model's own code asks for
            continue
        said = row.get("error") or "; ".join((*row.get("terms", ()), *row.get("suspects", ())))
        report.check(f"{row['model']} in {row['setting']} passes", bool(row["passed"]), said, "no false alarm")
        found = row.get("arithmetic")
        if found and not context.small:
            _check_arithmetic(report, row["setting"], row["model"], found)


def _check_arithmetic(report: Report, setting: str, model: str, found: dict[str, str | None]) -> None:
    """What the flags ask for is what the probe must name."""
    coarse = {"tf32", "hf32"}
    for operators in ("matmul", "conv"):
        name = f"{operators} of {model} in {setting} is named"
        if setting == "float32":
            report.check(name, found.get(operators) == "float32", found.get(operators), "float32")
        elif setting == "float32-tf32":
            report.check(name, found.get(operators) in coarse, found.get(operators), "tf32, or an NPU's hf32")
        elif setting in ("float16", "bfloat16"):
            report.check(name, found.get(operators) == setting, found.get(operators), setting)


def in_mode(context: Context, report: Report) -> None:
    """`compare --mode`: the compiled or captured model against the CPU."""
    mode = context.arguments["mode"]
    _require_option("--mode")
    _command_line(context, report, [models.tiny(context, "vit"), models.large(context, "vit-b16")], "--mode", mode)


def generated(context: Context, report: Report) -> None:
    """`compare --generate`: the tokens that both sides choose."""
    _require_option("--generate")
    _command_line(context, report, [models.tiny(context, "llama")], "--generate", "8")


def _require_option(option: str) -> None:
    shown = _run(["compare", "--help"], 60)
    if re.search(rf"(?<![\w-]){option}(?![\w-])", shown.stdout) is None:
        raise Skipped(f"npu-adapt compare has no {option} in this version")


def _command_line(context: Context, report: Report, folders: list[Path], *options: str) -> None:
    rows = []
    for folder in folders:
        started = time.perf_counter()
        logs = context.work / folder.name
        done = _run(
            ["compare", str(folder), "--device", context.device, "--offline", "--quiet", "--logs", str(logs), *options],
            100,
        )
        rows.append({"model": folder.name, "options": options, "code": done.returncode, "seconds": _since(started)})
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        report.check(f"{folder.name} {' '.join(options)} passes", done.returncode == 0, " / ".join(said), "exit code 0")
        report.put(runs=rows)
        report.say(f"{sum(row['code'] == 0 for row in rows)} of {len(rows)} pass")


def _run(arguments: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "npu_adapt", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)
