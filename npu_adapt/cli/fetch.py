"""`npu-adapt fetch`."""

from __future__ import annotations

from typing import Annotated

import typer

from npu_adapt.cli import options


def fetch(
    ctx: typer.Context,
    model: options.NamedModel,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="PATTERN", help="Also bring files that match; repeatable: onnx/*.onnx"),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave out files that match; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files and their sizes; bring and write nothing.")
    ] = False,
    offline: options.Offline = False,
    weights_root: options.WeightsRoot = None,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    details: options.Details = False,
    lang: options.Lang = None,
    allow_pickle: options.AllowPickle = False,
) -> None:
    """Bring a model to this disk, verify every byte, and register it. What is here already is not downloaded.

    Example: npu-adapt fetch google/vit-base-patch16-224
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.request import model_request
    from npu_adapt.workflows.models.fetch import fetch_and_register

    fetched = fetch_and_register(model_request(ctx.params), progress_for(quiet=quiet), dry_run=dry_run)

    if json:
        from npu_adapt.cli.run import print_json

        print_json(fetched)
    else:
        from npu_adapt.cli.console import print_lines
        from npu_adapt.report.fetched_lines import fetched_lines
        from npu_adapt.report.language import language_of

        language = language_of(options.value_of(lang))
        print_lines(fetched_lines(fetched, language, details=details))
