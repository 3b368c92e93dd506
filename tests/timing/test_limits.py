from __future__ import annotations

import pytest
import torch

from npu_adapt.timing import limits

FAST = limits.DeviceLimits(matmul_flop_per_s=1e9, copy_bytes_per_s=1e9, launch_ms=0.001)


def test_a_linear_layer_is_counted_by_hand() -> None:
    layer = torch.nn.Linear(8, 4)
    inputs = torch.ones(2, 8)
    with torch.inference_mode():
        demand = limits.measure_demand(lambda: [layer(inputs)], [*layer.parameters(), inputs])
    assert demand.flop == 2 * 2 * 8 * 4
    assert demand.bytes == 4 * (8 * 4 + 4 + 2 * 8 + 2 * 4)
    assert demand.operators >= 1


def test_of_a_table_only_the_rows_that_are_looked_up_are_moved() -> None:
    table, positions = torch.nn.Embedding(1000, 8), torch.tensor([[3, 5, 3]])
    with torch.inference_mode():
        demand = limits.measure_demand(lambda: [table(positions)], [table.weight, positions])
    assert demand.bytes == 4 * 3 * 8 + 8 * 3 + 4 * 3 * 8


def test_a_table_that_is_also_multiplied_with_is_moved_whole_and_an_unused_weight_not_at_all() -> None:
    table, unused, positions = torch.nn.Embedding(1000, 8), torch.ones(64), torch.tensor([[3]])
    with torch.inference_mode():
        demand = limits.measure_demand(
            lambda: [torch.nn.functional.linear(table(positions), table.weight)], [table.weight, unused, positions]
        )
    assert demand.bytes == 4 * 1000 * 8 + 8 + 4 * 1000


def test_what_is_read_whole_leaves_out_tables_that_are_looked_up_in_and_what_is_not_used() -> None:
    table, tied, positions = torch.nn.Embedding(1000, 8), torch.nn.Embedding(10, 8), torch.tensor([[3]])
    unused = torch.ones(64)

    def forward() -> torch.Tensor:
        return torch.nn.functional.linear(table(positions) + tied(positions), tied.weight)

    with torch.inference_mode():
        read = limits.read_whole(forward, [table.weight, tied.weight, unused, positions])
    assert [id(each) for each in read] == [id(tied.weight), id(positions)]


@pytest.mark.parametrize(
    ("demand", "bound", "bound_ms"),
    [
        (limits.Demand(flop=10**9, bytes=10, operators=1), "compute", 1000.0),
        (limits.Demand(flop=10, bytes=2 * 10**9, operators=1), "memory", 2000.0),
        (limits.Demand(flop=10, bytes=10, operators=5000), "launch", 5.0),
    ],
)
def test_the_longest_of_three_roofs_is_the_bound(demand: limits.Demand, bound: str, bound_ms: float) -> None:
    found = limits.roofline(FAST, demand, median_ms=4000.0)
    assert (found.bound, found.bound_ms) == (bound, pytest.approx(bound_ms))
    assert found.achieved == pytest.approx(bound_ms / 4000.0)


def test_a_real_device_has_rates_above_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIZES", (64,))
    found = limits.measure_limits(torch.device("cpu"), torch.float32, lambda: None, working_set_bytes=0)
    assert found.matmul_flop_per_s > 1e6
    assert found.copy_bytes_per_s > 1e6
    assert 0 < found.launch_ms < 10


def test_a_device_with_a_clock_of_its_own_is_measured_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class HalfAMillisecond:
        def start(self) -> None: ...
        def stop(self) -> None: ...
        def elapsed_ms(self) -> float:
            return 0.5

    monkeypatch.setattr(limits, "SIZES", (64,))
    found = limits.measure_limits(torch.device("cpu"), torch.float32, lambda: None, 2 << 20, HalfAMillisecond())
    assert found.matmul_flop_per_s == pytest.approx(2 * 64**3 / 0.5e-3)
    assert found.copy_bytes_per_s == pytest.approx(2 * (1 << 20) / 0.5e-3)


def test_attention_of_grouped_queries_is_counted_by_the_heads_of_its_queries() -> None:
    query, grouped, alike = (2, 8, 5, 16), (2, 2, 7, 16), (2, 8, 7, 16)
    assert (
        limits.attention_flop(query, grouped, grouped)
        == limits.attention_flop(query, alike, alike)
        == 2 * 2 * 8 * 5 * 7 * 32
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_fused_attention_is_counted_where_torch_fuses_it(grouped: bool) -> None:
    query, key = torch.randn(1, 8, 64, 16), torch.randn(1, 2 if grouped else 8, 64, 16)
    counted = limits.measure_demand(
        lambda: [torch.nn.functional.scaled_dot_product_attention(query, key, key, enable_gqa=grouped)], [query, key]
    )
    assert counted.flop == 2 * 8 * 64 * 64 * 32
