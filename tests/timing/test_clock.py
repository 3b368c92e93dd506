from __future__ import annotations

from npu_adapt.timing.clock import clock_resolution_ms


def test_the_hosts_clock_resolves_a_microsecond() -> None:
    assert 0 < clock_resolution_ms() < 1e-3


def test_the_resolution_is_the_smallest_step_seen() -> None:
    ticks = iter(range(0, 100_000_000, 15_000_000 // 100))
    assert clock_resolution_ms(lambda: next(ticks)) == 0.15
