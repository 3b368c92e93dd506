"""File systems of machines in every state, and the examinations of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from npu_adapt.devices.doctor.ascend import HUAWEI, read_ascend
from npu_adapt.devices.doctor.machine import Machine, Nvidia

SOURCED = {
    "ASCEND_HOME_PATH": "/usr/local/Ascend/cann",
    "ASCEND_OPP_PATH": "/usr/local/Ascend/cann/opp",
    "HOME": "/root",
}
FITTING = {"torch": "2.9.0+cpu", "torch_npu": "2.9.0", "transformers": "4.57.6"}  # with CANN 8.5.0


def write(root: Path, path: str, text: str = "") -> Path:
    """A file at the absolute `path` of the machine whose root is `root`."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def add_cann(root: Path, path: str = "/usr/local/Ascend/cann", version: str = "8.5.0") -> None:
    """A CANN in the newer layout."""
    write(
        root, f"{path}/aarch64-linux/ascend_toolkit_install.info", f"package_name=toolkit\nversion={version}\narch=a\n"
    )
    write(root, f"{path}/set_env.sh")
    (root / path.lstrip("/") / "opp").mkdir()


def add_driver(root: Path, devices: int = 2) -> None:
    """Driver, firmware and the device files of `devices` NPUs."""
    write(root, "/usr/local/Ascend/driver/version.info", "Version=25.3.rc1\nascendhal_version=7.35.23\n")
    write(root, "/usr/local/Ascend/firmware/version.info", "Version=7.8.0.2.212\n")
    for name in ("davinci_manager", "devmm_svm", "hisi_hdc", *(f"davinci{number}" for number in range(devices))):
        write(root, f"/dev/{name}")


def add_card(root: Path, address: str, vendor: str = HUAWEI, pci_class: str = "0x120000") -> None:
    """A card on the PCI bus."""
    write(root, f"/sys/bus/pci/devices/{address}/vendor", f"{vendor}\n")
    write(root, f"/sys/bus/pci/devices/{address}/class", f"{pci_class}\n")


def machine(
    root: Path,
    packages: Mapping[str, str] = FITTING,
    variables: Mapping[str, str] = SOURCED,
    nvidia: Nvidia | None = None,
    *,
    autoload: bool = True,
) -> Machine:
    """The machine whose files lie under `root`."""
    return Machine(
        python="3.11.7",
        platform="Linux-5.10-aarch64",
        cpu="Kunpeng-920",
        cores=24,
        memory_bytes=192 << 30,
        packages=packages,
        variables=variables,
        ascend=read_ascend(variables, root),
        nvidia=nvidia or Nvidia(None, 0),
        autoload=autoload,
    )
