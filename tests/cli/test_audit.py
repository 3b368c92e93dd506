"""`npu-adapt audit` on what people hand in, ours and anybody's: exit codes, screens, JSON, and bad input."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from npu_adapt.cli.app import app
from tests.claims.scoring import TEXTS

Invoke = Callable[..., Result]
SEED = TEXTS / "first" / "seed.zh.md"
CLEAN = TEXTS / "first" / "02-resnet50-clean.en.md"


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_a_report_that_contradicts_itself_is_exit_code_3_with_lines_and_figures(invoke: Invoke) -> None:
    done = invoke("audit", SEED)
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert lines[0].startswith("CONTRADICTS ITSELF: 3 contradictions, 5 gaps, 0 doubts in")
    assert any(line.startswith("line 45, 68  two-values: ") and "6.01 ms" in line for line in lines)
    assert len(lines) <= 24


def test_a_clean_report_is_exit_code_0(invoke: Invoke) -> None:
    done = invoke("audit", CLEAN)
    assert done.exit_code == 0
    assert done.stdout.startswith("NOTHING FOUND: ")


def test_chinese_and_details_and_json_say_the_same(invoke: Invoke) -> None:
    chinese = invoke("audit", SEED, "--lang", "zh").stdout
    assert chinese.startswith("自相矛盾：") and "第 45, 68 行" in chinese
    details = invoke("audit", SEED, "--details").stdout
    assert "line 68: NPU latency_ms: 5.988121" in details
    record = json.loads(invoke("audit", SEED, "--json").stdout)
    assert record["contradicts_itself"] is True
    found = {each["id"]: each for each in record["findings"]}
    assert [place["line"] for place in found["two-values"]["places"]] == [45, 68]
    assert found["two-values"]["nature"] == "contradiction" and found["placeholder"]["nature"] == "gap"


def test_a_screen_has_at_most_24_lines_however_much_is_found(invoke: Invoke, tmp_path: Path) -> None:
    rows = "".join(f"| metric {n} | |\n" for n in range(60))
    (tmp_path / "a.md").write_text(f"# NPU\n\n| a | b |\n|---|---|\n{rows}")
    done = invoke("audit", tmp_path / "a.md")
    assert done.exit_code == 0  # what is missing contradicts nothing
    assert len(done.stdout.splitlines()) <= 24 and "more: --details" in done.stdout


def test_our_own_logs_folder_has_nothing_to_find(invoke: Invoke, good_logs: Path) -> None:
    done = invoke("audit", good_logs, "--offline")
    assert done.exit_code == 0, done.output
    assert "NOTHING FOUND" in done.stdout


def test_a_folder_of_a_model_may_be_typed_in_any_way(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has it as it was typed, the summary where that leads."""
    from npu_adapt.models.local import builtin_folder

    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(builtin_folder("builtin:digits-vit"))
    assert invoke("infer", "./link", "--device", "cpu", "--logs", "logs").exit_code == 0
    done = invoke("audit", "logs", "--offline")
    assert done.exit_code == 0, done.output


def test_an_edited_summary_is_named_by_field(invoke: Invoke, good_logs: Path, tmp_path: Path) -> None:
    logs = shutil.copytree(good_logs, tmp_path / "logs")
    summary = json.loads((logs / "summary.json").read_text())
    summary["run"]["predictions"][0]["score"] = 0.5
    (logs / "summary.json").write_text(json.dumps(summary))
    done = invoke("audit", logs, "--offline", "--json")
    assert done.exit_code == 3
    (found,) = json.loads(done.stdout)["findings"]
    assert found["id"] == "edited-copy" and found["places"][0]["field"] == "run.predictions.0.score"


def gbk(path: Path) -> Path:
    path.write_bytes(SEED.read_text(encoding="utf-8").encode("gb18030"))
    return path


def test_gbk_reads_like_utf_8(invoke: Invoke, tmp_path: Path) -> None:
    here, there = (json.loads(invoke("audit", each, "--json").stdout) for each in (SEED, gbk(tmp_path / "gbk.md")))
    assert [each["id"] for each in here["findings"]] == [each["id"] for each in there["findings"]]


def refused(path: object) -> str:
    done = CliRunner().invoke(app, ["audit", str(path)])
    assert done.exit_code == 2, done.output
    assert "error: " in done.stderr and "next: " in done.stderr and "Traceback" not in done.output
    assert done.stdout == ""
    return " ".join(done.stderr.split())


def test_bad_input_is_a_usage_error(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "no.md")
    assert "is an address" in refused("https://example.org/README.md")
    assert "neither a summary of npu-adapt nor a report" in refused(tmp_path)
    (tmp_path / "a.md").write_bytes(b"\x7fELF\0\0\0\1\2\3")
    assert "is no text" in refused(tmp_path / "a.md")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n%\xe2\xe3")
    assert "is a PDF" in refused(tmp_path / "a.pdf")
    with (tmp_path / "large.md").open("wb") as file:
        file.truncate(100 << 20)
    assert "larger than" in refused(tmp_path / "large.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert "named pipe" in refused(tmp_path / "pipe.md")
    (tmp_path / "foreign.json").write_text('{"a": 1}')
    assert "was not written by npu-adapt" in refused(tmp_path / "foreign.json")
    (tmp_path / "torn.json").write_text('{"schema_version": 2, "tool"')
    assert "not complete JSON" in refused(tmp_path / "torn.json")


def test_a_folder_with_several_reports_names_the_file_of_each_finding(invoke: Invoke, tmp_path: Path) -> None:
    shutil.copy(SEED, tmp_path / "one.md")
    shutil.copy(CLEAN, tmp_path / "two.md")
    (tmp_path / "broken.md").write_bytes(b"\0\0\0\0")
    done = invoke("audit", tmp_path)
    assert done.exit_code == 3
    assert "one.md line 45, 68" in done.stdout and "broken.md was not read" in " ".join(done.stdout.split())
