"""`npu-adapt infer`."""

from __future__ import annotations

from npu_adapt.cli import options
from npu_adapt.cli.parameters import takes
from npu_adapt.progress import Progress
from npu_adapt.records import Summary
from npu_adapt.workflows.run.request import RunRequest

TABLE: options.Table = {
    "model": options.MODEL,
    "device": options.DEVICE,
    "dtype": options.DTYPE,
    "attention": options.ATTENTION,
    "weights": options.WEIGHTS,
    "inputs": options.INPUTS,
    "task": options.TASK,
    **options.RUN,
}


@takes(TABLE)
def infer(request: RunRequest, output: options.Output) -> None:
    """Run a model once on one device: predictions, output shapes, timings.

    Example: npu-adapt infer google/vit-base-patch16-224 --device npu:0 --input cat.jpg
    """
    from npu_adapt.cli.run import run_command

    def workflow(progress: Progress) -> Summary:
        from npu_adapt.workflows.run.infer import infer as run_infer

        return run_infer(request, progress)

    run_command("infer", output, request.logs, workflow)
