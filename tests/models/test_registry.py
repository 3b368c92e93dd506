"""The registry: one small index that outlives crashes, crowds and newer versions, and notices what changed."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from npu_adapt.errors import ExitCode, ModelCorrupt, ModelError
from npu_adapt.models.local import LocalModel, locate
from npu_adapt.models.registry import Registry, RegistryUnusable, cache_folder, is_unchanged, state_of
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.verification import bytes_to_hash, verified_entry, weight_files
from npu_adapt.records.registry import RegistryEntry
from tests.models.layouts import put_directory, put_huggingface

MODEL = "someone/digits"


def entry(path: str) -> RegistryEntry:
    return RegistryEntry(
        model=MODEL,
        source="directory",
        revision=None,
        commit=None,
        url=None,
        path=path,
        files=(),
        registered_at="2026-01-01T00:00:00.000Z",
        last_used="2026-01-01T00:00:00.000Z",
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def test_reading_creates_nothing(registry: Registry) -> None:
    assert registry.entries() == ()
    assert registry.at(Path("/nowhere")) is None
    assert not registry.folder.exists()


def test_entries_are_kept_by_place_and_the_last_used_comes_first(registry: Registry) -> None:
    registry.put(entry("/a"))
    registry.put(msgspec.structs.replace(entry("/b"), last_used="2026-02-01T00:00:00.000Z"))
    registry.put(msgspec.structs.replace(entry("/a"), revision="v2"))
    assert [(found.path, found.revision) for found in registry.entries(MODEL)] == [("/b", None), ("/a", "v2")]
    registry.forget("/b")
    registry.forget("/never")
    assert [found.path for found in registry.entries()] == ["/a"]
    assert registry.entries("another/model") == ()


def register(folder: Path, number: int) -> None:
    Registry(folder).put(entry(f"/model-{number}"))


def test_processes_that_register_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(register, [tmp_path] * 32, range(32)))
    assert len(Registry(tmp_path).entries()) == 32
    assert {file.name for file in tmp_path.iterdir()} <= {"registry.json", ".registry.json.lock"}


@pytest.mark.parametrize("content", ["", "{", '{"schema_version": 1, "entries": [{}]}', "[]", '{"entries": []}'])
def test_a_damaged_index_is_set_aside_said_and_begun_anew(tmp_path: Path, content: str) -> None:
    said: list[str] = []
    registry = Registry(tmp_path, said.append)
    registry.path.write_text(content)
    assert registry.entries() == ()
    registry.put(entry("/a"))
    assert [found.path for found in Registry(tmp_path).entries()] == ["/a"]
    assert "is damaged" in said[0]
    (aside,) = tmp_path.glob("registry.damaged-*.json")
    assert aside.read_text() == content


def test_an_index_from_a_newer_version_is_left_alone(registry: Registry) -> None:
    registry.folder.mkdir()
    newer = json.dumps({"schema_version": 99, "entries": "in a new form"})
    registry.path.write_text(newer)
    for change in (registry.entries, lambda: registry.put(entry("/a"))):
        with pytest.raises(RegistryUnusable, match="schema version 99") as caught:
            change()
        assert caught.value.exit_code == ExitCode.USAGE
    assert registry.path.read_text() == newer


def test_the_folder_is_as_asked_else_as_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPU_ADAPT_CACHE", str(tmp_path))
    assert cache_folder(None) == tmp_path
    assert cache_folder(Path("/else")) == Path("/else")
    monkeypatch.delenv("NPU_ADAPT_CACHE")
    assert cache_folder(None).name == "npu-adapt"


def found(path: Path, registry: Registry) -> LocalModel:
    return locate(ModelRequest(str(path)), registry)


def test_what_is_known_and_unchanged_is_not_read_again(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    first = found(folder, registry)
    assert bytes_to_hash(first) > 600_000
    before = verified_entry(first)
    assert weight_files(first, before)[0].verified_against == "nothing"
    registry.put(before)
    again = found(folder, registry)
    assert bytes_to_hash(again) == 0
    assert weight_files(again, verified_entry(again))[0].verified_against == "nothing", "its own first hash is no proof"


def test_a_new_time_means_hash_again(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    before = verified_entry(found(folder, registry))
    registry.put(before)
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert state_of(before) == "changed"
    touched = found(folder, registry)
    assert bytes_to_hash(touched) == (folder / "model.safetensors").stat().st_size
    after = {file.name: file for file in verified_entry(touched).files}
    assert after["model.safetensors"].verified_against == "nothing"
    assert after["model.safetensors"].modified_ns == 1
    assert after["config.json"].verified_against == "nothing"


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_an_owners_changed_directory_is_a_new_model(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    before = verified_entry(found(folder, registry))
    registry.put(before)
    flip(folder / "model.safetensors")
    after = verified_entry(found(folder, registry))
    assert {file.verified_against for file in after.files} == {"nothing"}
    assert {file.sha256 for file in before.files} != {file.sha256 for file in after.files}


def test_the_hugging_face_cache_is_verified_without_a_network_by_the_names_of_its_blobs(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = put_huggingface(tmp_path, MODEL)
    local = locate(ModelRequest(MODEL), registry)
    assert {file.verified_against for file in verified_entry(local).files} == {"listing"}, "nobody knows who gave it"
    for name in ("model.safetensors", "config.json"):  # named for their sha256, and for git's sha1
        blob = (snapshot / name).resolve()
        kept = blob.read_bytes()
        flip(blob)
        with pytest.raises(ModelCorrupt, match=f"{name} is not the file that the hub lists"):
            verified_entry(local)
        blob.write_bytes(kept)


def test_a_file_that_a_hub_vouched_for_may_not_change(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    vouched = verified_entry(found(folder, registry))
    files = tuple(msgspec.structs.replace(file, verified_against="hub") for file in vouched.files)
    registry.put(msgspec.structs.replace(vouched, files=files))
    flip(folder / "model.safetensors")
    with pytest.raises(ModelCorrupt, match="changed on this disk"):
        verified_entry(found(folder, registry))


def test_an_unfinished_download_is_no_model(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    unfinished = msgspec.structs.replace(entry(str(folder)), missing=("tokenizer.json",))
    registry.put(unfinished)
    assert state_of(unfinished) == "unfinished"
    with pytest.raises(ModelError, match="incomplete: 1 files are missing"):
        found(folder, registry)


def test_states(tmp_path: Path, registry: Registry) -> None:
    folder = put_directory(tmp_path / "model")
    known = verified_entry(found(folder, registry))
    assert state_of(known) == "ready"
    assert all(is_unchanged(folder, file) for file in known.files)
    (folder / "config.json").unlink()
    assert state_of(known) == "changed"
    assert state_of(entry(str(tmp_path / "nowhere"))) == "gone"


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/urandom", "folder"])
def test_an_index_that_is_no_regular_file_holds_nobody_up(registry: Registry, kind: str) -> None:
    registry.folder.mkdir()
    if kind == "pipe":
        os.mkfifo(registry.path)
    elif kind == "folder":
        registry.path.mkdir()
    else:
        registry.path.symlink_to(kind)
    for change in (registry.entries, lambda: registry.put(entry("/a"))):
        with pytest.raises(RegistryUnusable, match="not a regular file"):
            change()


def test_a_lock_that_cannot_be_taken_is_an_error_of_the_disk(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers say that the registry cannot be written, and a run goes on."""
    monkeypatch.setattr("npu_adapt.models.registry.LOCK_SECONDS", 0.1)
    registry.folder.mkdir()
    lock = registry.folder / ".registry.json.lock"
    with FileLock(lock), pytest.raises(OSError, match=r"held its lock for 0\.1 s"):
        registry.put(entry("/a"))
    lock.unlink()
    lock.mkdir()
    with pytest.raises(OSError):
        registry.put(entry("/a"))


def test_a_name_that_is_not_utf_8_cannot_be_registered(registry: Registry) -> None:
    name = os.fsdecode("/模型".encode("gbk"))
    with pytest.raises(OSError, match="not UTF-8"):
        registry.put(entry(name))
    assert registry.entries() == ()


def test_an_index_of_schema_1_is_read_for_what_it_proved(registry: Registry) -> None:
    """It kept no address of who had listed a file, and called an own first hash verified."""
    registry.folder.mkdir()
    file = {"name": "a", "bytes": 1, "modified_ns": 1, "sha256": "0" * 64, "verified_at": ""}
    files = [{**file, "verified_against": against} for against in ("hub", "registry", "nothing")]
    old = {
        "model": MODEL,
        "source": "modelscope",
        "revision": "master",
        "commit": None,
        "url": None,
        "path": "/a",
        "files": files,
        "registered_at": "",
        "last_used": "",
    }
    registry.path.write_text(json.dumps({"schema_version": 1, "entries": [old]}))
    (read,) = registry.entries()
    assert [each.verified_against for each in read.files] == ["listing", "nothing", "nothing"]
    assert read.endpoint is None


def test_many_are_put_by_one_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change reads and writes all: one by one, ten thousand that are verified take minutes."""
    registry = Registry(tmp_path)
    written = []
    monkeypatch.setattr("npu_adapt.models.registry.write_atomically", lambda path, data, **how: written.append(path))
    registry.put(*(entry(f"/{number}") for number in range(100)))
    assert len(written) == 1
