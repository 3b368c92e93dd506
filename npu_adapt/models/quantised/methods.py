"""How checkpoints say that they are quantised, which of their methods can be judged here, and what the others need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.configuration import PLAIN

COMPRESSED_TENSORS = "compressed-tensors"
FP8 = "fp8"
TORCHAO = "torchao"
EXTRA = "pip install 'npu-adapt[quantised]'"
_SECTION = "quantization_config"
_FIELDS = (_SECTION, "compression_config")
OLDEST_TRANSFORMERS = 5  # 4 leaves it to the library which modules run compressed, and each of its versions differs
# What transformers itself runs the others with; some need a device of another maker beside it.
_NEEDED = {
    "aqlm": "aqlm",
    "auto-round": "auto-round",
    "awq": "gptqmodel",
    "bitnet": "a GPU",
    "bitsandbytes": "bitsandbytes",
    "eetq": "eetq, a CUDA GPU",
    "fbgemm_fp8": "fbgemm-gpu, a CUDA GPU",
    FP8: "a GPU with float8 kernels",
    "fp_quant": "fp_quant, a CUDA GPU",
    "gptq": "gptqmodel",
    "higgs": "flute-kernel, a CUDA GPU",
    "hqq": "hqq",
    "mxfp4": "triton, a GPU",
    "quanto": "optimum-quanto",
    "quark": "amd-quark",
    "spqr": "spqr_quant, a CUDA GPU",
    TORCHAO: "torchao",
    "vptq": "vptq, a CUDA GPU",
}


@dataclass(frozen=True)
class Method:
    """A quantisation that the configuration names, and its fields."""

    name: str
    fields: Mapping[str, Any]


def method_of(fields: Mapping[str, Any], path: Path) -> Method | None:
    """The quantisation of a checkpoint that can be judged; None: its configuration names none.

    Raises `ModelError` for any other, before anything is loaded: it names the method, and what would be needed.
    """
    found = _named(fields)
    if found is None:
        return None
    if found.name in (FP8, TORCHAO) and found.fields is fields.get(_SECTION):
        return found
    if found.name != COMPRESSED_TENSORS:
        raise refused(path, found.name)
    if found.fields.get("transform_config"):
        raise refused(path, f"{found.name}, transform_config")
    _require_library(path)
    return found


def without_quantisation(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the model that is left when its weights are multiplied out."""
    return {name: value for name, value in fields.items() if name not in _FIELDS}


def refused(path: Path, method: str) -> ModelError:
    """The error for a checkpoint of that method, which cannot be judged."""
    return ModelError(
        Sentence(
            "{path} is quantised ({method}): its tensors are not the weights, and cannot be proven to be",
            path=path,
            method=method,
        ),
        hint=_advice(method),
        kind="quantised",
    )


def _advice(method: str) -> str:
    needed = _NEEDED.get(method.partition(",")[0])
    if needed is None:
        return PLAIN
    return Sentence(
        "transformers runs {method} with {needed}, which npu-adapt does not judge; take the checkpoint in float32, "
        "float16 or bfloat16 that it was made from",
        method=method,
        needed=needed,
    )


def _named(fields: Mapping[str, Any]) -> Method | None:
    """The first that is named, at the top or in a part's configuration."""
    for value in _sections(fields):
        named = value.get("quant_method") or next(
            (str(key) for key in value if str(key).startswith("load_in_")), "unnamed"
        )
        return Method(str(named), value)
    return None


def _sections(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, value in fields.items():
        if not isinstance(value, Mapping) or not value:
            continue
        if name in _FIELDS:
            yield value
        elif name not in ("id2label", "label2id", "task_specific_params"):
            yield from _sections(value)


def _require_library(path: Path) -> None:
    """Raises `ModelError` without compressed-tensors, or with a transformers that cannot load them to be judged."""
    import transformers

    if find_spec("compressed_tensors") is None:
        raise ModelError(
            Sentence(
                "{path} is quantised ({method}), and {package} is not installed",
                path=path,
                method=COMPRESSED_TENSORS,
                package=COMPRESSED_TENSORS,
            ),
            hint=EXTRA,
            kind="quantised",
        )
    if int(transformers.__version__.split(".")[0]) < OLDEST_TRANSFORMERS:
        raise ModelError(
            Sentence(
                "{path} is quantised ({method}), which needs transformers {oldest}, not {version}",
                path=path,
                method=COMPRESSED_TENSORS,
                oldest=OLDEST_TRANSFORMERS,
                version=transformers.__version__,
            ),
            hint="upgrade transformers",
            kind="quantised",
        )
