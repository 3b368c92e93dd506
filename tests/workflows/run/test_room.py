"""A run that may take so much memory: what is refused, what is given back, and that it changes no number."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

import npu_adapt
from npu_adapt.errors import RunFailed, UsageError
from npu_adapt.progress import Silent
from npu_adapt.records import Compare
from npu_adapt.timing import memory
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run import room
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.request import RunRequest


def compared(folder: Path, max_memory: str | None, model: str = "builtin:digits-vit") -> Compare:
    request = RunRequest("compare", "", model, device="cpu", logs=folder / "logs", offline=True, max_memory=max_memory)
    found = compare(request, CompareOptions(fast=True), Silent()).compare
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        ("lots", "--max-memory lots: no size", "for example --max-memory 200GB"),
        ("1MB", "--max-memory 1MB is less than any model takes", "give at least --max-memory"),
    ],
)
def test_what_is_no_size_or_too_little_is_refused_before_loading(
    typed: str, said: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        compared(tmp_path, typed)
    assert caught.value.hint.startswith(hint)


def test_an_adapter_loads_its_weights_itself(tmp_path: Path) -> None:
    (tmp_path / "adapter.py").write_text("def model(weights): ...")
    with pytest.raises(UsageError, match="--max-memory means nothing for an adapter"):
        compared(tmp_path, "64GB", str(tmp_path / "adapter.py"))


def test_a_module_is_in_memory_already() -> None:
    with pytest.raises(UsageError, match="--max-memory means nothing for a module"):
        npu_adapt.compare(torch.nn.Linear(2, 2), torch.ones(1, 2), device="cpu", max_memory="64GB")


def test_compiled_modules_cannot_be_run_layer_by_layer(tmp_path: Path) -> None:
    request = RunRequest("compare", "", device="cpu", logs=tmp_path, max_memory="64GB")
    with pytest.raises(UsageError, match="--max-memory reads weights from their files"):
        compare(request, CompareOptions(mode=("eager", "compile")), Silent())


def test_weights_that_are_read_again_and_again_give_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    give_back, resident = room.give_back, itertools.cycle([0] * 15 + [1 << 40])
    monkeypatch.setattr(memory, "resident_bytes", lambda: next(resident))  # room comes to an end now and then
    monkeypatch.setattr(room, "give_back", lambda files: given.append(give_back(files)))
    limited = compared(tmp_path, "64GB")
    assert sum(given) > 2 * max(given) > 0
    passes = len(given)
    free = compared(tmp_path, None)
    assert len(given) == passes
    assert limited.outputs == free.outputs


def test_memory_that_no_file_is_behind_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LEAST_ROOM", 0)
    held = memory.resident_bytes()
    found = itertools.chain([held], itertools.repeat(held + (1 << 40)))  # the first is what it has before it loads
    monkeypatch.setattr(memory, "resident_bytes", lambda: next(found))
    with pytest.raises(RunFailed, match="takes more memory than --max-memory allows") as caught:
        compared(tmp_path, f"{held + (1 << 30)}B")
    assert (caught.value.kind, caught.value.stage) == ("out-of-memory", "load")


def test_where_memory_runs_out_the_limit_is_what_to_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object, **__: object) -> None:
        raise RunFailed("out of memory", hint="close other programs", stage="reference", kind="out-of-memory")

    monkeypatch.setattr(Side, "call", too_much)
    for max_memory, hint in (("64GB", "give --max-memory more"), (None, "close other programs")):
        with pytest.raises(RunFailed, match="out of memory") as caught:
            compared(tmp_path, max_memory)
        assert caught.value.hint.startswith(hint)
