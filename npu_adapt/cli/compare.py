"""`npu-adapt compare`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.progress import Progress
from npu_adapt.records import Summary
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest

TABLE: options.Table = {
    "model": options.MODEL,
    "device": options.DEVICE,
    "reference": Option("The device to compare with.", metavar="NAME"),
    "dtype": options.DTYPE,
    "attention": options.ATTENTION,
    "weights": options.WEIGHTS,
    "inputs": options.INPUTS,
    "samples": Option("How many different inputs.", metavar="N"),
    "task": options.TASK,
    "max_memory": Option("Take at most so much memory: 8GB. Weights beyond it stay in their files.", metavar="SIZE"),
    "rule": Option("The rule of the verdict."),
    "rtol": Option("For --rule tolerance."),
    "atol": Option("For --rule tolerance."),
    "arithmetic": Option("What the device's matrix unit is held to."),
    "mode": Option("Also compiled or captured: eager,compile,graph.", metavar="LIST", is_list=True),
    "rehearse": Option("Without a device: emulate this arithmetic on the CPU."),
    "generate": Option("Both sides also write so many tokens, judged one by one.", metavar="N"),
    "original": Option("What a quantised model was made from: shows what that lost.", metavar="MODEL"),
    "fast": Option("One forward a side, the field's rule, no noise floor."),
    "save_outputs": Option("Keep both sides' outputs as safetensors.", metavar="DIR"),
    "rejudge": Option("Judge what --save-outputs kept, without running anything.", metavar="DIR"),
    "baseline": Option("Also fail on what got worse since that summary.json.", metavar="FILE"),
    "soak": Option("Forwards under load for so long, every bit watched: 10m.", metavar="TIME", is_duration=True),
    "repro": Option("Write each failing operator as a folder: inputs, script, issue.", metavar="DIR"),
    "plot": Option("Draw the error of each operator over depth (extra: plot).", metavar="FILE.png"),
    **options.RUN,
}


@takes(TABLE)
def compare(
    request: RunRequest,
    judged: CompareOptions,
    output: options.Output,
    rejudge: Path | None = None,
    plot: Path | None = None,
) -> None:
    """Compare a device with the CPU on the same weights and inputs: metrics and a verdict.

    Exit code 3: the verdict is "fail".

    Example: npu-adapt compare google/vit-base-patch16-224 --device npu:0
    """
    from npu_adapt.cli.run import run_command

    def workflow(progress: Progress) -> Summary:
        from npu_adapt.workflows.compare.command import compare as run_compare
        from npu_adapt.workflows.compare.rejudge import rejudge as judge_again

        asked = replace(judged, accumulate=plot is not None)
        summary = (
            run_compare(request, asked, progress) if rejudge is None else judge_again(rejudge, request, asked, progress)
        )
        if plot is not None:
            from npu_adapt.report.depth_plot import draw

            draw(summary, plot)
        return summary

    run_command("compare", output, request.logs, workflow, passed=_passed)


def _passed(summary: Summary) -> bool:
    """The verdict is "pass", and nothing got worse since the baseline."""
    compare = summary.compare
    if compare is None or not compare.verdict.passed:
        return False
    return compare.baseline is None or not compare.baseline.regressions
