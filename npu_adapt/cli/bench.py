"""`npu-adapt bench`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from npu_adapt.cli import options
from npu_adapt.errors import UsageError
from npu_adapt.progress import Progress

if TYPE_CHECKING:
    from npu_adapt.records import Summary

DTYPES = tuple(choice.value for choice in options.Dtype)
ATTENTIONS = tuple(choice.value for choice in options.Attention)
MODES = ("eager", "compile", "graph")
FEWEST_FOR_GATE = 5
# Parameters that a fresh process does not get: it is the measured one, and its parent writes and prints.
OF_THE_PARENT = frozenset(
    (
        "model",
        "isolate",
        "processes",
        "baseline",
        "fail_above",
        "plot",
        "logs",
        "json",
        "quiet",
        "timeout",
        "details",
        "lang",
    )
)
Value = TypeVar("Value")


def bench(
    ctx: typer.Context,
    model: options.Model = None,
    device: options.Device = "auto",
    iters: Annotated[
        int | None,
        typer.Option(
            "--iters", metavar="N", help="Exactly N samples. Default: until --precision is reached.", show_default=False
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option("--warmup", metavar="N", help="N calls first. Default: until steady.", show_default=False),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="PERCENT",
            help="End when the median is known this well, at 95 % confidence. Default: 1%.",
            show_default=False,
        ),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds",
            metavar="S",
            help="End each row after S seconds. Default: 30 without --iters.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[str, typer.Option("--batch-size", metavar="LIST", help="Such as 1,2,4,8.")] = "1",
    threads: Annotated[
        str | None,
        typer.Option("--threads", metavar="LIST", help="CPU threads, such as 1,2. Default: as torch decides."),
    ] = None,
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="LIST", help=f"Of {', '.join(DTYPES)}; auto is the checkpoint's own.")
    ] = "auto",
    attention: Annotated[
        str, typer.Option("--attention", metavar="LIST", help=f"Of {', '.join(ATTENTIONS)}.")
    ] = "auto",
    mode: Annotated[str, typer.Option("--mode", metavar="LIST", help=f"Of {', '.join(MODES)}.")] = "eager",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="DEVICE", help="Measure in turns with this device: the speed-up."),
    ] = None,
    limits: Annotated[
        bool, typer.Option("--limits/--no-limits", help="Also measure what the device can do at best.")
    ] = True,
    isolate: Annotated[bool, typer.Option("--isolate", help="Measure in a fresh process, pinned to cores.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes", metavar="N", help="Measure in N fresh processes; a baseline takes 5.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="SUMMARY", help="Exit 3 if slower than in this summary.json, beyond noise."),
    ] = None,
    fail_above: Annotated[
        str, typer.Option("--fail-above", metavar="PERCENT", help="How much slower than the baseline is too slow.")
    ] = "5%",
    pace: Annotated[bool, typer.Option("--pace", hidden=True, help="Measure the processor's pace too.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw latency against throughput (extra: plot)."),
    ] = None,
    input: options.Input = None,
    task: options.Task = None,
    hf32: options.Hf32 = None,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    offline: options.Offline = False,
    weights_root: options.WeightsRoot = None,
    cache_dir: options.CacheDir = None,
    logs: options.LogsDir = options.LOGS_DEFAULT,
    seed: options.Seed = 0,
    timeout: options.Timeout = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    details: options.Details = False,
    lang: options.Lang = None,
    allow_pickle: options.AllowPickle = False,
    trust_remote_code: options.TrustRemoteCode = False,
) -> None:
    """Measure latency, throughput and memory, and how far they are from the device's own limit.

    Options that take a LIST make a sweep: one row for each combination, each checked against the CPU first.

    Example: npu-adapt bench google/vit-base-patch16-224 --iters 100 --batch-size 1,4,16
    """
    from npu_adapt.cli.run import run_command

    counts = {"--iters": (iters, 1), "--warmup": (warmup, 0), "--processes": (processes, 1)}
    for name, (value, least) in counts.items():
        if value is not None and value < least:
            raise UsageError(f"{name} {value}: must be {least} or more", hint=f"npu-adapt bench {name} 100")
    if max_seconds is not None and not max_seconds > 0:
        raise UsageError(f"--max-seconds {max_seconds}: must be above zero", hint="npu-adapt bench --max-seconds 30")
    own = {
        "iterations": iters,
        "warmup": warmup,
        "precision": None if precision is None else share("--precision", precision),
        "max_seconds": max_seconds,
        "batch_sizes": values("--batch-size", batch_size, positive),
        "dtypes": values("--dtype", dtype, one_of(DTYPES)),
        "attentions": values("--attention", attention, one_of(ATTENTIONS)),
        "modes": values("--mode", mode, one_of(MODES)),
        "threads": () if threads is None else values("--threads", threads, positive),
        "against": against,
        "with_limits": limits,
        "with_pace": pace,
    }

    if plot is not None:
        from npu_adapt.report.bench_plot import require_drawable

        require_drawable(plot)
    tolerated = share("--fail-above", fail_above)
    isolated = isolate or processes is not None or baseline is not None
    if baseline is not None and processes is not None and processes < FEWEST_FOR_GATE:
        raise UsageError(
            f"--processes {processes}: a gate takes {FEWEST_FOR_GATE} or more", hint="leave --processes out"
        )
    gated = processes is not None or baseline is not None
    rows = [*variants(ctx.params, own)]
    if gated and len(rows) > 1:
        raise UsageError(
            "--processes and --baseline measure one setting, and the options make a sweep",
            hint="sweep first, with --isolate if need be, then give the best row's options with --processes",
        )

    def in_fresh_processes(progress: Progress) -> Summary:
        from npu_adapt.workflows.bench.isolated import Evidence, GateRules, Variant, bench_gated, bench_isolated

        each = [Variant(tuple(measuring_arguments(row)), columns(row), row["threads"]) for row in rows]
        evidence = Evidence(logs, options.command_line())
        if not gated:
            return bench_isolated(each, evidence, progress)
        count = processes or (FEWEST_FOR_GATE if baseline is not None else 1)
        return bench_gated(each[0], GateRules(count, baseline, tolerated), evidence, progress)

    def in_this_process(progress: Progress) -> Summary:
        from npu_adapt.cli.request import run_request
        from npu_adapt.workflows.bench.command import BenchOptions
        from npu_adapt.workflows.bench.command import bench as run_bench

        shared = {name: value for name, value in ctx.params.items() if name not in ("dtype", "attention", "threads")}
        return run_bench(run_request("bench", shared), BenchOptions(**own), progress)  # type: ignore[arg-type]

    def workflow(progress: Progress) -> Summary:
        summary = in_fresh_processes(progress) if isolated else in_this_process(progress)
        if plot is not None:
            from npu_adapt.report.bench_plot import draw

            draw(summary, plot)
        return summary

    run_command("bench", ctx.params, workflow, passed=passes)


def passes(summary: Summary) -> bool:
    """Whether at least one row computed what the reference computes, and the gate, if there is one, passed."""
    bench = summary.bench
    if bench is None or not any(row.status == "measured" for row in bench.rows):
        return False
    return bench.gate is None or bench.gate.passed


SWEPT = {
    "dtype": "dtypes",
    "attention": "attentions",
    "mode": "modes",
    "threads": "threads",
    "batch_size": "batch_sizes",
}


def variants(parameters: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The command's parameters for each row of a sweep, in the order of the rows; `threads` None: as torch decides."""
    for combination in product(*(own[several] or (None,) for several in SWEPT.values())):
        yield {**parameters, **dict(zip(SWEPT, combination, strict=True))}


def columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the columns of a row that was not measured."""
    return {**{name: row[name] for name in SWEPT}, "threads": row["threads"] or 0}


def measuring_arguments(parameters: Mapping[str, Any]) -> list[str]:
    """The command's parameters as arguments again, without those that are about processes, evidence and printing."""
    arguments = [str(parameters["model"])] if parameters["model"] is not None else []
    for name, value in parameters.items():
        option = f"--{name.replace('_', '-')}"
        if name in OF_THE_PARENT or value is None or value is False:
            continue
        if value is True:
            arguments.append(option)
        elif isinstance(value, (list, tuple)):
            arguments += [part for each in value for part in (option, str(each))]
        else:
            arguments += [option, str(getattr(value, "value", value))]
    negated = {"limits": "--no-limits", "hf32": "--no-hf32"}
    return arguments + [flag for name, flag in negated.items() if parameters[name] is False]


def values(name: str, text: str, parse: Callable[[str], Value]) -> tuple[Value, ...]:
    """The values of a comma-separated option, each once. Raises `UsageError` for one that does not parse."""
    try:
        return tuple(dict.fromkeys(parse(part.strip()) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(f"{name} {text}: {error}", hint="separate several with commas, without spaces") from error


def positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise ValueError(f"{text!r} is not a whole number above zero")
    return number


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return parse


def share(name: str, text: str) -> float:
    """`5%` or `0.05` as 0.05. Raises `UsageError` unless it is above 0 and below 1."""
    number = text.strip()
    try:
        value = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(f"{name} {text}: not a number", hint=f"npu-adapt bench {name} 1%") from error
    if not 0 < value < 1:
        raise UsageError(f"{name} {text}: must be above 0 and below 100 %", hint=f"npu-adapt bench {name} 1%")
    return value
