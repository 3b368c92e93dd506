"""The report as one HTML file that needs nothing beside it. Loads jinja2."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from npu_adapt.records import Summary
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.document import Code, Link, Listing, Paragraph, Table, Verbatim, is_plain_link, printable
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.report import first_report
from npu_adapt.report.phrases import Language

KINDS = {
    "paragraph": Paragraph,
    "listing": Listing,
    "table": Table,
    "verbatim": Verbatim,
    "code": Code,
    "link": Link,
}


def render(summary: Summary, language: Language = "en") -> str:
    """The adaptation report of `summary`. All text is escaped; nothing in it runs or loads anything."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for name, kind in KINDS.items():
        environment.tests[name] = lambda value, kind=kind: isinstance(value, kind)
    environment.filters["printable"] = printable
    environment.tests["safe_link"] = is_plain_link
    template = files("npu_adapt.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    first = first_report(Figures(summary, language), None)
    return environment.from_string(template).render(report=adaptation_report(summary, language), first=first)
