"""`npu-adapt env` as users run it: as a process, on this machine and on broken ones."""

from __future__ import annotations

import json
from pathlib import Path

from npu_adapt.records import decode
from tests.commands import Cli

HIDDEN = {"PATH": "/usr/bin:/bin"}


def problems(stdout: str) -> dict[str, dict[str, str]]:
    """The findings of `env --json`, by id."""
    return {problem["id"]: problem for problem in json.loads(stdout)["environment"]["problems"]}


def test_a_torch_npu_without_cann_is_told_its_mend_on_the_screen(cli: Cli) -> None:
    """The real wheel, which needs `libhccl.so`."""
    done = cli("env")
    assert done.code == 0
    assert done.stdout.startswith("Software")
    assert "cann-missing" in done.stdout
    assert "libhccl.so" in done.stdout
    assert done.stdout.rstrip().endswith("No accelerator is usable here; the CPU is.")
    assert "Traceback" not in done.stderr


def test_json_is_the_record_and_nothing_else(cli: Cli) -> None:
    done = cli("env", "--json")
    assert done.code == 0
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.environment is not None
    assert summary.model is None
    assert {problem.id for problem in summary.environment.problems} == {"cann-missing", "driver-missing"}


def test_check_exits_with_4_where_nothing_is_usable(cli: Cli) -> None:
    done = cli("env", "--check", "--json")
    assert done.code == 4
    assert "cann-missing" in problems(done.stdout)


def test_the_static_part_is_printed_before_anything_answers(cli: Cli, tmp_path: Path) -> None:
    """Even where the import of torch never ends."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    done = cli("env", "--timeout", "1", environment={"PYTHONPATH": str(tmp_path)})
    assert done.code == 0
    assert "torch-broken" in done.stdout
    assert "its import hung: it was not over after 1 s" in done.stdout
