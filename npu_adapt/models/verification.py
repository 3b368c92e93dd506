"""Whether the files of a model are what their hub, or the registry, says they are. No torch.

A file of the Hugging Face cache is a link to a blob that is named for its content: the sha256 of a large file, git's
sha1 of a small one. That is the hub's own word, kept on this disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from npu_adapt.errors import ModelCorrupt
from npu_adapt.evidence import utc_now
from npu_adapt.models.hashing import Advance, FileHash, hash_file
from npu_adapt.models.local import LocalModel
from npu_adapt.models.registry import is_unchanged
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import RegisteredFile, RegistryEntry


@dataclass(frozen=True)
class Listed:
    """A file's hash as a hub lists it: sha256, else git's sha1. Both None: it lists none."""

    sha256: str | None
    git_sha1: str | None

    def matches(self, found: FileHash) -> bool | None:
        """Whether the file is the listed one; None: the listing does not tell."""
        if self.sha256 is not None:
            return self.sha256 == found.sha256
        if self.git_sha1 is not None:
            return self.git_sha1 == found.git_sha1
        return None


def blob_name(file: Path) -> Listed:
    """What the name of the blob behind a file of the Hugging Face cache says of its content."""
    target = file.resolve()
    name = target.name if file.is_symlink() and target.parent.name == "blobs" else ""
    return Listed(
        sha256=name if re.fullmatch("[0-9a-f]{64}", name) else None,
        git_sha1=name if re.fullmatch("[0-9a-f]{40}", name) else None,
    )


def check(file: Path, name: str, known: RegisteredFile | None, advance: Advance) -> RegisteredFile:
    """The record of a file hashed now, compared with its blob's name and with what the registry knows of it.

    Raises `ModelCorrupt` where the bytes are not those of the hub, and `OSError`.
    """
    listed = blob_name(file)
    found = hash_file(file, git=listed.git_sha1 is not None, advance=advance)
    by_hub = listed.matches(found)
    if by_hub is None and known is not None and known.verified_against == "hub":
        by_hub = known.sha256 == found.sha256
    if by_hub is False:
        raise ModelCorrupt(
            f"{name} is not the file that the hub lists: its bytes have changed on this disk ({file})",
            hint="fetch it again: npu-adapt fetch MODEL replaces what differs",
        )
    same = known is not None and known.sha256 == found.sha256
    return registered(name, found, "hub" if by_hub else "registry" if same else "nothing")


def registered(name: str, found: FileHash, verified_against: str) -> RegisteredFile:
    """The registry's record of a file that was just hashed."""
    return RegisteredFile(
        name=name,
        bytes=found.bytes,
        modified_ns=found.modified_ns,
        sha256=found.sha256,
        verified_against=verified_against,
        verified_at=utc_now(),
    )


def verified_entry(local: LocalModel, advance: Advance = lambda amount: None) -> RegistryEntry:
    """The model as the registry is to know it: what it knows already is kept, all else is hashed.

    A file whose size or time has changed is hashed again. Raises `ModelCorrupt` and `OSError`.
    """
    known = {file.name: file for file in local.known.files} if local.known else {}
    return entry_of(
        local,
        (
            known[name]
            if name in known and is_unchanged(local.path, known[name])
            else check(local.path / name, name, known.get(name), advance)
            for name in local.files
        ),
    )


def entry_of(local: LocalModel, files: Iterable[RegisteredFile]) -> RegistryEntry:
    """The entry of a model with these files, used now."""
    hashed = tuple(files)
    now = utc_now()
    return RegistryEntry(
        model=local.id,
        source=local.source,
        revision=local.branch,
        commit=local.commit,
        url=local.url,
        path=str(local.path),
        files=hashed,
        registered_at=local.known.registered_at if local.known else now,
        last_used=now,
    )


def bytes_to_hash(local: LocalModel) -> int:
    """How much of the model `verified_entry` would read."""
    known = {file.name: file for file in local.known.files} if local.known else {}
    return sum(
        (local.path / name).stat().st_size
        for name in local.files
        if name not in known or not is_unchanged(local.path, known[name])
    )


def weight_files(local: LocalModel, entry: RegistryEntry) -> tuple[WeightFile, ...]:
    """The weights as `summary.json` records them: "registry" also for what was registered before and is unchanged.

    Those of a built-in model are compared with the hashes that this package ships. Raises `ModelCorrupt` where they
    differ.
    """
    before = {file.name: file.sha256 for file in local.known.files} if local.known else {}
    files = {file.name: file for file in entry.files}
    shipped = package_hashes(local.path) if local.source == "builtin" else {}
    return tuple(
        msgspec.structs.replace(
            weight,
            sha256=files[weight.name].sha256,
            verified_against=_by_package(files[weight.name], shipped)
            or _vouched(files[weight.name], before.get(weight.name)),
        )
        for weight in local.weight_files
    )


def package_hashes(path: Path) -> dict[str, str]:
    """File name -> sha256 of a built-in model, as `sha256sum` wrote them beside its folder."""
    lines = path.with_name(f"{path.name}.sha256").read_text().splitlines()
    return {name.partition("/")[2]: sha256 for sha256, name in (line.split(maxsplit=1) for line in lines)}


def _by_package(file: RegisteredFile, shipped: dict[str, str]) -> str | None:
    """ "package" for a file that is as shipped. None: the package ships no hash of it."""
    expected = shipped.get(file.name)
    if expected is None:
        return None
    if expected != file.sha256:
        raise ModelCorrupt(
            f"{file.name} is not the file that npu-adapt ships: its bytes have changed on this disk",
            hint="install npu-adapt again",
        )
    return "package"


def _vouched(file: RegisteredFile, before: str | None) -> str:
    return "registry" if file.verified_against == "nothing" and before == file.sha256 else file.verified_against
