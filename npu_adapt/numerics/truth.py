"""A model in a wider type than its own, without a copy of it: every operator widens its operands as it runs.

In float64 that is what the model would give without rounding, nearly; in float32 what a half typed one is compared
with. A weight is widened for the one operator that reads it, a large one in slices. Activations stay wide from operator
to operator, whatever type the model's code asks for in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from npu_adapt.numerics.arithmetic import ConvolutionShape
from npu_adapt.numerics.capture import Convert
from npu_adapt.numerics.convolution import shape_of
from npu_adapt.numerics.exact import HALF_TYPES, TYPES, double, single
from npu_adapt.numerics.operators import operator_class, operator_name
from npu_adapt.numerics.products import linear_in_slices
from npu_adapt.numerics.trees import mapped

# They only choose elements, and of a table much larger than the choice: chosen first, then widened.
_SELECTIONS = {F.embedding, torch.embedding, torch.index_select, Tensor.index_select, Tensor.__getitem__}
_CASTS = {Tensor.float, Tensor.half, Tensor.bfloat16, Tensor.double}


class Widened(TorchFunctionMode):
    """A context in which every operator computes in a wider type than it was given, `dtype`.

    `without_kernel` are the operators that have none for it, by name: they ran in the model's own type, and their
    results were widened. `operators` are the classes of matrix products that were seen.
    """

    def __init__(self, widen: Convert, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self._widen = widen
        self.without_kernel: dict[str, None] = {}  # an ordered set
        self.operators: set[str] = set()
        self.convolutions: set[ConvolutionShape] = set()  # that may be computed by a transform

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") == "__get__":
            return func(*args, **kwargs)
        operator = operator_name(func)
        if found := operator_class(operator):
            self.operators.add(found)
            shape = shape_of(operator, args, kwargs) if found == "conv" else None
            self.convolutions |= set() if shape is None else {shape}
        if func in _SELECTIONS or _changes_a_narrow_tensor(func, args):
            return mapped(self._widen, func(*args, **kwargs))
        if func in _CASTS and args[0].is_floating_point():
            return self._widen(args[0])
        if func is F.linear:
            return self._linear(*args, **kwargs)
        try:
            return mapped(self._widen, func(*mapped(self._widen, list(args)), **mapped(self._widen, kwargs)))
        except (RuntimeError, NotImplementedError) as error:
            return self._in_own_type(func, args, kwargs, error)

    def _in_own_type(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], error: RuntimeError) -> Any:
        """The operator with its operands in float32, for want of a float64 kernel. Raises `error` if it fails too."""
        try:
            result = func(*mapped(_narrowed, list(args)), **mapped(_narrowed, kwargs))
        except (RuntimeError, NotImplementedError):
            raise error from None
        self.without_kernel[resolve_name(func) or getattr(func, "__name__", str(func))] = None
        return mapped(self._widen, result)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """`F.linear` with the weight widened some rows at a time."""

        def linear(wide: Tensor, rows: Tensor, some: Tensor | None) -> Tensor:
            return F.linear(wide, self._widen(rows), self._widen(some))

        return linear_in_slices(linear, self._widen(input), weight, bias)


class Float64(Widened):
    """A context in which every operator computes in float64."""

    def __init__(self) -> None:
        super().__init__(double, torch.float64)


class Float32(Widened):
    """A context in which operators of half types compute in float32; all others as they are."""

    def __init__(self) -> None:
        super().__init__(single, torch.float32)


def wide_enough(dtype: torch.dtype) -> Widened:
    """In which the truth of a model of `dtype` is computed: float64, and of a half typed one float32.

    Float32 rounds 2^13 times finer than float16 and 2^16 times finer than bfloat16, and both err alike from operator to
    operator, so the floors of those types hide what the truth is off.
    """
    return Float32() if dtype in HALF_TYPES else Float64()


def _changes_a_narrow_tensor(func: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether `func` writes into its first argument, which must then be itself and not a widened copy."""
    name = getattr(func, "__name__", "")
    writes = name == "__setitem__" or name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))
    return writes and bool(args) and isinstance(args[0], Tensor) and args[0].dtype in TYPES


def _narrowed(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.float64 else value
