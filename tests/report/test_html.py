"""The report as HTML: the same content, nothing that runs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from npu_adapt.records import Summary
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.document import Table
from npu_adapt.report.html import render
from npu_adapt.report.layout import inline

Sample = Callable[[str], Summary]
VOID = {"meta"}


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


def test_the_page_is_well_formed_and_nothing_is_blank(summary: Summary) -> None:
    for language in ("en", "zh"):
        page = render(summary, language)
        assert parsed(page).seen.isdisjoint({"script", "img", "link", "iframe"})
        assert not re.search(r"<(td|th|li|h1|h2)[^>]*>\s*</", page)
        assert f'<html lang="{language}">' in page


def test_it_has_every_cell_of_the_report(summary: Summary) -> None:
    page = re.findall(r"<td[^>]*>(.*?)</td>", render(summary))
    blocks = [block for section in adaptation_report(summary).sections for block in section.blocks]
    cells = [cell for table in blocks if isinstance(table, Table) for row in table.rows for cell in row]
    assert [html.unescape(re.sub("<[^>]+>", "", cell)) for cell in page] == [inline(cell) for cell in cells]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x>', "javascript:alert(1)"])
def test_other_peoples_text_stays_text(sample: Sample, text: str) -> None:
    summary = sample("success")
    assert summary.model
    assert summary.run
    run = replace(summary.run, predictions=(replace(summary.run.predictions[0], label=text),))
    page = render(replace(summary, model=replace(summary.model, id=text, url=text), run=run))
    assert parsed(page).seen.isdisjoint({"script", "img"})
    assert "href" not in page
    assert text in "".join(parsed(page).text)


def test_the_directive_and_the_notices_stand_on_top(sample: Sample) -> None:
    assert "<p>#+NPU</p>" in render(sample("success"))
    head = render(sample("rehearsed")).split("<h2>")[0]
    assert '<p class="notice">REHEARSED: no device was used.' in head
    assert "#+NPU" not in head


def test_the_verdict_stands_before_all_sections(summary: Summary) -> None:
    page = render(summary)
    first, rest = page.partition("<dl>")[0], page.partition("</dl>")[2]
    assert '<section class="first">' in first and "<h2>" not in first
    assert rest.count("<h2>") == len(adaptation_report(summary).sections)
