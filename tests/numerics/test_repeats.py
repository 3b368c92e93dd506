"""Forwards of one input beside each other: where the first other bit is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from npu_adapt.numerics.repeats import Divergence, Repeated, fingerprint
from npu_adapt.timing.loop import nothing_to_wait_for
from tests.workflows.compare.faulty_models import IDS, Faulty, Model


def bump(place: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Moves one element to the next number."""

    def changed(tensor: Tensor) -> Tensor:
        result = tensor.clone()
        result[place] = torch.nextafter(result[place], torch.tensor(9.0, dtype=result.dtype))
        return result

    return changed


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("shape", [(3, 5), (70, 1000)])
@pytest.mark.parametrize(
    "change",
    [
        bump((2, 3)),
        lambda x: x[[1, 0, *range(2, len(x))]],
        lambda x: x.roll(1, -1),
        lambda x: x.reshape(x.size(1), x.size(0)),
        lambda x: x.masked_fill(x == x.max(), float("nan")),
    ],
    ids=["last bit", "rows exchanged", "shifted", "shape", "NaN"],
)
def test_any_change_changes_the_fingerprint(
    dtype: torch.dtype, shape: tuple[int, ...], change: Callable[[Tensor], Tensor]
) -> None:
    tensor = torch.randn(*shape).to(dtype)
    assert fingerprint((tensor.clone(),)) == fingerprint((tensor,))
    assert fingerprint((change(tensor),)) != fingerprint((tensor,))


def test_a_fingerprint_is_of_the_elements_and_not_of_their_layout() -> None:
    tensor = torch.randn(40, 300)
    assert fingerprint((tensor.t().contiguous().t(),)) == fingerprint((tensor,))
    assert fingerprint((tensor[1:],)) == fingerprint((tensor[1:].clone(),))


@pytest.mark.parametrize(
    "tensor", [torch.zeros(()), torch.empty(0, 4), torch.tensor([True, False]), torch.ones(2) * 1j]
)
def test_every_kind_of_tensor_has_one(tensor: Tensor) -> None:
    assert fingerprint((tensor,)) == fingerprint((tensor.clone(),))


def watched(model: nn.Module, device: Faulty | None, forwards: int = 3) -> Divergence | None:
    watch = Repeated(nothing_to_wait_for)
    with torch.inference_mode():
        for _ in range(forwards):
            if device is None:
                with watch.watching(model):
                    model(IDS)
            else:
                with device, watch.watching(model):
                    model(IDS)
    return watch.first_divergence


def test_forwards_that_are_equal_to_the_bit_part_nowhere() -> None:
    assert watched(Model().eval(), None) is None


@pytest.mark.parametrize("forward", [0, 1, 2])
def test_an_error_that_strikes_one_forward_is_found_where_it_strikes(forward: int) -> None:
    device = Faulty(F.gelu, bump((0, 3, 7)), first=4 * forward + 2, times=1)  # four layers, a gelu each
    divergence = watched(Model().eval(), device)
    assert device.fired == 1 and divergence is not None
    assert (divergence.module, divergence.operator, divergence.output_shape) == ("layers.2", "gelu", (1, 16, 64))
    assert divergence.forward == max(2, forward + 1)  # the first forward is what the others are compared with


def test_the_earliest_of_several_partings_is_kept() -> None:
    model = Model().eval()
    late = Faulty(F.gelu, bump((0, 3, 7)), first=7, times=1)  # the last layer of the second forward
    early = Faulty(F.layer_norm, bump((0, 3, 7)), first=17, times=1)  # the first layer of the third
    watch = Repeated(nothing_to_wait_for)
    with torch.inference_mode():
        for _ in range(3):
            with late, early, watch.watching(model):
                model(IDS)
    divergence = watch.first_divergence
    assert divergence is not None and (divergence.module, divergence.operator, divergence.forward) == (
        "layers.0.norm",
        "layer_norm",
        3,
    )


def test_sparse_results_are_left_out_and_what_follows_is_watched() -> None:
    class Sparse(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.gelu(torch.sparse.mm(x.to_sparse(), x.t()))

    model, x = Sparse(), torch.eye(4) + 0.5
    device = Faulty(F.gelu, bump((0, 3)), first=1, times=1)
    watch = Repeated(nothing_to_wait_for)
    for _ in range(2):
        with torch.no_grad(), device, watch.watching(model):
            model(x)
    assert watch.first_divergence is not None and watch.first_divergence.operator == "gelu"


def test_memory_that_nobody_wrote_yet_is_no_result() -> None:
    class Filling(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            result = torch.empty_like(x)
            result[:, :2] = x[:, :2]
            result[:, 2:] = x[:, 2:] + 1
            return result

    watch = Repeated(nothing_to_wait_for)
    model, x = Filling(), torch.arange(12.0).reshape(3, 4)
    with torch.inference_mode():
        for waste in (1.5, 2.5):
            torch.full((3, 4), waste)  # freed at once: the next tensor of this size may find it
            with watch.watching(model):
                model(x)
    assert watch.first_divergence is None


def test_a_table_that_is_made_once_is_no_divergence():
    class Keeping(torch.nn.Module):
        table = None

        def forward(self, x):
            if self.table is None:
                self.table = torch.ones(3) * 2
            return torch.sin(x * self.table)

    module, watch = Keeping(), Repeated(lambda: None)
    for _ in range(3):
        with watch.watching(module):
            module(torch.ones(3))
    assert watch.first_divergence is None
