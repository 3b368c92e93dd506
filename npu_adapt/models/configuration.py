"""A checkpoint's config.json: read, understood where hands wrote it otherwise than transformers does, and refused where
no model can be built from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from npu_adapt.errors import ModelCorrupt, ModelError, NotPretrained, Sentence, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.checkpoint import Checkpoint
from npu_adapt.models.strangers import foreign_code

CONFIG = "config.json"
MAX_CONFIG_BYTES = 50_000_000
PLAIN = "take the checkpoint in float32, float16 or bfloat16 that it was made from"
_UPGRADE = "upgrade transformers, or give --trust-remote-code where the model brings its own code"
OWN_CODE = "read the model's own code; if you trust it, give --trust-remote-code"
# Other names of torch's types, as hands and older tools write them.
_TYPE_NAMES = {
    "half": "float16",
    "fp16": "float16",
    "f16": "float16",
    "bf16": "bfloat16",
    "fp32": "float32",
    "f32": "float32",
    "float": "float32",
    "fp64": "float64",
    "f64": "float64",
    "double": "float64",
}
_LAYERS = re.compile(r"(^|_)(layers?|depths?|blocks)$")
_SIZES = re.compile(r"(size|dim|width|channels|heads|features|experts|d_model|n_embd|d_ff)$")
_POSITIVE = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "num_channels", "patch_size")


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of config.json. Raises `ModelError` where it is missing and `ModelCorrupt` where it is damaged."""
    file = path / CONFIG
    if not file.is_file():
        raise ModelError(
            Sentence("{path} has no {config}", path=path, config=CONFIG),
            hint="name a directory in the Hugging Face format",
            kind="no-config",
        )
    try:
        fields = json.loads(read_regular(file, MAX_CONFIG_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        hint = "fetch the model again: npu-adapt fetch MODEL"
        raise ModelCorrupt(
            Sentence("{file} cannot be read: {said}", file=file, said=first_line(error)), hint=hint
        ) from error
    if not isinstance(fields, dict):
        raise ModelCorrupt(
            Sentence("{file} holds no fields, but a {type}", file=file, type=type(fields).__name__),
            hint="fetch the model again",
        )
    return fields


def load_config(path: Path, *, trust_remote_code: bool) -> Any:
    """Transformers' configuration object. Raises `ModelError` for what it cannot be made of."""
    from transformers import AutoConfig, PretrainedConfig

    fields, file = read_fields(path), path / CONFIG
    own_code = _own_code(fields)
    with foreign_code("configuration", file):
        fields, _ = PretrainedConfig.get_config_dict(str(path), local_files_only=True)
        is_known = _is_known(fields)
    if own_code and not is_known and not trust_remote_code:
        raise ModelError(
            Sentence("the model in {path} brings its own code, which is not run unasked", path=path),
            hint=OWN_CODE,
            kind="own-code",
        )
    if not is_known and not own_code:
        architectures = ", ".join(map(str, _listed(fields.get("architectures")))) or "no class"
        raise ModelError(
            Sentence(
                "this transformers does not know the architecture in {file}: model_type {model_type!r}, "
                "{architectures}",
                file=file,
                model_type=fields.get("model_type"),
                architectures=architectures,
            ),
            hint=_UPGRADE,
            kind="unknown-architecture",
        )
    with foreign_code("configuration", file, hint=_elsewhere_hint(own_code) if trust_remote_code else None):
        understood = _understood(fields)
        if understood == fields:
            return AutoConfig.from_pretrained(str(path), local_files_only=True, trust_remote_code=trust_remote_code)
        return _config_class(understood, path, own_code if trust_remote_code else None).from_dict(
            understood, name_or_path=str(path)
        )


def _own_code(fields: Mapping[str, Any]) -> str | None:
    """The configuration class that the checkpoint brings. None: it brings none."""
    classes = fields.get("auto_map")
    found = classes.get("AutoConfig") if isinstance(classes, Mapping) else None
    return str(found) if found else None


def _elsewhere_hint(own_code: str | None) -> str | None:
    """What to do where the model's code lies in another repository. None: it does not."""
    repository, separator, _ = (own_code or "").partition("--")
    if not separator:
        return None
    return Sentence("its code lies in the repository {repository}: fetch that first", repository=repository)


def _is_known(fields: Mapping[str, Any]) -> bool:
    from transformers import CONFIG_MAPPING

    kind = fields.get("model_type")
    return isinstance(kind, str) and kind in CONFIG_MAPPING


def _config_class(fields: Mapping[str, Any], path: Path, own_code: str | None) -> Any:
    from transformers import CONFIG_MAPPING
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    if own_code:
        return get_class_from_dynamic_module(own_code, str(path), local_files_only=True)
    return CONFIG_MAPPING[fields["model_type"]]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _understood(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as transformers would have written them: types by torch's names, labels by number."""
    result: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ("torch_dtype", "dtype") and isinstance(value, str):
            plain = value.strip().lower().removeprefix("torch.")
            if plain != "auto":
                known = _TYPE_NAMES.get(plain, plain)
                result[name] = known if isinstance(getattr(torch, known, None), torch.dtype) else value
        else:
            result[name] = _understood(value) if isinstance(value, Mapping) and name.endswith("_config") else value
    return result | _labels(fields)


def named_type(fields: Mapping[str, Any]) -> str | None:
    """Torch's name of the type that the fields, or those of the text part, say to compute in; None: they name none."""
    understood = _understood(fields)
    parts = (understood, understood.get("text_config"))
    names = (part.get(name) for part in parts if isinstance(part, Mapping) for name in ("dtype", "torch_dtype"))
    known = (name for name in names if isinstance(name, str) and isinstance(getattr(torch, name, None), torch.dtype))
    return next(known, None)


def _labels(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`id2label` and `label2id` where they are not as transformers writes them; empty where they are."""
    table = fields.get("id2label")
    if isinstance(table, list):
        table = dict(enumerate(table))
    if not isinstance(table, Mapping) or not all(str(key).isdigit() for key in table):
        return {}
    names = {str(key): str(name) for key, name in table.items()}
    count = fields.get("num_labels")
    if isinstance(count, int) and len(names) < count <= len(names) + 10_000:
        names |= {str(number): f"LABEL_{number}" for number in range(count) if str(number) not in names}
    if names == fields.get("id2label"):
        return {}
    return {"id2label": names, "label2id": {name: int(key) for key, name in names.items()}}


def require_floating(checkpoint: Checkpoint, path: Path) -> None:
    """Raises `ModelError` for matrices of whole numbers, whatever the configuration says: they lack their scales."""
    for name, tensor in checkpoint.tensors.items():
        is_whole = tensor.dtype is not None and not tensor.dtype.is_floating_point and not tensor.dtype.is_complex
        if name.endswith("weight") and len(tensor.shape) > 1 and (is_whole or tensor.dtype is None):
            raise NotPretrained(
                Sentence(
                    "{path} is quantised: {name} is stored as {dtype}, which is no weight without its scale",
                    path=path,
                    name=name,
                    dtype=tensor.type_name,
                ),
                hint=PLAIN,
            )


def require_bounded(fields: Mapping[str, Any], checkpoint: Checkpoint, path: Path) -> None:
    """Raises `ModelError` for sizes that the weight files cannot fill, before anything is built of that size."""
    tensors = checkpoint.tensors.values()
    elements = sum(_elements(tensor.shape) for tensor in tensors)
    for name, value in _walk(fields):
        numbers = [number for number in _listed(value) if isinstance(number, int) and not isinstance(number, bool)]
        if not numbers:
            continue
        if name in _POSITIVE and min(numbers) < 1:
            raise ModelError(
                Sentence("{config} says {name} {number}", config=path / CONFIG, name=name, number=min(numbers)),
                hint="fetch the model again",
            )
        limit = len(tensors) if _LAYERS.search(name) else elements if _SIZES.search(name) else None
        if limit is not None and max(numbers) > max(limit, 1000):
            raise ModelError(
                Sentence(
                    "{config} says {name} {number}; the weight files hold {count} tensors of {elements} elements "
                    "in all",
                    config=path / CONFIG,
                    name=name,
                    number=max(numbers),
                    count=len(tensors),
                    elements=elements,
                ),
                hint="config.json and the weights do not belong together; fetch the model again",
            )


def _elements(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _walk(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every field, those of nested configurations too."""
    for name, value in fields.items():
        yield str(name), value
        if isinstance(value, Mapping) and name not in ("id2label", "label2id", "task_specific_params"):
            yield from _walk(value)


def asked_attention(fields: Mapping[str, Any]) -> str | None:
    """The attention that a configuration asks for itself, where it is not one that every torch has."""
    for name, value in _walk(fields):
        if name.strip("_").startswith("attn_implementation") and value not in (None, "eager", "sdpa"):
            return str(value)
    return None
