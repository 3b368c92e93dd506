"""Terminal tables: what stands on the first screen, at 80 columns, without Unicode, without colour."""

import io
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from rich.console import Console, Group, RenderableType

from npu_adapt.records import Summary
from npu_adapt.report import markdown, tables
from npu_adapt.report.document import Table
from npu_adapt.report.examination import render_answers, render_at_once
from npu_adapt.report.terminal import Screen


def render_whole_environment(summary: Summary) -> RenderableType:
    """Both parts of what `env` prints, as if nothing had been known at once."""
    return Group(render_at_once(summary), render_answers(summary, replace(summary, environment=None)))


RUN_RENDERERS = (
    tables.render_run,
    tables.render_compare,
    tables.render_bench,
    tables.render_weights,
)
RENDERERS = (*RUN_RENDERERS, render_whole_environment)
Sample = Callable[[str], Summary]


def drawn(renderable: RenderableType, width: int = 80, encoding: str = "utf-8") -> list[str]:
    """The lines that a console of that width and encoding writes, without the spaces at their ends."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    Console(file=file, width=width, highlight=False).print(renderable)
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return [line.rstrip() for line in file.buffer.getvalue().decode(encoding).splitlines()]


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("width", [80, 120])
def test_every_line_fits_and_no_cell_is_blank(
    summary: Summary, render: Callable[[Summary], RenderableType], width: int
) -> None:
    lines = drawn(render(summary), width)
    assert lines
    assert max(map(len, lines)) <= width
    assert not any("None" in line for line in lines)


def test_where_forwards_part_there_are_no_figures_and_it_is_said(sample: Sample) -> None:
    summary = sample("failed-verdict")
    assert summary.compare is not None and summary.compare.first_suspect is not None
    divergence = replace(
        summary.compare.first_suspect, test="repeat", error_over_floor=None, reference=None, candidate=None
    )
    compare = replace(summary.compare, operators=(divergence,), first_suspect=divergence, operators_judged=111)
    text = " ".join(drawn(tables.render_compare(replace(summary, compare=compare)), width=200))
    assert "step 82: from here on forwards of the same input differ." in text
    assert "judged alone; 0 failed" in text
    assert "Worst element of each failed" not in text


def test_a_failed_comparison_names_the_first_suspect_on_its_first_screen(sample: Sample) -> None:
    lines = drawn(tables.render_compare(sample("failed-verdict")))
    assert lines[:5] == [
        "google/vit-base-patch16-224",
        "FAILED: npu:0 does not agree with cpu by the rule noise-floor.",
        "First suspect: vit.encoder.layer.5.intermediate.dense (linear), step 82, test",
        "rms: 41.23 × its floor.",
        "- operator that fails: vit.encoder.layer.5.intermediate.dense (linear, rms at",
    ]


def test_the_comparison_at_80_columns(sample: Sample) -> None:
    lines = drawn(tables.render_compare(sample("success")))
    start = lines.index("By output, the worst sample of each")
    assert lines[start : start + 5] == [
        "By output, the worst sample of each",
        "Output              mean_abs      cosine    rel. L2",
        "───────────────────────────────────────────────────",
        "logits             1.811e-03  0.99999610  2.711e-03",
        "last_hidden_state  9.056e-04  0.99999610  1.356e-03",
    ]


def test_the_run_at_80_columns(sample: Sample) -> None:
    lines = drawn(tables.render_run(sample("infer-only")))
    assert lines[4:8] == [
        "Predictions",
        "Sample  Label                Index    Score",
        "───────────────────────────────────────────",
        "     0  palace                 698   0.8346",
    ]


def test_every_table_of_a_rehearsal_is_marked(sample: Sample) -> None:
    summary = sample("rehearsed")
    for render in RUN_RENDERERS:
        screen = render(summary)
        assert isinstance(screen, Screen)
        captions = [block.caption for block in screen.blocks if isinstance(block, Table)]
        assert all(caption.endswith("· REHEARSED") for caption in captions)
    assert "PASSED" not in "\n".join(drawn(tables.render_compare(summary)))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_a_console_without_unicode_reads_the_same_figures(sample: Sample, encoding: str) -> None:
    text = "\n".join(drawn(tables.render_compare(sample("rehearsed")), encoding=encoding))
    assert "2.711e-03" in text
    assert "By output, the worst sample of each" in text


def test_a_label_cannot_steer_the_terminal(sample: Sample) -> None:
    summary = sample("infer-only")
    assert summary.run is not None
    hostile = replace(summary.run.predictions[0], label="\x1b[2J[bold]owned[/bold]\u202e\n| row")
    text = "\n".join(drawn(tables.render_run(replace(summary, run=replace(summary.run, predictions=(hostile,))))))
    assert "\\x1b[2J[bold]owned[/bold]\\u202e | row" in text
    assert "\x1b" not in text


def test_a_warned_benchmark_is_marked(sample: Sample) -> None:
    lines = drawn(tables.render_bench(sample("nulls")))
    assert any(line.split() == ["Median", "5.988", "ms", "(!)"] for line in lines)
    assert "- (!) foreign-load: other processes kept 0.7612 of 2 cores busy while measuring" in lines


def test_a_warning_marks_the_figures_that_it_concerns_and_no_others(sample: Sample) -> None:
    lines = [" ".join(line.split()) for line in drawn(tables.render_bench(sample("sweep")))]
    assert "Maximum 7.012 ms (!)" in lines
    assert "Mean 6.025 ms (!)" in lines
    assert "Median 5.988 ms" in lines
    assert "c float32 sdpa eager 24 8 81.23 (!) 98.48 (!) measured" in lines


def test_each_row_of_a_sweep_says_why_it_cannot_win(sample: Sample) -> None:
    text = " ".join(" ".join(drawn(tables.render_bench(sample("sweep")))).split())
    assert "Row a, failed: npu:0 captures no graphs (stage set-up, class other)" in text
    assert "Row d, wrong: relative L2 against the CPU's float32 is 3.123e-01, above 0.05" in text


def test_a_benchmark_without_a_right_row_is_no_success_anywhere(sample: Sample) -> None:
    summary = sample("wrong-bench")
    screen = " ".join(" ".join(drawn(tables.render_bench(summary))).split())
    assert "FAILED: what npu:0 computed in the benchmark is not what the reference computes." in screen
    assert "It was not compared with a reference" not in screen
    page = markdown.render(summary)
    assert "status: FAILED" in page and "SUCCESS" not in page
    assert "5.988 ms (!), median of 100 iterations of bench, batch size 1; its output is wrong" in page


def test_wrong_settings_beside_right_ones_are_a_reservation(sample: Sample) -> None:
    assert "Settings of the benchmark whose output is wrong, and which count for nothing: d." in markdown.render(
        sample("sweep")
    )


def test_the_speed_up_of_a_benchmark_comes_before_that_of_a_comparison(sample: Sample) -> None:
    with_both = replace(sample("success"), bench=sample("sweep").bench)
    text = " ".join(" ".join(drawn(tables.render_compare(with_both), width=160)).split())
    assert "Speed-up 21.73 of the pairs of both sides, measured in turns" in text
    assert "23.42" not in text
    alone = " ".join(" ".join(drawn(tables.render_compare(sample("success")), width=160)).split())
    assert "Speed-up 23.42 × the two medians of compare" in alone
