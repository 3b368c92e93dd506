"""The report as one HTML page that needs nothing beside it and no script, in both languages. Loads jinja2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markdown_it import MarkdownIt

from npu_adapt.records import Summary
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.document import Code, Link, Listing, Paragraph, Report, Table, Verbatim, is_plain_link, printable
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.report import first_report
from npu_adapt.report.first.screen import FirstScreen, Line
from npu_adapt.report.glossary import Glossary
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.phrases.phrase import Labelled
from npu_adapt.report.pictures import benchmark, depth
from npu_adapt.report.pictures.plot import Plot
from npu_adapt.report.pictures.said import Said, said

KINDS = {
    "paragraph": Paragraph,
    "listing": Listing,
    "table": Table,
    "verbatim": Verbatim,
    "code": Code,
    "link": Link,
}
NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}
KEY = frozenset({"label-prediction", "label-latency", "label-device", "label-limit"})  # lines that are set large


@dataclass(frozen=True)
class Edition:
    """The page in one language."""

    summary: Summary
    language: Language
    pictures: Mapping[str, bytes]

    @cached_property
    def figures(self) -> Figures:
        return Figures(self.summary, self.language)

    @cached_property
    def report(self) -> Report:
        return adaptation_report(self.summary, self.language)

    @cached_property
    def first(self) -> FirstScreen:
        return first_report(self.figures, None)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Those of the first screen, what a reviewer asks first before the others."""
        return tuple(sorted(self.first.lines, key=lambda line: not is_key(line)))

    @cached_property
    def glossary(self) -> Glossary:
        return Glossary(self.language)

    @cached_property
    def plots(self) -> tuple[Plot, ...]:
        if self.figures.is_rehearsal:
            return tuple(depth.depth(self.figures))  # the times of an emulation are nobody's
        return (
            *depth.depth(self.figures),
            *benchmark.samples(self.figures),
            *benchmark.sweep(self.figures),
        )

    @cached_property
    def said(self) -> Said:
        return said(self.figures, self.pictures)

    def say(self, key: str, **values: str) -> str:
        return say(key, self.language, **values)


def render(summary: Summary, language: Language = "en", pictures: Mapping[str, bytes] | None = None) -> str:
    """The adaptation report of `summary`, `language` shown first.

    `pictures`: JPEGs of the inputs, by the origin that the record names. All text is escaped; nothing in the page runs
    or loads anything.
    """
    languages: tuple[Language, ...] = get_args(Language)
    editions = [Edition(summary, each, pictures or {}) for each in languages]
    shown = next(each for each in editions if each.language == language)
    return _template().render(editions=editions, shown=shown, names=NAMES)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("npu_adapt.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, kind in KINDS.items():
        environment.tests[name] = lambda value, kind=kind: isinstance(value, kind)
    environment.filters["printable"] = printable
    environment.filters["html"] = MarkdownIt("commonmark", {"html": False}).enable("table").render
    environment.tests["safe_link"] = is_plain_link
    environment.tests["key"] = is_key
    return environment.get_template("report.html.j2")


def is_key(line: Line) -> bool:
    """Whether a line of the first screen is set large."""
    return isinstance(line.label, Labelled) and line.label.key in KEY
