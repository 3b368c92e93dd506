"""Random numbers that are the same on every device and in every type: drawn on the CPU, in float32, from a seed.

A device's own generator gives other numbers than the CPU's, and the CPU's gives others in float64 than in float32. A
model whose forward draws noise can be compared only where both sides are given the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.operators import writes_in_place
from npu_adapt.numerics.trees import mapped

# Torch's random sampling, as functions and in place. Dropout is none of it: in a forward it is left on by mistake.
SAMPLING = frozenset(
    {
        "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal", "bernoulli",
        "multinomial", "poisson", "binomial", "normal_", "uniform_", "exponential_", "random_", "bernoulli_",
        "cauchy_", "geometric_", "log_normal_", "_standard_gamma", "_sample_dirichlet",
    }
)  # fmt: skip
CPU = torch.device("cpu")


class Draws(TorchFunctionMode):
    """A context in which all that is sampled comes from `seed`; modes around it see no call that drew.

    The generator of the process stays where it was.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._state = torch.Generator().manual_seed(seed).get_state()

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in SAMPLING:
            return func(*args, **kwargs)
        outer = torch.get_rng_state()
        torch.set_rng_state(self._state)
        try:
            with torch._C.DisableTorchFunction():
                drawn = _drawn(func, args, kwargs)
            self._state = torch.get_rng_state()
        finally:
            torch.set_rng_state(outer)
        return _leading(args, kwargs).copy_(drawn) if writes_in_place(func, kwargs) else drawn  # type: ignore[union-attr]


def _drawn(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """What the function draws on the CPU, where and in the type in which it was asked for."""
    leading = _leading(args, kwargs)
    device = kwargs.get("device") or (torch.get_default_device() if leading is None else leading.device)
    asked = kwargs.get("dtype") or (torch.get_default_dtype() if leading is None else leading.dtype)
    told = {name: value for name, value in kwargs.items() if name not in ("device", "dtype", "pin_memory")}
    if "dtype" in kwargs:
        told["dtype"] = torch.float32 if asked.is_floating_point else asked
    drawn: Tensor = func(*mapped(_here, args), **mapped(_here, told))
    return drawn.to(device, asked if drawn.is_floating_point() and asked.is_floating_point else drawn.dtype)


def _leading(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The first tensor of a call, which it may name: torch.nn.init gives its own by name. None: there is none."""
    return next((leaf for leaf in (*args, *kwargs.values()) if isinstance(leaf, Tensor)), None)


def _here(leaf: Any) -> Any:
    """A copy of a tensor on the CPU, of a floating one in float32; anything else as it is."""
    if not isinstance(leaf, Tensor):
        return leaf
    return leaf.detach().to(CPU, torch.float32 if leaf.is_floating_point() else leaf.dtype, copy=True)
