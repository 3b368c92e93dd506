"""Two forwards side by side: errors over depth, and the first divergence where operators are right alone."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.emulation import emulate
from npu_adapt.progress import Silent
from npu_adapt.records import Depth
from npu_adapt.workflows.compare.alone import with_accumulated
from npu_adapt.workflows.compare.in_step import InStep, run_in_step
from npu_adapt.workflows.run.forward import Side
from tests.workflows.compare.faulty_models import FLOAT32, HF32, IDS, Faulty, Model, OneTask


def side(module: nn.Module, **options: Any) -> Side:
    device = open_device("cpu", allow_cpu=True).device
    return Side(module.eval(), device, torch.float32, OneTask(), **options)  # type: ignore[arg-type]


def in_step(candidate: Side, reference: nn.Module | None = None, **options: Any) -> InStep:
    arguments = {"arithmetic": FLOAT32, "search": True, **options}
    return run_in_step(side(reference or Model()), candidate, Sample({"ids": IDS}, ()), progress=Silent(), **arguments)


def test_the_cpu_beside_itself_has_no_error_and_a_floor():
    found = in_step(side(Model()))
    assert found.first_divergence is None
    assert found.note is None
    assert {error for error, _ in found.accumulated.values()} == {0.0}
    assert all(0 < floor < 1e-5 for _, floor in found.accumulated.values())


def test_errors_accumulate_within_the_floor_of_their_arithmetic():
    found = in_step(side(Model(), context=lambda: emulate(ARITHMETICS["hf32"])), arithmetic=HF32)
    assert found.first_divergence is None
    assert all(error <= 3 * floor for error, floor in found.accumulated.values())
    last = max(found.accumulated)
    assert found.accumulated[last][0] > 1e-5


def test_a_fault_that_only_the_whole_shows_is_named_where_it_began():
    transient = Faulty(F.gelu, lambda y: y * 1.01, first=2, times=1)
    found = in_step(side(Model(), context=lambda: transient))
    assert transient.fired == 1
    suspect = found.first_divergence
    assert suspect is not None
    assert (suspect.module, suspect.operator, suspect.test) == ("layers.2", "gelu", "end-to-end")
    assert suspect.error_over_floor is not None
    assert suspect.error_over_floor > 100


def test_a_small_fault_is_named_though_its_error_leaves_the_floor_only_later():
    transient = Faulty(F.gelu, lambda y: y.where(torch.arange(y.numel()).view(y.shape) != 77, y + 1e-4), 0, 1)
    suspect = in_step(side(Model(), context=lambda: transient)).first_divergence
    assert suspect is not None
    assert (suspect.module, suspect.operator) == ("layers.0", "gelu")


def test_a_weight_that_did_not_survive_the_transfer_is_named():
    reference = Model()
    broken = copy_to(reference, torch.device("cpu"), torch.float32)
    with torch.no_grad():
        broken.layers[2].up.weight[5, 6] += 1e-3
    suspect = in_step(side(broken), reference).first_divergence
    assert suspect is not None
    assert (suspect.module, suspect.operator, suspect.worst_index) == ("layers.2.up.weight", "parameter", (5, 6))


def test_another_path_is_said_and_what_came_before_is_kept():
    class Shortcut(Model):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            x = self.embed(ids)
            x[:, 0] += 1.0
            x = x.masked_fill(~(ids > 0).unsqueeze(-1), 0.0)
            return self.head(self.layers[0](x))

    found = in_step(side(Shortcut()))
    assert found.note is not None and found.note.id == "another-path"
    assert (found.note.values["module"], found.note.values["operator"]) == ("head", "linear")
    assert found.note.values["reference_module"] == "layers.1.norm"
    assert found.note.values["reference_operator"] == "layer_norm"
    assert found.accumulated


def test_what_the_reference_raises_is_raised():
    class Failing(Model):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        in_step(side(Model()), Failing())


def test_a_candidate_that_fails_leaves_no_lane_waiting():
    class Failing(Model):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            self.embed(ids)
            raise RuntimeError("out of memory")

    before = len(sys._current_frames())
    with pytest.raises(RuntimeError, match="out of memory"):
        in_step(side(Failing()))
    assert len(sys._current_frames()) == before


def test_the_depth_record_joins_both_series():
    depth = Depth(
        sample=0,
        index=(3, 5, 9),
        module=("a", "b", "c"),
        operator=("add", "linear", "linear"),
        isolated=(1e-7, 2e-7, 3e-7),
        isolated_floor=(3e-7, 3e-7, 3e-7),
    )
    joined = with_accumulated(depth, {3: (1e-7, 2e-7), 9: (5e-7, 4e-7), 5: (float("inf"), 1e-7), 11: (1.0, 1.0)})
    assert (joined.index, joined.module, joined.isolated) == ((3, 9), ("a", "c"), (1e-7, 3e-7))
    assert (joined.accumulated, joined.accumulated_floor) == ((1e-7, 5e-7), (2e-7, 4e-7))
