"""`--lang`, `--details`, and what a pipe, a plain terminal and `--quiet` get: the same screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from npu_adapt.cli.app import app
from npu_adapt.records import encode
from tests.report.keep_summaries import kept

Invoke = Callable[..., Result]


@pytest.fixture
def infer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """What `infer` prints about a run that was kept, with those arguments."""
    import npu_adapt.workflows.run.infer as workflow

    monkeypatch.setattr(workflow, "infer", lambda request, progress: kept("infer"))
    logs = ["--logs", str(tmp_path / "logs")]

    def stdout(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["infer", "--device", "cpu", *logs, *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    return stdout


def test_english_is_the_default(infer: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NPU_ADAPT_LANG")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert infer().startswith("RAN: builtin:digits-vit on cpu")


@pytest.mark.parametrize("variables", [{"NPU_ADAPT_LANG": "zh"}, {"NPU_ADAPT_LANG": "", "LC_ALL": "zh_CN.UTF-8"}])
def test_the_variable_and_the_locale_choose_the_language(
    infer: Callable[..., str], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert infer().startswith("运行完成：builtin:digits-vit 在 cpu 上")
    assert infer("--lang", "en").startswith("RAN: ")


def test_details_are_all_and_the_screen_is_short(infer: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert len(infer().splitlines()) <= 24
    whole = infer("--details", "--lang", "zh")
    assert "权重文件" in whole and "sha256" in whole
    assert len(whole.splitlines()) > 24


def test_quiet_keeps_the_screen_and_json_ignores_both(infer: Callable[..., str]) -> None:
    assert infer("--quiet") == infer()
    assert json.loads(infer("--json", "--details", "--lang", "zh"))["run"]["status"] == "SUCCESS"


def test_an_unknown_language_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["infer", "--lang", "fr"]).exit_code == 2


def test_the_report_follows_the_same_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "summary.json").write_bytes(encode(kept("infer")))
    monkeypatch.setenv("NPU_ADAPT_LANG", "zh")
    shown = CliRunner().invoke(app, ["report", "--logs", str(tmp_path)]).stdout
    assert "## 结论" in shown
    english = CliRunner().invoke(app, ["report", "--logs", str(tmp_path), "--lang", "en"]).stdout
    assert "## Conclusion" in english
