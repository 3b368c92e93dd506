"""What changed between two sweeps, and what refuses to be compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.errors import SummaryUnreadable, UsageError
from npu_adapt.records.sweep import Sweep, SweepDiff, SweepRow, encode_sweep
from npu_adapt.workflows.sweep.difference import compare_sweeps
from tests.report.sweeps import CAUSES, row, sweep_of


def written(logs: Path, sweep: Sweep) -> None:
    folder = logs / "sweeps" / sweep.name
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_bytes(encode_sweep(sweep))


def compared(logs: Path, old: tuple[SweepRow, ...], new: tuple[SweepRow, ...]) -> SweepDiff:
    written(logs, sweep_of(old, "old"))
    written(logs, sweep_of(new, "new"))
    return compare_sweeps("old", "new", logs)


def with_versions(each: SweepRow, **versions: str) -> SweepRow:
    assert each.identity is not None
    return replace(each, identity=replace(each.identity, versions={**each.identity.versions, **versions}))


def test_what_an_upgrade_broke_comes_first(tmp_path: Path) -> None:
    old = (row(0), row(1, CAUSES[0]), row(2, latency=10.0), row(3, latency=10.0), row(4), row(5, CAUSES[0]), row(6))
    coarser = replace(
        row(4), figures=replace(row(4).figures, operand_bits={"matmul": 11}, arithmetic={"matmul": "hf32"})
    )
    new = tuple(
        with_versions(each, cann="8.5")
        for each in (
            row(0, CAUSES[1]),
            row(1),
            row(2, latency=10.9),  # its interval begins above the old one's end and 5 %
            row(3, latency=10.6),  # noise
            coarser,
            row(5, CAUSES[2]),
            row(7),
        )
    )
    diff = compared(tmp_path, old, new)
    assert [(each.id, each.model[-1]) for each in diff.changes] == [
        ("newly-failing", "0"), ("slower", "2"), ("coarser", "4"), ("gone", "6"), ("another-cause", "5"),
        ("newly-passing", "1"), ("added", "7"),
    ]  # fmt: skip
    assert diff.changes[0].now == "wrong-operator aten::gelu"
    assert (diff.changes[2].before, diff.changes[2].now) == ("matmul float32", "matmul hf32")
    assert diff.versions == {"cann": ("8.3", "8.5")}
    assert diff.worse and diff.compared == 6


def test_better_is_no_reason_to_fail(tmp_path: Path) -> None:
    diff = compared(tmp_path, (row(0, CAUSES[0]), row(1, latency=10.0)), (row(0), row(1, latency=8.0)))
    assert [each.id for each in diff.changes] == ["newly-passing", "faster"] and not diff.worse


@pytest.mark.parametrize(("new", "code", "word"), [(row(0, CAUSES[0]), 3, "WORSE"), (row(0), 0, "NO CHANGE")])
def test_the_command_ends_with_3_where_something_got_worse(tmp_path: Path, new: SweepRow, code: int, word: str) -> None:
    written(tmp_path, sweep_of((row(0),), "old"))
    written(tmp_path, sweep_of((new,), "new"))
    done = CliRunner().invoke(app, ["sweep", "--diff", "old", "new", "--logs", str(tmp_path)])
    assert done.exit_code == code and done.stdout.startswith(f"{word}: old → new")


def test_an_edited_record_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    sweep = sweep_of((row(0, CAUSES[0]), row(1)), "old")
    written(tmp_path, replace(sweep, rows=(replace(sweep.rows[0], cause=None), sweep.rows[1])))
    with pytest.raises(SummaryUnreadable, match="contradicts itself"):
        compare_sweeps("old", "old", tmp_path)
    with pytest.raises(UsageError, match="there is no sweep gone"):
        compare_sweeps("gone", "old", tmp_path)


def test_a_summary_that_is_not_the_rows_is_refused(tmp_path: Path) -> None:
    written(tmp_path, sweep_of((replace(row(0), summary_sha256="0" * 64),), "old"))
    summary = tmp_path / "sweeps" / "old" / "models" / row(0).folder / "summary.json"
    summary.parent.mkdir(parents=True)
    summary.write_text("{}")
    with pytest.raises(SummaryUnreadable, match="is not the one that the row"):
        compare_sweeps("old", "old", tmp_path)
