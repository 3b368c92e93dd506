"""Weights in a GGUF file, beside config.json and the tokenizer's files of the model that they were made from.

The file's tensors are expanded by the format's own package and named as transformers names them, before the model is
built. The parameters are proven to be that, and both sides run with it.
"""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.checkpoint import Checkpoint
from npu_adapt.models.configuration import CONFIG, load_config
from npu_adapt.models.places import BESIDE_GGUF
from npu_adapt.models.quantised.methods import EXTRA
from npu_adapt.models.quantised.scaled import ScaledCheckpoint, computing_type
from npu_adapt.models.selection import gguf_only
from npu_adapt.models.stored import LoadedTensor
from npu_adapt.models.strangers import foreign_code
from npu_adapt.records import Quantisation, QuantisedWeights

GGUF = "gguf"
PLAIN_TYPES = ("F64", "F32", "F16", "BF16")
SIZES = ("num_attention_heads", "num_key_value_heads", "num_hidden_layers", "hidden_size", "intermediate_size")
WITH_OFFSETS = ("Q2_K", "Q4_K", "Q5_K")  # and those that end in "_1": a block has a least value beside its scale


def gguf_checkpoint(path: Path, fields: dict[str, Any], dtype: str) -> ScaledCheckpoint | None:
    """The tensors of the one GGUF file in a folder that holds no other weights; None: there is none such.

    "auto" is the type of the configuration. Raises `ModelError` where the file cannot be read.
    """
    name = gguf_only(each.name for each in path.iterdir() if each.is_file())
    if name is None:
        return None
    if find_spec(GGUF) is None:
        raise ModelError(
            Sentence(
                "{path} is quantised ({method}), and {package} is not installed", path=path, method=GGUF, package=GGUF
            ),
            hint=EXTRA,
            kind="quantised",
        )
    file = path / name
    with foreign_code("configuration", path / CONFIG):
        config = load_config(path, trust_remote_code=False)
    with foreign_code("weights", file):
        tensors = {name: LoadedTensor(tensor, file) for name, tensor in _tensors(file, config).items()}
        quantisation = _described(file, computing_type(fields, dtype))
    return ScaledCheckpoint(Checkpoint(tensors, (file,), pickled=False, direct=False), quantisation)


def _tensors(file: Path, config: Any) -> dict[str, torch.Tensor]:
    """All that transformers finds a name for, in float32. Raises `ModelError` where config.json is another model's.

    The rows of rotated heads are laid out by the file's own count of heads; a file that tells none would be misread.
    """
    import transformers
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    named = next(iter(getattr(config, "architectures", None) or ()), "")
    builder = getattr(transformers, str(named), None) or transformers.AutoModelForCausalLM.from_config
    with torch.device("meta"):  # for its names
        model = builder(config)
    found: dict[str, Any] = load_gguf_checkpoint(str(file), return_tensors=True, model_to_load=model)
    for name in SIZES:
        own, told = getattr(config, name, None), found["config"].get(name)
        if own is not None and own != told:
            raise ModelError(
                Sentence(
                    "{file} says {name} {told}, and {config} {own}",
                    file=file,
                    name=name,
                    told=told,
                    config=CONFIG,
                    own=own,
                ),
                hint=BESIDE_GGUF,
            )
    tensors: dict[str, torch.Tensor] = found["tensors"]
    return tensors


def _described(file: Path, dtype: torch.dtype) -> Quantisation | None:
    """How the file's tensors are stored; None: as plain numbers."""
    from gguf import GGML_QUANT_SIZES, GGUFReader

    ways: Counter[QuantisedWeights] = Counter()
    stored = elements = 0
    for tensor in GGUFReader(str(file)).tensors:
        kind = tensor.tensor_type.name
        if kind in PLAIN_TYPES:
            continue
        ways[_way(kind, GGML_QUANT_SIZES[tensor.tensor_type][0])] += 1
        stored += int(tensor.n_bytes)
        elements += int(tensor.n_elements)
    if not ways:
        return None
    return Quantisation(
        method=GGUF,
        weights=tuple(replace(way, modules=count) for way, count in ways.items()),
        stored_bytes=stored,
        dequantised_bytes=elements * dtype.itemsize,
    )


def _way(kind: str, block: int) -> QuantisedWeights:
    bits = next(int(each) for each in kind if each.isdigit())  # the first digit: Q4_0, IQ2_XXS, MXFP4
    return QuantisedWeights(
        format=kind,
        bits=bits,
        type="float" if "FP" in kind else "int",
        strategy="group",
        group_size=block,
        symmetric=not kind.endswith("_1") and kind not in WITH_OFFSETS,
        activations=None,
        modules=0,
    )
