"""What transformers' processors need beside it on a user's machine: timm, torchvision and torchaudio.

As tests.timm has it: here torch is the CPU's, and the package index has the others built for CUDA. Torchaudio works
without its C++ library, which none of the feature extractors uses.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.real_models import store
from tests.timm import packages

TORCHAUDIO = "torchaudio==2.11.0"


def search_path() -> str:
    """The folders that hold them, as PYTHONPATH has them. Raises `store.Unreachable`."""
    return os.pathsep.join(str(folder) for folder in (packages.folder(), _torchaudio()))


def _torchaudio() -> Path:
    def build(partial: Path) -> None:
        store.pip(["install", "--no-deps", "--only-binary", ":all:", "--target", partial, TORCHAUDIO])
        shutil.rmtree(partial / "torchaudio" / "lib")

    return store.made_once(store.root() / TORCHAUDIO.replace("==", "-"), build)
