"""`npu-adapt explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from npu_adapt.cli import options
from npu_adapt.errors import UsageError


def explain(
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]", help="An id, a word or a page; left out: the list.", show_default=False),
    ] = None,
    lang: options.Lang = None,
) -> None:
    """Say what a finding, warning, rule, exit code or word means, and what to do about it. Works offline.

    Example: npu-adapt explain noise-floor
    """
    from npu_adapt.cli.console import print_result
    from npu_adapt.report import explanations
    from npu_adapt.report.explained import explained, list_of_articles
    from npu_adapt.report.language import language_of

    language = language_of(lang.value if lang else None)
    if not name:
        print_result(list_of_articles(language))
        return
    asked = " ".join(name)
    text = explanations.explanation(asked, language)
    if text is None:
        alike = explanations.alike(asked)
        hint = f"perhaps {', '.join(alike)}" if alike else "npu-adapt explain lists all that it knows"
        raise UsageError(f"npu-adapt explain knows no {asked!r}", hint=hint)
    print_result(explained(text))
