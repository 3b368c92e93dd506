"""`npu-adapt infer`."""

from __future__ import annotations

import typer

from npu_adapt.cli import options
from npu_adapt.progress import Progress
from npu_adapt.records import Summary


def infer(
    ctx: typer.Context,
    model: options.Model = None,
    device: options.Device = "auto",
    dtype: options.DtypeOption = options.Dtype.auto,
    attention: options.AttentionOption = options.Attention.auto,
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
    """Run a model once on one device: predictions, output shapes, timings.

    Example: npu-adapt infer google/vit-base-patch16-224 --device npu:0 --input cat.jpg
    """
    from npu_adapt.cli.request import run_request
    from npu_adapt.cli.run import run_command

    request = run_request("infer", ctx.params)

    def workflow(progress: Progress) -> Summary:
        from npu_adapt.workflows.run.infer import infer as run_infer

        return run_infer(request, progress)

    run_command("infer", ctx.params, workflow)
