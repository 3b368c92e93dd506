"""The built-in model is compared with the hashes that the package ships."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt.errors import ModelCorrupt
from npu_adapt.models.local import locate
from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.verification import package_hashes, verified_entry, weight_files


@pytest.fixture
def builtin(tmp_path):
    return locate(ModelRequest("builtin:digits-vit"), Registry(tmp_path / "registry"))


def test_the_shipped_hashes_are_those_of_the_shipped_files(builtin):
    hashes = package_hashes(builtin.path)
    assert hashes.keys() == {"config.json", "model.safetensors", "preprocessor_config.json"}
    for name, sha256 in hashes.items():
        assert hashlib.sha256((builtin.path / name).read_bytes()).hexdigest() == sha256


def test_its_weights_are_verified_against_the_package(builtin):
    (weights,) = weight_files(builtin, verified_entry(builtin))
    assert (weights.name, weights.verified_against) == ("model.safetensors", "package")


def test_a_changed_file_is_named(builtin):
    entry = verified_entry(builtin)
    changed = tuple(replace(file, sha256="0" * 64) for file in entry.files)
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors is not the file that npu-adapt ships"):
        weight_files(builtin, replace(entry, files=changed))


def test_a_copy_of_it_is_a_directory_like_any_other(builtin, tmp_path):
    copy = Path(shutil.copytree(builtin.path, tmp_path / "copy"))
    local = locate(ModelRequest(str(copy)), Registry(tmp_path / "registry"))
    assert weight_files(local, verified_entry(local))[0].verified_against == "nothing"
