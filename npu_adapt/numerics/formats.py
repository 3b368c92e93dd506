"""The number formats that models compute in, one row each: what every other table says of a type comes from here.

Torch-free, so that the command line and the records may ask it too. Names are torch's where torch has the type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A floating format: IEEE 754's fields, and what is made of it here."""

    name: str
    mantissa_bits: int  # explicit ones
    exponent_bits: int
    smallest: float  # below it a result may be flushed to zero, or has the even spacing of subnormal numbers
    wider: str | None = None  # the type that operators of this one sum in; None: there is none, or it is not a type
    coarsest_operands: str | None = None  # the coarsest a matrix unit may round a model of this type to, unasked
    tolerance: float | None = None  # relative L2 that a whole forward may be off the CPU's float32; None: not run in it

    @property
    def roundoff(self) -> float:
        """Half a unit in the last place of 1: the largest relative error of rounding to nearest."""
        return 2.0 ** -(self.mantissa_bits + 1)


_ROWS = (
    Format("float64", 52, 11, 2.0**-1022),
    Format("float32", 23, 8, 2.0**-126, "float64", coarsest_operands="float16", tolerance=0.01),
    Format("tf32x3", 21, 8, 2.0**-126),  # operands in two tf32 parts, three products: NVIDIA's float32 attention
    Format("bf16x3", 15, 8, 2.0**-126),  # operands in two bfloat16 parts, three products
    Format("hf32", 11, 8, 2.0**-126),  # Ascend's
    Format("tf32", 10, 8, 2.0**-126),  # NVIDIA's
    # Devices keep subnormal halves: the even spacing is 2^-24, and half of it is lost.
    Format("float16", 10, 5, 2.0**-25, "float32", coarsest_operands="float16", tolerance=0.01),
    # Rounding alone takes a bfloat16 model beyond 1 %.
    Format("bfloat16", 7, 8, 2.0**-126, "float32", coarsest_operands="bfloat16", tolerance=0.05),
)
FORMATS: Mapping[str, Format] = {row.name: row for row in _ROWS}


def dtype_name(dtype: object) -> str:
    """ "float32" for `torch.float32`."""
    return str(dtype).removeprefix("torch.")
