"""Odd layouts, odd file systems, odd rights: what can be used is used, and what cannot is named with what to do."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from npu_adapt.errors import ModelCorrupt, ModelError, ModelNotFound, UsageError
from npu_adapt.files import unwritten_bytes
from npu_adapt.models.hashing import Listed
from npu_adapt.models.hubs.hub import Claim, Listing, RemoteFile
from npu_adapt.models.hubs.huggingface import HuggingFace
from npu_adapt.models.local import LocalModel, locate, require_model_name
from npu_adapt.models.places import weights_fault
from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.verification import verified_entry
from npu_adapt.progress import Silent
from npu_adapt.workflows.models.verify import verify_models
from tests.models.layouts import COMMIT, DIGITS, FILES, put_directory, put_huggingface, put_modelscope

MODEL = "someone/digits-1.5"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def find(folder: Path, **request: Any) -> LocalModel:
    return locate(ModelRequest(**{"model": MODEL, **request}), Registry(folder / "registry"))


# File systems.


def test_where_there_are_no_symbolic_links_files_are_copied(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """exFAT, SMB: the snapshot holds the files themselves, each once, as huggingface_hub leaves them there."""

    def refused(*arguments: object, **options: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "symlink", refused)
    claims: dict[str, Claim] = {}
    for name in FILES:
        data = (DIGITS / name).read_bytes()
        claims[name] = Claim(len(data), hashlib.sha256(data).hexdigest(), None)
    same = (DIGITS / "config.json").read_bytes()
    claims["processor_config.json"] = Claim(len(same), hashlib.sha256(same).hexdigest(), None)
    listing = Listing("Hugging Face", MODEL, "main", COMMIT, claims)
    layout = HuggingFace().layout(listing)
    files = [listing.file(name) for name in claims]
    for file in files:
        blob = layout.stored(file)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes((DIGITS / file.name).read_bytes() if file.name in FILES else same)
    for file in files:
        layout.place(file)
    layout.finish()
    assert [*(layout.folder / "blobs").iterdir()] == []
    assert all(layout.stored(file) == layout.snapshot / file.name for file in files)
    found = find(caches)
    assert (found.path, found.commit) == (layout.snapshot, COMMIT)
    layout.place(files[0])
    assert layout.stored(files[0]).is_file()


def test_a_stale_file_where_a_link_belongs_is_not_what_is_stored(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    listing = Listing("Hugging Face", MODEL, "main", COMMIT, {})
    layout = HuggingFace().layout(listing)
    file = RemoteFile("config.json", 1, Listed("0" * 64, None))
    assert layout.stored(file) == snapshot.parents[1] / "blobs" / ("0" * 64)


# Layouts.


def test_a_snapshot_without_a_reference_is_named(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    (snapshot.parents[1] / "refs" / "main").unlink()
    with pytest.raises(ModelNotFound, match=COMMIT) as caught:
        find(caches)
    assert f"--revision {COMMIT}" in caught.value.hint
    assert {attempt.id for attempt in caught.value.attempts} == {"not-there", "other-revision"}
    assert find(caches, revision=COMMIT).path == snapshot


@pytest.mark.parametrize("content", [b"../../../../etc", b"\xff\xfe", b"", b"main", b"0" * 100_000])
def test_a_reference_that_names_no_commit_leads_nowhere(caches: Path, content: bytes) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    (snapshot.parents[1] / "refs" / "main").write_bytes(content)
    with pytest.raises(ModelNotFound, match=COMMIT):
        find(caches)


def test_a_reference_that_is_a_pipe_holds_nobody_up(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    (snapshot.parents[1] / "refs" / "main").unlink()
    os.mkfifo(snapshot.parents[1] / "refs" / "main")
    with pytest.raises(ModelNotFound):
        find(caches)


@pytest.mark.parametrize(
    "layout", ["someone/digits-1___5", "models/someone/digits-1___5", "models/someone--digits-1.5/snapshots/master"]
)
def test_a_root_copied_from_modelscopes_cache(caches: Path, layout: str) -> None:
    folder = put_directory(caches / "root" / layout)
    found = find(caches, weights_roots=(caches / "root",))
    assert (found.path, found.source) == (folder, "directory")


def test_a_root_copied_from_hugging_faces_cache(caches: Path) -> None:
    snapshot = put_huggingface(caches / "root", MODEL)
    assert find(caches, weights_roots=(caches / "root",)).path == snapshot


@pytest.mark.parametrize(
    ("names", "id", "hint"),
    [
        (["consolidated.safetensors", "params.json"], "own-format", "-hf"),
        (["best.ckpt"], "checkpoint", "save_pretrained"),
        (["model.pt"], "checkpoint", "save_pretrained"),
        (["model-Q4_K_M.gguf", "model-Q8_0.gguf"], "gguf", "safetensors"),
        (["tf_model.h5"], "tensorflow", "safetensors"),
        (["README.md"], "no-weights", "safetensors"),
    ],
)
def test_weights_that_are_none_say_so_whatever_is_allowed(names: list[str], id: str, hint: str) -> None:
    """--allow-pickle is no advice for what it would not read: that went in a circle."""
    for allow_pickle in (False, True):
        fault = weights_fault(names, allow_pickle=allow_pickle)
        assert fault is not None
        assert (fault.id, "allow-pickle" in fault.hint) == (id, False)
        assert hint in fault.hint


@pytest.mark.parametrize(
    "names", [["model.fp16.safetensors"], ["adapter_model.safetensors"], ["diffusion.safetensors"]]
)
def test_safetensors_of_any_name_are_weights(names: list[str]) -> None:
    assert weights_fault(names, allow_pickle=False) is None


@pytest.mark.parametrize(
    ("file", "id"),
    [
        ("adapter_config.json", "adapter"),
        ("model_index.json", "pipeline"),
        ("modules.json", "sentence-transformers"),
        ("configuration.json", "modelscope"),
    ],
)
def test_a_folder_of_another_kind_is_named(caches: Path, file: str, id: str) -> None:
    (caches / "mine").mkdir()
    (caches / "mine" / file).write_text("{}")
    with pytest.raises(ModelError, match=file) as caught:
        find(caches, model=str(caches / "mine"))
    assert [attempt.id for attempt in caught.value.attempts] == [id]
    assert caught.value.hint.startswith(("merge", "name the folder", "write an adapter"))


def test_modelscopes_file_beside_the_configuration_changes_nothing(caches: Path) -> None:
    folder = put_directory(caches / "mine")
    plain = find(caches, model=str(folder))
    (folder / "configuration.json").write_text('{"framework": "pytorch", "task": "text-classification"}')
    assert find(caches, model=str(folder)).path == plain.path


# Git LFS.


def test_a_git_lfs_pointer_is_called_one(caches: Path) -> None:
    folder = put_directory(caches / "mine")
    (folder / "model.safetensors").write_bytes(POINTER)
    with pytest.raises(ModelError, match=r"model\.safetensors is a Git LFS pointer") as caught:
        find(caches, model=str(folder))
    assert "git lfs pull" in caught.value.hint


@pytest.mark.parametrize(("parts", "is_whole"), [(2, False), (5, True)])
def test_a_file_that_was_made_whole_and_never_filled_is_incomplete(caches: Path, parts: int, is_whole: bool) -> None:
    """Programs that download in parts make it so; a terabyte of nothing is hashed by nobody."""
    folder = put_directory(caches / "mine")
    weights = folder / "model.safetensors"
    size = 8 << 20
    with weights.open("wb") as file:
        file.truncate(size)
        for part in range(parts):
            file.seek(part << 20)
            file.write(b"x" * (1 << 20))
    if unwritten_bytes(weights) == 0:
        pytest.skip("this file system has no holes")
    assert unwritten_bytes(weights) == size - (parts << 20)
    if is_whole:
        assert find(caches, model=str(folder)).path == folder
        return
    with pytest.raises(ModelError, match=r"more than half of model\.safetensors was never written") as refused:
        find(caches, model=str(folder))
    assert refused.value.kind == "model-corrupt"


def test_verify_does_not_call_a_pointer_the_same(caches: Path) -> None:
    folder = put_directory(caches / "mine")
    (folder / "tokenizer.json").write_text("{}")
    registry = Registry(caches / "registry")
    registry.put(verified_entry(find(caches, model=str(folder))))
    (folder / "tokenizer.json").write_bytes(POINTER)
    with pytest.raises(ModelCorrupt, match="Git LFS pointer"):
        verified_entry(find(caches, model=str(folder)))
    (check,) = verify_models(registry.entries(), registry, Silent()).models
    assert not check.passed
    assert {file.name: file.outcome for file in check.files}["tokenizer.json"] == "pointer"


def test_verify_waits_for_no_pipe(caches: Path) -> None:
    folder = put_directory(caches / "mine")
    registry = Registry(caches / "registry")
    registry.put(verified_entry(find(caches, model=str(folder))))
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    (check,) = verify_models(registry.entries(), registry, Silent()).models
    assert {file.outcome for file in check.files} == {"same", "unreadable"}


# Names.


@pytest.mark.parametrize(
    "model",
    [
        "./not-there",
        "../not-there",
        "/not/there",
        "~/models/vit",
        "out/model.safetensors",
        "checkpoints/best.ckpt",
        "a/b/",
    ],
)
def test_what_looks_like_a_path_is_not_asked_for_on_a_hub(model: str) -> None:
    with pytest.raises(UsageError, match="is not there"):
        require_model_name(model)


def test_a_file_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text("a file")
    with pytest.raises(UsageError, match="is a file, and a model is a folder"):
        require_model_name("digits")


def test_a_folder_that_hides_a_hubs_model_is_named(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_modelscope(caches / "ms", MODEL)
    (caches / MODEL).mkdir(parents=True)
    monkeypatch.chdir(caches)
    with pytest.raises(ModelError, match=rf"the folder {caches / MODEL} is taken for {MODEL}") as caught:
        find(caches)
    assert "run from another folder or rename this one" in caught.value.hint


# Rights.


@pytest.mark.parametrize("what", ["config.json", "model.safetensors", "refs", "repository", "directory"])
def test_what_this_user_may_not_read_is_named(caches: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything: the refusal is feigned where the system would make it."""
    snapshot = put_huggingface(caches / "hf", MODEL)
    closed = {"refs": snapshot.parents[1] / "refs", "repository": snapshot.parents[1], "directory": snapshot}
    names = (str(closed.get(what, (snapshot / what).resolve())), str(snapshot / what))
    true_open, true_stat = os.open, os.stat

    def refuse(path: Any) -> None:
        if isinstance(path, str | os.PathLike) and any(os.fspath(path).startswith(name) for name in names):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def guarded_open(path: Any, *arguments: Any, **options: Any) -> int:
        refuse(path)
        return true_open(path, *arguments, **options)

    def guarded_stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if what in closed and os.fspath(path) != names[0]:
            refuse(path)
        return true_stat(path, *arguments, **options)

    monkeypatch.setattr(os, "open", guarded_open)
    monkeypatch.setattr(os, "stat", guarded_stat)
    with pytest.raises(ModelError) as caught:
        verified_entry(find(caches))
    text = caught.value.message + caught.value.hint
    assert "cannot be read: Permission denied" in text or (what == "refs" and f"--revision {COMMIT}" in text)
