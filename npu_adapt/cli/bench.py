"""`npu-adapt bench`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.progress import Progress
from npu_adapt.records import Summary
from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses, Mode
from npu_adapt.workflows.run.request import Attention, Dtype, RunRequest


def _of(choice: object) -> str:
    return f"Of {', '.join(get_args(choice))}"


TABLE: options.Table = {
    "model": options.MODEL,
    "device": options.DEVICE,
    "iterations": Option(
        "Exactly N samples. Default: until --precision is reached.", spelling=("--iters",), metavar="N"
    ),
    "warmup": Option("N calls first. Default: until steady.", metavar="N"),
    "precision": Option(
        "End when the median is known this well, at 95 % confidence. Default: 1%.", metavar="PERCENT", is_share=True
    ),
    "max_seconds": Option("End each row after S seconds. Default: 30 without --iters.", metavar="S"),
    "batch_sizes": Option("Such as 1,2,4,8.", spelling=("--batch-size",), metavar="LIST", is_list=True),
    "threads": Option("CPU threads, such as 1,2. Default: as torch decides.", metavar="LIST", is_list=True),
    "dtypes": Option(
        f"{_of(Dtype)}; auto is the checkpoint's own.", spelling=("--dtype",), metavar="LIST", is_list=True
    ),
    "attentions": Option(f"{_of(Attention)}.", spelling=("--attention",), metavar="LIST", is_list=True),
    "modes": Option(f"{_of(Mode)}.", spelling=("--mode",), metavar="LIST", is_list=True),
    "against": Option("Measure in turns with this device: the speed-up.", metavar="DEVICE"),
    "with_limits": Option("Also measure what the device can do at best.", spelling=("--limits/--no-limits",)),
    "isolate": Option("Measure in a fresh process, pinned to cores."),
    "processes": Option("Measure in N fresh processes; a baseline takes 5.", metavar="N"),
    "baseline": Option("Exit 3 if slower than in this summary.json, beyond noise.", metavar="SUMMARY"),
    "fail_above": Option("How much slower than the baseline is too slow.", metavar="PERCENT", is_share=True),
    "plot": Option("Draw latency against throughput (extra: plot).", metavar="FILE.png"),
    "weights": options.WEIGHTS,
    "inputs": options.INPUTS,
    "task": options.TASK,
    **options.RUN,
}


@takes(TABLE)
def bench(
    request: RunRequest,
    measured: BenchOptions,
    output: options.Output,
    fresh: FreshProcesses,
    plot: Path | None = None,
) -> None:
    """Measure latency, throughput and memory, and how far they are from the device's own limit.

    Options that take a LIST make a sweep: one row for each combination, each checked against the CPU first.

    Example: npu-adapt bench google/vit-base-patch16-224 --iters 100 --batch-size 1,4,16
    """
    from npu_adapt.cli.run import run_command

    if plot is not None:
        from npu_adapt.report.bench_plot import require_drawable

        require_drawable(plot)

    def workflow(progress: Progress) -> Summary:
        if fresh.are_wanted:
            from npu_adapt.workflows.bench.isolated import bench_in_fresh_processes

            summary = bench_in_fresh_processes(request, measured, fresh, progress)
        else:
            from npu_adapt.workflows.bench.command import bench as run_bench

            summary = run_bench(request, measured, progress)
        if plot is not None:
            from npu_adapt.report.bench_plot import draw

            draw(summary, plot)
        return summary

    run_command("bench", output, request.logs, workflow, passed=passes)


def passes(summary: Summary) -> bool:
    """Whether at least one row computed what the reference computes, and the gate, if there is one, passed."""
    bench = summary.bench
    if bench is None or not any(row.status == "measured" for row in bench.rows):
        return False
    return bench.gate is None or bench.gate.passed
