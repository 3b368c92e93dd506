"""`npu-adapt fetch`."""

from __future__ import annotations

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.models.request import ModelRequest

TABLE: options.Table = {
    "model": options.NAMED_MODEL,
    "revision": options.REVISION,
    "source": options.SOURCE,
    "include": Option("Also bring files that match; repeatable: onnx/*.onnx", metavar="PATTERN"),
    "exclude": Option("Leave out files that match; repeatable.", metavar="PATTERN"),
    "dry_run": Option("Print the files and their sizes; bring and write nothing."),
    "offline": options.OFFLINE,
    "weights_roots": options.WEIGHTS_ROOTS,
    "cache_dir": options.CACHE_DIR,
    **options.OUTPUT,
    "allow_pickle": options.ALLOW_PICKLE,
}


@takes(TABLE)
def fetch(request: ModelRequest, output: options.Output, dry_run: bool = False) -> None:
    """Bring a model to this disk, verify every byte, and register it. What is here already is not downloaded.

    Example: npu-adapt fetch google/vit-base-patch16-224
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.workflows.models.fetch import fetch_and_register

    fetched = fetch_and_register(request, progress_for(quiet=output.quiet, language=output.language), dry_run=dry_run)

    if output.json:
        from npu_adapt.cli.run import print_json

        print_json(fetched)
    else:
        from npu_adapt.cli.console import print_lines
        from npu_adapt.report.fetched_lines import fetched_lines

        print_lines(fetched_lines(fetched, output.language, details=output.details))
