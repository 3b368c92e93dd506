"""Task rows of other packages: added, or left out with a note where their code fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.general_findings import plugins_fail
from npu_adapt.models.entry_points import GROUP
from npu_adapt.models.tasks.plugins import plugins
from npu_adapt.records import decode
from npu_adapt.workflows.env.plugins import failing_plugins
from tests.devices.machines import machine

ROW = """
from dataclasses import replace
from npu_adapt.models.tasks import TASKS

PARITY = replace(TASKS["image-classification"], name="digit-parity", tag="digit-parity")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`install("name", "package:ROW", source)`: a package with an entry point, as pip installs it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, entry: str, source: str) -> None:
        (tmp_path / f"{entry.partition(':')[0]}.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {entry}\n")
        plugins.cache_clear()

    yield install
    plugins.cache_clear()


def test_a_package_adds_a_row_and_one_that_fails_is_noted(install: Callable[..., None], tmp_path: Path) -> None:
    install("parity", "parity_rows:PARITY", ROW)
    install("broken", "broken_rows:ROWS", "import nothing_of_that_name\n")
    install("leaving", "leaving_rows:ROWS", "raise SystemExit(3)\n")
    install("wrong", "wrong_rows:ROWS", "ROWS = ['no task']\n")
    line = ["infer", "builtin:digits-vit", "--task", "digit-parity", "--device", "cpu", "--json"]
    done = CliRunner().invoke(app, [*line, "--logs", str(tmp_path / "logs")])
    assert done.exit_code == 0, done.output
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.model is not None and summary.model.task == "digit-parity"
    assert summary.run is not None and summary.run.predictions[0].label == "zero"
    errors = {each.values["name"]: each.values["error"] for each in summary.run.notes if each.id == "plugin-failed"}
    assert errors == {
        "broken": "No module named 'nothing_of_that_name'",
        "leaving": "3",
        "wrong": "TypeError: wrong_rows:ROWS is str, not a Task",
    }
    report = CliRunner().invoke(app, ["report", "--logs", str(tmp_path / "logs")]).stdout
    assert "the plug-in broken of npu\\_adapt.tasks was left out" in report or "the plug-in broken" in report
    unknown = CliRunner().invoke(app, ["infer", "builtin:digits-vit", "--task", "nonsense", "--device", "cpu"])
    assert unknown.exit_code == 2 and "digit-parity" in unknown.stderr


def test_env_finds_the_plug_ins_that_fail_in_a_process_of_their_own(
    install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failing_plugins(60) == ()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    install("parity", "parity_rows:PARITY", ROW)
    install("broken", "broken_rows:ROWS", "import nothing_of_that_name\n")
    failed = failing_plugins(60)
    assert [(each.name, each.error) for each in failed] == [("broken", "No module named 'nothing_of_that_name'")]
    values = plugins_fail(Examination(machine(tmp_path), failed_plugins=failed))
    assert values == {"said": "broken: No module named 'nothing_of_that_name'"}
    install("killing", "killing_rows:ROWS", "import os\nos._exit(7)\n")
    assert {each.error for each in failing_plugins(60)} == {"exit code 7"}
