"""The picture in the README is the screen that the tool prints."""

import re

from tests.report.picture import PICTURE, picture


def test_the_picture_is_what_the_tool_prints() -> None:
    assert picture() == PICTURE.read_text(encoding="utf-8"), "python -m tests.report.picture draws it anew"


def test_it_needs_nothing_from_anywhere() -> None:
    shown = PICTURE.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^/\s\"]*", shown)) <= {
        "http://www.w3.org",
        "https://www.textualize.io",
    }  # names only
    assert "<script" not in shown and "url(h" not in shown
    assert "FAILED: builtin:digits-vit on npu:0".replace(" ", "&#160;") in shown
