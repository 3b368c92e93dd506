"""Explanations drawn with Rich: one article or page, and the list of all."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from npu_adapt.report.explanations import pages, topics
from npu_adapt.report.phrases import PHRASES, Language


def explained(text: str) -> RenderableType:
    """Markdown of ours, as Rich draws it."""
    return Markdown(text, hyperlinks=False)


def list_of_articles(language: Language) -> RenderableType:
    """Every id by topic, each topic a paragraph, and how to ask for one."""
    parts: list[RenderableType] = []
    for topic in topics(language):
        parts += [Text(topic.title, style="bold"), _names(article.id for article in topic.articles)]
    parts += [Text(_say("explain-pages", language), style="bold"), _names(pages(language))]
    return Group(*parts, Text(_say("explain-how", language)))


def _names(names: Iterable[str]) -> RenderableType:
    return Padding(Text("  ".join(names)), (0, 0, 0, 2))


def _say(key: str, language: Language) -> str:
    return PHRASES[key].zh if language == "zh" else PHRASES[key].en
