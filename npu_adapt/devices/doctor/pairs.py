"""Which CANN belongs to which torch_npu: the published pairs as a table, and what follows for versions beside them.

Source: "Ascend Extension for PyTorch Version Matching Table" in the README of github.com/Ascend/pytorch, read in 2026.
A torch_npu is built against one CANN and mostly works with its neighbours: an older one may lack functions that it
calls, a newer one is not what it was tested with. Nothing here says that a pair fails; only trying it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

PUBLISHED: dict[str, tuple[str, ...]] = {
    "9.0.0": ("2.10.0", "2.9.0.post2", "2.8.0.post4", "2.7.1.post4"),
    "8.5.0": ("2.9.0", "2.8.0.post2", "2.7.1.post2", "2.6.0.post5"),
    "8.3.RC1": ("2.8.0", "2.7.1", "2.6.0.post3"),
    "8.2.RC1": ("2.6.0", "2.5.1.post1"),
    "8.1.RC1": ("2.5.1", "2.4.0.post4"),
}
# Published by others than that table: Huawei's compatibility list of Ascend Extension for PyTorch 7.1.0 and 7.2.0, the
# release matrix of vllm-ascend, and reports from the field.
COMPATIBLE: dict[str, tuple[str, ...]] = {
    "9.1.0": ("2.10.0.post4",),
    "9.0.1": ("2.10.0.post2",),
    "8.5.1": ("2.9.0.post1", "2.9.0"),
    "8.3.RC2": ("2.8.0", "2.7.1.post1"),
    "8.2.RC1": ("2.8.0", "2.7.1", "2.6.0.post3"),
    "8.1.RC1": ("2.8.0", "2.7.1", "2.6.0.post3", "2.6.0", "2.5.1.post1"),
    "8.0.0": ("2.5.1",),
}

_CANN = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:\.?RC(\d+))?", re.IGNORECASE)
_EXTENSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.?post(\d+))?")
Version = tuple[int, ...]


class Fit(Enum):
    """How a CANN and a torch_npu go together, as far as is published."""

    FITS = "fits"
    OLDER = "older"  # the CANN is older than any published for this torch_npu
    NEWER = "newer"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Pairing:
    """The judgement on one pair, and the CANN versions that are known for this torch_npu."""

    fit: Fit
    low: str | None  # the oldest; None: only an upper end is known, or nothing
    high: str | None  # the newest; None: only a lower end is known, or nothing


def cann_version(text: str) -> Version | None:
    """A CANN's version for comparing: "8.2.RC1" -> (8, 2, 0, 1), "8.5.0" -> (8, 5, 0, 99); None: not a version.

    A release comes after its candidates. Suffixes ("8.5.0.alpha002", "9.0.0-soft") do not count.
    """
    match = _CANN.match(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch or 0), int(candidate) if candidate else 99


def extension_version(text: str) -> Version | None:
    """A torch_npu's version for comparing: "2.9.0.post1+git1a2b" -> (2, 9, 0, 1); None: not a version."""
    match = _EXTENSION.match(text)
    return None if match is None else tuple(int(part or 0) for part in match.groups())


def judge(cann: str, extension: str) -> Pairing:
    """Whether CANN `cann` and torch_npu `extension` go together, from what is known of their neighbours.

    A torch_npu that is not in the tables is later than the last listed one of its torch before it and earlier than the
    next, and so is its CANN. After all that are listed only a lower end is known, and a pair above it is unknown.
    """
    have, version = cann_version(cann), extension_version(extension)
    if have is None or version is None:
        return Pairing(Fit.UNKNOWN, None, None)
    low, high = _bounds(version)
    if low is not None and _series(have) < _series(_comparable(low)):
        return Pairing(Fit.OLDER, low, high)
    if high is None:
        return Pairing(Fit.UNKNOWN, low, high)
    return Pairing(Fit.NEWER if _series(have) > _series(_comparable(high)) else Fit.FITS, low, high)


def extensions_for(cann: str) -> tuple[str, ...]:
    """The torch_npu versions published for a CANN, newest torch first; for a patch release those of its series."""
    have = cann_version(cann)
    if have is None:
        return ()
    matches = [extensions for known, extensions in PUBLISHED.items() if _series(_comparable(known)) == _series(have)]
    return matches[0] if matches else ()


def _bounds(version: Version) -> tuple[str | None, str | None]:
    """The oldest CANN of the last listed torch_npu up to `version`, and the newest of the first from it on.

    None: none is listed. Neighbours are of the same torch where that is listed, since a post-release of an older torch
    may need a newer CANN than the first release of a newer one.
    """
    listed = [
        (parsed, cann)
        for table in (PUBLISHED, COMPATIBLE)
        for cann, extensions in table.items()
        for extension in extensions
        if (parsed := extension_version(extension)) is not None
    ]
    same = [pair for pair in listed if pair[0][:3] == version[:3]]
    near = same or [pair for pair in listed if pair[0][3] == 0]
    before = max((parsed for parsed, _ in near if parsed <= version), default=None)
    after = min((parsed for parsed, _ in near if parsed >= version), default=None)
    low = min((cann for parsed, cann in near if parsed == before), key=_comparable, default=None)
    high = max((cann for parsed, cann in near if parsed == after), key=_comparable, default=None)
    return low, high


def _comparable(cann: str) -> Version:
    version = cann_version(cann)
    assert version is not None
    return version


def _series(version: Version) -> Version:
    """Major and minor: 8.5.1 goes where 8.5.0 does, and a candidate where its release does."""
    return version[:2]
