"""Control groups as files: version 1, version 2, nested, and machines that have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.timing.quota import Quota, read_quotas, throttled_between

STATISTICS = (
    "usage_usec 123\nuser_usec 100\nsystem_usec 23\nnr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec 9\n"
)


def group(folder: Path, periods: int, throttled: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.stat").write_text(STATISTICS.format(periods=periods, throttled=throttled))
    return folder


def membership(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "cgroup"
    file.write_text(text)
    return file


def test_the_groups_of_version_2_are_its_own_and_those_above_it(tmp_path: Path) -> None:
    root = tmp_path / "fs"
    own, above = group(root / "kubepods" / "pod1", 20, 3), group(root / "kubepods", 50, 9)
    (root / "cpu.stat").write_text("usage_usec 123\n")  # the root of the machine has no periods
    found = read_quotas(membership(tmp_path, "0::/kubepods/pod1\n"), root)
    assert found == {own: Quota(20, 3), above: Quota(50, 9)}


def test_a_container_that_sees_only_its_own_group_finds_it_at_the_top(tmp_path: Path) -> None:
    root = group(tmp_path / "fs", 138, 135)
    assert read_quotas(membership(tmp_path, "0::/docker/abc\n"), root) == {root: Quota(138, 135)}


@pytest.mark.parametrize("mounted", ["cpu", "cpu,cpuacct"])
def test_the_group_of_version_1_is_that_of_the_processor(tmp_path: Path, mounted: str) -> None:
    root = tmp_path / "fs"
    own = group(root / mounted / "docker" / "abc", 7, 2)
    group(root / "memory" / "docker" / "abc", 99, 99)
    text = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"
    assert read_quotas(membership(tmp_path, text), root) == {own: Quota(7, 2)}


def test_without_control_groups_there_is_nothing_to_count(tmp_path: Path) -> None:
    assert read_quotas(tmp_path / "absent", tmp_path) == {}
    assert read_quotas(membership(tmp_path, "0::/\n"), tmp_path / "absent") == {}


def test_what_nobody_can_read_is_no_quota(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("nr_periods many\n")
    assert read_quotas(membership(tmp_path, "0::/\n"), tmp_path) == {}


def test_the_group_that_was_stopped_most_often_meanwhile_is_told() -> None:
    own, above, new = Path("own"), Path("above"), Path("new")
    before = {own: Quota(10, 1), above: Quota(100, 90)}
    after = {own: Quota(30, 13), above: Quota(120, 95), new: Quota(50, 50)}
    assert throttled_between(before, after) == Quota(20, 12)
    assert throttled_between(before, before) is None
