"""Fuzzing of the evidence that commands read back: summaries and saved outputs of any content.

Whatever they hold, only the exits of the contract come out. Bounded: the same changes every time.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from npu_adapt.cli.app import app
from tests.benchmarks.hostile.evidence import damage_outputs
from tests.mutations import odd_file

BUILTIN = "builtin:digits-vit"
FORMER = Path(__file__).parents[1] / "data" / "summary-v1.json"
BOUNDED = settings(
    max_examples=50,
    deadline=60_000,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHANGES = st.randoms(use_true_random=False)
READERS: dict[str, tuple[str, ...]] = {
    "report": ("report", "--logs", "{folder}", "--lang", "zh"),
    "report, as a page": ("report", "--logs", "{folder}", "--out", "{folder}/report.html"),
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_contract(done: Result) -> None:
    """An exit of the contract, and with an error what to do next."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in (0, 2, 3, 4, 5, 6), done.output
    assert "Traceback" not in done.output
    assert done.exit_code in (0, 3) or "next:" in done.output or "建议：" in done.output or '"hint"' in done.output


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs and the saved outputs of a comparison that passed."""
    folder = tmp_path_factory.mktemp("saved")
    kept = ("--save-outputs", folder / "outputs", "--logs", folder / "logs", "--samples", "2")
    assert run("compare", BUILTIN, "--device", "cpu", "--quiet", *kept).exit_code == 0
    return folder


@BOUNDED
@given(chosen=CHANGES)
def test_a_summary(chosen: Any, saved: Path, tmp_path: Path) -> None:
    source = FORMER if chosen.randrange(4) == 0 else saved / "logs" / "summary.json"
    (tmp_path / "summary.json").write_bytes(odd_file(source.read_bytes(), chosen))
    name = chosen.choice(["report", "report", "report, as a page"])
    assert_contract(run(*(part.format(folder=tmp_path) for part in READERS[name])))


@BOUNDED
@given(chosen=CHANGES)
def test_a_baseline(chosen: Any, saved: Path, tmp_path: Path) -> None:
    """`--rejudge` reads it as a comparison that runs does, and runs nothing."""
    source = FORMER if chosen.randrange(8) == 0 else saved / "logs" / "summary.json"
    (tmp_path / "summary.json").write_bytes(odd_file(source.read_bytes(), chosen))
    before = ("--baseline", tmp_path / "summary.json")
    assert_contract(run("compare", "--rejudge", saved / "outputs", "--logs", tmp_path / "logs", *before))


@BOUNDED
@given(chosen=CHANGES)
def test_saved_outputs(chosen: Any, saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(saved / "outputs", folder)
    damage_outputs(folder, chosen)
    assert_contract(run("compare", "--rejudge", folder, "--logs", tmp_path / "logs"))
