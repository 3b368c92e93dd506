"""How a device convolves and sums, as a whole comparison finds it: in the record, shown, and in the floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import npu_adapt
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.emulation import Emulation
from npu_adapt.records import Compare, Summary, SumOrderFound
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.comparison import arithmetic as section_of_arithmetic
from npu_adapt.workflows.compare import sides
from npu_adapt.workflows.compare.probing import summed_in
from tests.benchmarks import verdict_devices
from tests.benchmarks.verdict_devices import Form, SoftDevice

FLOAT32 = ArithmeticByClass.uniform("float32")


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(128, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.convolution(x).mean(2).flatten(1))


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Callable[[Form], tuple[Summary, Compare]]:
    def compared(form: Form) -> tuple[Summary, Compare]:
        monkeypatch.setattr(sides, "candidate_context", lambda session: SoftDevice(form).forward)
        inputs: Any = {"x": torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(1))}
        summary = npu_adapt.compare(Model(), inputs, device="cpu")
        assert summary.compare is not None and summary.compare.arithmetic is not None
        return summary, summary.compare

    return compared


def test_a_transform_and_blocks_of_terms_are_named_and_shown(
    compared: Callable[[Form], tuple[Summary, Compare]],
) -> None:
    summary, section = compared(Form("Winograd", Emulation(FLOAT32), transform="winograd-4x4", sums="split-k"))
    assert section.verdict.passed and section.arithmetic is not None
    (convolution,) = section.arithmetic.convolutions
    assert (convolution.algorithm, convolution.filters) == ("winograd-4x4", (8, 8, 3, 3))
    (order,) = section.arithmetic.sums
    assert (order.terms, order.order, order.block) == (128, "blocks", 32)
    assert summed_in(FLOAT32, section.arithmetic.sums).matmul.block == 32
    for language, words in (("en", "blocks of 32 terms"), ("zh", "每 32 项一块")):
        shown = str(section_of_arithmetic(Figures(summary, language)))  # type: ignore[arg-type]
        assert words in shown and "winograd-4x4" in shown


def _by_thirds(multiply: Any, axes: Any, left: Tensor, right: Tensor) -> Tensor:
    """Every third term, then the next ones: no order that is known."""
    parts = [torch.arange(start, left.size(axes[0]), 3) for start in (2, 0, 1)]
    terms = [multiply(left.index_select(axes[0], part), right.index_select(axes[1], part)) for part in parts]
    return terms[0] + (terms[1] + terms[2])


def test_an_order_that_is_not_known_falls_back_to_the_usual_floor_and_says_so(
    compared: Callable[[Form], tuple[Summary, Compare]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_devices, "SUMS", {"by thirds": _by_thirds})
    summary, section = compared(Form("thirds", Emulation(FLOAT32), sums="by thirds"))
    assert section.verdict.passed and section.arithmetic is not None
    assert section.arithmetic.sums == (
        SumOrderFound(terms=128, order="unknown", block=None, at_once=1, last_first=False),
    )
    assert summed_in(FLOAT32, section.arithmetic.sums).matmul.block is None
    assert "the floor takes the usual ones" in str(section_of_arithmetic(Figures(summary, "en")))
