"""Small samples of the benchmarks of sweeps: what they find is right, whatever the figures are on this machine."""

from __future__ import annotations

from tests.benchmarks import sweep


def test_a_sweep_that_was_killed_comes_to_the_same_matrix() -> None:
    assert sweep.kill(count=8, kills=2)


def test_the_parent_keeps_little_of_each_model() -> None:
    assert sweep.memory(count=100)
