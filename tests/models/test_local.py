"""Models that are on this disk are found in every layout, and what is no whole model is not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.errors import ModelError, ModelNotFound, UsageError
from npu_adapt.models.local import LocalModel, locate
from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.verification import verified_entry
from tests.models.layouts import (
    COMMIT,
    put_directory,
    put_huggingface,
    put_modelscope,
    put_modelscope_136,
)

MODEL = "someone/digits-1.5"


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both hubs' caches, empty, in one folder: `hf` and `ms`."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def find(folder: Path, **request: object) -> LocalModel:
    return locate(ModelRequest(**{"model": MODEL, **request}), Registry(folder / "registry"))  # type: ignore[arg-type]


def test_the_hugging_face_cache(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    found = find(caches)
    assert (found.path, found.source, found.branch, found.commit) == (snapshot, "huggingface", "main", COMMIT)
    assert found.revision == COMMIT
    assert [file.name for file in found.weight_files] == ["model.safetensors"]


def test_the_modelscope_cache(caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    found = find(caches)
    assert (found.path, found.source, found.revision) == (snapshot, "modelscope", "master")


@pytest.mark.parametrize("below", ["models", "hub/models", "hub"])
def test_the_caches_of_older_modelscope_write_a_dot_as_three_underscores(caches: Path, below: str) -> None:
    folder = put_modelscope_136(caches / "ms", MODEL, below)
    assert folder.name == "digits-1___5"
    assert find(caches).path == folder
    with pytest.raises(ModelNotFound):
        find(caches, revision="v2")


def test_a_root_of_models_comes_before_the_caches(caches: Path) -> None:
    put_modelscope(caches / "ms", MODEL)
    folder = put_directory(caches / "root" / MODEL)
    found = find(caches, weights_roots=(caches / "root",))
    assert (found.path, found.source, found.organization) == (folder, "directory", "someone")


def test_a_root_without_the_model_is_no_obstacle(caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    (caches / "root" / MODEL).mkdir(parents=True)
    found = find(caches, weights_roots=(caches / "root",))
    assert found.path == snapshot
    assert [attempt.id for attempt in found.attempts] == ["no-config", "found"]


def test_the_source_decides_which_cache_is_looked_at(caches: Path) -> None:
    put_modelscope(caches / "ms", MODEL)
    snapshot = put_huggingface(caches / "hf", MODEL)
    assert find(caches).source == "modelscope"
    assert find(caches, source="huggingface").path == snapshot


def test_a_revision_is_a_branch_or_a_commit(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL, branch="refs/pr/1".replace("/", "-"))
    assert find(caches, revision=COMMIT).path == snapshot
    assert find(caches, revision="refs-pr-1").path == snapshot
    with pytest.raises(ModelNotFound, match="main"):
        find(caches)


def test_what_was_registered_is_found_without_the_option_that_named_it(caches: Path) -> None:
    folder = put_directory(caches / "root" / MODEL)
    registry = Registry(caches / "registry")
    registry.put(verified_entry(find(caches, weights_roots=(caches / "root",))))
    found = find(caches)
    assert found.path == folder
    assert found.known == registry.at(folder)


def test_a_cut_download_in_a_hubs_cache_is_not_taken_for_a_model(caches: Path) -> None:
    weights = put_modelscope(caches / "ms", MODEL) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelNotFound, match=r"incomplete: model\.safetensors is cut short"):
        find(caches)


def test_a_missing_shard_in_a_hubs_cache_is_named(caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    (snapshot / "model.safetensors").rename(snapshot / "model-00001-of-00002.safetensors")
    shards = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    (snapshot / "model.safetensors.index.json").write_text(shards)
    with pytest.raises(ModelNotFound, match="1 of 2 shards are missing, model-00002-of-00002"):
        find(caches)


def test_a_broken_link_into_the_blobs_is_no_file(caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    (snapshot / "model.safetensors").resolve().unlink()
    with pytest.raises(ModelNotFound, match="no weights"):
        find(caches)


def test_every_place_tried_is_told(caches: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        find(caches)
    places = [attempt.place for attempt in caught.value.attempts]
    assert str(caches / "ms/models/someone--digits-1.5/snapshots/master") in places
    assert str(caches / "hf/models--someone--digits-1.5/snapshots/main") in places
    assert len(places) == len(set(places))


@pytest.mark.parametrize(
    "model", ["../../no-such-model", "a/../b", "/nowhere/at/all", "a/b/c", "a b", "", "-x/y", "builtin:other"]
)
def test_what_is_no_model_is_a_usage_error(caches: Path, model: str) -> None:
    with pytest.raises(UsageError):
        find(caches, model=model)


@pytest.mark.parametrize("revision", ["../../etc", "/etc", "a/../../b", "", "-main", "main\n"])
def test_what_is_no_revision_is_a_usage_error(caches: Path, revision: str) -> None:
    with pytest.raises(UsageError, match="no revision"):
        find(caches, revision=revision)


def test_a_directory_with_pickled_weights_only_needs_leave(tmp_path: Path) -> None:
    folder = put_directory(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only pickled weights") as caught:
        find(tmp_path, model=str(folder))
    assert "--allow-pickle" in caught.value.hint
    assert find(tmp_path, model=str(folder), allow_pickle=True).files[-1] == "pytorch_model.bin"
