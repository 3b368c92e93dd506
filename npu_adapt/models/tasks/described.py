"""Inputs made by what the documentation of a forward says of them: their type and shape, in the names of the config.

Transformers describes each argument as "name (`torch.FloatTensor` of shape `(batch_size, sequence_length, width)`)".
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import torch
from torch import Tensor

from npu_adapt.models.tasks.nested import configs

LENGTH = 16  # of what the documentation gives a name that no configuration has: steps, frames, tokens
_EXACT = re.compile(r"Long|Int|Bool")
_COUNTED = re.compile(r"position|timestep|index|indices|ids$")

_NO_INPUT = re.compile(r"label|embeds$|past_key|cache|head_mask|encoder_outputs|encoder_hidden")


def described(module: Any, name: str, length: int = LENGTH, seed: int = 0) -> Tensor | None:
    """The input of that name in a batch of 1: numbers drawn from `seed`, ones for masks, 0, 1, 2 … for positions.

    Other whole numbers are zeros.

    `length` is that of the sequence that other inputs have. None: the documentation does not say what it is.
    """
    said = _said(type(module)).get(name)
    if said is None:
        return None
    kind, shape_said = said
    length = _steps(module.config, name) or length
    sizes = [_size(module.config, each.strip(" `"), length) for each in shape_said.split(",") if each.strip(" `")]
    shape = [size for size in sizes if size is not None]
    return _filled(name, shape, seed, exact=_EXACT.search(kind) is not None) if len(shape) == len(sizes) else None


def documented(kind: type) -> tuple[str, ...]:
    """The tensors that a class's forward takes as its inputs, by its documentation: no labels, caches or embeddings."""
    taken = inspect.signature(kind.forward).parameters  # type: ignore[attr-defined]
    return tuple(name for name in _said(kind) if name in taken and not _NO_INPUT.search(name))


def _said(kind: type) -> dict[str, tuple[str, str]]:
    """Of each argument of its forward that is described as a tensor: what kind of tensor, and its shape."""
    text = inspect.getdoc(kind.forward) or ""  # type: ignore[attr-defined]
    found = re.findall(r"^\s*(\w+) \(([^\n]*?)of shape `?\(([^)\n]*)\)`?", text, re.MULTILINE)
    return {name: (kind, dimensions) for name, kind, dimensions in found}


def _filled(name: str, shape: list[int], seed: int, *, exact: bool) -> Tensor:
    if "mask" in name:
        return torch.ones(shape, dtype=torch.long)
    if not exact:
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    if _COUNTED.search(name) and "input_ids" not in name:
        return torch.arange(shape[-1]).expand(shape).contiguous()
    return torch.zeros(shape, dtype=torch.long)


def _steps(config: Any, name: str) -> int | None:
    """How many steps of a series the model looks back on, with those before that it is given too; of another input, the
    length that the configuration has for it. None: no series, and no such length.
    """
    if type(own := getattr(config, f"{name.partition('_')[0]}_seq_len", None)) is int:
        return own
    if name.startswith("future"):
        return getattr(config, "prediction_length", None)
    context = getattr(config, "context_length", None) if name.startswith("past") else None
    return None if context is None else int(context) + max(getattr(config, "lags_sequence", None) or (0,))


def _size(config: Any, said: str, length: int) -> int | None:
    """One dimension. None: it is an expression."""
    if said.isdigit():
        return int(said)
    if not re.fullmatch(r"[\w.]+", said):
        return None
    name = said.rsplit(".", 1)[-1]
    if "batch" in name:
        return 1
    name = "num_time_features" if name == "num_features" else name
    known = next((value for each in configs(config) if type(value := getattr(each, name, None)) is int), None)
    return length if known is None else known
