"""What is read of the Ascend stack from files alone, in the layouts of all its generations."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from npu_adapt.devices.doctor.ascend import Ascend, Node, read_ascend
from npu_adapt.devices.doctor.machine import Nvidia, cpu_name, read_machine, read_nvidia
from tests.devices.machines import SOURCED, add_cann, add_card, add_driver, write

BASE = "/usr/local/Ascend"


def test_an_empty_machine_has_nothing(tmp_path: Path) -> None:
    found = read_ascend({}, tmp_path)
    assert found == Ascend((), None, False, None, None, None, (), (), 0)
    assert not found.present


def test_a_whole_stack(tmp_path: Path) -> None:
    add_cann(tmp_path)
    add_driver(tmp_path)
    add_card(tmp_path, "0000:c1:00.0")
    add_card(tmp_path, "0000:03:00.0", pci_class="0x020000")  # Huawei's network card
    add_card(tmp_path, "0000:04:00.0", vendor="0x8086")
    found = read_ascend(SOURCED, tmp_path)
    assert found.home is not None
    assert (found.home.version, found.opp) == ("8.5.0", True)
    assert found.home.set_env == tmp_path / "usr/local/Ascend/cann/set_env.sh"
    assert (found.driver, found.firmware, found.driver_path) == ("25.3.rc1", "7.8.0.2.212", f"{BASE}/driver")
    assert found.nodes == (Node("/dev/davinci0", True), Node("/dev/davinci1", True))
    assert [node.path for node in found.control_nodes] == ["/dev/hisi_hdc", "/dev/devmm_svm", "/dev/davinci_manager"]
    assert found.cards == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("x86_64-linux/ascend_toolkit_install.info", "package_name=toolkit\nversion=8.2.RC1\n"),
        ("aarch64-linux/ascend_toolkit_install.info", "version=8.2.RC1\ninnerversion=V100R001C21\n"),
        ("version.cfg", "# version\nruntime_running_version=[7.6.0.1:x]\ntoolkit_running_version=[7.7.0.1:8.2.RC1]\n"),
        ("version.cfg", "runtime_running_version=[7.7.0.1:CANN-8.2.RC1]\n"),
        ("compiler/version.info", "Version=7.7.0.1.231\nversion_dir=8.2.RC1\n"),
    ],
)
def test_a_version_is_found_wherever_its_generation_wrote_it(tmp_path: Path, file: str, text: str) -> None:
    write(tmp_path, f"{BASE}/ascend-toolkit/latest/{file}", text)
    write(tmp_path, f"{BASE}/ascend-toolkit/set_env.sh")
    cann = read_ascend({}, tmp_path).cann
    assert cann is not None
    assert cann.version == "8.2.RC1"
    assert cann.set_env == tmp_path / "usr/local/Ascend/ascend-toolkit/set_env.sh"


def test_a_cann_without_any_version_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "opt/Ascend/cann").mkdir(parents=True)
    cann = read_ascend({}, tmp_path).cann
    assert cann is not None
    assert (cann.version, cann.set_env) == (None, None)


def test_one_cann_under_two_names_is_one(tmp_path: Path) -> None:
    add_cann(tmp_path, f"{BASE}/cann-8.5.0")
    (tmp_path / "usr/local/Ascend/cann").symlink_to("cann-8.5.0")
    assert len(read_ascend({}, tmp_path).canns) == 1


def test_the_users_own_cann_is_found_in_the_home(tmp_path: Path) -> None:
    add_cann(tmp_path, "/home/me/Ascend/cann")
    assert read_ascend({}, tmp_path).canns == ()
    assert len(read_ascend({"HOME": "/home/me"}, tmp_path).canns) == 1


@pytest.mark.parametrize(
    ("path", "info"),
    [
        (f"{BASE}/nnae/latest", "ascend_nnae_install.info"),
        (f"{BASE}/nnae/8.2.RC1", "x86_64-linux/ascend_nnae_install.info"),
        (f"{BASE}/cann/latest", "x86_64-linux/ascend_toolkit_install.info"),
        (f"{BASE}/cann/8.5.0", "x86_64-linux/ascend_toolkit_install.info"),
        (f"{BASE}/cann/ascend-toolkit/latest", "x86_64-linux/ascend_toolkit_install.info"),
    ],
)
def test_a_cann_of_another_package_or_depth_is_found(tmp_path: Path, path: str, info: str) -> None:
    write(tmp_path, f"{path}/{info}", "package_name=x\nversion=8.2.RC1\n")
    canns = read_ascend({}, tmp_path).canns
    assert (str(tmp_path) + path, "8.2.RC1") in [(str(cann.path), cann.version) for cann in canns]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("/etc/Ascend/ascend_cann_install.info", "Install_Path_Param=/data/my cann"),
        ("/home/me/Ascend/ascend_cann_install.info", "Install_Path_Param=/data/my cann\r"),
        ("/etc/Ascend/ascend_cann_install.info", "Toolkit_Install_Path_Param=/data/my cann "),
    ],
)
@pytest.mark.parametrize("layout", ["ascend-toolkit/latest", "cann", "nnae/latest", "."])
def test_a_cann_is_found_where_its_installer_says(tmp_path: Path, file: str, line: str, layout: str) -> None:
    write(tmp_path, file, f"UserName=me\n{line}\n")
    add_cann(tmp_path, f"/data/my cann/{layout}")
    (cann,) = read_ascend({"HOME": "/home/me"}, tmp_path).canns
    assert cann.version == "8.5.0"
    assert cann.set_env is not None


@pytest.mark.parametrize("home", [None, "", "~nobody", "relative", "/gone", "/a\0b", "/\udcff"])
def test_a_home_that_is_none_is_not_looked_into(tmp_path: Path, home: str | None) -> None:
    write(tmp_path, "/Ascend/cann/opp")
    assert read_ascend({} if home is None else {"HOME": home}, tmp_path).canns == ()


def test_what_is_no_file_is_never_read(tmp_path: Path) -> None:
    """A named pipe in the place of each file would be waited for."""
    toolkit = tmp_path / BASE[1:] / "ascend-toolkit/latest"
    (toolkit / "x86_64-linux").mkdir(parents=True)
    os.mkfifo(toolkit / "x86_64-linux/ascend_toolkit_install.info")
    (toolkit / "version.cfg").symlink_to("/dev/zero")
    (tmp_path / "etc/Ascend").mkdir(parents=True)
    os.mkfifo(tmp_path / "etc/Ascend/ascend_cann_install.info")
    os.mkfifo(tmp_path / "etc/ascend_install.info")
    found = read_ascend({}, tmp_path)
    assert [(cann.version, cann.set_env) for cann in found.canns] == [(None, None)]
    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc/cpuinfo")
    assert cpu_name(tmp_path)


def test_links_that_go_round_are_no_cann(tmp_path: Path) -> None:
    (tmp_path / BASE[1:]).mkdir(parents=True)
    (tmp_path / BASE[1:] / "cann").symlink_to("cann")
    assert read_ascend({}, tmp_path).canns == ()


def test_the_sourced_cann_comes_before_others(tmp_path: Path) -> None:
    add_cann(tmp_path, version="8.5.0")
    add_cann(tmp_path, "/elsewhere/cann", version="9.0.0")
    cann = read_ascend({"ASCEND_HOME_PATH": "/elsewhere/cann"}, tmp_path).cann
    assert cann is not None
    assert cann.version == "9.0.0"


def test_a_variable_that_points_nowhere_is_no_cann(tmp_path: Path) -> None:
    found = read_ascend({"ASCEND_HOME_PATH": "/gone", "ASCEND_OPP_PATH": "/gone/opp"}, tmp_path)
    assert (found.home, found.opp) == (None, False)


def test_the_driver_is_where_its_installer_says(tmp_path: Path) -> None:
    write(tmp_path, "/etc/ascend_install.info", "UserName=HwHiAiUser\nDriver_Install_Path_Param=/data/npu\n")
    write(tmp_path, "/data/npu/driver/version.info", "Version=24.1.rc3\n")
    found = read_ascend({}, tmp_path)
    assert (found.driver, found.driver_path, found.firmware) == ("24.1.rc3", "/data/npu/driver", None)


def test_a_node_that_this_user_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_driver(tmp_path, devices=1)
    monkeypatch.setattr(os, "access", lambda path, mode: "davinci0" not in str(path))
    assert read_ascend({}, tmp_path).nodes == (Node("/dev/davinci0", False),)


def test_binary_rubbish_in_a_version_file_is_no_version(tmp_path: Path) -> None:
    file = write(tmp_path, f"{BASE}/driver/version.info")
    file.write_bytes(b"\xff\xfe\x00Version")
    assert read_ascend({}, tmp_path).driver is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n", "535.129.03"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build\n", "550.54.15"),
        ("something else\n", ""),
    ],
)
def test_nvidias_driver_and_cards(tmp_path: Path, text: str, version: str) -> None:
    write(tmp_path, "/proc/driver/nvidia/version", text)
    add_card(tmp_path, "0000:01:00.0", vendor="0x10de", pci_class="0x030200")
    add_card(tmp_path, "0000:01:00.1", vendor="0x10de", pci_class="0x040300")  # its sound
    assert read_nvidia(tmp_path) == Nvidia(version, 1)


def test_this_machine_is_read_without_importing_torch() -> None:
    from tests.commands import run_python

    code = (
        "import sys; from npu_adapt.devices.doctor.machine import read_machine; m = read_machine();"
        "print(m.version('torch'), 'torch' in sys.modules)"
    )
    here = read_machine()
    assert run_python(code).stdout == f"{here.version('torch')} False\n"
    assert here.cores > 0
    assert here.memory_bytes > 1 << 28
