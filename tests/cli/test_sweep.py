"""`npu-adapt sweep`: bad input, models that fail in their ways, a sweep that goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import Result

from npu_adapt.records.sweep import Sweep, decode_sweep
from npu_adapt.report.explanations import known_ids
from npu_adapt.report.phrases.sweep import CAUSES
from tests.cli.conftest import BUILTIN, Invoke


def record(logs: Path, name: str) -> Sweep:
    return decode_sweep((logs / "sweeps" / name / "sweep.json").read_bytes(), origin=name)


def causes(sweep: Sweep) -> dict[str, str]:
    return {Path(row.name).name: "" if row.cause is None else row.cause.id for row in sweep.rows}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of models, each broken in the way of its name, and a good one."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("good", "damaged", "no-weights", "pickle", "no-config"):
        shutil.copytree(BUILTIN, folder / name)
    (folder / "damaged" / "config.json").write_text("{")
    (folder / "no-weights" / "model.safetensors").unlink()
    pickle = folder / "pickle"
    torch.save(load_file(pickle / "model.safetensors"), pickle / "pytorch_model.bin")
    (pickle / "model.safetensors").unlink()
    (folder / "no-config" / "config.json").unlink()
    return folder


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("", ("there is no model to run",)),
        ("models: []\n", ("there is no model to run",)),
        (
            "- builtin:digits-vit\n- {model: builtin:digits-vit, itres: 5}\n",
            ("list.yaml:2", "'itres'", "perhaps iters"),
        ),
        ("- model: builtin:digits-vit\n  bench:\n    sampels: 4\n", ("list.yaml:3", "'sampels'", "bench")),
        ("- model: builtin:digits-vit\n  dtype: float61\n", ("list.yaml:2", "float61")),
        ("- model: builtin:digits-vit\n  device: npu:0\n", ("list.yaml:2", "decided by the sweep")),
        ("- model: builtin:digits-vit\n  run: infer,dance\n", ("list.yaml:2", "dance")),
        (
            "- model: builtin:digits-vit\n- model: builtin:digits-vit\n  seed: 1\n",
            ("list.yaml:2", "list.yaml:1", "name"),
        ),
        ("- org/name/too/long\n", ("list.yaml:1", "neither a directory nor a model id")),
        ("- builtin:nothing\n", ("list.yaml:1", "there is no builtin:nothing")),
        ("modles: []\n", ("list.yaml:1", "'modles'")),
        ("models: [a/b\n", ("list.yaml:2",)),
        ("- {model: a/b, seed: 1, seed: 2}\n", ("list.yaml:1", "stands twice")),
        ("- 5\n", ("list.yaml:1", "no model")),
    ],
)
def test_a_bad_list_is_refused_with_its_line(
    tmp_path: Path, invoke: Invoke, listed: str, words: tuple[str, ...]
) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(listed)
    refused(invoke("sweep", "--from", file, "--devices", "cpu"), 2, *words)


def test_a_list_that_does_not_come_on_stdin_is_waited_for_aloud(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal, or a pipe whose writer is at work; with --quiet, too. An end, or a line, is no wait."""
    monkeypatch.setattr("npu_adapt.cli.sweep.STDIN_SECONDS", 0.01)
    command = ("sweep", "--from", "-", "--devices", "cpu", "--quiet")
    reading, writing = os.pipe()
    before = os.dup(0)
    try:
        os.dup2(reading, 0)
        assert "waiting for the list of models on stdin" in invoke(*command).stderr
        os.close(writing)
        assert "waiting" not in invoke(*command).stderr
    finally:
        os.dup2(before, 0)
        for each in (before, reading):
            os.close(each)


def refused(done: Result, code: int, *words: str) -> None:
    message = "".join(done.stderr.split())
    assert done.exit_code == code, done.output
    assert done.stdout == "" and "Traceback" not in done.output
    for word in ("error: ", "next: ", *words):
        assert "".join(word.split()) in message


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, ("there is no model to run",)),
        (("builtin:digits-vit", "--devices", "banana"), 2, ("banana",)),
        (("builtin:digits-vit", "--devices", "cpu,cpu:1"), 2, ("--devices",)),
        (("builtin:digits-vit", "--devices", "cpu", "--name", "../up"), 2, ("cannot name a sweep",)),
        (("--resume", "never"), 2, ("there is no sweep never",)),
        (("builtin:digits-vit", "--only", "failed"), 2, ("--only",)),
        (("builtin:digits-vit", "--set", "itres=5", "--devices", "cpu"), 2, ("itres",)),
        (("builtin:digits-vit", "--set", "iters", "--devices", "cpu"), 2, ("NAME=VALUE",)),
        (("--from", "nowhere.txt"), 2, ("nowhere.txt cannot be read",)),
        (("builtin:digits-vit", "--jobs", "0"), 2, ("--jobs",)),
        (("builtin:digits-vit", "--keep-weights"), 2, ("--keep-weights needs --disk",)),
        (("builtin:digits-vit", "--disk", "much"), 2, ("--disk much: no size",)),
        (("builtin:digits-vit", "--diff"), 2, ("--diff compares two sweeps",)),
        (("builtin:digits-vit",), 4, ("no accelerator works here", "--devices cpu")),
    ],
)
def test_bad_options_are_refused(invoke: Invoke, options: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    refused(invoke("sweep", *options), code, *words)


def test_models_fail_each_in_its_class_and_the_sweep_goes_on(tmp_path: Path, invoke: Invoke, broken: Path) -> None:
    """Listed twice, one of them; then one is mended, and only the failed ones are run again."""
    models = tmp_path / "models"
    shutil.copytree(broken, models)
    listed = tmp_path / "list.txt"
    names = [models / name for name in ("good", "damaged", "no-weights", "pickle", "no-config", "good")]
    listed.write_text("# models\n" + "\n".join(map(str, names)))
    logs = tmp_path / "logs"
    command = ("sweep", "--from", listed, "--devices", "cpu", "--jobs", "2", "--run", "fetch", "--name", "x")
    done = invoke(*command)
    assert done.exit_code == 3, done.output
    assert "named twice, run once" in done.stderr
    first = record(logs, "x")
    expected = {
        "good": "",
        "damaged": "model-corrupt",
        "no-weights": "no-weights",
        "pickle": "pickled",
        "no-config": "no-config",
    }
    assert causes(first) == expected
    assert (first.counts.passed, first.counts.failed) == (1, 4)
    assert len(done.stdout.splitlines()) <= 24
    assert "FAILED: 4 of 5 models" in done.stdout

    again = invoke(*command)
    refused(again, 2, "there is a sweep x already")

    resumed = invoke("sweep", "--resume", "x", "--devices", "cpu", "--json")
    assert resumed.exit_code == 3
    kept = json.loads(resumed.stdout)
    assert [row["ended_at"] for row in kept["rows"]] == [row.ended_at for row in first.rows]  # nothing was run again

    shutil.copy(BUILTIN / "config.json", models / "damaged")
    mended = invoke("sweep", "--resume", "x", "--devices", "cpu")
    assert "damaged is run again: weights changed" in " ".join(mended.stderr.split())
    second = record(logs, "x")
    assert causes(second) == {**expected, "damaged": ""}

    only = invoke("sweep", "--resume", "x", "--devices", "cpu", "--only", "failed")
    assert only.exit_code == 3
    third = record(logs, "x")
    unchanged = {row.name for row, before in zip(third.rows, second.rows, strict=True) if row == before}
    assert {Path(name).name for name in unchanged} == {"good", "damaged"}


def test_a_model_runs_with_the_options_of_its_list_and_its_time_limit(tmp_path: Path, invoke: Invoke) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(
        "defaults: {seed: 3}\n"
        "models:\n"
        "- {model: builtin:digits-vit, infer: {dtype: bfloat16}}\n"
        "- {model: builtin:digits-vit, name: late, timeout: 0.1}\n"
    )
    logs = tmp_path / "logs"
    done = invoke("sweep", "--from", file, "--devices", "cpu", "--run", "infer,report", "--name", "x", "--retries", "0")
    assert done.exit_code == 3, done.output
    first, late = record(logs, "x").rows
    assert first.cause is None and first.figures.runs and first.figures.dtype == "bfloat16"
    assert first.identity is not None and first.identity.options["infer"] == {"dtype": "bfloat16", "seed": 3}
    summary = json.loads((logs / "sweeps" / "x" / "models" / first.folder / "summary.json").read_bytes())
    assert summary["run"]["seed"] == 3
    assert "npu-adapt infer builtin:digits-vit" in summary["command"] and "--dtype bfloat16" in summary["command"]
    assert (logs / "sweeps" / "x" / "models" / first.folder / "report.html").exists()
    assert late.cause is not None and (late.cause.id, late.attempts) == ("timeout", 1)


def test_a_sweep_that_is_terminated_leaves_its_matrix(tmp_path: Path, invoke: Invoke) -> None:
    """Batch systems end a job by SIGTERM; what was finished until then is in every form."""
    names = [shutil.copytree(BUILTIN, tmp_path / f"model-{number}") for number in range(20)]
    folder = tmp_path / "logs" / "sweeps" / "x"

    def terminate() -> None:
        while not [*folder.glob("models/*/result.json")]:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=terminate, daemon=True).start()
    done = invoke("sweep", *names, "--devices", "cpu", "--run", "fetch", "--name", "x")
    assert done.exit_code == 130, done.output
    assert signal.getsignal(signal.SIGTERM) is before
    counts = record(tmp_path / "logs", "x").counts
    assert counts.passed >= 1 and counts.not_run >= 1
    assert {path.name for path in folder.glob("*.*")} >= {"matrix.html", "matrix.md", "matrix.csv", "junit.xml"}


def test_two_sweeps_of_one_name_at_once_are_refused(tmp_path: Path, invoke: Invoke) -> None:
    from npu_adapt.workflows.sweep.folder import SweepFolder

    logs = tmp_path / "logs"
    with SweepFolder(logs, "x").locked():
        done = invoke("sweep", "builtin:digits-vit", "--devices", "cpu", "--run", "fetch", "--name", "x")
    refused(done, 2, "is running in another process")


def test_every_cause_has_its_article() -> None:
    ids = {name.removesuffix("-plain") for name in CAUSES}
    assert ids - set(known_ids()) == set()
