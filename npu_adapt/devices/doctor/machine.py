"""A machine as it can be read without starting or importing anything: versions, files, variables."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from npu_adapt.devices.doctor.ascend import Ascend, pci_cards, read_ascend
from npu_adapt.devices.importing import version_of
from npu_adapt.devices.preconditions import Shortage, shortage
from npu_adapt.files import read_regular

NVIDIA = "0x10de"  # PCI vendor
LARGEST_CPUINFO = 1 << 24  # bytes: a machine of a thousand cores writes two million
DISPLAY_CONTROLLER = "0x03"  # PCI base class of graphics cards, compute-only ones included
# Beside torch, torch_npu and transformers: what prepares inputs, reads weights or replaces operators.
PACKAGES = (
    "numpy",
    "safetensors",
    "tokenizers",
    "pillow",
    "torchvision",
    "torchaudio",
    "timm",
    "accelerate",
    "triton",
    "triton-ascend",
    "huggingface-hub",
    "modelscope-hub",
)
# What the stacks read from the environment and what decides which software or device is used. Variables that change
# numbers or timing are in `run.numerics`.
VISIBLE_NPUS = "ASCEND_RT_VISIBLE_DEVICES"
LONGEST_NUMBER = 6  # digits of a device's number that is worth reading
VARIABLES = (
    "ASCEND_HOME_PATH",
    "ASCEND_TOOLKIT_HOME",
    "ASCEND_OPP_PATH",
    "ASCEND_CUSTOM_OPP_PATH",
    "ASCEND_AICPU_PATH",
    VISIBLE_NPUS,
    "ASCEND_VISIBLE_DEVICES",
    "ASCEND_GLOBAL_LOG_LEVEL",
    "ATB_HOME_PATH",
    "CUDA_HOME",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "LD_PRELOAD",
)


@dataclass(frozen=True)
class Nvidia:
    """What was found of NVIDIA's stack."""

    driver: str | None  # None: no driver is loaded; empty: it does not say its version
    cards: int

    @property
    def present(self) -> bool:
        """Whether a card or a loaded driver is here."""
        return self.driver is not None or self.cards > 0


@dataclass(frozen=True)
class Machine:
    """One machine, before anything was tried on it."""

    python: str
    platform: str
    cpu: str
    cores: int
    memory_bytes: int
    packages: Mapping[str, str]  # distribution -> version, of what is installed
    variables: Mapping[str, str]  # the whole environment
    ascend: Ascend
    nvidia: Nvidia
    autoload: bool = True  # whether `import torch` loads its extensions, for other programs of this user
    shortage: Shortage | None = None  # None: no limit of this process is too low for torch
    stack_variables: Mapping[str, str] = field(init=False)  # those of `VARIABLES` that are set

    def __post_init__(self) -> None:
        found = {name: self.variables[name] for name in VARIABLES if name in self.variables}
        object.__setattr__(self, "stack_variables", found)

    @property
    def visible_npus(self) -> tuple[int, ...] | None:
        """The NPUs that ASCEND_RT_VISIBLE_DEVICES shows, in torch's order; None: it is not set, all are visible."""
        value = self.variables.get(VISIBLE_NPUS)
        return None if value is None else named_npus(value)

    def version(self, distribution: str) -> str | None:
        """The installed version; None: not installed."""
        return self.packages.get(distribution)


def named_npus(value: str) -> tuple[int, ...]:
    """The numbers of a list of devices as CANN reads it: up to the first item that is none, or does not rise."""
    numbers: list[int] = []
    for number in map(device_number, value.split(",")):
        if number is None or (numbers and number <= numbers[-1]):
            break
        numbers.append(number)
    return tuple(numbers)


def device_number(text: str) -> int | None:
    """The number that `text` is in plain digits; None: it is none that a device could have."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def read_machine(
    variables: Mapping[str, str] | None = None, root: Path = Path("/"), *, autoload: bool = True
) -> Machine:
    """This machine. `root` is where its files lie; `variables` default to this process's environment."""
    variables = dict(os.environ if variables is None else variables)
    import psutil

    wanted = ("torch", "torch_npu", "transformers", *PACKAGES)
    versions = {name: version_of(name) for name in wanted}
    return Machine(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_name(root),
        cores=os.cpu_count() or 0,
        memory_bytes=psutil.virtual_memory().total,
        packages={name: version for name, version in versions.items() if version is not None},
        variables=variables,
        ascend=read_ascend(variables, root),
        nvidia=read_nvidia(root),
        autoload=autoload,
        shortage=shortage(),
    )


def read_nvidia(root: Path = Path("/")) -> Nvidia:
    """NVIDIA's cards on the PCI bus and the version of the driver that is loaded."""
    driver = None
    with suppress(OSError):
        text = read_regular(root / "proc/driver/nvidia/version").decode("utf-8", "replace")
        match = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]*)", text)
        driver = match[1] if match else ""
    return Nvidia(driver, pci_cards(root, vendor=NVIDIA, base_class=DISPLAY_CONTROLLER))


def cpu_name(root: Path = Path("/")) -> str:
    """The processor's model as Linux names it, else the architecture."""
    with suppress(OSError):
        for line in read_regular(root / "proc/cpuinfo", LARGEST_CPUINFO).decode("utf-8", "replace").splitlines():
            if line.startswith(("model name", "Hardware")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
