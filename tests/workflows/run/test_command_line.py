"""The recorded command does the same again, wherever it is run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from npu_adapt.workflows.run.command_line import VARIABLES, completed
from npu_adapt.workflows.run.request import RunRequest
from tests.report.summaries import SUCCESS

COMMIT = "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3"
OPEN = f"--source modelscope --revision {COMMIT} --device npu:0 --dtype float32 --attention sdpa"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def request(line: str, **fields: Any) -> RunRequest:
    return RunRequest(command=line.split()[1], command_line=line, **fields)


@pytest.mark.parametrize(
    ("line", "fields", "expected"),
    [
        ("npu-adapt compare", {}, f"npu-adapt compare google/vit-base-patch16-224 {OPEN}"),
        ("npu-adapt compare google/vit", {"model": "google/vit"}, f"npu-adapt compare google/vit {OPEN}"),
        (
            "npu-adapt infer google/vit --device npu:0 --dtype=float32 --revision main",
            {"model": "google/vit"},
            "npu-adapt infer google/vit --device npu:0 --dtype=float32 --revision main "
            "--source modelscope --attention sdpa",
        ),
        (
            "npu-adapt compare google/vit --rehearse hf32",
            {"model": "google/vit", "rehearse": "hf32"},
            f"npu-adapt compare google/vit --rehearse hf32 {OPEN.replace('--device npu:0 ', '')}",
        ),
        (
            "npu-adapt bench google/vit",
            {"model": "google/vit"},
            f"npu-adapt bench google/vit {OPEN.replace('float32', 'float32 --threads 24')}",
        ),
        ("npu_adapt.compare('google/vit')", {"model": "google/vit"}, "npu_adapt.compare('google/vit')"),
    ],
    ids=["model of the last summary", "model", "typed", "rehearsal", "threads", "Python"],
)
def test_what_was_left_open_is_named(line: str, fields: dict[str, Any], expected: str) -> None:
    asked = RunRequest(command=expected.split()[1] if " " in expected else "compare", command_line=line, **fields)
    assert completed(line, asked, SUCCESS) == expected


def test_folders_and_files_are_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my model").mkdir()
    (tmp_path / "cat.png").touch()
    line = "npu-adapt infer 'my model' --input cat.png --input 'a cat; a dog'"
    asked = request(line, model="my model", inputs=("cat.png", "a cat; a dog"))
    assert SUCCESS.model is not None
    summary = replace(SUCCESS, model=replace(SUCCESS.model, source="directory"))
    words = shlex.split(completed(line, asked, summary))
    assert words[2:7] == [str(tmp_path / "my model"), "--input", str(tmp_path / "cat.png"), "--input", "a cat; a dog"]
    assert "--revision" not in words and "--source" not in words


def test_the_endpoint_and_the_threads_stand_before_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hf-mirror.example/a b")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    line = completed("npu-adapt infer google/vit", request("npu-adapt infer google/vit", model="google/vit"), SUCCESS)
    assert line.startswith("HF_ENDPOINT='https://hf-mirror.example/a b' OMP_NUM_THREADS=4 npu-adapt infer google/vit ")
