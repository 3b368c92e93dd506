"""What a process can still take: the machine's memory, and what its control groups leave of their limits."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from npu_adapt.timing.memory import free_bytes

MIB = 1 << 20


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """(the file that names this process's group, the folder of all groups): /outer/inner, without limits."""
    own = tmp_path / "cgroup"
    own.write_text("0::/outer/inner\n")
    for name in ("outer", "outer/inner"):
        limited(tmp_path / "groups" / name, "max", 0, 0)
    return own, tmp_path / "groups"


def limited(group: Path, limit: str, used: int, inactive: int) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\n")


def test_without_limits_it_is_what_the_machine_has(groups: tuple[Path, Path]) -> None:
    assert free_bytes(*groups) == pytest.approx(psutil.virtual_memory().available, rel=0.5)
    assert free_bytes(groups[0].with_name("none"), groups[1]) > 0


def test_the_tightest_group_counts_and_pages_of_files_are_free(groups: tuple[Path, Path]) -> None:
    limited(groups[1] / "outer", str(8 * MIB), 6 * MIB, 3 * MIB)
    assert free_bytes(*groups) == 5 * MIB
    limited(groups[1] / "outer" / "inner", str(4 * MIB), 3 * MIB, 0)
    assert free_bytes(*groups) == 1 * MIB


def test_a_group_that_is_full_leaves_nothing(groups: tuple[Path, Path]) -> None:
    limited(groups[1] / "outer", str(4 * MIB), 5 * MIB, 0)
    assert free_bytes(*groups) == 0


def test_groups_of_version_1_count_too(tmp_path: Path) -> None:
    own, group = tmp_path / "cgroup", tmp_path / "groups" / "memory" / "job"
    own.write_text("4:memory:/job\n3:cpuset:/\n0::/\n")
    group.mkdir(parents=True)
    for name, text in (("limit_in_bytes", 8 * MIB), ("usage_in_bytes", 7 * MIB)):
        (group / f"memory.{name}").write_text(f"{text}\n")
    (group / "memory.stat").write_text(f"inactive_file 1\ntotal_inactive_file {2 * MIB}\n")
    assert free_bytes(own, tmp_path / "groups") == 3 * MIB
