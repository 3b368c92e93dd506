from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from npu_adapt.records import Fact
from npu_adapt.timing import load
from npu_adapt.timing.quota import Quota

START = load.Counters(seconds=100.0, busy_seconds=1000.0, own_seconds=50.0, megahertz=3000.0)


def later(*, seconds: float, busy: float, own: float, megahertz: float | None = 3000.0) -> load.Counters:
    return load.Counters(START.seconds + seconds, START.busy_seconds + busy, START.own_seconds + own, megahertz)


def test_what_is_not_ours_is_foreign() -> None:
    assert load.foreign_cores(START, later(seconds=10.0, busy=14.0, own=10.0)) == pytest.approx(0.4)


def test_counting_errors_never_make_it_negative() -> None:
    assert load.foreign_cores(START, later(seconds=1.0, busy=0.99, own=1.0)) == 0.0


@pytest.mark.parametrize(
    ("busy", "cores", "warned"),
    [(14.0, 2, True), (11.0, 2, False), (14.0, 64, False), (24.0, 64, True)],
)
def test_a_neighbour_is_warned_of_by_its_share_of_the_machine(busy: float, cores: int, warned: bool) -> None:
    found = load.warnings_between(START, later(seconds=10.0, busy=busy, own=10.0), cores=cores)
    assert [warning.id for warning in found] == (["foreign-load"] if warned else [])


def test_a_few_ticks_of_the_kernels_clock_are_no_load() -> None:
    assert load.warnings_between(START, later(seconds=0.1, busy=0.15, own=0.1), cores=2) == ()


def test_a_change_of_frequency_is_warned_of_and_an_unknown_one_is_not() -> None:
    after = later(seconds=10.0, busy=10.0, own=10.0, megahertz=2400.0)
    assert [warning.id for warning in load.warnings_between(START, after, cores=2)] == ["frequency"]
    assert load.warnings_between(START, replace(after, megahertz=None), cores=2) == ()


def test_our_own_work_is_not_foreign() -> None:
    before = load.read_counters()
    total = sum(range(3_000_000))
    after = load.read_counters()
    assert total == 4499998500000
    assert after.own_seconds >= before.own_seconds
    assert after.busy_seconds >= before.busy_seconds


def test_a_core_slowed_down_for_its_heat_is_warned_of() -> None:
    after = replace(later(seconds=10.0, busy=10.0, own=10.0), throttles=9)
    (warning,) = load.warnings_between(replace(START, throttles=7), after, cores=2)
    assert warning == Fact("thermal", {"times": 2})
    assert load.warnings_between(replace(START, throttles=9), after, cores=2) == ()
    assert load.warnings_between(START, after, cores=2) == ()  # the first reading did not tell


def test_throttle_counters_are_added_up_over_cores(tmp_path: Path) -> None:
    for core, count in ((0, "3\n"), (1, "4\n")):
        folder = tmp_path / f"cpu{core}" / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(count)
    assert load._throttles(tmp_path) == 7
    assert load._throttles(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(("change", "name"), [(1 << 30, "device-memory-rose"), (-(1 << 30), "device-memory-fell")])
def test_others_that_come_to_the_device_or_leave_it_are_warned_of(change: int, name: str) -> None:
    before = replace(START, device_others_bytes=3 << 30, device_megahertz=1000.0)
    after = replace(later(seconds=1.0, busy=1.0, own=1.0), device_others_bytes=(3 << 30) + change)
    (warning,) = load.warnings_between(before, after, cores=2)
    assert warning == Fact(name, {"bytes": 1 << 30})


def test_a_device_whose_clock_falls_is_warned_of() -> None:
    before = replace(START, device_megahertz=1800.0)
    after = replace(later(seconds=1.0, busy=1.0, own=1.0), device_megahertz=1200.0)
    (warning,) = load.warnings_between(before, after, cores=2)
    assert warning == Fact("device-frequency", {"before_mhz": 1800.0, "after_mhz": 1200.0})


def test_a_quota_that_stops_the_process_is_warned_of() -> None:
    group = Path("/sys/fs/cgroup")
    before = replace(START, quotas={group: Quota(periods=1000, throttled=400)})
    after = replace(later(seconds=13.8, busy=1.0, own=1.0), quotas={group: Quota(periods=1138, throttled=535)})
    (warning,) = load.warnings_between(before, after, cores=2)
    assert warning == Fact("cpu-throttled", {"throttled": 135, "periods": 138})
    assert load.warnings_between(before, replace(after, quotas=before.quotas), cores=2) == ()
