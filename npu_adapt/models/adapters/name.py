"""Which adapter a MODEL names: `FILE.py` or `FILE.py:NAME`. Nothing is run here. No torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.local import require_model_name

_NAMED = re.compile(r"(?P<file>.+\.py)(?::(?P<name>[^/\\]*))?", re.DOTALL)


@dataclass(frozen=True)
class AdapterName:
    """A file, and which of its models is meant."""

    file: Path  # absolute, so that it is the same from anywhere
    name: str | None  # None: the file's only one, or the one without a name

    @property
    def id(self) -> str:
        """What the record calls the model: "yolo.py", "yolo.py:small"."""
        return self.file.name if self.name is None else f"{self.file.name}:{self.name}"

    def __str__(self) -> str:
        return str(self.file) if self.name is None else f"{self.file}:{self.name}"


def adapter_named(model: str) -> AdapterName | None:
    """The adapter that `model` names; None: it names none. Only a file on this disk is one, never one of a hub.

    Raises `UsageError` for a file that is not there, or a NAME that is no Python name.
    """
    found = _NAMED.fullmatch(model)
    if found is None or _is(Path(model), "is_dir"):
        return None
    file, name = Path(found["file"]), found["name"]
    if not _is(file, "is_file"):
        what = "no regular file" if _is(file, "exists") else "not there"
        raise UsageError(
            Sentence("the adapter {file} is {what}", file=file, what=what),
            hint="an adapter is a Python file on this disk: FILE.py[:NAME]",
        )
    if name is not None and not name.isidentifier():
        raise UsageError(
            Sentence("{model!r}: {name!r} is no name of Python", model=model, name=name),
            hint=Sentence("{file}:NAME means the function model_NAME of the file", file=file.name),
        )
    return AdapterName(file.resolve(), name)


def require_model(model: str) -> AdapterName | None:
    """The adapter that `model` names; None: it is a model on a disk or a hub. Raises `UsageError` for anything else."""
    adapter = adapter_named(model)
    if adapter is None:
        require_model_name(model)
    return adapter


def _is(path: Path, what: str) -> bool:
    try:
        return bool(getattr(path, what)())
    except (OSError, ValueError):
        return False
