"""Only what a hub's cache owns is ever deleted, whatever the registry says and wherever links lead."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from npu_adapt.models.hubs.owned import owned_part
from npu_adapt.models.local import locate
from npu_adapt.models.registry import Registry
from npu_adapt.models.removal import plan_removal, remove
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.verification import verified_entry
from npu_adapt.records.registry import RegistryEntry, RemovedModel
from tests.models.layouts import COMMIT, put_directory, put_huggingface, put_modelscope, put_modelscope_136

MODEL = "someone/digits-1.5"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder that is no model, with a file in it."""
    folder = tmp_path / "precious" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    return folder


def registered(caches: Path, model: str = MODEL) -> tuple[Registry, RegistryEntry]:
    registry = Registry(caches / "registry")
    entry = verified_entry(locate(ModelRequest(model), registry))
    registry.put(entry)
    return registry, entry


def removed(registry: Registry, entry: RegistryEntry) -> RemovedModel:
    plan = plan_removal(entry)
    shown = plan.record
    assert remove(plan, registry) == shown, "what goes is what was shown"
    assert registry.at(Path(entry.path)) is None
    return shown


def test_the_last_revision_takes_the_repository_with_it(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    gone = removed(*registered(caches))
    assert gone.removed == (str(snapshot.parents[1]),)
    assert gone.freed_bytes > 600_000
    assert not [*(caches / "hf").iterdir()]


def test_blobs_of_another_revision_stay(caches: Path) -> None:
    first = put_huggingface(caches / "hf", MODEL)
    put_huggingface(caches / "hf", MODEL, commit=OTHER, branch="v2")
    own = first.parents[1] / "blobs" / ("0" * 64)
    own.write_bytes(b"only the first revision has this")
    (first / "notes.md").symlink_to(own)
    gone = removed(*registered(caches))
    assert gone.removed == (str(first), str(own), str(first.parents[1] / "refs" / "main"))
    assert gone.freed_bytes == 32 + 40
    assert locate(ModelRequest(MODEL, revision="v2"), Registry(caches / "registry"))


@pytest.mark.parametrize("put", [put_modelscope, put_modelscope_136])
def test_modelscopes_folders_of_today_and_of_before(caches: Path, put: object) -> None:
    folder = put(caches / "ms", MODEL)  # type: ignore[operator]
    gone = removed(*registered(caches))
    assert gone.removed == (str(folder),)
    assert not folder.exists()


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
@pytest.mark.parametrize("kind", ["elsewhere", "the cache", "a parent", "above", "another model"])
def test_an_edited_path_deletes_nothing(caches: Path, precious: Path, source: str, kind: str) -> None:
    put_huggingface(caches / "hf", MODEL)
    put_modelscope(caches / "ms", MODEL)
    neighbour = {
        "huggingface": put_huggingface(caches / "hf", "someone/else"),
        "modelscope": put_modelscope(caches / "ms", "someone/else"),
    }[source]
    cache = {"huggingface": caches / "hf", "modelscope": caches / "ms"}[source]
    path = {
        "elsewhere": precious,
        "the cache": cache,
        "a parent": neighbour.parents[1],
        "above": Path(f"{cache}/models--x/../../precious/snapshots/{COMMIT}"),
        "another model": neighbour,
    }[kind]
    registry, entry = registered(caches)
    edited = msgspec.structs.replace(entry, source=source, path=str(path))
    before = {each for each in caches.rglob("*") if "registry" not in each.parts}
    shown = plan_removal(edited).record
    assert (shown.removed, shown.kept and shown.kept.id) == ((), "outside-cache")
    remove(plan_removal(edited), registry)
    assert {each for each in caches.rglob("*") if "registry" not in each.parts} == before


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_a_relative_path_in_the_registry_is_no_entry(caches: Path, source: str) -> None:
    put_modelscope(caches / "ms", MODEL)
    registry, entry = registered(caches)
    registry.put(msgspec.structs.replace(entry, source=source, path="precious"))
    said: list[str] = []
    assert [each.path for each in Registry(registry.folder, said.append).entries()] == [entry.path]
    assert "cannot be true" in said[0]


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_a_repository_that_is_a_link_deletes_nothing_behind_it(caches: Path, precious: Path, source: str) -> None:
    """The folder of a model's old name may be a link to that of its new one."""
    folder = {"huggingface": caches / "hf" / "models--someone--old", "modelscope": caches / "ms/models/someone--old"}
    link = folder[source]
    link.parent.mkdir(parents=True)
    link.symlink_to(precious.parents[1], target_is_directory=True)
    path = link / "snapshots" / COMMIT
    assert path.is_dir()
    put_directory(caches / "any")
    registry, entry = registered(caches, str(caches / "any"))
    old = msgspec.structs.replace(entry, model="someone/old", source=source, path=str(path))
    registry.put(old)
    assert removed(registry, old).kept is not None
    assert (precious / "thesis.tex").read_text() == "years of work"


def test_removing_an_old_name_leaves_the_files_of_the_new(caches: Path) -> None:
    new = put_huggingface(caches / "hf", "someone/new")
    registry, entry = registered(caches, "someone/new")
    old = msgspec.structs.replace(entry, model="someone/old")
    assert plan_removal(old).record.removed == ()
    remove(plan_removal(old), registry)
    assert (new / "model.safetensors").is_file()


@pytest.mark.parametrize("kind", ["a file", "a folder", "the blobs"])
def test_links_inside_a_model_are_removed_and_not_followed(caches: Path, precious: Path, kind: str) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    put_huggingface(caches / "hf", MODEL, commit=OTHER, branch="v2")
    if kind == "a file":
        (snapshot / "notes.md").symlink_to(precious / "thesis.tex")
    elif kind == "a folder":
        (snapshot / "onnx").symlink_to(precious, target_is_directory=True)
    else:
        blobs = snapshot.parents[1] / "blobs"
        blobs.rename(caches / "moved")
        blobs.symlink_to(caches / "moved", target_is_directory=True)
    registry, entry = registered(caches)
    removed(registry, entry)
    assert (precious / "thesis.tex").is_file()
    assert not snapshot.exists()
    if kind == "the blobs":
        assert len([*(caches / "moved").iterdir()]) == 3


def test_a_cache_behind_a_link_is_still_the_cache(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (caches / "big-disk").mkdir()
    (caches / "hf").symlink_to(caches / "big-disk", target_is_directory=True)
    snapshot = put_huggingface(caches / "hf", MODEL)
    assert removed(*registered(caches)).kept is None
    assert not snapshot.exists()


def test_a_folder_of_the_users_own_and_the_built_in_model_stay(caches: Path) -> None:
    for model, why in ((str(put_directory(caches / "mine")), "directory"), ("builtin:digits-vit", "builtin")):
        registry, entry = registered(caches, model)
        gone = removed(registry, entry)
        assert gone.kept is not None
        assert gone.kept.id == why
        assert (Path(entry.path) / "model.safetensors").is_file()


def test_owned_parts(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "a" / "b").mkdir(parents=True)
    (cache / "link").symlink_to(tmp_path)
    assert owned_part(cache / "a" / "b", cache) == ("a", "b")
    assert owned_part(cache / "not" / "there", cache) == ("not", "there")
    assert owned_part(cache, cache) is None
    assert owned_part(tmp_path, cache) is None
    assert owned_part(Path("cache/a"), cache) is None
    assert owned_part(cache / "a" / ".." / ".." / "x", cache) is None
    assert owned_part(cache / "link" / "cache" / "a", cache) is None
