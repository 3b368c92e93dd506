"""Which arithmetic a device multiplies in, read off products whose exact result is known. No model takes part.

`x @ I` gives back what the matrix unit made of `x`: each arithmetic of the table gives one image, bit by bit.
A few sums and sizes show the rest: how wide it accumulates, where it overflows, whether it flushes denormal numbers.
What is probed is a function of two matrices [n, k] and [k, m] (for attention, of query, key and value), so nothing here
knows a device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import (
    ARITHMETICS,
    FLOAT32_MANTISSA_BITS,
    Arithmetic,
    round_mantissa,
    round_mantissa_away,
    truncate_mantissa,
)
from npu_adapt.numerics.formats import dtype_name

SIZE = 128  # of the square matrices: large enough for the kernels that a model's layers get

# Where two terms of a sum lie among SIZE: side by side, in the next block of a unit, in another part of a split sum.
_TERM_PLACES = ((0, 1), (0, 9), (0, 40), (3, 70), (16, 100))

_CUTS = {"truncated": truncate_mantissa, "nearest-away": round_mantissa_away}

MatrixProduct = Callable[[Tensor, Tensor], Tensor]
Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Reading:
    """What a probe showed of one class of operators."""

    arithmetic: str | None  # a key of ARITHMETICS: the finest that keeps no more bits. None: none keeps so few
    exact: bool  # whether the operands' images are that arithmetic's, bit by bit
    operand_bits: int  # explicit mantissa bits that one operand keeps
    rounding: str  # nearest-even | nearest-away | truncated | none | other
    accumulation_bits: int | None = None  # explicit mantissa bits of the sums. None: not shown by this probe
    overflows: bool | None = None  # whether 2^20 becomes infinite. None: not shown by this probe
    flushes_denormals: bool | None = None  # None: not shown by this probe
    truncates_sums: bool | None = None  # whether what a sum drops is cut off. None: not shown by this probe

    def emulated(self) -> Arithmetic | None:
        """What was found, to be emulated: the table's row, or its like with the bits and the rounding seen."""
        if self.arithmetic is None:
            return None
        if self.exact:
            row = ARITHMETICS[self.arithmetic]
            return replace(row, truncating_sums=True) if self.truncates_sums else row
        cut = _CUTS.get(self.rounding, round_mantissa)
        return replace(
            ARITHMETICS[self.arithmetic],
            mantissa_bits=self.operand_bits,
            split=lambda tensor: (cut(tensor, self.operand_bits),),
            truncates=cut is truncate_mantissa,
            truncating_sums=bool(self.truncates_sums),
        )

    def __str__(self) -> str:
        """ "float32", "hf32 (11 bits, nearest-even)", "tf32 (10 bits, truncated)"."""
        name = self.arithmetic or "no arithmetic of the table"
        return name if self.rounding == "none" else f"{name} ({self.operand_bits} bits, {self.rounding})"


def read_product(multiply: MatrixProduct, dtype: torch.dtype) -> Reading:
    """What `multiply` does to operands of `dtype`. The coarser of its two operands counts."""
    eye = torch.eye(SIZE, dtype=dtype)
    readings = [
        _read_operand(lambda x: multiply(x, eye), dtype),
        _read_operand(lambda x: multiply(eye, x), dtype),
    ]
    reading = max(readings, key=_coarseness)
    return Reading(
        **{
            **vars(reading),
            "accumulation_bits": _accumulation_bits(multiply, dtype),
            "flushes_denormals": _flushes_denormals(multiply, dtype),
            "truncates_sums": _truncates_sums(multiply, dtype),
        }
    )


def read_attention(attend: Attention, dtype: torch.dtype) -> Reading:
    """What fused attention does to its operands: values seen by weights of 0 and 1, queries and keys by their scores.

    `attend(query, key, value)` is unmasked attention with a scale of 1.
    """
    values = _read_operand(lambda x: _attend_to_one(attend, x), dtype)
    bits = min(_score_bits(attend, dtype, of_the_key=True), _score_bits(attend, dtype, of_the_key=False))
    if bits >= values.operand_bits or bits >= _bits_of(dtype):
        return values
    return Reading(_finest_at_most(bits), exact=False, operand_bits=bits, rounding=values.rounding)


def overflows_exp(exp: Callable[[Tensor], Tensor]) -> bool:
    """Whether e^80, which float32 holds, comes out infinite: the mark of an exponential in half precision."""
    return not bool(exp(torch.tensor([80.0])).isfinite().all())


def _bits_of(dtype: torch.dtype) -> int:
    return FLOAT32_MANTISSA_BITS if dtype == torch.float32 else ARITHMETICS[dtype_name(dtype)].mantissa_bits


def _coarseness(reading: Reading) -> tuple[int, bool]:
    return -reading.operand_bits, bool(reading.overflows)


def _read_operand(pass_through: Callable[[Tensor], Tensor], dtype: torch.dtype) -> Reading:
    """What becomes of a square matrix that is multiplied by the identity."""
    values = _mantissas(dtype)
    image = pass_through(values)
    diagonal = torch.diag(torch.full((SIZE,), 2.0**20, dtype=torch.float32)).to(dtype)
    overflows = dtype == torch.float32 and not bool(pass_through(diagonal).diagonal().isfinite().all())
    bits, rounding = _kept_bits(pass_through, dtype)
    full = _bits_of(dtype)
    for arithmetic in _rows(dtype):
        if torch.equal(image, _image(arithmetic, values)) and overflows == (
            dtype == torch.float32 and arithmetic.exponent_bits < 8
        ):
            shown = "none" if arithmetic.mantissa_bits >= full else "nearest-even"
            return Reading(arithmetic.name, True, min(arithmetic.mantissa_bits, full), shown, overflows=overflows)
    error = _largest_error(image, values)
    if bits == full:  # it keeps what a second part of the operand can carry, and not all
        bits, rounding = max(0, min(full, round(-math.log2(error)) - 1)) if 0 < error < 1 else 0, "other"
    return Reading(_finest_at_most(bits), False, bits, rounding, overflows=overflows)


def _mantissas(dtype: torch.dtype) -> Tensor:
    """Random significands at exponents that every arithmetic holds."""
    generator = torch.Generator().manual_seed(0)
    significands = 1 + torch.rand(SIZE, SIZE, generator=generator)
    signs = torch.randint(0, 2, (SIZE, SIZE), generator=generator) * 2 - 1
    return (significands * signs * 2.0 ** torch.randint(-8, 9, (SIZE, SIZE), generator=generator)).to(dtype)


def _rows(dtype: torch.dtype) -> list[Arithmetic]:
    """The arithmetics that may show their exact image, fine to coarse; of a half type the one that loses nothing."""
    return [row for row in ARITHMETICS.values() if dtype == torch.float32 or row.name == dtype_name(dtype)]


def _image(arithmetic: Arithmetic, values: Tensor) -> Tensor:
    parts = arithmetic.split(values.float())
    total = parts[-1]
    for part in reversed(parts[:-1]):
        total = total + part
    return total.to(values.dtype)


def _largest_error(image: Tensor, values: Tensor) -> float:
    """The largest relative error of an operand; infinite where an image is not finite."""
    error = float(((image.double() - values.double()) / values.double()).abs().max())
    return error if math.isfinite(error) else math.inf


def _finest_at_most(bits: int) -> str | None:
    fitting = [row for row in ARITHMETICS.values() if row.mantissa_bits <= bits]
    return max(fitting, key=lambda row: row.mantissa_bits).name if fitting else None


def _kept_bits(pass_through: Callable[[Tensor], Tensor], dtype: torch.dtype) -> tuple[int, str]:
    """(bits, rounding): how many explicit mantissa bits survive, and what becomes of the next one."""
    full = _bits_of(dtype)
    ones = 2 - 2.0 ** -torch.arange(1, full + 1).double()  # 1.1, 1.11, 1.111 … in binary
    survived = _through(pass_through, ones, dtype) == ones
    bits = int(survived.long().cumprod(0).sum())
    if bits >= full:
        return full, "none"
    unit = 2.0**-bits
    probes = [1 + unit / 2, 1 + unit + unit / 2, 1 + unit / 2 + 2.0**-full]  # two ties, and a hair above a tie
    seen = _through(pass_through, torch.tensor(probes, dtype=torch.float64), dtype).tolist()
    return bits, _ROUNDINGS.get(tuple(round((value - 1) / unit, 3) for value in seen), "other")


# What the three probes become, in units of the last kept bit above 1.
_ROUNDINGS = {(0.0, 2.0, 1.0): "nearest-even", (1.0, 2.0, 1.0): "nearest-away", (0.0, 1.0, 0.0): "truncated"}


def _through(pass_through: Callable[[Tensor], Tensor], values: Tensor, dtype: torch.dtype) -> Tensor:
    """`values` (at most SIZE of them) after the product, each alone in its row and column."""
    padded = torch.zeros(SIZE, dtype=torch.float64)
    padded[: len(values)] = values
    return pass_through(torch.diag(padded).to(dtype)).diagonal()[: len(values)].double()


def _accumulation_bits(multiply: MatrixProduct, dtype: torch.dtype) -> int:
    """The largest s for which 1 + 2^-s is kept: each term a product of factors that every operand format holds.

    A half typed result shows no more than its own bits; there the 1 is met by -1 once the small term is in.
    """
    left, right = torch.zeros(SIZE, SIZE, dtype=dtype), torch.zeros(SIZE, SIZE, dtype=dtype)
    most = FLOAT32_MANTISSA_BITS
    for s in range(1, most + 1):
        left[s, 0], left[s, 1], left[s, 2] = 1.0, 2.0 ** -(s // 2), -1.0 if dtype != torch.float32 else 0.0
        left[s, 3 + s] = 2.0 ** -(s - s // 2)
    right[0, :], right[2, :] = 1.0, 1.0
    for s in range(1, most + 1):
        right[1, s] = 2.0 ** -(s - s // 2)
    result = multiply(left, right).double()
    base = 1.0 if dtype == torch.float32 else 0.0
    kept = [s for s in range(1, most + 1) if float(result[s, s]) == base + 2.0**-s]
    return max(kept, default=0)


def _flushes_denormals(multiply: MatrixProduct, dtype: torch.dtype) -> bool:
    """Whether the smallest normal number of the type, halved by the product, becomes zero."""
    tiny = torch.finfo(dtype).tiny
    left, right = torch.zeros(SIZE, SIZE, dtype=dtype), torch.zeros(SIZE, SIZE, dtype=dtype)
    left[0, 0], right[0, 0] = tiny, 0.5
    return float(multiply(left, right)[0, 0]) == 0.0


def _truncates_sums(multiply: MatrixProduct, dtype: torch.dtype) -> bool:
    """Whether a sum cuts off what it cannot keep, where IEEE 754 rounds to nearest: tensor cores do.

    To a large term one of nearly a whole unit in its last place is added, which rounding would make a whole one; then
    the large term is taken away again, so that half types show what is left. A row for each pair of places, since a
    unit that takes in several terms at once, or sums parts of a row apart, does so at some of them.
    """
    left, right = torch.zeros(SIZE, SIZE, dtype=dtype), torch.zeros(SIZE, SIZE, dtype=dtype)
    large, factor = 2.0**10, 2.0**-7  # 2^10 + 1.9375 * 2^-14, in factors that every format holds
    right[:, 0] = 1.0
    for row, (first, second) in enumerate(_TERM_PLACES):
        left[row, first], left[row, second], left[row, SIZE - 1] = large, 1.9375 * factor * factor, -large
    kept = multiply(left, right)[: len(_TERM_PLACES), 0].double()
    return bool((kept < 1.9375 * factor * factor).any())


def _attend_to_one(attend: Attention, values: Tensor) -> Tensor:
    """`values` [SIZE, width] through attention whose every query sees exactly one key: all other weights are e^-200."""
    eye = torch.eye(SIZE, dtype=values.dtype)
    return attend(eye * 16, eye * 16, values)


def _score_bits(attend: Attention, dtype: torch.dtype, *, of_the_key: bool) -> int:
    """How many explicit mantissa bits of a query or key reach the scores.

    Two keys score s and s (1 + 2^-m) with s = 2^20: only if the m-th bit is lost do they weigh the same.
    """
    bits = _bits_of(dtype)
    kept = 0
    for m in range(1, bits + 1):
        fine, plain = 2.0**10 * (1 + 2.0**-m), 2.0**10
        query, key, value = (torch.zeros(SIZE, SIZE, dtype=dtype) for _ in range(3))
        # One channel carries the score itself, a second one takes the plain score away from the other key.
        if of_the_key:
            query[:, 0], key[0, 0], key[1, 0] = plain, fine, plain
        else:
            query[:, 0], query[:, 1], key[0, 0], key[1, 1] = fine, plain, plain, plain
        value[0, :] = 1.0
        weight = float(attend(query, key, value)[0, 0])
        if not weight > 0.5:
            break
        kept = m
    return kept
