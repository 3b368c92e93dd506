"""The HTML report in a real browser: what a reader of any kind gets, on any width, in both languages and colours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from npu_adapt.report.html import render
from tests.report.keep_summaries import kept
from tests.report.summaries import SAMPLES

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PAGES = {"compare-failed": ("en", "light"), "bench-sweep": ("zh", "dark"), "extremes": ("zh", "light")}
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
PHONE, DESKTOP, A4 = (390, 844), (1200, 900), (794, 1123)  # pixels; A4 at 96 an inch

pytestmark = [pytest.mark.required, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens the page of a summary on a phone, from a file; whatever it says to the console fails the test."""
    pages, said = [], []

    def open_page(name: str) -> Any:
        file = tmp_path / "report.html"
        file.write_text(render(SAMPLES[name]() if name in SAMPLES else kept(name), "en"), encoding="utf-8")
        page = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda asked: said.append(asked.url) if asked.url != file.as_uri() else None)
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert said == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(opened: Any, name: str) -> None:
    page = opened(name)
    page.evaluate(UNFOLD)
    for language in ("en", "zh"):
        page.locator(f"#show-{language}").check()
        width, window = page.evaluate(WIDTHS)
        assert width <= window == PHONE[0]


@pytest.mark.parametrize("name", ["compare-failed", "bench-sweep"])
def test_a_reader_of_any_kind_can_use_it(opened: Any, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(name)
    page.evaluate(UNFOLD)
    language, scheme = PAGES[name]
    page.locator(f"#show-{language}").check()
    page.emulate_media(color_scheme=scheme)
    found = axe.run(page).response["violations"]
    assert not found, json.dumps([(each["id"], each["nodes"][0]["html"]) for each in found], indent=1)


def test_the_keyboard_switches_the_language_and_asks_what_a_word_means(opened: Any) -> None:
    page = opened("compare-failed")
    assert page.locator("article.en").is_visible() and page.locator("article.zh").is_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("article.zh").is_visible() and page.locator("article.en").is_hidden()
    word = page.locator("article.zh .word").first
    article = page.locator(f"#{word.get_attribute('popovertarget')}")
    assert article.is_hidden()
    word.focus()
    page.keyboard.press("Enter")
    assert article.is_visible() and len(article.inner_text()) > 20
    page.keyboard.press("Escape")
    assert article.is_hidden()
    page.locator("article.zh summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("article.zh details").first.get_attribute("open") is not None


def test_paper_holds_all_of_it(opened: Any) -> None:
    page = opened("compare-failed")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": A4[0], "height": A4[1]})
    width, window = page.evaluate(WIDTHS)
    assert width <= window
    assert page.locator("article.en table").last.is_visible() and page.locator("header").is_hidden()
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")


def test_the_first_screen_says_what_a_reviewer_asks(opened: Any) -> None:
    page = opened("compare-failed")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    lines = page.locator("article.en .key")
    shown = [lines.nth(at) for at in range(lines.count())]
    labels = [each.locator("dt").inner_text() for each in shown]
    assert {"prediction", "latency", "device"} <= set(labels)
    assert all(each.bounding_box()["y"] + each.bounding_box()["height"] < DESKTOP[1] / 2 for each in shown)


def test_no_script_is_needed(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(kept("compare-failed"), "zh"), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("article.zh").is_visible() and page.locator("article.en").is_hidden()
    page.locator("article.zh .word").first.click()
    assert page.locator("article.zh [popover]:popover-open").count() == 1
    context.close()
