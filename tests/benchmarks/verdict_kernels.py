"""Vector kernels of estimates: short polynomials and Newton's steps, right to a few units in the last place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import round_mantissa

_EXP2 = tuple(math.log(2) ** power / math.factorial(power) for power in range(7, -1, -1))
# Abramowitz and Stegun 7.1.26: within 1.5e-7 of the error function.
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
KEYS_AT_ONCE = 8


def exp_by_polynomial(x: Tensor) -> Tensor:
    """Two to the power of a whole part, and of the rest by a polynomial, in float32."""
    turns = x.clamp(min=-1e4) * math.log2(math.e)
    whole = turns.round()
    rest = torch.addcmul(-whole, x.clamp(min=-1e4), torch.tensor(math.log2(math.e)))
    value = torch.full_like(rest, _EXP2[0])
    for coefficient in _EXP2[1:]:
        value = value * rest + coefficient
    return torch.ldexp(value, whole.clamp(min=-149))


def rsqrt_by_newton(x: Tensor) -> Tensor:
    """An estimate of eleven bits, and two steps."""
    guess = round_mantissa(x.rsqrt(), 11)
    for _ in range(2):
        guess = guess * (1.5 - 0.5 * x * guess * guess)
    return torch.where(guess.isfinite(), guess, x.rsqrt())


def softmax_online(x: Tensor, dim: Any = None, *_: Any, **kwargs: Any) -> Tensor:
    """With a running maximum and sum, some values at a time; then a second pass."""
    x = x.float()
    largest, total = None, torch.zeros(())
    for part in x.split(KEYS_AT_ONCE, dim):
        new = part.amax(dim, keepdim=True).clamp(min=-3e38)
        new = new if largest is None else torch.maximum(largest, new)
        if largest is not None:
            total = total * exp_by_polynomial(largest - new)
        total, largest = total + exp_by_polynomial(part - new).sum(dim, keepdim=True), new
    assert largest is not None
    return exp_by_polynomial(x - largest) / total


def layer_norm_by_newton(x: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    axes = tuple(range(-len(shape), 0))
    centred = x - x.mean(axes, keepdim=True)
    scaled = centred * rsqrt_by_newton(centred.square().mean(axes, keepdim=True) + eps)
    scaled = scaled if weight is None else scaled * weight
    return scaled if bias is None else scaled + bias


def gelu_by_estimate(x: Tensor, approximate: str = "none") -> Tensor:
    if approximate != "none":
        return F.gelu(x, approximate=approximate)
    scaled = x.abs() * 0.5**0.5
    t = 1.0 / (1.0 + 0.3275911 * scaled)
    value = torch.full_like(t, _ERF[0])
    for coefficient in _ERF[1:]:
        value = value * t + coefficient
    erf = (1.0 - value * t * exp_by_polynomial(-scaled * scaled)) * x.sign()
    return 0.5 * x * (1.0 + erf)


def silu_by_tanh(x: Tensor, inplace: bool = False) -> Tensor:
    return 0.5 * x * (1.0 + torch.tanh(0.5 * x))


ESTIMATES: Mapping[str, Callable[..., Tensor]] = {
    "layer_norm": layer_norm_by_newton,
    "softmax": softmax_online,
    "gelu": gelu_by_estimate,
    "silu": silu_by_tanh,
    "rsqrt": rsqrt_by_newton,
}
