"""The matrix of a sweep in every form, and what changed between two."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from npu_adapt.consistency.sweep import sweep_contradictions
from npu_adapt.records.sweep import Cause, Sweep, decode_sweep, encode_sweep
from npu_adapt.report.markdown import markdown
from npu_adapt.report.phrases import Language
from npu_adapt.report.sweep import page, table_files
from npu_adapt.report.sweep.first import first_sweep
from npu_adapt.report.sweep.matrix import matrix_report
from npu_adapt.report.sweep.words import cause_words
from tests.report.drawing import drawn
from tests.report.sweeps import CAUSES, many, row, sweep_of

PAGE = Path("logs/sweeps/night/matrix.html")
CHROMIUM = shutil.which("chromium")
# Sorts, filters and reads the page as a person would, then writes what came of it into the title.
SCRIPT = """<script>addEventListener("load", () => setTimeout(() => {
  const head = document.querySelectorAll("#models th button");
  const visible = () => Array.from(document.querySelectorAll("#models tbody tr")).filter(row => !row.hidden);
  const told = [performance.getEntriesByType("navigation")[0].loadEventEnd];
  head[7].click(); told.push(visible()[0].cells[7].textContent);
  head[7].click(); told.push(visible()[0].cells[7].textContent);
  document.querySelector("#groups button").click(); told.push(visible().length);
  document.querySelector("#groups button").click();
  document.getElementById("filter").value = "org-3 pickle";
  document.getElementById("filter").dispatchEvent(new Event("input")); told.push(visible().length);
  document.querySelectorAll("#models a").forEach(link => link.addEventListener("click", event => {
    event.preventDefault(); told.push(link.getAttribute("href")); }));
  visible()[0].cells[4].click();
  document.title = told.join(" | ");
}, 0));</script></body>"""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_first_screen_of_many_models_fits(language: Language, width: int) -> None:
    lines = drawn(first_sweep(many(1000), language, PAGE), width)
    assert len(lines) <= 24 and max(map(len, lines)) <= width
    assert any("aclnnGridSample" in line and "80" in line for line in lines)
    assert str(PAGE) in "\n".join(lines)


def test_the_largest_cause_comes_first_and_long_names_show_their_end() -> None:
    name = "/data/weights/" + "very-long/" * 8 + "model"
    rows = (row(0, CAUSES[3]), row(1, CAUSES[0], name=name), row(2, CAUSES[0]), row(3))
    lines = drawn(first_sweep(sweep_of(rows), "en", PAGE), 100)
    assert lines[0] == "FAILED: 3 of 4 models · night"
    assert lines[2].startswith("causes  aclnnGridSample is missing: 2 models · …") and "long/model" in lines[2]
    assert lines[4].strip() == "only pickled weights: 1 model · org-0/model-0000"


def test_every_cause_has_words_with_and_without_a_subject() -> None:
    assert cause_words(Cause(id="operator-not-supported"), "en") == "an operator is missing"
    assert cause_words(Cause(id="operator-not-supported", subject="aclnnX"), "zh") == "缺少算子 aclnnX"
    assert cause_words(Cause(id="of-another-version", subject="x"), "en") == "of-another-version (subject=x)"


def test_csv_holds_plain_values_and_nothing_that_a_spreadsheet_calculates() -> None:
    evil = replace(row(1, Cause(id="other", message="=HYPERLINK(1)\nnext", command="infer")))
    rows = [*csv.DictReader(io.StringIO(table_files.render_csv(sweep_of((row(0), evil)))))]
    assert rows[0]["latency_ms"] == "1.5" and rows[0]["right"] == "true" and rows[0]["cause"] == ""
    assert rows[1]["message"] == "'=HYPERLINK(1) next"


def test_junit_tells_a_verdict_from_an_accident() -> None:
    evil = row(9, Cause(id="other", message="bell \x07 and <tag> & more", command="infer"))
    left = replace(row(8, Cause(id="not-run")), status="not-run", steps=())
    suite = ElementTree.fromstring(table_files.render_junit(sweep_of((*many(12).rows, evil, left))))[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "14", "failures": "1", "errors": "3", "skipped": "1",
    }  # fmt: skip
    assert [case[0].get("type") for case in suite if len(case)][:2] == ["operator-not-supported"] * 2
    assert suite.find("testcase[@name='org-2/model-0009']/error").text == "bell \ufffd and <tag> & more"  # type: ignore[union-attr]


def test_markdown_is_a_table_of_all_models() -> None:
    html = MarkdownIt("commonmark").enable("table").render(markdown(matrix_report(many(20), "en")))
    assert html.count("<tr>") == 21 + 1 + 3
    assert "<code>org-0/model-0007</code>" in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_needs_nothing_beside_it_and_escapes_what_is_not_ours(language: Language) -> None:
    evil = row(0, Cause(id="other", subject='"><script>alert(1)</script>', command="infer"), name="<img src=x>")
    html = page.render(sweep_of((evil, row(1))), language)
    assert "<img" not in html and "alert(1)</script>" not in html
    assert not re.search(r'(src|href)="(?!models/)', html) and "default-src 'none'" in html
    assert 'href="models/org-1--model-0001/report.html"' in html


@pytest.mark.required
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_sorts_filters_and_opens_reports(tmp_path: Path) -> None:
    file = tmp_path / "matrix.html"
    file.write_text(page.render(many(1000)).replace("</body>", SCRIPT))
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=9000"]
    done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    title = re.search("<title>(.*?)</title>", done.stdout)
    assert title is not None
    load, fastest, slowest, group, filtered, opened = title[1].split(" | ")
    assert float(load) < 5000  # the benchmark holds it to a second
    assert (fastest, slowest, group) == ("1.500", "13.50", "80")
    assert int(filtered) > 0 and re.fullmatch(r"models/org-3--model-\d{4}/report\.html", opened)


def test_a_record_comes_back_as_it_was_and_an_edit_shows() -> None:
    sweep = many(20)
    again = decode_sweep(encode_sweep(sweep), origin="x")
    assert again == sweep and [*sweep_contradictions(again)] == []
    assert [each.field for each in sweep_contradictions(edited(sweep))] == ["counts", "groups"]
    praised = replace(sweep, rows=(replace(sweep.rows[0], status="passed"), *sweep.rows[1:]))
    assert "rows.0.status" in [each.field for each in sweep_contradictions(praised)]


def edited(sweep: Sweep) -> Sweep:
    """The first failure taken out of the rows."""
    return replace(sweep, rows=sweep.rows[1:])
