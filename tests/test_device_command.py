"""`python -m tests.device`: on the CPU as a command, and what its runner does with parts that go wrong."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tests.commands import run_process
from tests.device import table
from tests.device.carried import fits
from tests.device.margins import EDGES, margins
from tests.device.part import ROOT, Context, Part, Report, Skipped
from tests.device.runner import Runner
from tests.device.suite import PARTS, select

PARTS_OF_A_MINUTE = "env,tiny-float32,faults,out-of-memory,missing-operator,limits,compare-generate"


def test_the_command_examines_the_cpu(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run_process(
        [
            *(sys.executable, "-m", "tests.device", "--device", "cpu", "--minutes", "1"),
            *("--out", tmp_path / "out", "--parts", PARTS_OF_A_MINUTE, "--jobs", "2"),
        ],
        cwd=ROOT,
        environment={"CUDA_VISIBLE_DEVICES": ""},
        timeout=120,
    )
    assert time.monotonic() - started < 75
    record = json.loads((tmp_path / "out/device.json").read_text(encoding="utf-8"))
    assert {
        name: part["status"] for name, part in record["parts"].items() if part["status"] in ("wrong", "failed")
    } == {}
    assert list(record["parts"]) == [part.name for part in select(PARTS_OF_A_MINUTE)]
    started_parts = [name for name, part in record["parts"].items() if part["status"] != "skipped"]
    assert done.code == int("timeout" in {part["status"] for part in record["parts"].values()}), done.stdout
    assert started_parts[:2] == ["env", "tiny-float32"]
    assert record["parts"]["env"]["facts"]["versions"]["torch"]
    tiny = record["parts"]["tiny-float32"]
    if tiny["status"] == "passed":  # a machine that is busy may not come so far
        assert [row["passed"] for row in tiny["facts"]["comparisons"]] == [True, True, True]
        histogram = json.loads((tmp_path / "out/margins.json").read_text(encoding="utf-8"))
        assert sum(histogram["settings"]["float32"]["linear"]["counts"]) > 10
    if record["parts"]["faults"]["status"] == "passed":
        assert len(record["parts"]["faults"]["facts"]["faults"]) == 5
    assert "| env | passed |" in (tmp_path / "out/device.md").read_text(encoding="utf-8")
    assert (tmp_path / "out/logs.tar.gz").stat().st_size > 100
    assert "env" in done.stdout.splitlines()[-1] or "tiny" in done.stdout


# --- parts for the runner -------------------------------------------------------------------------


def passing(context: Context, report: Report) -> None:
    report.put(number=float("nan"), device=context.device, threads=os.environ["OMP_NUM_THREADS"])
    report.check("one", True, 1, 1)
    report.say("all is well | and said")


def not_holding(context: Context, report: Report) -> None:
    report.check("two", False, 3, "2")


def raising(context: Context, report: Report) -> None:
    report.put(before="kept")
    raise ValueError("what went wrong")


def skipping(context: Context, report: Report) -> None:
    raise Skipped("there is no such thing here")


def sleeping(context: Context, report: Report) -> None:
    report.say("so far")
    time.sleep(60)


def aborting(context: Context, report: Report) -> None:
    os.abort()


@pytest.fixture
def run(tmp_path: Path):
    def run(*functions: str, seconds: float = 30, most: float = 20, least: float = 0, jobs: int = 2):
        parts = [Part(name, "tests.test_device_command", name, most, least) for name in functions]
        context = Context("cpu", tmp_path / "work", tmp_path / "shared", tmp_path / "none", small=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return Runner(context, tmp_path / "out", seconds, jobs, environment, "python -m tests.device").run(parts)

    return run


def test_a_part_that_fails_says_why_and_the_next_runs(run, tmp_path: Path) -> None:
    record = run("raising", "aborting", "skipping", "not_holding", "passing")
    assert record == json.loads((tmp_path / "out/device.json").read_text(encoding="utf-8")) | {
        "seconds": record["seconds"],
        "parts": record["parts"],
    }
    parts = record["parts"]
    assert [part["status"] for part in parts.values()] == ["failed", "failed", "skipped", "wrong", "passed"]
    assert parts["raising"]["headline"] == "ValueError: what went wrong"
    assert parts["raising"]["facts"] == {"before": "kept"}
    assert "Fatal Python error: Aborted" in "\n".join(parts["aborting"]["last_lines"])
    assert parts["skipping"]["headline"] == "there is no such thing here"
    assert parts["passing"]["facts"]["number"] is None
    text = table.markdown(record)
    assert "| passing | passed |" in text
    assert "all is well \\| and said" in text
    assert "- not_holding: two: 3 (wanted: 2)" in text


def test_a_part_that_does_not_end_is_ended_and_keeps_what_it_found(run) -> None:
    part = run("sleeping", most=3)["parts"]["sleeping"]
    assert part["status"] == "timeout"
    assert part["headline"].endswith("so far")
    assert part["seconds"] < 10


def test_the_whole_ends_in_time_and_what_has_none_left_is_skipped(run) -> None:
    started = time.monotonic()
    parts = run("sleeping", "passing", seconds=8, least=2, jobs=1)["parts"]
    assert time.monotonic() - started < 12
    assert [part["status"] for part in parts.values()] == ["timeout", "skipped"]
    assert "s left, it takes 2" in parts["passing"]["headline"]


# --- the small things -----------------------------------------------------------------------------


def test_parts_are_chosen_by_name_or_by_the_beginning_of_it() -> None:
    assert select(None) == PARTS
    assert [part.name for part in select("sweep")] == ["sweep"]
    assert [part.name for part in select("tiny-float32-,env")] == ["env", "tiny-float32-tf32", "tiny-float32-as-it-is"]
    with pytest.raises(SystemExit, match="banana"):
        select("env,banana")


def test_wheels_of_other_pythons_and_machines_are_left_alone() -> None:
    version = f"{sys.version_info[0]}{sys.version_info[1]}"
    machine = os.uname().machine
    assert fits("structlog-26.1.0-py3-none-any.whl")
    assert fits("shellingham-1.5.4-py2.py3-none-any.whl")
    assert fits(f"msgspec-0.22.0-cp{version}-cp{version}-manylinux2014_{machine}.manylinux_2_17_{machine}.whl")
    assert fits(f"x-1.0-cp310-abi3-manylinux_2_28_{machine}.whl")
    assert not fits(f"msgspec-0.22.0-cp{version}-cp{version}-manylinux2014_sparc.whl")
    assert not fits(f"msgspec-0.22.0-cp39-cp39-manylinux2014_{machine}.whl")
    assert not fits(f"x-1.0-cp399-abi3-manylinux_2_28_{machine}.whl")


def test_margins_are_counted_by_setting_and_operator() -> None:
    rows = [
        {"setting": "float32", "margins": {"linear": [0.0, 0.3, 5.0], "add": [0.5]}},
        {"setting": "float32", "margins": {"linear": [0.26]}},
        {"setting": "float16", "error": "none"},
    ]
    parts = {"env": {"facts": {"name": "Chip", "driver": "1.2"}}, "tiny": {"facts": {"comparisons": rows}}}
    found = margins({"parts": parts, "device": "cuda:0", "started_at": "2026-11-27T00:00:00+00:00"})
    assert (found["chip"], found["driver"], found["date"]) == ("Chip", "1.2", "2026-11-27")
    linear = found["settings"]["float32"]["linear"]
    assert linear["largest"] == 5.0
    assert (linear["counts"][0], linear["counts"][EDGES.index(0.5)], linear["counts"][-1]) == (1, 2, 1)
    assert sum(linear["counts"]) == 4
