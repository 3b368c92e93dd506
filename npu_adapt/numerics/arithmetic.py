"""What matrix units do to their operands: a table of arithmetics, each with its rounding and its error model.

All accumulate in float32. HF32 is Ascend's: 1 sign, 8 exponent, 11 mantissa bits; TF32 is NVIDIA's, with 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FLOAT32_MANTISSA_BITS = 23

Parts = tuple[Tensor, ...]


def round_mantissa(tensor: Tensor, bits: int) -> Tensor:
    """float32 values rounded to `bits` explicit mantissa bits, to nearest, ties to even. NaN and infinities stay.

    On the integer image of the value, as the hardware does it: half a unit of the last kept bit is added, less one
    where that bit is zero, and the rest is cut off. A carry into the exponent gives the right power of two.
    """
    dropped = FLOAT32_MANTISSA_BITS - bits
    image = tensor.contiguous().view(torch.int32)
    last_kept = (image >> dropped) & 1
    rounded = (image + ((1 << (dropped - 1)) - 1) + last_kept) & ~((1 << dropped) - 1)
    return torch.where(tensor.isfinite(), rounded.view(torch.float32), tensor)


@dataclass(frozen=True)
class Arithmetic:
    """One arithmetic of matrix products.

    `split` gives an operand's parts, largest first; a product of two operands is the sum of the products of those parts
    whose positions add up to less than the number of parts.
    """

    name: str
    mantissa_bits: int  # explicit ones, of the operands as they are used together
    exponent_bits: int
    split: Callable[[Tensor], Parts]

    @property
    def unit_roundoff(self) -> float:
        """The largest relative error of one operand: half a unit in the last place, 2^-(bits+1)."""
        return 2.0 ** -(self.mantissa_bits + 1)


def _rounded_to(dtype: torch.dtype) -> Callable[[Tensor], Parts]:
    return lambda tensor: (tensor.to(dtype).to(torch.float32),)


def _bfloat16_in_two(tensor: Tensor) -> Parts:
    high = tensor.bfloat16().float()
    return high, (tensor - high).bfloat16().float()


ARITHMETICS: dict[str, Arithmetic] = {
    arithmetic.name: arithmetic
    for arithmetic in (
        Arithmetic("float32", 23, 8, lambda tensor: (tensor,)),
        Arithmetic("bf16x3", 15, 8, _bfloat16_in_two),
        Arithmetic("hf32", 11, 8, lambda tensor: (round_mantissa(tensor, 11),)),
        Arithmetic("tf32", 10, 8, lambda tensor: (round_mantissa(tensor, 10),)),
        Arithmetic("float16", 10, 5, _rounded_to(torch.float16)),
        Arithmetic("bfloat16", 7, 8, _rounded_to(torch.bfloat16)),
    )
}
