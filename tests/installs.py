"""Python environments that are broken in one way: packages missing, of another version, or replaced by a stub.

They are virtual environments whose packages are links to those of this one, so that each takes no time and no space,
and whatever is started in them, a child of the console script included, finds them as broken as they are.
"""

from __future__ import annotations

import shutil
import sysconfig
import venv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.commands import Finished, run_process


@dataclass(frozen=True)
class Install:
    """One environment; `python` runs in it."""

    python: Path

    def npu_adapt(
        self, *arguments: str | Path, environment: Mapping[str, str | None] | None = None, timeout: float = 180
    ) -> Finished:
        """`npu-adapt ARGUMENTS` in this environment."""
        return run_process([self.python, "-m", "npu_adapt", *arguments], environment=environment, timeout=timeout)


def make_install(
    folder: Path,
    *,
    without: Collection[str] = (),
    versions: Mapping[str, str] | None = None,
    modules: Mapping[str, str] | None = None,
) -> Install:
    """This environment as it would be `without` some distributions, or with others than its own.

    `versions` gives distributions other version numbers, and changes nothing else of them; `modules` gives the source
    of stubs that stand for whole packages.
    """
    versions, modules = versions or {}, modules or {}
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    ours = Path(sysconfig.get_path("purelib"))
    replaced = {*without, *modules}
    for entry in ours.iterdir():
        name = entry.name.partition("-")[0].removesuffix(".py")
        is_metadata = entry.suffix == ".dist-info"
        if name in without or (name in replaced and not is_metadata):
            continue
        if is_metadata and name in versions:
            _renumbered(entry, packages / f"{name}-{versions[name]}.dist-info", versions[name])
        else:
            (packages / entry.name).symlink_to(entry)
    for name, source in modules.items():
        (packages / name).mkdir()
        (packages / name / "__init__.py").write_text(source, encoding="utf-8")
    for name in versions.keys() - {entry.name.partition("-")[0] for entry in packages.glob("*.dist-info")}:
        _metadata(packages / f"{name}-{versions[name]}.dist-info", name, versions[name])
    return Install(folder / "bin/python")


def _renumbered(original: Path, copy: Path, version: str) -> None:
    """A distribution's metadata under another version."""
    shutil.copytree(original, copy)
    metadata = copy / "METADATA"
    head, body = metadata.read_text(encoding="utf-8").split("\nVersion: ", 1)
    metadata.write_text(f"{head}\nVersion: {version}\n{body.split(chr(10), 1)[1]}", encoding="utf-8")


def _metadata(folder: Path, name: str, version: str) -> None:
    """The metadata of a distribution that is not installed here."""
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
