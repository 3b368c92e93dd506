"""What `npu-adapt explain` knows: an article for each id that a screen shows, and the longer pages.

Both are Markdown in `npu_adapt/docs/LANGUAGE/`. An article is a section of a file in `explain/`: its heading is the id,
then a title if it has one. A page is a file beside that folder, by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from npu_adapt.report.phrases import Language

DOCUMENTS = Path(__file__).parents[1] / "docs"
MOST_ALIKE = 3  # ids offered for one that is not known


@dataclass(frozen=True)
class Article:
    """What one id means, how it is measured, and what to do about it: Markdown."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Topic:
    """Articles of one kind, in the order of their file."""

    title: str
    articles: tuple[Article, ...]


@lru_cache(maxsize=2)
def topics(language: Language) -> tuple[Topic, ...]:
    """All articles, by topic."""
    texts = sorted((DOCUMENTS / language / "explain").glob("*.md"))
    return tuple(_topic(file.read_text(encoding="utf-8")) for file in texts)


def _topic(text: str) -> Topic:
    head, *sections = text.split("\n## ")
    return Topic(head.removeprefix("# ").strip(), tuple(_article(section) for section in sections))


def _article(section: str) -> Article:
    heading, _, text = section.partition("\n")
    name, _, title = heading.partition(" ")
    return Article(name, title or name, text.strip())


def pages(language: Language) -> Mapping[str, str]:
    """The longer documents by name; the README is the first page of the project and not one of them."""
    found = sorted((DOCUMENTS / language).glob("*.md"))
    return {file.stem: file.read_text(encoding="utf-8") for file in found if file.stem != "README"}


def explanation(asked: str, language: Language) -> str | None:
    """The Markdown that explains an id, a word or a page; None for what is not known.

    Case, spaces and underscores do not matter: "Noise floor" is `noise-floor`.
    """
    wanted = _plain(asked)
    articles = (each for topic in topics(language) for each in topic.articles if _plain(each.id) == wanted)
    found = [f"## {each.id}\n\n{_titled(each)}{each.text}" for each in articles]  # a rule and a word may share an id
    found += [text for name, text in pages(language).items() if _plain(name) == wanted]
    return "\n\n".join(found) or None


def _titled(article: Article) -> str:
    return "" if article.title == article.id else f"**{article.title}**\n\n"


def known_ids(language: Language = "en") -> tuple[str, ...]:
    """Every id that has an article, then the names of the pages."""
    return (*(article.id for topic in topics(language) for article in topic.articles), *pages(language))


def alike(asked: str) -> tuple[str, ...]:
    """The known ids that are most like what was asked, best first."""
    return tuple(
        get_close_matches(_plain(asked), sorted({_plain(each) for each in known_ids()}), n=MOST_ALIKE, cutoff=0.5)
    )


def _plain(text: str) -> str:
    return "-".join(text.strip().lower().replace("_", " ").replace("-", " ").split())
