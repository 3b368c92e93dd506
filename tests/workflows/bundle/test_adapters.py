"""The bundle of an adapter's run: the file itself, what lies beside it, its weights as the proof read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from npu_adapt.errors import UsageError
from npu_adapt.evidence import Logs
from npu_adapt.progress import Silent
from npu_adapt.records import Summary
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.run.request import RunRequest
from tests.workflows.bundle import rows
from tests.workflows.bundle.rows import differing

ADAPTER = """\
import torch
from net import Net
from parts.scale import SCALE


def loaded(weights):
    net = Net()
    net.load_state_dict(weights)
    return net


def model_small(weights):
    return loaded(weights)


def inputs(values):
    noise = torch.randn(2, 3)
    with open(values[0], encoding="utf-8") as file:
        return noise * SCALE * float(file.read())


outputs_small = lambda result: {"class_scores": result}
"""
NET = """\
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 4)

    def forward(self, x):
        return self.layer(x)
"""


def written(home: Path) -> Path:
    """An adapter with modules beside it, a file that it reads, and weights as a trainer saves them."""
    (home / "my-net.py").write_text(ADAPTER)
    (home / "net.py").write_text(NET)
    (home / "parts").mkdir()
    (home / "parts" / "__init__.py").write_text("")
    (home / "parts" / "scale.py").write_text("SCALE = 0.5\n")
    (home / "factor.txt").write_text("3\n")
    torch.manual_seed(0)
    state = torch.nn.Linear(3, 4).state_dict()
    wrapped = {f"module._orig_mod.layer.{name}": tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "model_state_dict": wrapped}, home / "last.pth")
    return home


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("adapter"))


def ran(folder: Path, **options: Any) -> Summary:
    model = f"{folder / 'my-net.py'}:small"
    request = RunRequest(
        command="compare",
        command_line=f"npu-adapt compare {model} --input {folder / 'factor.txt'} --device cpu --dtype bfloat16",
        model=model, inputs=(str(folder / "factor.txt"),), device="cpu", dtype="bfloat16", samples=2,
        logs=folder / "logs", cache_dir=folder / "cache", **options,
    )  # fmt: skip
    return compare(request, CompareOptions(fast=True), Silent())


def handed_in(folder: Path) -> tuple[Path, Summary]:
    summary = ran(folder, weights=folder / "last.pth", allow_pickle=True)
    bundle(summary, Logs(folder / "logs"), folder / "bundle", "modelzoo", "zh")
    return folder / "bundle", summary


@pytest.fixture(scope="module")
def made(folder: Path) -> tuple[Path, Summary]:
    return handed_in(folder)


def test_the_scripts_give_the_figures_of_the_record(made: tuple[Path, Summary]) -> None:
    assert made[1].compare is not None and made[1].compare.relative_l2
    assert differing(*made) == {}


def test_it_holds_what_the_adapter_reads_and_imports(made: tuple[Path, Summary]) -> None:
    place, _ = made
    there = {path.relative_to(place / "adapter").as_posix() for path in (place / "adapter").rglob("*.py")}
    assert there == {"my-net.py", "net.py", "parts/__init__.py", "parts/scale.py"}
    assert (place / "adapter" / "my-net.py").read_text() == ADAPTER
    assert (place / "inputs" / "0-factor.txt").read_text() == "3\n"
    pins = (place / "requirements.txt").read_text().splitlines()[1:]
    assert [each.partition("==")[0] for each in pins] == ["torch", "numpy", "safetensors"]
    text = (place / "inference.py").read_text()
    assert "npu_adapt" not in text and "transformers" not in text
    assert "adapter.model_small(" in text and "adapter.inputs(" in text and "adapter.outputs_small(" in text
    assert "适配文件" in (place / "README.md").read_text()


def test_an_audit_finds_nothing_but_what_is_changed(made: tuple[Path, Summary]) -> None:
    place, _ = made
    request = AuditRequest(path=place, offline=True)
    assert [(each.id, each.places) for each in audit(request, Silent()).findings] == []
    (place / "adapter" / "my-net.py").write_text(ADAPTER.replace("SCALE *", "2 * SCALE *"))
    found = audit(request, Silent()).findings
    assert [(each.id, Path(each.places[0].file).name) for each in found] == [("bundle-differs", "my-net.py")]
    (place / "adapter" / "my-net.py").write_text(ADAPTER)


def test_other_weights_are_refused(made: tuple[Path, Summary], tmp_path: Path) -> None:
    torch.save({}, tmp_path / "last.pth")
    with pytest.raises(SystemExit, match="is another file than the report's"):
        rows.script(made[0], "inference.py", "--weights", str(tmp_path / "last.pth"))


def test_without_weights_there_is_nothing_to_hand_in(tmp_path: Path) -> None:
    adapter = tmp_path / "bare.py"
    adapter.write_text(
        "import torch\ndef model(w): return torch.nn.Linear(3, 2)\ndef inputs(v): return torch.ones(3)\n"
    )
    request = RunRequest(
        command="compare", command_line="npu-adapt compare bare.py", model=str(adapter), device="cpu",
        logs=tmp_path / "logs", cache_dir=tmp_path / "cache",
    )  # fmt: skip
    summary = compare(request, CompareOptions(fast=True), Silent())
    with pytest.raises(UsageError, match="the adapter ran without --weights"):
        bundle(summary, Logs(tmp_path / "logs"), tmp_path / "out", "contest", "en")
