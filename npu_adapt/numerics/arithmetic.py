"""What matrix units do to their operands: a table of arithmetics, each with its rounding and its error model.

All accumulate in float32. HF32 is Ascend's: 1 sign, 8 exponent, 11 mantissa bits; TF32 is NVIDIA's, with 10. A model
that is half typed as a whole uses the row of its own type: its operands are exact in it, and results are rounded to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from npu_adapt.numerics.formats import FORMATS, dtype_name

FLOAT32_MANTISSA_BITS = FORMATS["float32"].mantissa_bits
OPERATOR_CLASSES = ("matmul", "conv", "attention")

DIRECT = "direct"
TRUNCATION = 0.721  # of half an ulp, mean, for what is cut off: 1 / (2 ln 2) by the same law
TERMS_AT_ONCE = 4  # that a unit which cuts sums off takes in before it does so, at the least

Split = Callable[[Tensor], tuple[Tensor, ...]]  # an operand to its parts, largest first


def round_mantissa(tensor: Tensor, bits: int) -> Tensor:
    """float32 values rounded to `bits` explicit mantissa bits, to nearest, ties to even. NaN and infinities stay.

    On the integer image of the value, as the hardware does it: half a unit of the last kept bit is added, less one
    where that bit is zero, and the rest is cut off. A carry into the exponent gives the right power of two.
    """
    dropped = FLOAT32_MANTISSA_BITS - bits
    tensor = tensor.contiguous()
    image = tensor.view(torch.int32)
    rounded = (image >> dropped).bitwise_and_(1).add_((1 << (dropped - 1)) - 1).add_(image)
    result = rounded.bitwise_and_(-1 << dropped).view(torch.float32)
    if not bool(tensor.sum().isfinite()):  # one pass, where looking for NaN takes two
        result = torch.where(tensor.isfinite(), result, tensor)
    return result


def truncate_mantissa(tensor: Tensor, bits: int) -> Tensor:
    """float32 values with all but the first `bits` explicit mantissa bits cut off, as a TF32 unit takes raw float32."""
    image = tensor.contiguous().view(torch.int32)
    return (image & (-1 << (FLOAT32_MANTISSA_BITS - bits))).view(torch.float32)


def round_mantissa_away(tensor: Tensor, bits: int) -> Tensor:
    """float32 values rounded to `bits` explicit mantissa bits, to nearest, ties away from zero."""
    dropped = FLOAT32_MANTISSA_BITS - bits
    image = tensor.contiguous().view(torch.int32) + (1 << (dropped - 1))
    return torch.where(tensor.isfinite(), image.bitwise_and_(-1 << dropped).view(torch.float32), tensor)


@dataclass(frozen=True)
class Arithmetic:
    """One arithmetic of matrix products.

    `split` gives an operand's parts, largest first; a product of two operands is the sum of the products of those parts
    whose positions add up to less than the number of parts.
    """

    name: str
    mantissa_bits: int  # explicit ones, of the operands as they are used together
    exponent_bits: int
    split: Split
    truncates: bool = False  # what is dropped of an operand is cut off, not rounded
    truncating_sums: bool = False  # what a sum drops is cut off too, so that errors of one sign add up
    block: int | None = None  # terms that sums were seen to take apart. None: not known, or there is none
    algorithm: str = DIRECT  # of convolutions: by sums of products, or by a transform of `numerics.convolution`

    @property
    def unit_roundoff(self) -> float:
        """The largest relative error of one operand: half a unit in the last place, 2^-(bits+1), or a whole one."""
        return 2.0 ** -(self.mantissa_bits + (not self.truncates))

    def holds(self, dtype: torch.dtype) -> bool:
        """Whether every number of a type is an operand as it is."""
        row = FORMATS.get(dtype_name(dtype))
        return row is not None and row.mantissa_bits <= self.mantissa_bits and row.exponent_bits <= self.exponent_bits

    @property
    def operand_error(self) -> float:
        """The root mean square of one operand's relative error, for mantissas m spread as 1/m (Benford's law).

        The error is uniform within half a unit, so its variance is (2u)^2 / 12, and the mean of 1/m^2 is 3 / (8 ln 2).
        Cut off, it is uniform between none and a whole unit u, and its mean square is u^2 / 3, which is the same.
        """
        return 2 * self.unit_roundoff * math.sqrt(3 / (8 * math.log(2)) / 12)

    @property
    def product_error(self) -> float:
        """The root mean square, over the size of a sum of products, of what rounding both operands does to it."""
        return math.sqrt(2) * self.operand_error


def _rounded_to(dtype: torch.dtype) -> Split:
    return lambda tensor: (tensor.to(dtype).to(torch.float32),)


def _bfloat16_in_two(tensor: Tensor) -> tuple[Tensor, ...]:
    high = tensor.bfloat16().float()
    return high, (tensor - high).bfloat16().float()


def _mantissa_rounded(name: str) -> Split:
    return lambda tensor: (round_mantissa(tensor, FORMATS[name].mantissa_bits),)


def _tf32_in_two(tensor: Tensor) -> tuple[Tensor, ...]:
    bits = FORMATS["tf32"].mantissa_bits
    high = round_mantissa(tensor, bits)
    return high, round_mantissa(tensor - high, bits)


_SPLITS: dict[str, Split] = {  # from fine to coarse
    "float32": lambda tensor: (tensor,),
    "tf32x3": _tf32_in_two,
    "bf16x3": _bfloat16_in_two,
    "hf32": _mantissa_rounded("hf32"),
    "tf32": _mantissa_rounded("tf32"),
    "float16": _rounded_to(torch.float16),
    "bfloat16": _rounded_to(torch.bfloat16),
}
ARITHMETICS: dict[str, Arithmetic] = {
    name: Arithmetic(name, FORMATS[name].mantissa_bits, FORMATS[name].exponent_bits, split)
    for name, split in _SPLITS.items()
}

# The coarsest operands that a model of each type may get unasked. tf32 keeps as many bits as float16 and more range.
COARSEST_UNASKED: dict[torch.dtype, str] = {
    getattr(torch, row.name): row.coarsest_operands for row in FORMATS.values() if row.coarsest_operands is not None
}


@dataclass(frozen=True)
class ConvolutionShape:
    """What a device chooses the algorithm of a convolution by, of those that may be computed by a transform."""

    image: tuple[int, ...]  # [batch, channels, height, width]
    filters: tuple[int, ...]  # [channels of the result, channels, height, width]
    padding: tuple[int, int]


def _always_direct(shape: ConvolutionShape) -> str:
    return DIRECT


@dataclass(frozen=True)
class ArithmeticByClass:
    """One arithmetic for each class of operators: a default Ascend 910B convolves in hf32 and multiplies in float32."""

    matmul: Arithmetic
    conv: Arithmetic
    attention: Arithmetic
    algorithm_of: Callable[[ConvolutionShape], str] = field(
        default=_always_direct, repr=False, compare=False, kw_only=True
    )

    @classmethod
    def uniform(cls, name: str) -> ArithmeticByClass:
        """The same for all. `name` is a key of `ARITHMETICS`."""
        return cls(*(ARITHMETICS[name] for _ in OPERATOR_CLASSES))

    def of_convolution(self, shape: ConvolutionShape | None) -> Arithmetic:
        """That of a convolution of this shape; None: of one that no transform computes."""
        algorithm = DIRECT if shape is None else self.algorithm_of(shape)
        return self.conv if algorithm == DIRECT else replace(self.conv, algorithm=algorithm)

    def __iter__(self) -> Iterator[Arithmetic]:
        return iter((self.matmul, self.conv, self.attention))

    def __str__(self) -> str:
        """ "hf32" where all are the same, else "matmul float32, conv hf32, attention float32"."""
        names = [arithmetic.name for arithmetic in self]
        if len(set(names)) == 1:
            return names[0]
        return ", ".join(f"{operators} {name}" for operators, name in zip(OPERATOR_CLASSES, names, strict=True))


def is_coarser(found: Arithmetic, limit: Arithmetic) -> bool:
    """Whether operands lose more in `found` than in `limit`: fewer mantissa bits. Range shows itself, as infinities."""
    return found.mantissa_bits < limit.mantissa_bits
