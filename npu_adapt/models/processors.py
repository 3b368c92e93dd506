"""What turns pictures, texts and sounds into a model's tensors, loaded from the checkpoint's own files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    whole: Any = None  # the model type's own processor, of the parts above; None too where the checkpoint has none


def _image_processor(path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    """Pinned to the Pillow back end: torchvision's resizing differs, and would change numbers by being installed."""
    import transformers

    pinned: dict[str, Any] = {"use_fast": False} if _is_old() else {"backend": "pil"}
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


def _whole_processor(path: Path, config: Any, *, trust_remote_code: bool) -> Any:
    """The processor that puts a prompt and its pictures together. None: the checkpoint's files do not make one.

    Those that read videos too are built without that part where torchvision, which reads them, is not here.
    """
    import transformers

    pinned: dict[str, Any] = {} if _is_old() else {"backend": "pil"}
    try:
        with videos_left_out():
            found = transformers.AutoProcessor.from_pretrained(
                str(path), config=config, local_files_only=True, trust_remote_code=trust_remote_code, **pinned
            )
    except Exception:  # noqa: BLE001 - a checkpoint may have only its parts, which are loaded one by one
        return None
    return found if isinstance(found, transformers.ProcessorMixin) else None


@contextmanager
def videos_left_out() -> Iterator[None]:
    """Within the context a processor may lack its part that reads videos; nothing changes where torchvision is."""
    from transformers import ProcessorMixin
    from transformers.models.auto.video_processing_auto import AutoVideoProcessor

    kept, load = vars(AutoVideoProcessor)["from_pretrained"], AutoVideoProcessor.from_pretrained
    check = ProcessorMixin.check_argument_for_proper_class

    def loaded(*args: Any, **kwargs: Any) -> Any:
        try:
            return load(*args, **kwargs)
        except ImportError:
            return None

    def checked(self: Any, name: str, argument: Any) -> Any:
        return None if argument is None and name == "video_processor" else check(self, name, argument)

    AutoVideoProcessor.from_pretrained = loaded
    ProcessorMixin.check_argument_for_proper_class = checked
    try:
        yield
    finally:
        AutoVideoProcessor.from_pretrained = kept
        ProcessorMixin.check_argument_for_proper_class = check


def _is_old() -> bool:
    """Whether this is transformers 4, whose image processors have no named back ends."""
    import transformers

    return int(transformers.__version__.split(".")[0]) < 5


LOADERS: dict[str, Callable[..., Any]] = {
    "image": _image_processor,
    "tokenizer": _tokenizer,
    "audio": _feature_extractor,
    "whole": _whole_processor,
}
_STAGES = {"image": "processor", "tokenizer": "tokenizer", "audio": "processor", "whole": "processor"}


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
