"""The documentation's adapters: those whose packages are here run, all of them are what the text says."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import npu_adapt
from npu_adapt.models.adapters.adapter import Adapter
from tests.adapters.documented import examples
from tests.adapters.make import FILES, weights_of


def test_both_languages_show_the_same_adapters() -> None:
    def code(language: str) -> list[list[str]]:
        return [[line.partition("  #")[0] for line in text.splitlines()] for text in examples(language).values()]

    assert code("en") == code("zh")


@pytest.mark.parametrize("name", examples())
def test_an_adapter_is_short_and_has_functions_that_are_called(name: str) -> None:
    tree = ast.parse(examples()[name])
    functions = {each.name: each.args.args[0].arg for each in tree.body if isinstance(each, ast.FunctionDef)}
    takes = {"model": "weights", "inputs": "values", "outputs": "result"}
    assert "model" in functions and functions.items() <= takes.items()
    assert set(takes) == {name for name in vars(Adapter) if name in takes} | {"model"}
    lines = [line for line in examples()[name].splitlines()[1:] if line.strip()]
    assert len(lines) <= 15


def test_the_first_one_runs(tmp_path: Path) -> None:
    (tmp_path / "yolo.py").write_text(examples()["yolo.py"])
    shutil.copy(FILES / "resnet.py", tmp_path / "net.py")
    with (tmp_path / "net.py").open("a") as file:
        file.write("\n\nNet = ResNet\n")
    weights = weights_of("resnet.py", tmp_path)
    summary = npu_adapt.compare(tmp_path / "yolo.py", weights=weights, device="cpu", fast=True, rtol=1e-5, atol=1e-6)
    assert summary.compare is not None and summary.compare.verdict.passed
    assert summary.weights is not None and summary.weights.proven_parameters == 104
    assert summary.command == f"npu_adapt.compare('{tmp_path}/yolo.py', device='cpu', weights={weights!r}, " + (
        "fast=True, rtol=1e-05, atol=1e-06)"
    )


def test_that_of_diffusers_runs(tmp_path: Path) -> None:
    (tmp_path / "unet.py").write_text(examples()["diffusers_unet.py"])
    summary = npu_adapt.infer(tmp_path / "unet.py", weights=weights_of("unet.py", tmp_path), device="cpu")
    assert summary.weights is not None and summary.weights.proven_parameters == 208
    assert summary.run is not None and [each.name for each in summary.run.outputs] == ["sample"]
