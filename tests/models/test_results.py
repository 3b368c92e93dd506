"""What a forward returns, whatever it is nested in, is named by its path."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from npu_adapt.errors import RunFailed
from npu_adapt.models.tasks.results import named_tensors, outputs_of

ONE, TWO = torch.ones(1), torch.ones(2)
Pair = namedtuple("Pair", "loss scores")


@dataclass
class Detected:
    boxes: torch.Tensor
    masks: torch.Tensor | None
    kept: list[Any]


RESULTS: dict[str, tuple[Any, list[str]]] = {
    "a tensor": (ONE, ["output"]),
    "a tuple": ((ONE, None, TWO), ["output.0", "output.2"]),
    "boxes of each picture": ([{"boxes": ONE, "labels": TWO}], ["output.0.boxes", "output.0.labels"]),
    "a dataclass": (Detected(ONE, None, [TWO, {"deep": (ONE,)}]), ["boxes", "kept.0", "kept.1.deep.0"]),
    "a named tuple": (Pair(None, (ONE, TWO)), ["scores.0", "scores.1"]),
    "a ModelOutput": (
        BaseModelOutput(last_hidden_state=ONE, hidden_states=(ONE, TWO)),
        ["last_hidden_state", "hidden_states.0", "hidden_states.1"],
    ),
    "numbers as keys": ({0: ONE, 1: 3.5}, ["0"]),
    "a field called output": ({"output": ONE, "hidden": TWO}, ["output", "hidden"]),
    "two that would be called alike": ({"a.b": ONE, "a": {"b": TWO}}, ["a.b", "a.b#2"]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_tensor_has_a_name(name: str) -> None:
    result, names = RESULTS[name]
    assert list(named_tensors(result)) == names


def test_complex_numbers_are_pairs_of_real_ones() -> None:
    value = torch.complex(torch.tensor([[1.0]]), torch.tensor([[2.0]]))
    assert torch.equal(named_tensors({"spectrum": value.conj()})["spectrum"], torch.tensor([[[1.0, -2.0]]]))


@pytest.mark.parametrize("result", [None, 3.0, "text", {"number": 3}, Detected(None, None, [])], ids=str)  # type: ignore[arg-type]
def test_no_tensor_is_a_failed_forward(result: Any) -> None:
    with pytest.raises(RunFailed, match=f"returned no tensor, but {type(result).__name__}") as caught:
        named_tensors(result)
    assert "outputs(result)" in caught.value.hint


def test_a_named_tuple_is_asked_for_the_fields_of_its_task() -> None:
    assert list(outputs_of(Pair(ONE, TWO), ("scores",))) == ["scores"]
    assert list(outputs_of(Pair(ONE, TWO), ("logits",))) == ["loss", "scores"]
