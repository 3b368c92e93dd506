"""Number formats: what the table says is what torch's own types are."""

from __future__ import annotations

import pytest
import torch

from npu_adapt.numerics.arithmetic import ARITHMETICS, COARSEST_UNASKED
from npu_adapt.numerics.exact import HALF_TYPES, ROUNDOFF, TYPES
from npu_adapt.numerics.formats import FORMATS, dtype_name


@pytest.mark.parametrize("dtype", TYPES, ids=dtype_name)
def test_the_roundoff_is_half_of_torchs_epsilon(dtype: torch.dtype) -> None:
    assert ROUNDOFF[dtype] == torch.finfo(dtype).eps / 2
    assert (
        FORMATS[dtype_name(dtype)].mantissa_bits + FORMATS[dtype_name(dtype)].exponent_bits + 1
        == torch.finfo(dtype).bits
    )


def test_every_floating_type_of_a_run_has_its_row() -> None:
    assert set(TYPES) == {torch.float64, torch.float32, torch.float16, torch.bfloat16}
    assert set(HALF_TYPES) == {torch.float16, torch.bfloat16}
    assert all(dtype in COARSEST_UNASKED for dtype in TYPES if FORMATS[dtype_name(dtype)].tolerance is not None)


def test_arithmetics_go_from_fine_to_coarse() -> None:
    bits = [row.mantissa_bits for row in ARITHMETICS.values()]
    assert bits == sorted(bits, reverse=True)
    assert all(row.unit_roundoff == FORMATS[name].roundoff for name, row in ARITHMETICS.items())
