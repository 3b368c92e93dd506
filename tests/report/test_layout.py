"""Lines and columns: what may be broken and what may not, at what width, in either script."""

from __future__ import annotations

import pytest

from npu_adapt.report.document import Code, Column
from npu_adapt.report.layout import fits, table, wrap
from npu_adapt.report.terminal import legible

LETTERS = legible("utf-8")
HASH = "5b2ee5fc829488a90f4225d645024d566ba64fd45ef1a26093164c821b765344"


def test_words_wrap_at_spaces() -> None:
    assert wrap(("one two three",), 8, LETTERS) == ["one two", "three"]


def test_chinese_wraps_between_any_two_characters_by_cells() -> None:
    assert wrap(("权重文件的内容",), 8, LETTERS) == ["权重文件", "的内容"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    assert wrap(("权重文件，内容",), 8, LETTERS) == ["权重文", "件，内容"]
    assert wrap(("权重文（件）",), 8, LETTERS) == ["权重文", "（件）"]


def test_a_name_between_chinese_characters_may_begin_a_line() -> None:
    assert wrap(("权重 numpy 文件",), 10, LETTERS) == ["权重 numpy", "文件"]
    assert wrap(("权重numpy文件",), 10, LETTERS) == ["权重numpy", "文件"]


def test_code_is_never_broken_even_where_it_has_spaces_or_is_wider_than_the_line() -> None:
    command = "npu-adapt compare --device npu:0"
    assert wrap(("run ", Code(command), " again"), 12, LETTERS) == ["run", command, "again"]


def test_a_comma_stays_with_the_code_before_it() -> None:
    assert wrap((Code("logs/summary.json"), ", and more"), 18, LETTERS) == ["logs/summary.json,", "and more"]


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_is_one_empty_line(text: str) -> None:
    assert wrap((text,), 10, LETTERS) == [""]


FILES = (Column("File"), Column("Size", numeric=True), Column("sha256"))


def test_columns_align_by_cells() -> None:
    rows = [("权重", "1 KiB", "a"), ("w", "10 KiB", "b")]
    assert table(FILES, rows, 40, LETTERS)[2:] == ["权重   1 KiB  a", "w     10 KiB  b"]


def test_a_hash_that_does_not_fit_stands_below_its_row_in_one_piece() -> None:
    rows = [(Code("model.safetensors"), "586.4 KiB", Code(HASH))]
    assert fits(FILES, rows, 100, LETTERS) and not fits(FILES, rows, 80, LETTERS)
    assert table(FILES, rows, 80, LETTERS) == [
        "File                    Size",
        "────────────────────────────",
        "model.safetensors  586.4 KiB",
        f"  sha256 {HASH}",
    ]


def test_facts_have_no_titles_and_a_long_path_has_its_own_line() -> None:
    path = "/home/user/models/" + "x" * 30
    columns = (Column("Item"), Column("Value"))
    rows = [("Weight path", Code(path)), ("Tensors", "72")]
    assert table(columns, rows, 40, LETTERS) == ["Weight path", f"  {path}", "Tensors      72"]


def test_text_gives_way_before_numbers_do() -> None:
    columns = (Column("Rule"), Column("Value", numeric=True), Column("Detail"))
    rows = [("field", "1.234e-05", "cosine of logits above the limit")]
    lines = table(columns, rows, 36, LETTERS)
    assert lines[2:] == ["field  1.234e-05  cosine of logits", "                  above the limit"]


def test_a_table_without_rows_has_its_titles() -> None:
    assert table(FILES, [], 80, LETTERS)[0] == "File  Size  sha256"
