"""A transformers module from a checkpoint, by the class that a task's row asks for; nothing is proven here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from npu_adapt.errors import ModelError, Sentence, UsageError
from npu_adapt.models.checkpoint import Checkpoint
from npu_adapt.models.configuration import CONFIG, OWN_CODE, asked_attention
from npu_adapt.models.strangers import TIMM, foreign_code
from npu_adapt.models.tasks import Task


@dataclass(frozen=True)
class Order:
    """What is to be built, and how the user wants it."""

    path: Path
    fields: dict[str, Any]  # of config.json
    config: Any
    dtype: str  # "auto" is the checkpoint's own
    attention: str
    trust_remote_code: bool
    quantised: bool = False  # tensors keep the types that the file has


def build(order: Order, row: Task, checkpoint: Checkpoint) -> Any:
    """The module on the CPU. Shapes that do not fit are left to the proof, which names them."""
    import transformers

    chosen = {} if order.attention == "auto" else {"attn_implementation": order.attention}
    source: dict[str, Any] = {"use_safetensors": not checkpoint.pickled, "local_files_only": True}
    source["trust_remote_code"] = order.trust_remote_code
    try:
        with foreign_code("weights", order.path, hint=_build_hint(order, row)):
            builder: Any = getattr(transformers, row.auto_class)
            if not checkpoint.direct:
                builder, source = _model_class(order, row), {"state_dict": checkpoint.state()}
            module = builder.from_pretrained(
                str(order.path) if checkpoint.direct else None,
                config=order.config,
                dtype=order.dtype if order.dtype == "auto" else getattr(torch, order.dtype),
                ignore_mismatched_sizes=True,
                **source,
                **chosen,
            )
            module.config.return_dict = True
            if not order.quantised:
                _widen(module)
            return module.eval().requires_grad_(False)
    except ModelError as error:
        if order.attention in ("auto", "eager"):
            raise
        raise UsageError(
            Sentence(
                "the model cannot be built with --attention {attention}: {cause}",
                attention=order.attention,
                cause=error.sentence,
            ),
            hint="give --attention auto or eager",
        ) from error


def _model_class(order: Order, row: Task) -> Any:
    """The class that transformers' auto class would build: its `from_pretrained` alone takes tensors without a file."""
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module
    from transformers.models.auto.auto_factory import _get_model_class

    own = getattr(order.config, "auto_map", None) or {}
    if order.trust_remote_code and row.auto_class in own:
        return get_class_from_dynamic_module(own[row.auto_class], str(order.path), local_files_only=True)
    builder = getattr(transformers, row.auto_class)
    known = getattr(builder, "_model_mapping", None)  # a class of its own has none
    return builder if known is None else _get_model_class(order.config, known)


def _widen(module: torch.nn.Module) -> None:
    """Casts parameters of 8 bits to the module's other type: transformers 4 leaves them, and nothing computes them."""
    floating = [parameter for parameter in module.parameters() if parameter.is_floating_point()]
    wide = next((parameter.dtype for parameter in floating if parameter.dtype.itemsize > 1), torch.float32)
    for parameter in floating:
        if parameter.dtype.itemsize == 1:
            parameter.data = parameter.data.to(wide)


def _build_hint(order: Order, row: Task) -> str | None:
    """What to do where building fails, from what is known of the model. None: nothing special is."""
    own = order.fields.get("auto_map")
    if isinstance(own, dict) and row.auto_class in own:
        return "the model's own code raised this; look into it" if order.trust_remote_code else OWN_CODE
    if order.attention == "auto" and (asked := asked_attention(order.fields)):
        return Sentence(
            "{config} asks for the attention {asked!r} itself; give --attention eager or sdpa",
            config=CONFIG,
            asked=asked,
        )
    if order.config.model_type == "timm_wrapper" or getattr(order.config, "use_timm_backbone", False):
        return TIMM
    return None
