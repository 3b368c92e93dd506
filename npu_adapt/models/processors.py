"""What turns pictures, texts and sounds into a model's tensors, loaded from the checkpoint's own files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from npu_adapt.errors import Sentence
from npu_adapt.models.reading import is_lfs_pointer
from npu_adapt.models.strangers import foreign_code


@dataclass(frozen=True)
class Processors:
    """Transformers' processors for one model; None where the task needs none."""

    image: Any = None
    tokenizer: Any = None
    audio: Any = None


def _image_processor(path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    """Pinned to the Pillow back end: torchvision's resizing differs, and would change numbers by being installed."""
    import transformers

    old = int(transformers.__version__.split(".")[0]) < 5
    pinned: dict[str, Any] = {"use_fast": False} if old else {"backend": "pil"}
    processor = transformers.AutoImageProcessor.from_pretrained(
        str(path), config=config, local_files_only=True, trust_remote_code=trust_remote_code, **pinned
    )
    # Transformers 4 takes a picture one pixel high for one with a single channel, unless told; 5 asks Pillow.
    takes_layout = "input_data_format" in inspect.signature(processor.preprocess).parameters
    return partial(processor, input_data_format="channels_last") if takes_layout else processor


def _tokenizer(path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        str(path), config=config, local_files_only=True, trust_remote_code=trust_remote_code
    )


def _feature_extractor(path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    from transformers import AutoFeatureExtractor

    return AutoFeatureExtractor.from_pretrained(
        str(path), config=config, local_files_only=True, trust_remote_code=trust_remote_code
    )


LOADERS: dict[str, Callable[..., Any]] = {
    "image": _image_processor,
    "tokenizer": _tokenizer,
    "audio": _feature_extractor,
}
_STAGES = {"image": "processor", "tokenizer": "tokenizer", "audio": "processor"}


def load_processors(kinds: tuple[str, ...], path: Path, config: Any, *, trust_remote_code: bool) -> Processors:
    """The processors of those kinds; `config` is the model's, read already.

    Raises `ModelError` where a file of theirs is missing or cannot be used.
    """
    return Processors(**{kind: _load(kind, path, config, trust_remote_code=trust_remote_code) for kind in kinds})


def _load(kind: str, path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    with foreign_code(_STAGES[kind], path, hint=_hint(path)):
        return LOADERS[kind](path, config, trust_remote_code=trust_remote_code)


def _hint(path: Path) -> str | None:
    """A file of Git LFS that holds the place of the real one is named. None: there is none."""
    for file in sorted(path.glob("*")):
        if file.suffix in (".json", ".model", ".txt") and is_lfs_pointer(file):
            return Sentence(
                "{file} is a Git LFS pointer, not the file itself: run git lfs pull, or fetch the model again",
                file=file.name,
            )
    return None
