"""What a checkpoint of sentence-transformers does after its transformer: `modules.json` and the files that it names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelCorrupt, ModelError, Sentence, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.selection import is_safe

MODULES = "modules.json"
ADAPTER = (
    "write an adapter for the whole pipeline: npu-adapt compare FILE.py --weights DIR; "
    "--task feature-extraction compares its transformer alone"
)
_LONGEST = 1_000_000  # bytes of one of these files
# Names of the older form of 1_Pooling/config.json, one flag each -> the mode.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_lasttoken": "lasttoken",
}


def _first(state: Tensor, mask: Tensor) -> Tensor:
    first = mask.argmax(dim=1)  # the first token that is not padding, whichever side is padded
    return state[torch.arange(len(state), device=state.device), first]


def _last(state: Tensor, mask: Tensor) -> Tensor:
    last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
    return state[torch.arange(len(state), device=state.device), last]


def _greatest(state: Tensor, mask: Tensor) -> Tensor:
    return state.masked_fill(mask[..., None] == 0, float("-inf")).amax(dim=1)


def _mean(state: Tensor, mask: Tensor) -> Tensor:
    weights = mask[..., None].to(state.dtype)
    return (state * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def _mean_by_root(state: Tensor, mask: Tensor) -> Tensor:
    weights = mask[..., None].to(state.dtype)
    return (state * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9).sqrt()


_MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _first,
    "mean": _mean,
    "max": _greatest,
    "mean_sqrt_len_tokens": _mean_by_root,
    "lasttoken": _last,
}


@dataclass(frozen=True)
class Pooling:
    """How one vector a text is made of one vector a token."""

    mode: str
    normalized: bool = False
    longest: int | None = None  # tokens that are read of a text; None: the checkpoint does not say
    prompt: str = ""  # stands before each text

    def apply(self, state: Tensor, mask: Tensor) -> Tensor:
        """[texts, width] from [texts, tokens, width] and the mask [texts, tokens]."""
        pooled = _MODES[self.mode](state, mask)
        return torch.nn.functional.normalize(pooled, dim=-1) if self.normalized else pooled


def read_pooling(path: Path) -> Pooling:
    """The pooling that `modules.json` names. Raises `ModelError` for modules and modes that are not applied here."""
    modules = _read(path / MODULES)
    if not isinstance(modules, list) or not all(isinstance(module, Mapping) for module in modules):
        raise ModelCorrupt(Sentence("{file} is not a list of modules", file=path / MODULES), hint=_AGAIN)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise ModelError(
            Sentence(
                "{file} chains modules that are not applied here: {kinds}", file=path / MODULES, kinds=", ".join(kinds)
            ),
            hint=ADAPTER,
        )
    place = f"{modules[1].get('path', '')}/config.json".lstrip("/")
    if not is_safe(place):  # a path out of the folder is none of the checkpoint's
        raise ModelCorrupt(Sentence("{file} is not a list of modules", file=path / MODULES), hint=_AGAIN)
    fields = _read(path / place)
    mode = str(fields.get("pooling_mode") or "+".join(name for flag, name in _FLAGS.items() if fields.get(flag)))
    if mode not in _MODES:
        raise ModelError(
            Sentence("the pooling {mode!r} of {path} is not applied here", mode=mode, path=path), hint=ADAPTER
        )
    return Pooling(mode, len(kinds) == 3, _longest(path), _prompt(path))


_AGAIN = "fetch the model again: npu-adapt fetch MODEL"


def _longest(path: Path) -> int | None:
    file = path / "sentence_bert_config.json"
    value = _read(file).get("max_seq_length") if file.is_file() else None
    return value if isinstance(value, int) and value > 0 else None


def _prompt(path: Path) -> str:
    """What stands before each text where its user asks for nothing."""
    file = path / "config_sentence_transformers.json"
    fields = _read(file) if file.is_file() else {}
    prompts = fields.get("prompts")
    return str(prompts.get(fields.get("default_prompt_name"), "")) if isinstance(prompts, Mapping) else ""


def _read(file: Path) -> Any:
    try:
        return json.loads(read_regular(file, _LONGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelCorrupt(
            Sentence("{file} cannot be read: {said}", file=file, said=first_line(error)), hint=_AGAIN
        ) from error
