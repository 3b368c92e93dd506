"""The verdict's benchmark resumes, ends in time, and counts what it ran."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.benchmarks.verdict_runs import Found, Run, holds, read, show, work


def run_of(form: str, fault: str = "", effect: float = 0.0, *, alarm: bool, right: bool | None = None) -> Run:
    alarms = {"end to end": alarm and effect >= 3, "combination": alarm}
    return Run("tiny", "model", form, fault, "element" if fault else "", effect, alarms, 1.25, right)


@dataclass
class Tiny:
    name: str = "tiny"
    devices: tuple[str, ...] = ("one", "two", "three")
    ran: list[str] = field(default_factory=list)

    def examine(self, wanted: Sequence[str], seed: int) -> Iterator[Found]:
        for device in wanted:
            self.ran.append(device)
            runs = (run_of(device, alarm=False), run_of(device, "zero", 9.0, alarm=True, right=True))
            yield Found(runs, ("checked it",), 1.5)


def test_what_is_kept_is_not_run_again(tmp_path: Path) -> None:
    job = Tiny()
    assert work(job, tmp_path, 0, math.inf) == "" and job.ran == ["one", "two", "three"]
    (tmp_path / "tiny" / "two.json").unlink()
    assert work(job, tmp_path, 0, 0.0) == "" and len(job.ran) == 3  # no time is left
    assert work(job, tmp_path, 0, math.inf) == "" and job.ran[3:] == ["two"]
    assert [len(found.runs) for found in read(tmp_path)] == [2, 2, 2]


def test_a_job_that_fails_is_said_and_sinks_no_other(tmp_path: Path) -> None:
    job = Tiny(devices=("one",))
    job.examine = lambda wanted, seed: iter(())  # type: ignore[method-assign]
    assert work(job, tmp_path, 0, math.inf).startswith("tiny: Traceback")


def test_the_table_counts_alarms_misses_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    right = Found((run_of("a", alarm=False), run_of("a", "zero", 9.0, alarm=True, right=True)), ("checked a",), 60.0)
    wrong = Found((run_of("b", alarm=True), run_of("b", "zero", 1.0, alarm=False)), ("DISAGREES b",))
    show([right, wrong])
    said = capsys.readouterr().out
    assert "1 of 2" in said and "1 of 1, 100.0 %" in said and "0 of 1, 0.0 %" in said
    assert "false alarm: model on b" in said and "DISAGREES b" in said and "1 minutes of work on 2 devices" in said
    assert holds([right]) and not holds([right, wrong])
