"""What of the Ascend stack lies on a machine, read from files, variables and modes: nothing is started, no torch.

Every function takes the root of the file system to look in; a test gives it a folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HUAWEI = "0x19e5"  # PCI vendor
PROCESSING_ACCELERATOR = "0x12"  # PCI base class: tells an NPU from Huawei's network and storage cards
HOME_VARIABLES = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
BASES = ("usr/local/Ascend", "opt/Ascend", "home/developer/Ascend")
# Beside a base, newest layout first: CANN 8.5 and later lies in cann, before that in ascend-toolkit/latest.
LAYOUTS = ("cann", "ascend-toolkit/latest", "cann-*", "ascend-toolkit/[0-9]*")
# Where a CANN says its version, most telling first: the first file that matches counts.
VERSION_FILES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("*-linux/ascend_toolkit_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("ascend_toolkit_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("version.cfg", re.compile(r"^toolkit_running_version=\[[^:\]]*:(?:CANN-)?([^\]:]+)\]", re.MULTILINE)),
    ("version.cfg", re.compile(r"^runtime_running_version=\[[^:\]]*:(?:CANN-)?([^\]:]+)\]", re.MULTILINE)),
    ("compiler/version.info", re.compile(r"^version_dir=(?:CANN-)?(\S+)", re.MULTILINE)),
)
PACKAGE_VERSION = re.compile(r"^Version=(\S+)", re.MULTILINE)  # of driver and firmware
INSTALL_PATH = re.compile(r"^Driver_Install_Path_Param=(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Cann:
    """One CANN on disk."""

    path: Path
    version: str | None  # None: none of its files says
    set_env: Path | None  # the script to source; None: it has none


@dataclass(frozen=True)
class Node:
    """A device file, `/dev/davinci0` or one of the drivers' own."""

    path: str
    usable: bool  # whether this user may read and write it


@dataclass(frozen=True)
class Ascend:
    """What was found of the stack. `home` is where ASCEND_HOME_PATH points, whether or not a CANN is there."""

    canns: tuple[Cann, ...]
    home: Cann | None  # None: the variable is not set, or points nowhere
    opp: bool  # whether ASCEND_OPP_PATH points to a folder
    driver: str | None  # None: no driver's files
    driver_path: str | None  # None: no driver's files
    firmware: str | None  # None: no firmware's file, as in most containers
    nodes: tuple[Node, ...]  # /dev/davinci0, /dev/davinci1, …
    control_nodes: tuple[Node, ...]  # /dev/davinci_manager and its like
    cards: int  # NPUs on the PCI bus

    @property
    def present(self) -> bool:
        """Whether anything of the stack or of the hardware is here."""
        return bool(self.canns or self.home or self.driver or self.nodes or self.control_nodes or self.cards)

    @property
    def cann(self) -> Cann | None:
        """The CANN that a process started here would use: ASCEND_HOME_PATH's, else the first on disk."""
        return self.home or next(iter(self.canns), None)


def read_ascend(variables: Mapping[str, str], root: Path = Path("/")) -> Ascend:
    """Everything that is found under `root` with the environment `variables`."""
    home = _home(variables, root)
    driver_base = _driver_base(root, home)
    return Ascend(
        canns=tuple(_canns(variables, root)),
        home=home,
        opp=_below(root, opp).is_dir() if (opp := variables.get("ASCEND_OPP_PATH")) else False,
        driver=_first_match(driver_base / "driver/version.info", PACKAGE_VERSION) if driver_base else None,
        driver_path=None if driver_base is None else f"/{driver_base.relative_to(root)}/driver",
        firmware=_first_match(driver_base / "firmware/version.info", PACKAGE_VERSION) if driver_base else None,
        nodes=_nodes(root, "davinci[0-9]*"),
        control_nodes=_nodes(root, "davinci_manager*", "devmm_svm", "hisi_hdc"),
        cards=pci_cards(root, vendor=HUAWEI, base_class=PROCESSING_ACCELERATOR),
    )


def _canns(variables: Mapping[str, str], root: Path) -> Iterator[Cann]:
    """Each CANN once, in the order of `LAYOUTS`, wherever links lead."""
    bases = [root / base for base in BASES]
    if home := variables.get("HOME"):
        bases.append(_below(root, home) / "Ascend")
    seen = set()
    for base in bases:
        for layout in LAYOUTS:
            for path in sorted(base.glob(layout), reverse=True):
                real = path.resolve()
                if path.is_dir() and real not in seen:
                    seen.add(real)
                    yield _cann(path)


def _home(variables: Mapping[str, str], root: Path) -> Cann | None:
    for name in HOME_VARIABLES:
        if value := variables.get(name):
            path = _below(root, value)
            return _cann(path) if path.is_dir() else None
    return None


def _cann(path: Path) -> Cann:
    version = None
    for pattern, expression in VERSION_FILES:
        for file in sorted(path.glob(pattern)):
            version = version or _first_match(file, expression)
    scripts = (path / "set_env.sh", path.parent / "set_env.sh")
    return Cann(path, version, next((script for script in scripts if script.is_file()), None))


def _driver_base(root: Path, home: Cann | None) -> Path | None:
    """The folder that holds driver and firmware: where the installer says, a usual one, or that of the CANN in use."""
    said = _first_match(root / "etc/ascend_install.info", INSTALL_PATH)
    bases = [_below(root, said)] if said else []
    bases += [root / base for base in BASES]
    bases += [home.path.parent, home.path] if home is not None else []
    return next((base for base in bases if (base / "driver/version.info").is_file()), None)


def _nodes(root: Path, *patterns: str) -> tuple[Node, ...]:
    folder = root / "dev"
    paths = [path for pattern in patterns for path in folder.glob(pattern)]
    paths.sort(key=lambda path: (len(path.name), path.name))
    return tuple(Node(f"/dev/{path.name}", os.access(path, os.R_OK | os.W_OK)) for path in paths)


def pci_cards(root: Path, *, vendor: str, base_class: str) -> int:
    """How many cards of `vendor` (as "0x19e5") and of a class that starts with `base_class` the PCI bus has."""
    count = 0
    for folder in (root / "sys/bus/pci/devices").glob("*"):
        with suppress(OSError):
            if (folder / "vendor").read_text().strip() == vendor:
                count += (folder / "class").read_text().startswith(base_class)
    return count


def _first_match(file: Path, expression: re.Pattern[str]) -> str | None:
    """The first group of `expression` in the file; None where there is no such file or no such line."""
    try:
        match = expression.search(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return match[1].strip() if match else None


def _below(root: Path, absolute: str) -> Path:
    """`absolute` as a path under `root`."""
    return root / absolute.lstrip("/")
