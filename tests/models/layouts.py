"""One real model, digits-vit, put on the disk in every layout that a hub's client or a user makes."""

from __future__ import annotations

import hashlib
import shutil
from importlib.resources import files
from pathlib import Path

DIGITS = Path(str(files("npu_adapt") / "assets" / "digits-vit"))
FILES = ("config.json", "model.safetensors", "preprocessor_config.json")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def put_directory(folder: Path) -> Path:
    """A directory in the Hugging Face format."""
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(DIGITS / name, folder / name)
    return folder


def blob_of(file: Path) -> str:
    """The name that the Hugging Face cache gives to a file's content."""
    data = file.read_bytes()
    if file.suffix == ".safetensors":
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def put_huggingface(cache: Path, model: str, *, commit: str = COMMIT, branch: str = "main") -> Path:
    """The cache of huggingface_hub: blobs named for their content, a snapshot of links, a reference."""
    repository = cache / f"models--{model.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        blob = blob_of(DIGITS / name)
        shutil.copyfile(DIGITS / name, repository / "blobs" / blob)
        (snapshot / name).symlink_to(Path("../../blobs") / blob)
    (repository / "refs" / branch).write_text(commit)
    return snapshot


def put_modelscope(cache: Path, model: str, *, branch: str = "master") -> Path:
    """The cache of modelscope_hub."""
    return put_directory(cache / "models" / model.replace("/", "--") / "snapshots" / branch)


def put_modelscope_136(cache: Path, model: str, below: str = "hub/models") -> Path:
    """The cache of modelscope before 1.37: a dot in a name is written `___`."""
    return put_directory(cache / below / model.replace(".", "___"))
