"""Checkpoints of compressed-tensors: the module that transformers makes of one, and what its weights are exactly.

Transformers runs such a model on weights that are dequantised on the device, before its first forward; where a scheme
asks for it, each layer's inputs are quantised and dequantised as it runs. So the reference is the same model whose
weights were dequantised in float64 and rounded once, and the device's differ from it by what the device does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import ModelError, Sentence, few
from npu_adapt.models.quantised.methods import COMPRESSED_TENSORS
from npu_adapt.models.strangers import foreign_code
from npu_adapt.records import Quantisation, QuantisedWeights

CPU = torch.device("cpu")


@dataclass(frozen=True)
class QuantisedModule:
    """A module on the CPU whose tensors are the file's."""

    module: nn.Module

    @classmethod
    def of(cls, module: nn.Module, path: Path) -> QuantisedModule:
        """`module` as transformers loaded it from `path`, without the hook that dequantises it on its first forward.

        Raises `ModelError` where its weights are not stored as its scheme says.
        """
        found = [name for name, part in parts_of(module) if not _is_compressed(part)]
        if found or not any(True for _ in parts_of(module)):
            raise ModelError(
                Sentence(
                    "{path} is quantised ({method}), and its configuration describes no weight of the files: {names}",
                    path=path,
                    method=COMPRESSED_TENSORS,
                    names=few(found),
                ),
                hint="take a checkpoint that was saved compressed, or the one in float16 or bfloat16 it was made from",
                kind="quantised",
            )
        hook = getattr(module, "ct_decompress_hook", None)
        if hook is not None:
            hook.remove()
            del module.ct_decompress_hook
        return cls(module)

    def dequantised(self, dtype: torch.dtype) -> nn.Module:
        """The model with each weight multiplied out in float64 and rounded to `dtype`; all else is shared with this."""
        made = copy_to(self.module, CPU, None, shared=True)
        with foreign_code("weights", type(self.module).__name__):
            for _, part in parts_of(made):
                exact = _decompressed(part, lambda tensor: tensor.double() if _is_scale(tensor) else tensor)
                _replace(part, {**exact, "weight": exact["weight"].to(dtype)})
        return made

    def on(self, device: torch.device) -> nn.Module:
        """A copy on `device`, dequantised there as it is deployed."""
        made = copy_to(self.module, device, None)
        with foreign_code("weights", type(self.module).__name__):
            for _, part in parts_of(made):
                _replace(part, _decompressed(part, lambda tensor: tensor))
        return made

    def record(self) -> Quantisation:
        """How the weights are stored."""
        alike: dict[QuantisedWeights, int] = {}
        stored = elements = 0
        for _, part in parts_of(self.module):
            described = _described(part)
            alike[described] = alike.get(described, 0) + 1
            own = (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
            stored += sum(tensor.nbytes for name, tensor in own if name.startswith("weight"))
            elements += math.prod(_shape(part))
        return Quantisation(
            method=COMPRESSED_TENSORS,
            weights=tuple(replace(each, modules=count) for each, count in alike.items()),
            stored_bytes=stored,
            dequantised_bytes=elements * cast(torch.dtype, self.module.dtype).itemsize,
        )


def parts_of(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Path and module of each that holds a quantised weight."""
    for name, part in module.named_modules():
        scheme = getattr(part, "quantization_scheme", None)
        if scheme is not None and scheme.weights is not None:
            yield name, part


def _is_compressed(part: Any) -> bool:
    return _text(getattr(part, "quantization_status", None)) == "compressed"


def _shape(part: Any) -> tuple[int, int]:
    """Of the dequantised weight."""
    if isinstance(part, nn.Linear):
        return part.out_features, part.in_features
    return part.num_embeddings, part.embedding_dim


def _is_scale(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype.itemsize > 1


def _decompressed(part: Any, convert: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The tensors of a module after dequantising its weight, where its tensors are."""
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.utils import get_direct_state_dict

    compressor = BaseCompressor.get_value_from_registry(_format(part))
    own = get_direct_state_dict(part)
    given = {name: None if tensor is None else convert(tensor) for name, tensor in own.items()}  # a linear has no bias
    made = compressor.decompress(given, part.quantization_scheme)
    return {name: own.get(name, tensor) if name != "weight" else tensor for name, tensor in made.items()}


def _replace(part: Any, tensors: dict[str, Tensor]) -> None:
    from compressed_tensors.quantization import QuantizationStatus
    from compressed_tensors.utils import replace_direct_state_dict

    replace_direct_state_dict(part, tensors)
    part.quantization_status = QuantizationStatus.DECOMPRESSED


def _format(part: Any) -> str:
    from compressed_tensors.compressors.format import infer_module_format

    scheme = part.quantization_scheme
    found = scheme.format or infer_module_format(type(part), scheme)
    return str(getattr(found, "value", found))


def _described(part: Any) -> QuantisedWeights:
    weights, activations = part.quantization_scheme.weights, part.quantization_scheme.input_activations
    return QuantisedWeights(
        format=_format(part),
        bits=weights.num_bits,
        type=_text(weights.type),
        strategy=_text(weights.strategy),
        group_size=weights.group_size,
        symmetric=weights.symmetric,
        activations=None if activations is None else _activations(activations),
        modules=0,
    )


def _activations(found: Any) -> str:
    """ "int8 token dynamic"."""
    return " ".join(
        (f"{_text(found.type)}{found.num_bits}", _text(found.strategy), "dynamic" if found.dynamic else "static")
    )


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))


@contextmanager
def without_bars() -> Iterator[None]:
    """Within the context no bar of tqdm is drawn: the library draws its own whatever transformers is told."""
    from tqdm import tqdm

    kept = tqdm.__init__

    def undrawn(self: Any, *args: Any, **kwargs: Any) -> None:
        kept(self, *args, **{**kwargs, "disable": True})

    tqdm.__init__ = undrawn
    try:
        yield
    finally:
        tqdm.__init__ = kept
