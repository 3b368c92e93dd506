"""Whether the files of a model are what a hub's listing, its cache or this package says they are. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from npu_adapt.errors import ModelCorrupt, ModelError, Sentence
from npu_adapt.evidence import utc_now
from npu_adapt.models.hashing import Advance, FileHash, Listed, hash_file, is_pointer
from npu_adapt.models.hubs import HUBS
from npu_adapt.models.local import LocalModel
from npu_adapt.models.registry import TRUST, is_unchanged
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import RegisteredFile, RegistryEntry


def check(file: Path, name: str, known: RegisteredFile | None, advance: Advance) -> RegisteredFile:
    """The record of a file hashed now, compared with what its cache and the registry know of it.

    Raises `ModelCorrupt` where the bytes are not those of the hub, and `ModelError` where they cannot be read.
    """
    listed = in_cache(file)
    try:
        if is_pointer(file):
            raise ModelCorrupt(
                Sentence("{name} is a Git LFS pointer, not the file itself ({file})", name=name, file=file),
                hint="bring the file: git lfs pull in that folder, or npu-adapt fetch MODEL",
            )
        found = hash_file(file, git=listed.git_sha1 is not None, advance=advance)
    except OSError as error:
        raise ModelError(
            Sentence("{name} cannot be read: {reason} ({file})", name=name, reason=error.strerror or error, file=file),
            hint="give this user the right to read it, or name another cache or folder",
        ) from error
    known_against = known.verified_against if known is not None else "nothing"
    by_listing = listed.matches(found)
    if by_listing is not False and known is not None and TRUST[known_against]:
        by_listing = known.sha256 == found.sha256
    if by_listing is False:
        raise ModelCorrupt(
            Sentence(
                "{name} is not the file that the hub lists: its bytes have changed on this disk ({file})",
                name=name,
                file=file,
            ),
            hint="fetch it again: npu-adapt fetch MODEL replaces what differs",
        )
    against = max("listing", known_against, key=TRUST.__getitem__) if by_listing else "nothing"
    return registered(name, found, against)


def in_cache(file: Path) -> Listed:
    """What a hub's cache says itself of the content of one of its files."""
    found = (HUBS[name]().listed_in_cache(file) for name in HUBS)
    return next((listed for listed in found if listed != Listed(None, None)), Listed(None, None))


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
        endpoint=local.endpoint,
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
    """The weights as `summary.json` records them.

    Those of a built-in model are compared with the hashes that this package ships. Raises `ModelCorrupt` where they
    differ.
    """
    files = {file.name: file for file in entry.files}
    shipped = package_hashes(local.path) if local.source == "builtin" else {}
    return tuple(
        msgspec.structs.replace(
            weight,
            sha256=files[weight.name].sha256,
            verified_against=_by_package(files[weight.name], shipped) or files[weight.name].verified_against,
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
            Sentence(
                "{file} is not the file that npu-adapt ships: its bytes have changed on this disk", file=file.name
            ),
            hint="install npu-adapt again",
        )
    return "package"
