"""`npu-adapt explain`."""

from __future__ import annotations

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.report.phrases.phrase import Language

TABLE: options.Table = {
    "name": Option("An id, a word or a page; left out: the list.", metavar="[ID]", is_argument=True),
    "lang": options.LANG,
}


@takes(TABLE)
def explain(name: tuple[str, ...] = (), lang: Language | None = None) -> None:
    """Say what a finding, warning, rule, exit code or word means, and what to do about it. Works offline.

    Example: npu-adapt explain noise-floor
    """
    from npu_adapt.cli.console import print_result
    from npu_adapt.report import explanations
    from npu_adapt.report.explained import explained, list_of_articles
    from npu_adapt.report.language import language_of

    language = language_of(lang)
    if not name:
        print_result(list_of_articles(language))
        return
    asked = " ".join(name)
    text = explanations.explanation(asked, language)
    if text is None:
        alike = explanations.alike(asked)
        hint = (
            Sentence("perhaps {names}", names=", ".join(alike))
            if alike
            else "npu-adapt explain lists all that it knows"
        )
        raise UsageError(Sentence("npu-adapt explain knows no {asked!r}", asked=asked), hint=hint)
    print_result(explained(text))
