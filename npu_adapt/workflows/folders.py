"""Folders that a command makes for somebody to take away: new or empty before, and whole afterwards or as they were."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from npu_adapt.errors import Sentence, UsageError


def require_free(folder: Path, option: str) -> None:
    """Raises `UsageError`, which names the option, where something is there that would be mixed with the new."""
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise UsageError(
                Sentence("{folder} is there already, and is no empty folder", folder=folder),
                hint=Sentence("name a new folder with {option}, or remove that one", option=option),
            )
    except OSError as error:
        raise UsageError(
            Sentence("{out} cannot be written: {reason}", out=folder, reason=error.strerror),
            hint=Sentence("name another folder with {option}", option=option),
        ) from error


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes all files beside `folder`, then renames: it holds all of them or is as it was. Raises `OSError`."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for name, data in files.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        staged.chmod(0o755)
        if folder.exists():
            folder.rmdir()  # empty, as was required
        staged.rename(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
