"""Devices in software: a model's operators on the CPU, in a selectable correct form, one of them wrong on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from npu_adapt.numerics.arithmetic import (
    ARITHMETICS,
    Arithmetic,
    ArithmeticByClass,
    ConvolutionShape,
    round_mantissa_away,
    truncate_mantissa,
)
from npu_adapt.numerics.capture import Call, is_result, tensors_of
from npu_adapt.numerics.convolution import shape_of
from npu_adapt.numerics.emulation import Emulation, emulate, other_last_bits, widened
from npu_adapt.numerics.exact import single
from npu_adapt.numerics.operators import Kind, kind_of, operator_class, operator_name, writes_in_place
from npu_adapt.numerics.products import product_of_parts, read_product
from npu_adapt.progress import Said, Silent, Step
from tests.benchmarks.verdict_kernels import ESTIMATES
from tests.benchmarks.verdict_sums import CUT_OFF, IN_TYPE, SUMS
from tests.benchmarks.verdict_transforms import TRANSFORMS

VECTOR_KINDS = (Kind.ELEMENTWISE, Kind.SOFTMAX, Kind.NORM)


def layer_norm_in_one_pass(x: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    axes = tuple(range(-len(shape), 0))
    mean = x.mean(axes, keepdim=True)
    scaled = (x - mean) * ((x * x).mean(axes, keepdim=True) - mean * mean + eps).rsqrt()
    scaled = scaled if weight is None else scaled * weight
    return scaled if bias is None else scaled + bias


def softmax_by_reciprocal(x: Tensor, dim: Any = None, *_: Any, **kwargs: Any) -> Tensor:
    x = x.float()
    weights = ((x - x.amax(dim, keepdim=True)) * math.log2(math.e)).exp2()
    return weights * weights.sum(dim, keepdim=True).reciprocal()


def gelu_by_its_formula(x: Tensor, approximate: str = "none") -> Tensor:
    return x * 0.5 * (1.0 + torch.erf(x * 0.5**0.5)) if approximate == "none" else F.gelu(x, approximate=approximate)


def silu_by_division(x: Tensor, inplace: bool = False) -> Tensor:
    return x / (1.0 + (-x).exp())


# Other kernels that are as correct as the CPU's, by operator.
KERNELS: Mapping[str, Mapping[str, Callable[..., Tensor]]] = {
    "own kernels": {
        "layer_norm": layer_norm_in_one_pass,
        "softmax": softmax_by_reciprocal,
        "gelu": gelu_by_its_formula,
        "silu": silu_by_division,
    },
    "kernels of estimates": ESTIMATES,
}


SUMMED_OTHERWISE = ("float32", "hf32", "tf32", "float16", "910B")


@dataclass(frozen=True)
class Form:
    """One correct device: its arithmetic and what else kernels leave open."""

    name: str
    emulation: Emulation
    kernels: str | None = None  # of vector operators, a key of KERNELS; None: the CPU's
    flushes: bool = False  # results below the smallest normal number become zero
    reversed_sums: bool = False
    transform: str | None = None  # what 3x3 convolutions are computed by, a key of TRANSFORMS; None: sums of products
    sums: str | None = None  # how products are summed, a key of SUMS; None: as the CPU's kernels do
    last_bit: int | None = None  # seed of the last-bit differences of vector operators in float32; None: it has none

    @property
    def arithmetic(self) -> ArithmeticByClass:
        return self.emulation.arithmetic

    @property
    def has_own_vector_unit(self) -> bool:
        return self.kernels is not None or self.flushes or self.last_bit is not None


def correct_forms(dtype: str = "float32") -> tuple[Form, ...]:
    """Every arithmetic with every order of sums, form of attention and kind of vector unit that is tried.

    For a half typed model the arithmetic is its type's, and vector units compute in float32 and round at the end.
    """
    if dtype != "float32":
        arithmetic = ArithmeticByClass.uniform(dtype)
        choices = list(product((False, True), repeat=3))
        return (
            tuple(
                Form(
                    ", ".join(
                        [dtype, *["flash attention"] * fused, *["blocked sums"] * blocked, *["reversed"] * reverse]
                    ),
                    Emulation(arithmetic, fused_attention=fused, blocked_sums=blocked),
                    reversed_sums=reverse,
                )
                for fused, blocked, reverse in choices
            )
            + tuple(
                Form(
                    f"{dtype}, own kernels, last bits {bits}" + ", flash attention, blocked sums" * fused,
                    Emulation(arithmetic, fused_attention=fused, blocked_sums=fused),
                    kernels="own kernels",
                    last_bit=bits,
                )
                for fused in (False, True)
                for bits in (1, 2)
            )
            + (Form(f"{dtype}, kernels of estimates", Emulation(arithmetic), kernels="kernels of estimates"),)
            + tuple(_summing(dtype, arithmetic, (*SUMS, *IN_TYPE)))
        )
    arithmetics = {name: ArithmeticByClass.uniform(name) for name in ARITHMETICS}
    arithmetics["910B"] = ArithmeticByClass(*(ARITHMETICS[name] for name in ("float32", "hf32", "float32")))
    forms = []
    for name, arithmetic in arithmetics.items():
        plain, blocked = Emulation(arithmetic), Emulation(arithmetic, blocked_sums=True)
        fused = Emulation(arithmetic, fused_attention=True)
        both = Emulation(arithmetic, fused_attention=True, blocked_sums=True)
        forms += [
            Form(f"{name}", plain),
            Form(f"{name}, blocked sums", blocked),
            Form(f"{name}, flash attention", fused),
            Form(f"{name}, flash attention, blocked sums", both),
            Form(f"{name}, reversed sums", plain, reversed_sums=True),
            Form(f"{name}, last bits", plain, last_bit=1),
            Form(f"{name}, own kernels", fused, kernels="own kernels"),
            Form(f"{name}, own kernels, last bits, blocked", both, kernels="own kernels", last_bit=2),
            Form(f"{name}, kernels of estimates", blocked, kernels="kernels of estimates"),
        ]
        if name in SUMMED_OTHERWISE:
            forms += _summing(name, arithmetic, tuple(SUMS))
    forms.append(Form("float32, flushed", Emulation(arithmetics["float32"]), flushes=True))
    for name, row in OPERANDS.items():
        arithmetic = ArithmeticByClass(row, row, row)
        forms += [
            Form(name, Emulation(arithmetic)),
            Form(f"{name}, flash attention, blocked sums", Emulation(arithmetic, True, True)),
            Form(f"{name}, kernels of estimates", Emulation(arithmetic), kernels="kernels of estimates"),
        ]
    return tuple(forms)


def _in_three(tensor: Tensor) -> tuple[Tensor, ...]:
    high = tensor.bfloat16().float()
    middle = (tensor - high).bfloat16().float()
    return high, middle, (tensor - high - middle).bfloat16().float()


# What units do to operands beside the rows of ARITHMETICS.
OPERANDS: Mapping[str, Arithmetic] = {
    "tf32 cut off": replace(ARITHMETICS["tf32"], split=lambda each: (truncate_mantissa(each, 10),), truncates=True),
    "hf32, ties away": replace(ARITHMETICS["hf32"], split=lambda each: (round_mantissa_away(each, 11),)),
    "bfloat16 in three": replace(ARITHMETICS["float32"], split=_in_three),
}


def _summing(name: str, arithmetic: ArithmeticByClass, ways: Sequence[str]) -> Iterator[Form]:
    """The arithmetic with each of these ways of SUMS."""
    for sums in ways:
        matmul = replace(arithmetic.matmul, truncating_sums=sums in CUT_OFF)
        yield Form(f"{name}, {sums}", Emulation(replace(arithmetic, matmul=matmul)), sums=sums)


@dataclass
class Operation:
    """One operator as a device runs it: what a fault may look at and run again."""

    index: int
    operator: str
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    execute: Callable[..., Any]

    def again(self, *args: Any, **kwargs: Any) -> Any:
        """The same operator of other arguments, on the same device."""
        return self.execute(self.function, args, kwargs)


Fault = Callable[[Operation], Any]  # gives the wrong result


class SoftDevice(TorchFunctionMode):
    """Runs what is called in it as its form does; `fault` makes the result of call number `at` wrong.

    Calls are counted as `capture` counts them; `replaying` says which one a call by itself is. `fired` counts the wrong
    results that differ from the right ones; `only` lets just that execution of the call be wrong, counted from 0.
    """

    def __init__(self, form: Form, fault: Fault | None = None, at: int = -1, only: int | None = None) -> None:
        super().__init__()
        self.form, self.fault, self.at, self.only = form, fault, at, only
        self.fired = self.executions = 0
        self._count = 0
        self._replayed: int | None = None

    @contextmanager
    def replaying(self, index: int) -> Any:
        self._replayed = index
        try:
            with self:
                yield
        finally:
            self._replayed = None

    @contextmanager
    def forward(self) -> Any:
        self._count = 0
        with self:
            yield

    def replay(self, call: Call) -> tuple[Tensor, ...]:
        """The call's results on this device."""
        with self.replaying(call.index):
            return tensors_of(call.again(lambda leaf: leaf))

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = self.execute(func, args, kwargs)
        output = args[0] if result is None and args and writes_in_place(func, kwargs) else result
        if not is_result(operator_name(func), tensors_of(output)):
            return result
        index = self._count if self._replayed is None else self._replayed
        self._count += 1
        if self.fault is None or index != self.at:
            return result
        return self._wrong(index, func, args, kwargs, result)

    def _wrong(self, index: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        execution, self.executions = self.executions, self.executions + 1
        if self.only is not None and execution != self.only:
            return result
        assert self.fault is not None
        name = operator_name(func)
        right = result.clone() if isinstance(result, Tensor) else result
        wrong = self.fault(Operation(index, name, func, args, kwargs, right.clone(), self.execute))
        same = torch.equal(wrong, right) or bool(((wrong == right) | (wrong.isnan() & right.isnan())).all())
        self.fired += not same
        if writes_in_place(func, kwargs):
            result.copy_(wrong)
            return result
        return wrong.to(right.dtype)

    def execute(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The operator as the form runs it."""
        name = operator_name(func)
        if writes_in_place(func, kwargs):
            with emulate(self.form.emulation):
                return func(*args, **kwargs)
        if kind_of(name) in VECTOR_KINDS and self.form.has_own_vector_unit:
            return self._on_vector_unit(name, func, args, kwargs)
        shape = None if self.form.transform is None else shape_of(name, args, kwargs)
        if shape is not None and shape.filters[2:] == (3, 3):
            return self._transformed(shape, args, kwargs)
        if self.form.sums is not None and operator_class(name) == "matmul":
            return self._summed(name, func, args, kwargs)
        if self.form.reversed_sums and name in ("linear", "matmul"):
            args = (args[0].flip(-1), args[1].flip(-1 if name == "linear" else -2), *args[2:])
        with emulate(self.form.emulation):
            return func(*args, **kwargs)

    def _transformed(self, shape: ConvolutionShape, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """A convolution of F.conv2d's arguments by the form's transform, in float32, rounded to the type it has."""
        image, filters, bias = (*args, *([None] if len(args) < 3 else []))[:3]
        transform = TRANSFORMS[self.form.transform or ""]
        result = transform(image.float(), filters.float(), shape.padding, self.form.arithmetic.conv.split)
        bias = kwargs.get("bias", bias)
        return (result if bias is None else result + bias.float()[:, None, None]).to(image.dtype)

    def _summed(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A product whose sums are taken as the form does."""
        taken = read_product(name, func, args, kwargs)
        if taken is None or taken.summed is None or self.form.sums is None:
            return func(*args, **kwargs)
        (left, right, added), narrow = widened(taken.left, taken.right, taken.added)
        summed = SUMS[self.form.sums] if self.form.sums in SUMS else partial(IN_TYPE[self.form.sums], taken.left.dtype)
        multiply = partial(summed, taken.multiply, taken.summed)
        product = product_of_parts(multiply, self.form.arithmetic.matmul.split, left, right)
        return narrow(taken.completed(product, added))

    def _on_vector_unit(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """In float32, by the form's own kernel and with its own last bits; rounded at the end to the type it has."""
        typed = func(*args, **kwargs)
        wide_args, wide_kwargs = tree_map(single, (args, kwargs))
        kernel = func if self.form.kernels is None else KERNELS[self.form.kernels].get(name, func)
        if kernel is not func:
            wide_kwargs = {key: value for key, value in wide_kwargs.items() if key not in ("_stacklevel", "dtype")}
        result = kernel(*wide_args, **wide_kwargs)
        if self.form.last_bit is not None:
            result = other_last_bits(result, self.form.last_bit)
        if self.form.flushes and isinstance(result, Tensor) and result.is_floating_point():
            result = result.masked_fill(result.abs() < torch.finfo(result.dtype).tiny, 0.0)
        return result.to(typed.dtype) if isinstance(result, Tensor) and isinstance(typed, Tensor) else typed


class CallsInOrder(Silent):
    """Which call `judge_operators` replays: it advances by one after each."""

    def __init__(self) -> None:
        self.current = 0

    @contextmanager
    def task(self, description: Said, total: float | None = None, unit: str = "") -> Iterator[Step]:
        yield self

    def advance(self, amount: float) -> None:
        self.current += 1

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        pass
