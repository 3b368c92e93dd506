"""Convolutions by a transform: right, recognised by what they leave, and judged by a floor of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, DIRECT, Arithmetic, ArithmeticByClass, ConvolutionShape
from npu_adapt.numerics.convolution import ALGORITHMS, recognise, rms_by_place, shape_of, transformed
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.products import product_of_parts
from tests.benchmarks.verdict_transforms import TRANSFORMS
from tests.numerics.calls import last_call, random, reading

TRANSFORMED = tuple(each for each in ALGORITHMS if each != DIRECT)
SHAPE = ConvolutionShape((1, 16, 28, 28), (8, 16, 3, 3), (1, 1))


def exact(image: Tensor, filters: Tensor, padding: int | tuple[int, int] = 0) -> Tensor:
    return F.conv2d(image.double(), filters.double(), padding=padding)


@pytest.mark.core
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 0)], ids=str)
@pytest.mark.parametrize("algorithm", TRANSFORMED)
def test_a_transform_gives_the_convolution(algorithm: str, padding: tuple[int, int]) -> None:
    image, filters = random(2, 5, 11, 14), random(4, 5, 3, 3)
    found = transformed(algorithm, image.double(), filters.double(), padding, lambda x: (x,))
    assert torch.allclose(found, exact(image, filters, padding), rtol=1e-12, atol=1e-12)


def test_the_fourier_transform_takes_filters_of_any_side() -> None:
    image, filters = random(1, 3, 9, 9), random(4, 3, 5, 2)
    found = transformed("fft", image.double(), filters.double(), (1, 1), lambda x: (x,))
    assert torch.allclose(found, exact(image, filters, 1), rtol=1e-12, atol=1e-12)


def test_winograd_of_four_by_four_loses_several_times_what_a_sum_does() -> None:
    image, filters = random(1, 64, 20, 20), random(16, 64, 3, 3)
    truth = exact(image, filters)

    def error(result: Tensor) -> float:
        return float((result - truth).norm() / truth.norm())

    two, four = (error(transformed(f"winograd-{n}x{n}", image, filters, (0, 0), lambda x: (x,))) for n in (2, 4))
    assert 3 * error(F.conv2d(image, filters)) < four < 1e-5 and two < four / 3


def by(algorithm: str, arithmetic: Arithmetic, dtype: torch.dtype) -> Callable[[Tensor, Tensor], Tensor]:
    """A device that convolves so, its transforms written otherwise than the package's."""

    def convolve(image: Tensor, filters: Tensor) -> Tensor:
        def sums(one: Tensor, other: Tensor) -> Tensor:
            return F.conv2d(one, other, padding=SHAPE.padding)

        wide = (image.float(), filters.float())
        if algorithm == DIRECT:
            return product_of_parts(sums, arithmetic.split, *wide).to(dtype)
        return TRANSFORMS[algorithm](*wide, SHAPE.padding, arithmetic.split).to(dtype)

    return convolve


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", ARITHMETICS)
def test_the_algorithm_is_recognised_in_every_arithmetic(name: str, algorithm: str) -> None:
    arithmetic = ARITHMETICS[name]
    assert recognise(by(algorithm, arithmetic, torch.float32), SHAPE, torch.float32, arithmetic) == algorithm
    if name in ("float16", "bfloat16"):
        dtype = getattr(torch, name)
        found = recognise(by(algorithm, arithmetic, dtype), SHAPE, dtype, arithmetic)
        assert found in (algorithm, DIRECT) if algorithm == "fft" else found == algorithm


@pytest.mark.parametrize("side", [5, 6, 7, 8, 13])
@pytest.mark.parametrize("algorithm", ["winograd-4x4", "fft"])
def test_small_pictures_tell_a_tile_from_the_whole(algorithm: str, side: int) -> None:
    shape = ConvolutionShape((1, 4, side, side), (8, 4, 3, 3), (1, 1))
    arithmetic = ARITHMETICS["float32"]
    assert recognise(by(algorithm, arithmetic, torch.float32), shape, torch.float32, arithmetic) == algorithm


def test_the_error_at_each_place_of_a_tile_is_its_own() -> None:
    error = torch.zeros(1, 2, 5, 6, dtype=torch.float64)
    error[:, :, 3::4, 1::4] = 2.0
    found = rms_by_place(error, "winograd-4x4")
    assert torch.equal(found, error)
    assert float(rms_by_place(error, "fft")[0, 0, 0, 0]) == pytest.approx((2 * 4 / 30) ** 0.5)


def test_a_wrong_convolution_is_taken_for_none_of_them() -> None:
    def short_of_a_row(image: Tensor, filters: Tensor) -> Tensor:
        result = F.conv2d(image, filters, padding=1)
        result[:, :, 14:] = 0.5
        return result

    assert recognise(short_of_a_row, SHAPE, torch.float32, ARITHMETICS["float32"]) == DIRECT


NOT_TRANSFORMED: dict[str, Callable[[], Tensor]] = {
    "steps of two": lambda: F.conv2d(random(1, 2, 8, 8), random(2, 2, 3, 3), stride=2),
    "groups": lambda: F.conv2d(random(1, 2, 8, 8), random(2, 1, 3, 3), groups=2),
    "one pixel": lambda: F.conv2d(random(1, 2, 8, 8), random(2, 2, 1, 1)),
    "one axis": lambda: F.conv1d(random(1, 2, 8), random(2, 2, 3)),
    "a linear layer": lambda: F.linear(random(1, 2), random(2, 2)),
}


@pytest.mark.parametrize("name", NOT_TRANSFORMED)
def test_other_convolutions_are_sums_of_products(name: str) -> None:
    call = last_call(NOT_TRANSFORMED[name])
    assert shape_of(call.operator, call.args, call.kwargs) is None


@pytest.mark.parametrize("name", ["float32", "hf32", "tf32", "float16", "bfloat16"])
@pytest.mark.parametrize("algorithm", TRANSFORMED)
def test_a_recognised_transform_passes_and_a_fault_in_it_does_not(algorithm: str, name: str) -> None:
    image, filters = random(1, 32, 20, 20), random(24, 32, 3, 3)
    arithmetic = ARITHMETICS[name]
    found = TRANSFORMS[algorithm](image, filters, (1, 1), arithmetic.split)

    def run() -> Tensor:
        return F.conv2d(image, filters, padding=1)

    held_to = replace(arithmetic, algorithm=algorithm)
    assert reading(run, found, held_to).broken is None
    for fault in (lambda y: y.roll(1, 2), lambda y: y.where(y < y.max(), 0.0)):
        assert reading(run, fault(found), held_to).broken is not None


def test_winograd_fails_where_the_device_was_seen_to_take_sums() -> None:
    image, filters = random(1, 32, 20, 20), random(24, 32, 3, 3)
    found = TRANSFORMS["winograd-4x4"](image, filters, (1, 1), ARITHMETICS["float32"].split)
    assert reading(lambda: F.conv2d(image, filters, padding=1), found).broken is not None


def test_an_emulation_convolves_as_the_device_does() -> None:
    image, filters = random(1, 4, 9, 9), random(4, 4, 3, 3)
    arithmetic = replace(ArithmeticByClass.uniform("hf32"), algorithm_of=lambda shape: "winograd-4x4")
    with emulate(Emulation(arithmetic)):
        found = F.conv2d(image, filters)
    assert torch.equal(found, transformed("winograd-4x4", image, filters, (0, 0), ARITHMETICS["hf32"].split))
