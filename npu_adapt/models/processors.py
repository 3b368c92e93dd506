"""What turns pictures, texts and sounds into a model's tensors, loaded from the checkpoint's own files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from npu_adapt.errors import ModelError


@dataclass(frozen=True)
class Processors:
    """Transformers' processors for one model; None where the task needs none."""

    image: Any = None
    tokenizer: Any = None
    audio: Any = None


def _image_processor(path: Path, *, trust_remote_code: bool) -> Any:
    """Pinned to the Pillow back end: torchvision's resizing differs, and would change numbers by being installed."""
    import transformers

    old = int(transformers.__version__.split(".")[0]) < 5
    pinned: dict[str, Any] = {"use_fast": False} if old else {"backend": "pil"}
    processor = transformers.AutoImageProcessor.from_pretrained(
        str(path), local_files_only=True, trust_remote_code=trust_remote_code, **pinned
    )
    # Transformers 4 takes a picture one pixel high for one with a single channel, unless told; 5 asks Pillow.
    takes_layout = "input_data_format" in inspect.signature(processor.preprocess).parameters
    return partial(processor, input_data_format="channels_last") if takes_layout else processor


def _tokenizer(path: Path, *, trust_remote_code: bool) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(path), local_files_only=True, trust_remote_code=trust_remote_code)


def _feature_extractor(path: Path, *, trust_remote_code: bool) -> Any:
    from transformers import AutoFeatureExtractor

    return AutoFeatureExtractor.from_pretrained(str(path), local_files_only=True, trust_remote_code=trust_remote_code)


LOADERS: dict[str, Callable[..., Any]] = {
    "image": _image_processor,
    "tokenizer": _tokenizer,
    "audio": _feature_extractor,
}
_FILES = {
    "image": "preprocessor_config.json",
    "tokenizer": "tokenizer.json, or tokenizer_config.json with its vocabulary",
    "audio": "preprocessor_config.json",
}


def load_processors(kinds: tuple[str, ...], path: Path, *, trust_remote_code: bool) -> Processors:
    """The processors of those kinds. Raises `ModelError` where a file of theirs is missing or does not parse."""
    return Processors(**{kind: _load(kind, path, trust_remote_code=trust_remote_code) for kind in kinds})


def _load(kind: str, path: Path, *, trust_remote_code: bool) -> Any:
    try:
        return LOADERS[kind](path, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint's {kind} processor cannot be loaded: {first}",
            hint=f"it comes from {_FILES[kind]} in {path}; fetch the model again with all its files",
        ) from error
