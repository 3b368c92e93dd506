"""The operators that are sums of products of two operands: one table, for all who take such a call apart.

A bilinear operator of `left` and `right` is linear in each, so the same function of other operands gives its exact
value (float64), its size (squares), and what a matrix unit computes (rounded parts). The table says how each operator's
arguments are read, which class of arithmetic it has, and along what its result may be cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import Arithmetic, Split

SLICE_ELEMENTS = 1 << 20  # of a weight at a time: 8 MiB in float64

Function = Callable[..., Any]
Multiply = Callable[[Tensor, Tensor], Tensor]
Axes = tuple[int, int]  # one of the left operand, one of the right

MATRIX_PRODUCTS = (torch.nn.functional.linear, torch.matmul)


@dataclass(frozen=True)
class BilinearCall:
    """A call as `factor * multiply(left, right) + added_factor * added`."""

    multiply: Multiply
    left: Tensor
    right: Tensor
    terms: int  # of each sum
    summed: Axes | None = None  # along which a sum may be taken in blocks; None: only in the kernel's own order
    added: Tensor | None = None  # as it is broadcast to the result
    factor: float = 1.0
    added_factor: float = 1.0

    def squares(self) -> Tensor:
        """The sum of the squared terms of each element, float64: what relative errors of the terms add up to.

        Where the CPU multiplies bfloat16 fast, to half a percent: it scales a floor, and nothing cancels in it.
        """
        left, right = _wide(self.left).square(), _wide(self.right).square()
        if (
            self.multiply in MATRIX_PRODUCTS
            and left.dtype == right.dtype == torch.float32
            and multiplies_fast(torch.bfloat16)
        ):
            left, right = left.bfloat16(), right.bfloat16()
        squares = self.multiply(left, right).clamp_(min=0).double()
        return squares if self.factor == 1.0 else squares.mul_(self.factor**2)

    def predicted(self, arithmetic: Arithmetic) -> Tensor:
        """What a matrix unit of that arithmetic gives, but for the rounding of its sums: float64."""

        def multiply(one: Tensor, other: Tensor) -> Tensor:
            return self.multiply(one.double(), other.double())

        product = product_of_parts(multiply, arithmetic.split, _wide(self.left), _wide(self.right))
        return self.completed(product, self.added)

    def completed(self, product: Tensor, added: Tensor | None) -> Tensor:
        """The call's result from its bare product, and from `added` in the precision it is wanted in."""
        scaled = product if self.factor == 1.0 else product * self.factor
        if added is None or self.added_factor == 0:  # times zero it is left out, NaN or not
            return scaled
        added = added.to(product.dtype)
        return scaled + (added if self.added_factor == 1.0 else added * self.added_factor)


@lru_cache
def multiplies_fast(dtype: torch.dtype) -> bool:
    """Whether this CPU has kernels of its own for products of a half type; without, torch takes many times as long."""
    asked = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}
    supported = getattr(torch.ops.mkldnn, asked[dtype], None)
    return supported is not None and bool(supported())


def product_of_parts(multiply: Multiply, split: Split, left: Tensor, right: Tensor) -> Tensor:
    """The sum of the products of the operands' parts, those of an arithmetic's `split`, the small terms first."""
    lefts, rights = split(left), split(right)
    terms = [multiply(one, other) for i, one in enumerate(lefts) for other in rights[: len(lefts) - i]]
    total = terms[-1]
    for term in reversed(terms[:-1]):
        total = total + term
    return total


Linear = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]  # of input, weight and bias


def linear_in_slices(linear: Linear, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`linear` with some output features at a time: what it makes of a large weight is never there as a whole.

    Each result is copied into its place at once. Kept until the last is there, every one of them would lie behind the
    memory of its widened slice, which glibc does not give out again where it has to be aligned: all slices together.
    """
    rows = max(1, SLICE_ELEMENTS // max(1, weight.size(-1)))
    if weight.dim() != 2 or weight.size(0) <= rows:
        return linear(input, weight, bias)
    whole: Tensor | None = None
    for start in range(0, weight.size(0), rows):
        some = slice(start, start + rows)
        part = linear(input, weight[some], None if bias is None else bias[some])
        if whole is None:
            whole = part.new_empty((*part.shape[:-1], weight.size(0)))
        whole[..., some] = part
    assert whole is not None
    return whole


def _wide(tensor: Tensor) -> Tensor:
    """In the type that matrix units sum in."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


Read = Callable[[Function, Sequence[Any], Mapping[str, Any]], "BilinearCall | None"]


@dataclass(frozen=True)
class Product:
    """One row of the table."""

    operators: Literal["matmul", "conv"]  # the class whose arithmetic it has
    read: Read  # None: this call is no product of two operands, or is written in a form not known here
    cut: Literal["features", "channels", "batches"] | None = None  # None: it is judged whole


def read_product(
    operator: str, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> BilinearCall | None:
    """The call taken apart; None for one that is no real floating product of two operands."""
    row = PRODUCTS.get(operator)
    if row is None or kwargs.get("out") is not None:
        return None
    taken = row.read(function, args, kwargs)
    if taken is None or not (taken.left.is_floating_point() and taken.right.is_floating_point()):
        return None
    return taken


def _take(args: Sequence[Any], kwargs: Mapping[str, Any], *names: str) -> list[Any]:
    """The leading arguments, by position or by name."""
    return [args[at] if at < len(args) else kwargs.get(name) for at, name in enumerate(names)]


def _second(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The right operand, whichever of its names in torch it is given by."""
    if len(args) > 1:
        return args[1]
    return next((kwargs[name] for name in ("other", "mat2", "vec", "vec2", "tensor", "y") if name in kwargs), None)


def _linear(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall:
    left, weight, bias = _take(args, kwargs, "input", "weight", "bias")
    return BilinearCall(torch.nn.functional.linear, left, weight, weight.size(-1), (-1, -1), bias)


def _matmul(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
    left = args[0] if args else kwargs.get("input", kwargs.get("self"))
    right = _second(args, kwargs)
    if not isinstance(left, Tensor) or not isinstance(right, Tensor):
        return None
    return BilinearCall(torch.matmul, left, right, left.size(-1), (-1, -min(2, right.dim())))


def _reflected(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
    """`Tensor.__rmatmul__`: the right operand first."""
    return _matmul(function, (args[1], args[0]), {}) if len(args) == 2 else None


def _along_the_last_axis(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
    """`inner`, `dot`, `vdot` and `vecdot` of real operands: sums along the last axis of both."""
    left, right = args[0] if args else kwargs.get("input", kwargs.get("x")), _second(args, kwargs)
    if not isinstance(left, Tensor) or not isinstance(right, Tensor) or not left.dim() or not right.dim():
        return None
    if kwargs.get("dim", -1) != -1 or len(args) > 2:
        return None
    return BilinearCall(function, left, right, left.size(-1), (-1, -1))


def _added(multiply: Multiply) -> Read:
    """`addmm` and its like: beta * input + alpha * (left @ right), `multiply` being the product."""

    def read(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
        added = args[0] if args else kwargs.get("input")
        left = args[1] if len(args) > 1 else kwargs.get("mat1", kwargs.get("batch1", kwargs.get("mat")))
        right = args[2] if len(args) > 2 else kwargs.get("mat2", kwargs.get("batch2", kwargs.get("vec")))
        if len(args) > 3 or not all(isinstance(each, Tensor) for each in (added, left, right)):
            return None  # the old form, factors first
        beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
        terms = left.size(-1) * (left.size(0) if multiply is _summed_batches else 1)
        axes = (-1, -min(2, right.dim()))
        return BilinearCall(multiply, left, right, terms, axes, added, float(alpha), float(beta))

    return read


def _summed_batches(left: Tensor, right: Tensor) -> Tensor:
    return torch.bmm(left, right).sum(0)


def _einsum(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
    equation, *operands = args or (None,)
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = list(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    return _contraction(lambda one, other: torch.einsum(equation, one, other), *operands)


def _tensordot(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall | None:
    left, right, dims = _take(args, {"dims": 2, **kwargs}, "a", "b", "dims")
    return _contraction(lambda one, other: torch.tensordot(one, other, dims), left, right)


def _contraction(multiply: Multiply, left: Tensor, right: Tensor) -> BilinearCall:
    """A product along axes that only `multiply` knows: of n terms, n^2 is what both operands have above the result."""
    result = multiply(left.to("meta"), right.to("meta"))
    longest = left.numel() * right.numel() / max(1, result.numel())
    return BilinearCall(multiply, left, right, math.ceil(longest**0.5))


def _convolution(transposed: bool) -> Read:
    def read(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> BilinearCall:
        left, weight, bias = _take(args, kwargs, "input", "weight", "bias")
        rest, options = args[3:], {name: kwargs[name] for name in kwargs if name not in ("input", "weight", "bias")}
        groups = args[6] if len(args) > 6 else kwargs.get("groups", 1)

        def convolve(one: Tensor, other: Tensor) -> Tensor:
            result: Tensor = function(one, other, None, *rest, **options)
            return result

        added = None if bias is None else bias.reshape(-1, *(1,) * (weight.dim() - 2))
        terms = weight[:, 0].numel() if transposed else weight[0].numel()
        axes = None if groups != 1 else (1 - weight.dim(), 0 if transposed else 1)
        return BilinearCall(convolve, left, weight, terms, axes, added)

    return read


_DIMENSIONS = (1, 2, 3)
PRODUCTS: Mapping[str, Product] = {
    "linear": Product("matmul", _linear, "features"),
    **dict.fromkeys(("matmul", "mm", "bmm", "linalg_matmul"), Product("matmul", _matmul, "batches")),
    "mv": Product("matmul", _matmul),
    "rmatmul": Product("matmul", _reflected),
    **dict.fromkeys(("inner", "dot", "vdot", "linalg_vecdot"), Product("matmul", _along_the_last_axis)),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), Product("matmul", _added(torch.matmul))),
    "addbmm": Product("matmul", _added(_summed_batches)),
    "einsum": Product("matmul", _einsum),
    "tensordot": Product("matmul", _tensordot),
    **{f"conv{axes}d": Product("conv", _convolution(transposed=False), "channels") for axes in _DIMENSIONS},
    **{f"conv_transpose{axes}d": Product("conv", _convolution(transposed=True)) for axes in _DIMENSIONS},
}
