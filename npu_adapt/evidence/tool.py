"""Which npu-adapt wrote a record: its version, and where the installed code comes from."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from npu_adapt import __version__
from npu_adapt.records import ToolInfo

NAME = "npu-adapt"


@lru_cache(maxsize=1)
def this_tool() -> ToolInfo:
    """Name and version, with the commit or the hash that says which code that is, where the installer tells."""
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        return ToolInfo(name=NAME, version=__version__)
    return ToolInfo(name=NAME, version=__version__, source=source_of(installed))


def source_of(installed: Distribution) -> str | None:
    """ "commit ID", "wheel ALGORITHM:HASH" or "files sha256:HASH"; None where the installer wrote nothing down.

    What the installer was given is in `direct_url.json` (PEP 610): a commit, an archive, or a folder, whose git commit
    is read. A wheel of an index leaves only its RECORD, which holds the hash of each installed file.
    """
    told = _told(installed)
    if commit := told.get("vcs_info", {}).get("commit_id"):
        return f"commit {commit}"
    archive = told.get("archive_info", {})
    for algorithm, value in archive.get("hashes", {}).items():
        return f"wheel {algorithm}:{value}"
    if told.get("dir_info", {}).get("editable"):
        commit = commit_of(Path(unquote(urlsplit(told.get("url", "")).path)))
        return None if commit is None else f"commit {commit}"
    record = installed.read_text("RECORD")
    return None if not record else f"files sha256:{sha256(record.encode()).hexdigest()}"


def _told(installed: Distribution) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(installed.read_text("direct_url.json") or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def commit_of(folder: Path) -> str | None:
    """The commit that is checked out in `folder`, read from git's own files; None where that is no checkout."""
    with suppress(OSError, ValueError):
        git = folder / ".git"
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        with suppress(FileNotFoundError):
            return (git / reference).read_text("utf-8").strip()
        packed = (line.split(" ") for line in (git / "packed-refs").read_text("utf-8").splitlines())
        return next((parts[0] for parts in packed if parts[-1] == reference), None)
    return None
