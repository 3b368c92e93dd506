"""The report as HTML: the same content, nothing that runs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from npu_adapt.records import Summary, as_json
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.document import Table
from npu_adapt.report.glossary import Glossary
from npu_adapt.report.html import Edition, render
from npu_adapt.report.layout import inline
from npu_adapt.report.phrases import Language
from npu_adapt.report.pictures.plot import decades, linear
from tests.report.keep_summaries import KEPT, kept

Sample = Callable[[str], Summary]
VOID = {"meta", "input", "img"}


class Nesting(HTMLParser):
    """Fails on a tag that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def parsed(page: str) -> Nesting:
    parser = Nesting()
    parser.feed(page)
    assert parser.open == []
    return parser


LANGUAGES: tuple[Language, ...] = ("en", "zh")


def edition(page: str, language: str) -> str:
    """The page's part in that language."""
    return page.partition(f'<article class="{language}"')[2].partition("</article>")[0]


def test_the_page_is_well_formed_and_nothing_is_blank(summary: Summary) -> None:
    for language in LANGUAGES:
        page = render(summary, language)
        assert parsed(page).seen.isdisjoint({"script", "img", "link", "iframe"})
        assert not re.search(r"<(td|th|li|h1|h2)[^>]*>\s*</", page)
        assert f'<html lang="{language}">' in page


def test_it_has_every_cell_of_the_report(summary: Summary) -> None:
    page = render(summary)
    for language in LANGUAGES:
        shown = re.findall(r"<td[^>]*>(.*?)</td>", edition(page, language))
        blocks = [block for section in adaptation_report(summary, language).sections for block in section.blocks]
        cells = [cell for table in blocks if isinstance(table, Table) for row in table.rows for cell in row]
        assert [html.unescape(re.sub("<[^>]+>", "", cell)) for cell in shown] == [inline(cell) for cell in cells]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "javascript:alert(1)"])
def test_other_peoples_text_stays_text(sample: Sample, text: str) -> None:
    summary = sample("success")
    assert summary.model
    assert summary.run
    run = replace(summary.run, predictions=(replace(summary.run.predictions[0], label=text),))
    page = render(replace(summary, model=replace(summary.model, id=text, url=text), run=run))
    assert parsed(page).seen.isdisjoint({"script", "img"})
    assert "href=" not in page
    assert text in "".join(parsed(page).text)


def test_the_directive_and_the_notices_stand_on_top(sample: Sample) -> None:
    assert "<p>#+NPU</p>" in render(sample("success"))
    head = edition(render(sample("rehearsed")), "en").split("<h2>")[0]
    assert '<p class="notice">REHEARSED: no device was used.' in head
    assert "#+NPU" not in head


def test_the_verdict_stands_before_all_sections(summary: Summary) -> None:
    page = edition(render(summary), "en")
    first, rest = page.partition("<dl>")[0], page.partition("</dl>")[2]
    assert '<section class="first"' in first and "<h2>" not in first
    assert rest.count("<h2>") == len(adaptation_report(summary).sections)


def test_every_figure_has_its_explanation(summary: Summary) -> None:
    """By its row's label, its column's title, or, where a table is of one kind of thing, its caption."""
    glossary = Glossary("en")
    for section in adaptation_report(summary).sections:
        for table in (block for block in section.blocks if isinstance(block, Table)):
            named = [bool(glossary.article(column.title)) for column in table.columns]
            named[0] = bool(glossary.article(table.columns[0].title, table.caption))
            for row in table.rows:
                figures = [at for at, cell in enumerate(row) if isinstance(cell, str) and re.search(r"\d", cell)]
                unexplained = [at for at in figures if not (named[0] or named[at] or glossary.article(row[0]))]
                assert not unexplained, (table.caption, row)
    first = Edition(summary, "en", {}).first
    assert all(glossary.article(line.label) for line in first.lines), [line.label for line in first.lines]


def test_what_is_asked_for_is_on_the_page(summary: Summary) -> None:
    page = render(summary)
    asked, given = set(re.findall(r'popovertarget="([^"]+)"', page)), re.findall(r'popover id="([^"]+)"', page)
    assert asked == set(given) and len(given) == len(set(given)) > 0


def test_the_report_as_data_holds_plain_texts(sample: Sample) -> None:
    report = adaptation_report(sample("success"))
    assert json.loads(as_json(report))["sections"][0]["title"] == "Model information"


def test_pictures_show_what_was_measured(sample: Sample) -> None:
    kinds = {name: [plot.title for plot in Edition(kept(name), "en", {}).plots] for name in KEPT if name != "env-npu"}
    assert kinds["bench-sweep"] == ["Latency samples", "Latency against throughput"]
    assert kinds["compare-failed"] == ["Error over depth"]
    assert kinds["rehearsal"] == kinds["compare-fast"] == kinds["infer"] == []
    (plot,) = Edition(kept("compare-failed"), "en", {}).plots
    compare = kept("compare-failed").compare
    assert compare is not None and compare.depth is not None and compare.first_suspect is not None
    assert plot.guides[0].value == compare.first_suspect.index
    isolated = next(series for series in plot.series if series.name == "each operator alone")
    assert isolated.points == tuple(zip(map(float, compare.depth.index), compare.depth.isolated, strict=True))


def test_nothing_is_drawn_outside_its_frame() -> None:
    for name in ("bench-sweep", "bench", "compare-failed", "compare-npu"):
        for plot in Edition(kept(name), "en", {}).plots:
            left, top, right, bottom = plot.frame
            for x, y in (point for series in plot.series for point in series.points if point[1] == point[1]):
                assert left <= plot.at_x(x) <= right and top <= plot.at_y(y) <= bottom


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([5.9, 6.4], ["0", "2", "4", "6", "8"]),
        ([0.034], ["0.00", "0.01", "0.02", "0.03", "0.04"]),
        ([0.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
    ids=["a few", "less than one", "only zero"],
)
def test_ticks_are_round_numbers_from_zero(values: list[float], ticks: list[str]) -> None:
    assert [tick.text for tick in linear(values).ticks] == ticks


def test_decades_hold_all_values_and_at_least_three() -> None:
    assert [tick.text for tick in decades([2e-7, 3e-2]).ticks] == ["1e-01", "1e-03", "1e-05", "1e-07"]
    assert [tick.text for tick in decades([1e-3]).ticks] == ["1e-03", "1e-04", "1e-05", "1e-06"]


def test_a_picture_stands_beside_what_was_said_of_it(sample: Sample) -> None:
    page = render(sample("success"), "en", {"china.jpg": b"JPEG"})
    assert page.count('<img src="data:image/jpeg;base64,SlBFRw=="') == 2  # once in each language
    assert "<img" not in render(sample("success"), "en", {"another.jpg": b"JPEG"})
