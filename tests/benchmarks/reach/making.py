"""A tiny model of a model type, written to a folder as a hub would hold it: configuration, weights, processors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.reach.heads import Head
from tests.benchmarks.reach.processing import write_processors
from tests.benchmarks.reach.relations import related
from tests.benchmarks.reach.rope import roped
from tests.benchmarks.reach.shrinking import Way, shrunk
from tests.benchmarks.reach.tokens import Tokens, exported, model_source, number_tokens
from tests.models.tiny_models import shaken

WIDE = 100.0  # for what begins without bounds
MOST_ELEMENTS = 130_000_000  # of a model that is still called tiny


class NotMade(Exception):
    """No model of the type can be made from its configuration class: the benchmark's own failure."""


def make(head: Head, folder: Path, way: Way) -> Path:
    """The folder, filled with the first of the type's classes that its default configuration fits. Raises `NotMade`."""
    for number, (_, architecture) in enumerate(head.classes):
        try:
            return _make(head.model_type, architecture, folder, way)
        except NotMade as error:
            if number + 1 == len(head.classes):
                raise _with_the_default(head.model_type, architecture, error) from error
            shutil.rmtree(folder)
    raise NotMade("no class")


def _with_the_default(model_type: str, architecture: str, error: NotMade) -> NotMade:
    """The error, or that not even transformers' own default configuration makes a model."""
    from transformers import CONFIG_MAPPING

    try:
        with torch.device("meta"):
            exported(architecture)(CONFIG_MAPPING[model_type]())
    except Exception as default:  # noqa: BLE001 - whatever its code raises
        return NotMade(f"transformers' own default makes no model: {type(default).__name__}: {default}")
    return error


def _make(model_type: str, architecture: str, folder: Path, way: Way) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        config = _config(model_type, way)
        tokens = Tokens(model_type, config)
        number_tokens(config, tokens)
        kind = exported(architecture)
        write_processors(config, tokens, folder, kind, way)
        _require_small(kind, config)
        torch.manual_seed(0)
        model = _as_trained(shaken(kind(config)))
        model.save_pretrained(folder)
    except Exception as error:
        raise NotMade(f"{type(error).__name__}: {error}") from error
    return folder


def _as_trained(model: torch.nn.Module) -> torch.nn.Module:
    """The model with zeros for padding tokens, which training never moves and some models' code writes again.

    What it counts as without bounds has some, as after training.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
            module.weight.data[module.padding_idx] = 0
    for buffer in model.buffers():  # a range that training finds begins without bounds
        if buffer.is_floating_point():
            buffer.nan_to_num_(posinf=WIDE, neginf=-WIDE)
    return model


def _require_small(kind: Any, config: Any) -> None:
    with torch.device("meta"):
        elements = sum(parameter.numel() for parameter in kind(_copied(config)).parameters())
    if elements > MOST_ELEMENTS:
        raise NotMade(f"{elements / 1e6:.0f} million parameters")


def _config(model_type: str, way: Way) -> Any:
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    default = kind()
    for name, part in getattr(kind, "sub_configs", {}).items():
        if getattr(default, name, None) is None and getattr(
            part, "model_type", ""
        ):  # a part that a default configuration leaves out
            setattr(default, name, part())
    fields = related(_without_timm(shrunk(default.to_dict(), way)))
    fields = roped({**fields, "model_type": model_type}, model_source)
    for name in ("architectures", "transformers_version", "dtype", "torch_dtype"):
        fields.pop(name, None)
    config = kind.from_dict(fields)
    side = getattr(getattr(config, "vision_config", None), "image_size", None)
    if getattr(config, "image_grid_pinpoints", None) and isinstance(side, int):  # in whole pictures of the tower
        config.image_grid_pinpoints = [[side, side], [side, 2 * side], [2 * side, side]]
    return config


RESNET = {
    "model_type": "resnet", "embedding_size": 16, "hidden_sizes": [16] * 4, "depths": [1] * 4, "layer_type": "basic",
}  # fmt: skip


def _without_timm(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with a ResNet of transformers' own where timm's package would build a backbone."""
    backbone = fields.get("backbone_config")
    if isinstance(backbone, Mapping) and backbone.get("model_type") == "timm_backbone":
        fields["use_timm_backbone"] = False
        count = len(backbone.get("out_indices") or [4])
        fields["backbone_config"] = {**RESNET, "out_indices": [*range(1, 5)][-count:]}
    return fields


def _copied(config: Any) -> Any:
    return type(config).from_dict(config.to_dict())
