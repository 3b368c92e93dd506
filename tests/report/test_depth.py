"""Error over depth, with letters and as a PNG."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from npu_adapt.errors import EvidenceNotWritten, UsageError
from npu_adapt.records import Depth
from npu_adapt.report.depth_chart import chart
from npu_adapt.report.depth_plot import draw
from tests.report.summaries import failed_verdict

DEPTH = Depth(
    sample=0,
    index=(2, 5, 9, 12),
    module=("embed", "layers.0", "layers.1", "head"),
    operator=("add", "linear", "gelu", "linear"),
    isolated=(2e-8, 3e-7, 4e-5, 0.0),
    isolated_floor=(2e-7, 2e-7, 2e-7, 2e-7),
    accumulated=(2e-8, 3e-7, 5e-5, 6e-5),
    accumulated_floor=(2e-7, 3e-6, 3e-6, 3e-6),
)


def test_one_line_a_decade_the_operator_on_top():
    assert chart(DEPTH).splitlines() == [
        "1e-05 |  oA",
        "1e-06 | ---",
        "1e-07 |.o..",
        "1e-08 |o",
        "      +----",
        "       2 embed head 12",
    ]


def test_an_unmeasured_series_is_not_drawn():
    alone = chart(replace(DEPTH, accumulated=None, accumulated_floor=None))
    assert "A" not in alone
    assert "o" in alone


def test_many_operators_share_columns_and_the_largest_is_drawn():
    many = Depth(
        sample=0,
        index=tuple(range(1000)),
        module=("m",) * 1000,
        operator=("add",) * 1000,
        isolated=tuple(1e-3 if at == 500 else 1e-8 for at in range(1000)),
        isolated_floor=(1e-7,) * 1000,
    )
    lines = chart(many, width=50).splitlines()
    assert lines[0] == "1e-03 |" + " " * 25 + "o"
    assert all(len(line) <= 57 for line in lines)


def test_nothing_to_draw_where_every_error_is_zero():
    zeros = (0.0,) * 4
    exact = replace(DEPTH, isolated=zeros, isolated_floor=zeros, accumulated=None, accumulated_floor=None)
    assert chart(exact) == ""


def test_a_picture(tmp_path):
    summary = failed_verdict()
    assert summary.compare is not None
    path = tmp_path / "depth.png"
    draw(replace(summary, compare=replace(summary.compare, depth=DEPTH)), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_dollar_in_a_name_is_no_formula_and_a_full_disk_no_traceback(tmp_path):
    summary = failed_verdict()
    assert summary.compare is not None and summary.model is not None
    named = replace(summary, model=replace(summary.model, id="a$b_$\\frac"))
    drawn = replace(named, compare=replace(summary.compare, depth=DEPTH))
    draw(drawn, tmp_path / "depth.png")
    with pytest.raises(EvidenceNotWritten) as failed:
        draw(drawn, tmp_path / "nowhere" / "depth.png")
    assert failed.value.summary is drawn, "its figures are shown"


def test_without_a_depth_there_is_no_picture(tmp_path):
    with pytest.raises(UsageError, match="no operator was judged"):
        draw(failed_verdict(), tmp_path / "depth.png")
