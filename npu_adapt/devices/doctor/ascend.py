"""What of the Ascend stack lies on a machine, read from files, variables and modes: nothing is started, no torch.

Every function takes the root of the file system to look in; a test gives it a folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from npu_adapt.files import read_regular

HUAWEI = "0x19e5"  # PCI vendor
PROCESSING_ACCELERATOR = "0x12"  # PCI base class: tells an NPU from Huawei's network and storage cards
HOME_VARIABLES = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
BASES = ("usr/local/Ascend", "opt/Ascend", "home/developer/Ascend")
# Beside a base, newest layout first: CANN 8.5 and later lies in cann, before that in ascend-toolkit/latest, and without
# what compiles in nnae/latest.
LAYOUTS = (
    *("cann/latest", "cann", "ascend-toolkit/latest", "nnae/latest"),
    *("cann-*", "cann/[0-9]*", "ascend-toolkit/[0-9]*", "nnae/[0-9]*"),
)
# Where CANN's installer writes down the base that it was given: for everybody, and in a user's home for that user.
INSTALL_INFO = "ascend_cann_install.info"
CANN_INSTALL_PATH = re.compile(r"^(?:\w+_)?Install_Path(?:_Param)?=(\S.*?)\s*$", re.MULTILINE)
MOST_PATHS = 64  # folders of one layout, or lines of an install file, that are looked at
# Where a CANN says its version, most telling first: the first file that matches counts.
VERSION_FILES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("*-linux/ascend_toolkit_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("ascend_toolkit_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("*-linux/ascend_nnae_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("ascend_nnae_install.info", re.compile(r"^version=(\S+)", re.MULTILINE)),
    ("version.cfg", re.compile(r"^toolkit_running_version=\[[^:\]]*:(?:CANN-)?([^\]:]+)\]", re.MULTILINE)),
    ("version.cfg", re.compile(r"^runtime_running_version=\[[^:\]]*:(?:CANN-)?([^\]:]+)\]", re.MULTILINE)),
    ("compiler/version.info", re.compile(r"^version_dir=(?:CANN-)?(\S+)", re.MULTILINE)),
)
LARGEST_FILE = 1 << 16  # bytes; the files that are read have a few lines
LONGEST_VALUE = 100  # characters of a version
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
        opp=_is_folder(_below(root, opp)) if (opp := variables.get("ASCEND_OPP_PATH")) else False,
        driver=_first_match(driver_base / "driver/version.info", PACKAGE_VERSION) if driver_base else None,
        driver_path=None if driver_base is None else f"/{driver_base.relative_to(root)}/driver",
        firmware=_first_match(driver_base / "firmware/version.info", PACKAGE_VERSION) if driver_base else None,
        nodes=_nodes(root, "davinci[0-9]*"),
        control_nodes=_nodes(root, "davinci_manager*", "devmm_svm", "hisi_hdc"),
        cards=pci_cards(root, vendor=HUAWEI, base_class=PROCESSING_ACCELERATOR),
    )


def _canns(variables: Mapping[str, str], root: Path) -> Iterator[Cann]:
    """Each CANN once, in the order of `LAYOUTS`, wherever links lead."""
    seen = set()
    for base in _bases(variables, root):
        for path in _laid_out(base):
            real = _real(path)
            if real is not None and real not in seen:
                seen.add(real)
                yield _cann(path)


def _bases(variables: Mapping[str, str], root: Path) -> Iterator[Path]:
    """Folders that CANNs are installed in: the usual ones, and those that the installer wrote down."""
    home = variables.get("HOME", "")
    own = [_below(root, home) / "Ascend"] if home.startswith("/") else []
    yield from (root / base for base in BASES)
    yield from own
    for folder in (root / "etc/Ascend", *own):
        for said in CANN_INSTALL_PATH.findall(_text(folder / INSTALL_INFO))[:MOST_PATHS]:
            yield _below(root, said)


def _laid_out(base: Path) -> Iterator[Path]:
    """The folders of `base` that a layout names, newest layout first; the base itself where it is a CANN."""
    for layout in LAYOUTS:
        found = _matching(base, layout)
        if layout == "cann" and any(_is_folder(base / each) for each in ("cann/latest", "cann/ascend-toolkit")):
            continue  # a base of its own, and no CANN
        yield from found
    yield from _matching(base, "cann/ascend-toolkit/latest")
    if _is_folder(base / "opp") and any(_matching(base, pattern) for pattern, _ in VERSION_FILES):
        yield base


def _matching(folder: Path, pattern: str) -> list[Path]:
    """What of `folder` matches, the last name first; nothing where it cannot be read."""
    try:
        return sorted(islice(folder.glob(pattern), MOST_PATHS), reverse=True)
    except (OSError, ValueError):
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _real(path: Path) -> Path | None:
    """Where a folder really is; None for what is none."""
    try:
        return path.resolve() if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        return None


def _home(variables: Mapping[str, str], root: Path) -> Cann | None:
    for name in HOME_VARIABLES:
        if value := variables.get(name):
            path = _below(root, value)
            return _cann(path) if _is_folder(path) else None
    return None


def _cann(path: Path) -> Cann:
    version = None
    for pattern, expression in VERSION_FILES:
        for file in reversed(_matching(path, pattern)):
            version = version or _first_match(file, expression)
    scripts = (path / "set_env.sh", path.parent / "set_env.sh")
    return Cann(path, version, next((script for script in scripts if _is_file(script)), None))


def _driver_base(root: Path, home: Cann | None) -> Path | None:
    """The folder that holds driver and firmware: where the installer says, a usual one, or that of the CANN in use."""
    said = INSTALL_PATH.findall(_text(root / "etc/ascend_install.info"))[:1]
    bases = [_below(root, path) for path in said]
    bases += [root / base for base in BASES]
    bases += [home.path.parent, home.path] if home is not None else []
    return next((base for base in bases if _is_file(base / "driver/version.info")), None)


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
            if read_regular(folder / "vendor", LARGEST_FILE).strip() == vendor.encode():
                count += read_regular(folder / "class", LARGEST_FILE).startswith(base_class.encode())
    return count


def _first_match(file: Path, expression: re.Pattern[str]) -> str | None:
    """The first group of `expression` in the file; None where there is no such file or no such line."""
    match = expression.search(_text(file))
    return match[1].strip()[:LONGEST_VALUE] if match else None


def _text(file: Path) -> str:
    """The file's text; "" where it cannot be read, or is no file that is."""
    try:
        return read_regular(file, LARGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _below(root: Path, absolute: str) -> Path:
    """`absolute` as a path under `root`."""
    return root / absolute.lstrip("/")
