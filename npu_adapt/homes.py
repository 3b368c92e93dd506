"""The user's home folder, also where there is none: a container's user with a number and no name, HOME not set.

`os.path.expanduser` leaves a "~" where it is when it knows no home, and a folder of that name in the working folder is
what comes of it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from npu_adapt.errors import Sentence, UsageError

VARIABLE = "HOME"


def expanded(path: str | Path) -> Path:
    """The path, with the home folder that it begins with. Raises `UsageError` where it names one that is not known."""
    found = Path(os.path.expanduser(path))  # noqa: PTH111 - it never raises
    if not str(path).startswith("~") or found.is_absolute():
        return found
    raise UsageError(
        Sentence("{path}: whose home folder that is, is not known here", path=path),
        hint="write the folder out, or set HOME",
    )


def home() -> Path:
    """The user's home folder; one of their own in the folder for temporary files where they have none.

    Raises `UsageError` where that one is another user's.
    """
    named = os.environ.get(VARIABLE)
    if named is not None and not Path(named).is_absolute():
        with suppress(ImportError, KeyError):  # another system; a user without a name
            import pwd

            named = pwd.getpwuid(os.getuid()).pw_dir
    known = Path(os.path.expanduser("~") if named is None else named)  # noqa: PTH111 - it never raises
    return known if known.is_absolute() else _without_home()


def ensure_home() -> None:
    """Sets HOME where it is none, so that libraries keep their files in one. Raises `UsageError`."""
    folder = home()
    if os.path.expanduser("~") != str(folder):  # noqa: PTH111 - it never raises
        with suppress(OSError):  # who writes there says why it cannot be
            folder.mkdir(mode=0o700, exist_ok=True)
        os.environ[VARIABLE] = str(folder)


def _without_home() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"npu-adapt-{user}"
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != user):
        raise UsageError(
            Sentence("this user has no home folder, and {folder} belongs to another", folder=folder),
            hint="set HOME to a folder of this user",
        )
    return folder
