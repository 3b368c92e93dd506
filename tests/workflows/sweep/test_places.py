"""Devices by name, cores for each, sizes as they are typed, turns that measuring takes alone."""

from __future__ import annotations

import threading
import time

import pytest

from npu_adapt.devices.doctor.events import Found
from npu_adapt.devices.doctor.probing import Probe
from npu_adapt.errors import DeviceUnavailable, UsageError
from npu_adapt.workflows.run.sizes import size_of
from npu_adapt.workflows.sweep import places, turns
from npu_adapt.workflows.sweep.places import asked_devices, places_here, shared_cores, spare_cores


@pytest.fixture
def two_npus(monkeypatch: pytest.MonkeyPatch) -> None:
    found = tuple(Found(kind="npu", index=index, name="Ascend910B4", usable=index < 2) for index in range(3))
    monkeypatch.setattr(places, "probe", lambda: Probe(found))
    monkeypatch.setattr(places, "available_cores", lambda: tuple(range(8)))


def test_cores_are_divided_and_shared_only_where_there_are_too_few() -> None:
    assert shared_cores(tuple(range(7)), 3) == [(0, 1), (2, 3), (4, 5, 6)]
    assert shared_cores((0, 1), 4) == [(0,), (1,), (0,), (1,)]
    assert shared_cores((), 2) == [(), ()]


def test_every_device_that_computes_has_cores_of_its_own(two_npus: None) -> None:
    found = places_here("all", None)
    assert [(each.placement.device, each.placement.cores) for each in found] == [
        ("npu:0", (0, 1, 2, 3)),
        ("npu:1", (4, 5, 6, 7)),
    ]
    assert [each.placement.device for each in places_here("npu:1", None)] == ["npu:1"]
    assert len(places_here("all", 1)) == 1


def test_a_core_is_left_to_downloads(two_npus: None) -> None:
    found = tuple(each.placement for each in places_here("all", None, spare=True))
    assert [each.cores for each in found] == [(0, 1, 2), (3, 4, 5, 6)] and spare_cores(found) == (7,)


def test_a_device_that_does_not_compute_is_named(two_npus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceUnavailable, match="npu:2 cannot be used here; usable: npu:0, npu:1"):
        places_here("npu:0,npu:2", None)
    monkeypatch.setattr(places, "probe", Probe)
    with pytest.raises(DeviceUnavailable, match="no accelerator works here"):
        places_here("all", None)


def test_names_of_devices() -> None:
    assert asked_devices("npu, npu:3,npu") == ("npu:0", "npu:3")
    assert asked_devices("cpu") == ("cpu",)
    for text in ("", "auto", "npu:0,cpu", "banana"):
        with pytest.raises(UsageError):
            asked_devices(text)


@pytest.mark.parametrize(
    ("text", "size"), [("200GB", 200 * 10**9), ("1.5TiB", 3 << 39), ("5 mb", 5_000_000), ("70000", 70000)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_of("--disk", text) == size


@pytest.mark.parametrize("text", ["", "many", "-5GB", "5XB", "0GB", "5GB5"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="no size"):
        size_of("--disk", text)


def test_measuring_runs_alone_on_its_cores_and_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("turns")
    monkeypatch.setattr(turns, "folder_of_locks", lambda: folder)
    stop, running, seen = threading.Event(), set[str](), list[tuple[str, ...]]()
    until = time.monotonic() + 0.6

    def work(name: str, alone: bool) -> None:
        while time.monotonic() < until:
            with turns.turn(None, (0, 1), stop, alone=alone):
                running.add(name)
                if alone:
                    seen.append(tuple(sorted(running)))
                time.sleep(0.01)
                running.discard(name)

    threads = [threading.Thread(target=work, args=(f"job-{each}", False)) for each in range(3)]
    threads.append(threading.Thread(target=work, args=("bench", True)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) >= 2 and set(seen) == {("bench",)}


def test_who_waits_for_a_turn_is_let_go_when_the_sweep_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("turns")
    monkeypatch.setattr(turns, "folder_of_locks", lambda: folder)
    stop = threading.Event()
    with turns.turn("npu:0", (), stop, alone=False):
        threading.Timer(0.05, stop.set).start()
        with pytest.raises(turns.Stopped), turns.turn("npu:0", (), stop, alone=False):
            pytest.fail("one device, two jobs")
