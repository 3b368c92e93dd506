"""`npu-adapt compare`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from npu_adapt.cli import options
from npu_adapt.progress import Progress
from npu_adapt.records import Summary


class Rule(str, Enum):
    """By which rule the verdict is given; the others' outcome is always shown beside it."""

    noise_floor = "noise-floor"
    field = "field"
    tolerance = "tolerance"


class Arithmetic(str, Enum):
    """What the device's matrix unit is held to; `auto` finds out and accepts what suits the model's type."""

    auto = "auto"
    float32 = "float32"
    hf32 = "hf32"
    float16 = "float16"
    bfloat16 = "bfloat16"


class Rehearsal(str, Enum):
    """Arithmetics that a rehearsal emulates on the CPU."""

    hf32 = "hf32"
    float16 = "float16"
    bfloat16 = "bfloat16"


def compare(
    ctx: typer.Context,
    model: options.Model = None,
    device: options.Device = "auto",
    reference: Annotated[str, typer.Option("--reference", metavar="NAME", help="The device to compare with.")] = "cpu",
    dtype: options.DtypeOption = options.Dtype.auto,
    attention: options.AttentionOption = options.Attention.auto,
    input: options.Input = None,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=1, help="How many different inputs.")] = 1,
    task: options.Task = None,
    rule: Annotated[Rule, typer.Option("--rule", help="The rule of the verdict.")] = Rule.noise_floor,
    rtol: Annotated[float | None, typer.Option("--rtol", min=0, help="For --rule tolerance.")] = None,
    atol: Annotated[float | None, typer.Option("--atol", min=0, help="For --rule tolerance.")] = None,
    arithmetic: Annotated[
        Arithmetic, typer.Option("--arithmetic", help="What the device's matrix unit is held to.")
    ] = Arithmetic.auto,
    rehearse: Annotated[
        Rehearsal | None,
        typer.Option("--rehearse", help="Without a device: emulate this arithmetic on the CPU.", show_default=False),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="One forward a side, the field's rule, no noise floor.")] = False,
    save_outputs: Annotated[
        Path | None, typer.Option("--save-outputs", metavar="DIR", help="Keep both sides' outputs as safetensors.")
    ] = None,
    rejudge: Annotated[
        Path | None,
        typer.Option("--rejudge", metavar="DIR", help="Judge what --save-outputs kept, without running anything."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="FILE", help="Also fail on what got worse since that summary.json."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw the error of each operator over depth (extra: plot)."),
    ] = None,
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
    """Compare a device with the CPU on the same weights and inputs: metrics and a verdict.

    Exit code 3: the verdict is "fail".

    Example: npu-adapt compare google/vit-base-patch16-224 --device npu:0
    """
    from npu_adapt.cli.request import run_request
    from npu_adapt.cli.run import run_command

    request = run_request("compare", ctx.params)

    def workflow(progress: Progress) -> Summary:
        from npu_adapt.workflows.compare.command import compare as run_compare
        from npu_adapt.workflows.compare.options import CompareOptions
        from npu_adapt.workflows.compare.rejudge import rejudge as judge_again

        asked = CompareOptions(
            reference=reference,
            rule=rule.value,
            rtol=rtol,
            atol=atol,
            arithmetic=arithmetic.value,
            fast=fast,
            save_outputs=save_outputs,
            baseline=baseline,
            accumulate=plot is not None,
        )
        summary = run_compare(request, asked, progress) if rejudge is None else judge_again(rejudge, request, asked)
        if plot is not None:
            from npu_adapt.report.depth_plot import draw

            draw(summary, plot)
        return summary

    run_command("compare", ctx.params, workflow, passed=_passed)


def _passed(summary: Summary) -> bool:
    """The verdict is "pass", and nothing got worse since the baseline."""
    compare = summary.compare
    if compare is None or not compare.verdict.passed:
        return False
    return compare.baseline is None or not compare.baseline.regressions
