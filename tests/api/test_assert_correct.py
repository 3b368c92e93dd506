"""`npu_adapt.assert_correct`: what is right passes in every type, what is wrong fails with its name and its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

import npu_adapt
from npu_adapt.errors import DeviceUnavailable, RunFailed, UsageError
from npu_adapt.workflows.compare import sides

DTYPES = ("float32", "float16", "bfloat16")


class Block(torch.nn.Module):
    """A small network with an input by name."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.up = torch.nn.Linear(32, 64)
        self.norm = torch.nn.LayerNorm(64)
        self.down = torch.nn.Linear(64, 16)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> dict[str, torch.Tensor]:
        hidden = self.norm(F.gelu(self.up(x)))
        return {"hidden": hidden, "scores": self.down(hidden) * scale}


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(8, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_module_passes(x: torch.Tensor, dtype: Any) -> None:
    summary = npu_adapt.assert_correct(Block(), {"x": x, "scale": 2.0}, device="cpu", dtype=dtype)
    assert summary.run is not None and summary.run.dtype == dtype
    assert [output.name for output in summary.run.outputs] == ["hidden", "scores"]
    assert [each.name for each in summary.run.inputs] == ["x"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_operator_passes(x: torch.Tensor, dtype: Any) -> None:
    def my_linear(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return x @ w.T

    w = torch.randn(5, 32, generator=torch.Generator().manual_seed(2))
    summary = npu_adapt.assert_correct(my_linear, (x, w), reference=F.linear, device="cpu", dtype=dtype)
    assert summary.model is not None and summary.model.id == "python:my_linear"


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_module_of_a_half_type_is_taken_in_its_own(x: torch.Tensor, dtype: str) -> None:
    module = Block().to(getattr(torch, dtype))
    summary = npu_adapt.assert_correct(module, (x,), device="cpu", fast=True, rule="tolerance", rtol=0.1, atol=0.1)
    assert summary.run is not None and summary.run.dtype == dtype


def test_a_rehearsal_needs_no_device(x: torch.Tensor) -> None:
    summary = npu_adapt.assert_correct(Block(), (x,), rehearse="hf32")
    assert summary.run is not None and (summary.run.status, summary.run.device) == ("REHEARSED", "rehearsed:hf32")


class Faulty(TorchFunctionMode):
    """A device whose normalisation is off."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        return result * 1.001 if func is F.layer_norm else result


def test_a_fault_of_an_operator_is_named_with_its_error_and_floor(
    monkeypatch: pytest.MonkeyPatch, x: torch.Tensor
) -> None:
    monkeypatch.setattr(sides, "candidate_context", lambda session: Faulty)
    with pytest.raises(AssertionError) as caught:
        npu_adapt.assert_correct(Block(), (x,), device="cpu")
    text = str(caught.value)
    assert text.startswith("FAILED: python:Block on cpu")
    assert "layer_norm" in text and "norm" in text and "noise floors" in text
    assert len(text.splitlines()) <= 32 and "\x1b" not in text


def test_another_code_than_the_reference_is_told_by_its_own_name(x: torch.Tensor) -> None:
    def half_right(x: torch.Tensor) -> torch.Tensor:
        return F.gelu(x, approximate="tanh")

    with pytest.raises(AssertionError, match="python:half_right") as caught:
        npu_adapt.assert_correct(half_right, x, reference=F.gelu, device="cpu")
    assert "noise floors from float64" in str(caught.value)


def test_the_users_module_and_random_numbers_are_left_as_they_are(x: torch.Tensor) -> None:
    module = Block().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    npu_adapt.assert_correct(module, (x,), device="cpu")
    assert torch.equal(torch.rand(3), expected)
    assert module.training and all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_nothing_is_printed_and_nothing_written(
    x: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    npu_adapt.assert_correct(Block(), (x,), device="cpu", fast=True)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_logs_are_written_where_they_are_asked_for(x: torch.Tensor, tmp_path: Path) -> None:
    summary = npu_adapt.infer(Block(), (x,), device="cpu", logs=tmp_path / "logs")
    assert (tmp_path / "logs" / "run_npu.log").exists()
    assert npu_adapt.report(tmp_path / "logs") == npu_adapt.report(summary)


def test_what_a_forward_raises_is_a_failed_run_that_names_the_module(x: torch.Tensor) -> None:
    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Sequential(Raises())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    for error in (KeyError("token_type_ids"), AssertionError(), ValueError("no\nnewline"), IndexError("")):
        Raises.error = error
        with pytest.raises(RunFailed, match=r"the forward of inner\.0 \(Raises\) raised") as caught:
            npu_adapt.infer(Broken(), (x,), device="cpu")
        assert (caught.value.stage, caught.value.exit_code) == ("forward", 6)
        assert caught.value.__cause__ is error


def compiled_within() -> torch.nn.Module:
    block = Block()
    block.up.compile(backend="eager")
    return block


class Raises(torch.nn.Module):
    error: Exception = ValueError()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise self.error


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: npu_adapt.compare(Block(), device="cpu"), "takes inputs"),
        (lambda: npu_adapt.compare(Block(), (1, 2), device="cpu"), "hold no tensor"),
        (lambda: npu_adapt.compare(Block().double(), torch.ones(1, 32), device="cpu"), "float64"),
        (lambda: npu_adapt.compare("builtin:digits-vit", torch.ones(1), device="cpu"), "takes paths and texts"),
        (lambda: npu_adapt.compare("builtin:digits-vit", device="banana"), "banana"),
        (lambda: npu_adapt.compare(Block(), torch.ones(1, 32), device="cpu", dtype="float8"), "dtype='float8'"),  # type: ignore[arg-type]
        (lambda: npu_adapt.compare(Block(), torch.ones(1, 32), device="cpu", rtol=-1.0), "rtol=-1.0"),
        (lambda: npu_adapt.compare("builtin:digits-vit", reference=F.gelu, device="cpu"), "compared with itself"),
        (lambda: npu_adapt.compare(Block(), torch.ones(1, 32), device=0), "device=0"),  # type: ignore[arg-type]
        (lambda: npu_adapt.compare(Block, torch.ones(1, 32), device="cpu"), "Block is a class"),
    ],
    ids=[
        "no inputs", "no tensor", "float64", "tensor for a name", "device", "dtype", "rtol", "reference for a name",
        "number", "class",
    ],
)  # fmt: skip
def test_a_call_that_means_nothing_is_a_usage_error(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own imports, and of TorchScript
@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: torch.compile(Block(), backend="eager"), r"Module is compiled already, by torch\.compile"),
        (lambda: torch.compile(F.gelu, backend="eager"), r"gelu is compiled already, by torch\.compile"),
        (compiled_within, r"up is compiled already, by torch\.compile"),
        (lambda: torch.jit.trace(torch.nn.Linear(32, 4), torch.ones(1, 32)), "by TorchScript"),  # type: ignore[no-untyped-call]
    ],
    ids=["module", "function", "part", "TorchScript"],
)
def test_code_that_is_compiled_already_is_refused(made: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        npu_adapt.compare(made(), torch.ones(1, 32), device="cpu")
    assert caught.value.exit_code == 2


def test_without_a_device_it_is_no_failed_assertion(x: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceUnavailable), nullcontext():
        npu_adapt.assert_correct(Block(), (x,), device="npu:0")


def test_an_option_that_there_is_not_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        npu_adapt.compare(Block(), torch.ones(1, 32), device="cpu", colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Did you mean 'iterations'"):
        npu_adapt.bench(Block(), torch.ones(1, 32), device="cpu", iters=3)  # type: ignore[call-arg]


def test_devices_and_types_of_torch_are_taken_by_their_names(x: torch.Tensor) -> None:
    summary = npu_adapt.infer(Block(), (x,), device=torch.device("cpu"), dtype=torch.float16)
    assert summary.run is not None and (summary.run.device, summary.run.dtype) == ("cpu", "float16")
    assert summary.commands["infer"] == "npu_adapt.infer(Block, device='cpu', dtype='float16')"
