"""Asks a device which arithmetic it multiplies in, class by class. The model takes no part."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor

from npu_adapt.devices.device import Device
from npu_adapt.errors import first_line
from npu_adapt.numerics.arithmetic import (
    ARITHMETICS,
    COARSEST_UNASKED,
    DIRECT,
    OPERATOR_CLASSES,
    Arithmetic,
    ArithmeticByClass,
    ConvolutionShape,
)
from npu_adapt.numerics.convolution import ALGORITHMS, recognise
from npu_adapt.numerics.probe import Reading, overflows_exp, read_attention, read_product
from npu_adapt.numerics.sum_order import SumOrder, read_order
from npu_adapt.records import (
    ArithmeticFound,
    ArithmeticReading,
    ArithmeticReport,
    ConvolutionFound,
    Fact,
    SumOrderFound,
)
from npu_adapt.workflows.compare.facts import note
from npu_adapt.workflows.compare.floor import NoiseFloor

Found = TypeVar("Found")

# Failures that say nothing of the operator: the run cannot go on.
FATAL = frozenset({"out-of-memory", "device-lost", "timeout", "initialisation"})


MOST_ELEMENTS = 1 << 26  # of a convolution that is asked for its algorithm
SHAPES_NAMED = 4  # in a note
SIZES_ASKED = 3  # of the sums of a model's products, the most frequent


@dataclass(frozen=True)
class Probed:
    """What the device showed; a class that could not be probed has an error instead of a reading."""

    readings: dict[str, Reading]
    failures: dict[str, str]  # class of operators -> the message of its error
    exp_overflows: bool | None  # None: the device has no exponential to ask

    def records(self) -> tuple[ArithmeticReading, ...]:
        """The readings, for the record."""
        return tuple(
            ArithmeticReading(
                operators=operators,
                arithmetic=reading.arithmetic,
                operand_bits=reading.operand_bits,
                rounding=reading.rounding,
                accumulation_bits=reading.accumulation_bits,
                overflows=reading.overflows,
                flushes_denormals=reading.flushes_denormals,
                truncates_sums=reading.truncates_sums,
            )
            for operators, reading in self.readings.items()
        )


def probe(
    device: Device, dtype: torch.dtype, context: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Probed:
    """Probes every class of operators on `device`, in `dtype`. Raises `RunFailed` where the device itself gives up."""

    def product(left: Tensor, right: Tensor) -> Tensor:
        return _on(device, torch.matmul, left, right)

    def convolution(left: Tensor, right: Tensor) -> Tensor:
        """The product as a 1x1 convolution: rows are positions, columns of `right` are its filters."""
        image = left.T.reshape(1, left.size(1), left.size(0), 1)
        filters = right.T.reshape(right.size(1), right.size(0), 1, 1)
        return _on(device, F.conv2d, image, filters).reshape(right.size(1), left.size(0)).T

    def attention(*operands: Tensor) -> Tensor:
        return _on(device, _unscaled_attention, *(operand[None, None] for operand in operands))[0, 0]

    probes: dict[str, Callable[[], Reading]] = {
        "matmul": lambda: read_product(product, dtype),
        "conv": lambda: read_product(convolution, dtype),
        "attention": lambda: read_attention(attention, dtype),
    }
    readings: dict[str, Reading] = {}
    failures: dict[str, str] = {}
    with torch.inference_mode(), context():
        for operators, read in probes.items():
            found = _asked(device, read)
            if isinstance(found, str):
                failures[operators] = found
            else:
                readings[operators] = found
        exp = _asked(device, lambda: overflows_exp(lambda values: _on(device, torch.exp, values)))
    return Probed(readings, failures, None if isinstance(exp, str) else exp)


class Convolutions:
    """By which algorithm a device convolves, asked of it once for each shape that a model has."""

    def __init__(
        self,
        device: Device,
        dtype: torch.dtype,
        arithmetic: Arithmetic,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._device, self._dtype, self._arithmetic, self._context = device, dtype, arithmetic, context
        self._found: dict[ConvolutionShape, str] = {}
        self._too_large: list[ConvolutionShape] = []
        self._failed: list[ConvolutionShape] = []

    def algorithm_of(self, shape: ConvolutionShape) -> str:
        """A key of `numerics.convolution`'s table, or "direct": by sums of products, or not to be told."""
        if shape not in self._found:
            self._found[shape] = self._ask(shape)
        return self._found[shape]

    def records(self) -> tuple[ConvolutionFound, ...]:
        """Those that are no sums of products, for the record."""
        return tuple(
            ConvolutionFound(image=shape.image, filters=shape.filters, padding=shape.padding, algorithm=algorithm)
            for shape, algorithm in self._found.items()
            if algorithm != DIRECT
        )

    def notes(self) -> tuple[Fact, ...]:
        """Those that could not be asked, and are held to what sums of products lose."""
        found: list[Fact] = []
        if self._too_large:
            found.append(note("convolutions-too-large", convolutions=_written(self._too_large)))
        if self._failed:
            found.append(note("convolutions-not-told", convolutions=_written(self._failed)))
        return tuple(found)

    def _ask(self, shape: ConvolutionShape) -> str:
        if math.prod(shape.image) + math.prod(shape.filters) > MOST_ELEMENTS:
            self._too_large.append(shape)
            return DIRECT

        def convolve(image: Tensor, filters: Tensor) -> Tensor:
            with self._context():  # of the device alone: what it should give is computed outside
                return _on(self._device, partial(F.conv2d, padding=shape.padding), image, filters)

        with torch.inference_mode():
            found = _asked(self._device, lambda: recognise(convolve, shape, self._dtype, self._arithmetic))
        if found in (DIRECT, *ALGORITHMS):
            return found
        self._failed.append(shape)  # it is the message of an error
        return DIRECT


def _written(shapes: Sequence[ConvolutionShape]) -> tuple[str, ...]:
    return tuple(f"{list(shape.image)} * {list(shape.filters)}" for shape in shapes[:SHAPES_NAMED])


def read_orders(
    device: Device,
    dtype: torch.dtype,
    module: torch.nn.Module,
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[SumOrderFound, ...]:
    """In which order the device sums products of the sizes that the module's linear layers have most often."""

    def product(left: Tensor, right: Tensor) -> Tensor:
        with context():
            return _on(device, torch.matmul, left, right)

    sizes = Counter(int(each.in_features) for each in module.modules() if isinstance(each, torch.nn.Linear))
    found: dict[int, SumOrder] = {}
    with torch.inference_mode():
        for terms, _ in sizes.most_common(SIZES_ASKED):
            order = _asked(device, partial(read_order, product, dtype, terms)) if terms > 2 else ""
            if isinstance(order, SumOrder):
                found.setdefault(order.terms, order)
    return tuple(SumOrderFound(**vars(order)) for order in found.values())


def summed_in(arithmetic: ArithmeticByClass, orders: Sequence[SumOrderFound]) -> ArithmeticByClass:
    """The arithmetic with the blocks that the device was seen to sum products in, if it was seen in any."""
    block = next((order.block for order in orders if order.order == "blocks"), None)
    return dataclasses.replace(arithmetic, matmul=dataclasses.replace(arithmetic.matmul, block=block))


def arithmetic_to_judge_at(probed: Probed, asked: str, dtype: torch.dtype) -> ArithmeticByClass:
    """The arithmetic whose floor the device is held to.

    The one asked for; under `auto` what was found, but no coarser than what a model of `dtype` may get unasked. A class
    that could not be probed is held to what the matrix products were found to be, else to the finest.
    """
    if asked != "auto":
        return ArithmeticByClass(*(_summed_as(probed.readings.get(each), asked) for each in OPERATOR_CLASSES))
    coarsest = ARITHMETICS[COARSEST_UNASKED[dtype]]
    finest = ARITHMETICS["float32" if dtype == torch.float32 else COARSEST_UNASKED[dtype]]

    def held_to(operators: str) -> Arithmetic:
        reading = probed.readings.get(operators) or probed.readings.get("matmul")
        found = finest if reading is None else reading.emulated()
        return coarsest if found is None or found.mantissa_bits < coarsest.mantissa_bits else found

    return ArithmeticByClass(*map(held_to, OPERATOR_CLASSES))


def _summed_as(reading: Reading | None, asked: str) -> Arithmetic:
    """The arithmetic asked for, with sums as the device was seen to take them: nobody can ask for other ones."""
    row = ARITHMETICS[asked]
    truncates = reading is not None and bool(reading.truncates_sums)
    return dataclasses.replace(row, truncating_sums=True) if truncates else row


def arithmetic_report(
    asked: str,
    probed: Probed,
    judged_at: ArithmeticByClass,
    floor: NoiseFloor | None,
    convolutions: tuple[ConvolutionFound, ...] = (),
    sums: tuple[SumOrderFound, ...] = (),
) -> ArithmeticReport:
    """What was asked of the device's arithmetic and what was found, for the classes that the model uses."""
    used = None if floor is None else floor.operators

    def found(operators: str) -> str | None:
        reading = probed.readings.get(operators)
        return None if reading is None or (used is not None and operators not in used) else reading.arithmetic

    return ArithmeticReport(
        asked=asked,
        found=ArithmeticFound(**{operators: found(operators) for operators in OPERATOR_CLASSES}),
        readings=probed.records(),
        exp_overflows=probed.exp_overflows,
        convolutions=convolutions,
        sums=sums,
        judged_at=None if floor is None else str(judged_at),
        fits=None if floor is None else floor.fits,
    )


def _unscaled_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, scale=1.0)


def _on(device: Device, operator: Callable[..., Tensor], *operands: Tensor) -> Tensor:
    return operator(*(operand.to(device.torch_device) for operand in operands)).cpu()


def _asked(device: Device, question: Callable[[], Found]) -> Found | str:
    """The answer, or the message of the error that the device gave instead."""
    try:
        return question()
    except (RuntimeError, NotImplementedError) as error:
        failure = device.classify(error, "probe")
        if failure is not None and failure.kind in FATAL:
            raise failure from error
        return first_line(error)
