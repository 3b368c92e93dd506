"""The modules that an adapter imports from beside it, as they lie there when the bundle is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from npu_adapt.files import is_file, is_folder, read_regular
from npu_adapt.models.adapters.packages import imported_names
from npu_adapt.records import Summary
from npu_adapt.report.bundle.adapters import FOLDER

LARGEST = 1 << 20  # bytes of a module
MOST = 200  # modules


def beside(summary: Summary) -> dict[str, bytes]:
    """Each module by its place in the bundle; empty where no adapter ran, or it imports none from beside it."""
    adapter = None if summary.model is None else summary.model.adapter
    if adapter is None:
        return {}
    home = Path(adapter.path).parent
    found: dict[Path, bytes] = {}
    wanted = [*_files_of(home, adapter.text)]
    while wanted and len(found) < MOST:
        path = wanted.pop()
        if path in found or path == Path(adapter.path):
            continue
        try:
            found[path] = read_regular(path, LARGEST)
        except OSError:
            continue  # gone since it ran: the script says which module it misses
        wanted += _files_of(home, found[path].decode(errors="replace"))
    return {f"{FOLDER}/{path.relative_to(home).as_posix()}": data for path, data in sorted(found.items())}


def _files_of(home: Path, text: str) -> Iterator[Path]:
    """What a text imports of `home`: a module's file, all of a package's."""
    for name in imported_names(text):
        if is_file(home / f"{name}.py"):
            yield home / f"{name}.py"
        elif is_folder(home / name):
            yield from sorted((home / name).rglob("*.py"))
