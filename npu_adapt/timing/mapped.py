"""The pages of files that this process has mapped: giving them back, to be read again where they are needed.

Weights that no forward writes into are the file's bytes, so the kernel can take their pages away at any time. It does
that only where the machine or the control group is short; `give_back` does it where this process may take no more.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_MAPPINGS = Path("/proc/self/smaps")
_DONT_NEED = 4  # MADV_DONTNEED of Linux


@dataclass(frozen=True)
class Mapping:
    """One mapping of a file in this process."""

    start: int
    length: int
    file: Path
    resident_bytes: int
    own_bytes: int  # of pages that this process wrote into, which are in no file


def mappings(files: Collection[Path], listing: Path = _MAPPINGS) -> Iterator[Mapping]:
    """Where the files are mapped; empty where the system does not tell."""
    wanted = {str(file) for file in files}
    try:
        lines = listing.read_text(errors="replace").splitlines()
    except OSError:
        return
    at: tuple[int, int, Path] | None = None
    sizes: dict[str, int] = {}
    for line in [*lines, "0-0 ---p 0 0:0 0"]:
        first, _, rest = line.partition(" ")
        if first.endswith(":"):
            sizes[first] = int(rest.split()[0]) * 1024 if rest.rstrip().endswith("kB") else 0
            continue
        if at is not None:
            yield Mapping(*at, sizes.get("Rss:", 0), sizes.get("Anonymous:", 0))
        *_, path = line.split(maxsplit=5)
        start, end = (int(part, 16) for part in first.split("-"))
        at, sizes = ((start, end - start, Path(path)) if path in wanted else None), {}


def give_back(files: Collection[Path]) -> int:
    """Drops the mapped pages of these files; how many bytes.

    A mapping that this process wrote into is left alone: its pages are not the file's any more.
    """
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    given = 0
    for mapping in mappings(files):
        if mapping.own_bytes or not mapping.resident_bytes:
            continue
        if madvise(mapping.start, mapping.length, _DONT_NEED):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        given += mapping.resident_bytes
    return given
