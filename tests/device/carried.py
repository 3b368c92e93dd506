"""The carried folder: packages that the machine may lack, and models. Needs Python only."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
import zipfile
from pathlib import Path


def unpacked(carried: Path, site: Path) -> Path | None:
    """A folder for the module path with the carried packages that this Python lacks; None: it lacks none of them.

    A wheel is a zip archive whose files lie as they are imported, so nothing but Python is needed.
    """
    lacking = [wheel for wheel in sorted((carried / "wheels").glob("*.whl")) if fits(wheel.name) and _is_missing(wheel)]
    for wheel in lacking:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    if lacking:
        names = ", ".join("-".join(wheel.name.split("-")[:2]) for wheel in lacking)
        print(f"carried packages in use: {names}", flush=True)
    return site if lacking else None


def fits(wheel: str) -> bool:
    """Whether a wheel of this name runs in this Python on this machine."""
    python, abi, platforms = wheel.removesuffix(".whl").split("-")[-3:]
    version = sys.version_info[:2]
    own = f"cp{version[0]}{version[1]}"
    is_stable = abi == "abi3" and any(
        match and int(match[1]) <= version[1] for match in (re.fullmatch(r"cp3(\d+)", tag) for tag in python.split("."))
    )
    of_python = is_stable or own in python.split(".") or "py3" in python.split(".")
    return of_python and (platforms == "any" or any(tag.endswith(platform.machine()) for tag in platforms.split(".")))


def _is_missing(wheel: Path) -> bool:
    try:
        importlib.metadata.version(wheel.name.split("-")[0])
    except importlib.metadata.PackageNotFoundError:
        return True
    return False
