"""Faults planted in the device's own forwards: each must be found, and its operator named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.operators import operator_name
from tests.device import models
from tests.device.commands import plant
from tests.device.comparing import compared
from tests.device.part import Context, Report

Change = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


@dataclass(frozen=True)
class Fault:
    """One wrong operator: what it is called, in which tiny model it is planted, and what it gives instead."""

    name: str
    model: str
    operator: str
    change: Change


class Planted(TorchFunctionMode):
    """Within it, the fault's operator gives what the fault makes of it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self._fault = fault

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if operator_name(func) != self._fault.operator:
            return func(*args, **kwargs)
        return self._fault.change(func, args, kwargs)


def _wrong_epsilon(norm: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    names = ("input", "normalized_shape", "weight", "bias", "eps")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return norm(**{**given, "eps": 1e-4})


def _dropped_mask(attention: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return attention(*args[:3], **{**kwargs, "attn_mask": None, "is_causal": False})


def _stale_rows(product: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The last rows hold what was computed before them, as where a buffer is not written."""
    result: Tensor = product(*args, **kwargs)
    if result.dim() < 2 or result.size(-2) < 4 or result.size(-2) == PROBED:
        return result
    stale = result.clone()
    stale[..., -2:, :] = result[..., -4:-2, :]
    return stale


def _lower_precision(product: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Operands in bfloat16, in the model's layers only: what the probe multiplies has another size."""
    if args[0].size(-2) == PROBED:
        return product(*args, **kwargs)

    def narrow(value: Any) -> Any:
        return value.bfloat16() if isinstance(value, Tensor) else value

    return product(*map(narrow, args), **{name: narrow(value) for name, value in kwargs.items()}).to(args[0].dtype)


def _scaled_twice(attention: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return attention(args[0] * args[0].size(-1) ** -0.5, *args[1:], **kwargs)


PROBED = 128  # rows of what the probe multiplies

FAULTS = (
    Fault("wrong epsilon", "vit", "layer_norm", _wrong_epsilon),
    Fault("dropped mask", "llama", "scaled_dot_product_attention", _dropped_mask),
    Fault("stale buffer", "vit", "linear", _stale_rows),
    Fault("lower precision", "bert-mask", "linear", _lower_precision),
    Fault("attention scaled twice", "bert-mask", "scaled_dot_product_attention", _scaled_twice),
)


def planted(context: Context, report: Report) -> None:
    """Each fault within one comparison in float32, on the device's side only."""
    rows = []
    for fault in FAULTS:
        plant(partial(Planted, fault))
        row = compared(context, models.tiny(context, fault.model), "float32")
        row.pop("margins", None)
        suspects = row.get("suspects") or [""]
        named = suspects[0].startswith(f"{fault.operator} in ")
        rows.append(row | {"fault": fault.name, "named": named})
        report.check(f"{fault.name} is found", row["passed"] is False, row.get("error") or row["passed"], "a failure")
        report.check(f"{fault.name} is named", named, suspects[0], fault.operator)
        found = sum(each["passed"] is False for each in rows)
        report.put(faults=rows)
        report.say(f"{found} of {len(rows)} found, {sum(each['named'] for each in rows)} named")
