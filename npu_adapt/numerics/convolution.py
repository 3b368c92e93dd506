"""Convolutions that are not computed as sums of products: Winograd's minimal filtering, and the Fourier transform.

Both are correct and both transform their operands, so their errors are not those of a sum: Winograd's F(4x4, 3x3) adds
and subtracts multiples of the operands that cancel in the end. Which of them a kernel takes shows on an image with a
single one in it: a sum gives back the filters to the bit, and zeros elsewhere; a transform leaves small errors, F(2x2)
in the filter's own places, F(4x4) also beside them in the tile, the Fourier transform everywhere.

Matrices of F(2x2, 3x3) and F(4x4, 3x3): Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor

from npu_adapt.numerics.arithmetic import DIRECT, Arithmetic, ConvolutionShape, Split
from npu_adapt.numerics.exact import TYPES
from npu_adapt.numerics.products import product_of_parts

Convolve = Callable[[Tensor, Tensor], Tensor]  # (image, filters), as the shape says

WINOGRAD_SIDE = 3  # of the filters that Winograd's forms are known for
LARGEST_TILE = 4  # outputs along one side of it
PLACES = ((0, 0), (1, 2), (2, 1), (3, 3))  # of the one in the image, off its middle: every place in a tile of 2 or 4
ROUNDINGS = 1.5  # roundoffs of an operand that a single product may be off
LARGEST_ERROR = 256  # roundoffs of the largest filter: a transform that loses more is wrong


@dataclass(frozen=True)
class _Winograd:
    """One of Winograd's forms for filters of three: tiles of `outputs` from transformed tiles of `outputs + 2`."""

    outputs: int
    of_image: Sequence[Sequence[float]]
    of_filters: Sequence[Sequence[float]]
    of_products: Sequence[Sequence[float]]

    def convolve(self, image: Tensor, filters: Tensor, padding: tuple[int, int], split: Split) -> Tensor:
        """The convolution, in the operands' type; `split` is what the matrix unit makes of transformed operands."""
        (height, width), side = _padded(image, padding), self.outputs + 2
        rows, columns = (size - 2 for size in (height, width))
        down, across = (-(-size // self.outputs) for size in (rows, columns))
        bottom, right = (count * self.outputs - size for count, size in ((down, rows), (across, columns)))
        padded = F.pad(image, (padding[1], padding[1] + right, padding[0], padding[0] + bottom))
        tiles = padded.unfold(2, side, self.outputs).unfold(3, side, self.outputs)
        images = _both_sides("nchwjk", self.of_image, tiles)
        kernels = _both_sides("ocjk", self.of_filters, filters)

        def multiply(one: Tensor, other: Tensor) -> Tensor:
            return torch.einsum("nchwil,ocil->nohwil", one, other)

        products = _both_sides("nohwjk", self.of_products, product_of_parts(multiply, split, images, kernels))
        whole = products.permute(0, 1, 2, 4, 3, 5).reshape(*products.shape[:2], down * self.outputs, -1)
        return whole[..., :rows, :columns].contiguous()


def _both_sides(axes: str, matrix: Sequence[Sequence[float]], tiles: Tensor) -> Tensor:
    """matrix @ tile @ matrix^T for each tile, the last two of the axes."""
    transform = torch.tensor(matrix, dtype=tiles.dtype)
    result: Tensor = torch.einsum(f"ij,{axes},lk->{axes[:-2]}il", transform, tiles, transform)
    return result


def _padded(image: Tensor, padding: tuple[int, int]) -> tuple[int, int]:
    return image.size(2) + 2 * padding[0], image.size(3) + 2 * padding[1]


def _by_fourier(image: Tensor, filters: Tensor, padding: tuple[int, int], split: Split) -> Tensor:
    """The convolution by the Fourier transform, which no matrix unit computes."""
    size = _padded(image, padding)
    padded = F.pad(image, (padding[1], padding[1], padding[0], padding[0]))
    spectra, kernels = torch.fft.rfft2(padded), torch.fft.rfft2(filters, s=size)
    products = torch.einsum("nchw,ochw->nohw", spectra, kernels.conj())
    whole: Tensor = torch.fft.irfft2(products, s=size)
    return whole[..., : size[0] - filters.size(2) + 1, : size[1] - filters.size(3) + 1].contiguous()


_TWO = _Winograd(
    2,
    ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
    ((1, 1, 1, 0), (0, 1, -1, -1)),
)
_FOUR = _Winograd(
    4,
    (
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    ),
    (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
    ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
)
_TRANSFORMS: Mapping[str, Callable[[Tensor, Tensor, tuple[int, int], Split], Tensor]] = {
    "winograd-2x2": _TWO.convolve,
    "winograd-4x4": _FOUR.convolve,
    "fft": _by_fourier,
}

_TILES = {"winograd-2x2": 2, "winograd-4x4": 4}  # their sides
ALGORITHMS = (DIRECT, *_TRANSFORMS)


def shape_of(operator: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ConvolutionShape | None:
    """The shape of a call that a transform may compute: two axes, steps of one, one group. None: it is another."""
    if operator != "conv2d":
        return None
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    given = {
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
        **dict(zip(names, args, strict=False)),
    }
    given |= kwargs
    image, filters, padding = given["input"], given["weight"], given["padding"]
    steps = (*_pair(given["stride"]), *_pair(given["dilation"]), given["groups"])
    if image.dim() != 4 or set(steps) != {1} or isinstance(padding, str) or max(filters.shape[2:]) == 1:
        return None
    return ConvolutionShape(tuple(image.shape), tuple(filters.shape), _pair(padding))


def _pair(value: Any) -> tuple[int, int]:
    """An option of a convolution for both axes."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return (values[0], values[-1])


def transformed(algorithm: str, image: Tensor, filters: Tensor, padding: tuple[int, int], split: Split) -> Tensor:
    """The convolution of float32 operands by an algorithm of the table, the matrix unit's operands made by `split`."""
    return _TRANSFORMS[algorithm](image, filters, padding, split)


def rms_by_place(error: Tensor, algorithm: str) -> Tensor:
    """The root mean square of an algorithm's error [batch, channels, height, width] at each place in its tiles.

    Over channels and tiles, since the last places of a tile lose several times what the first do. Of the error's shape.
    """
    side = _TILES.get(algorithm, 1)
    height, width = error.shape[2:]
    whole = F.pad(error.square(), (0, -width % side, 0, -height % side))
    down, across = (size // side for size in whole.shape[2:])
    squares = whole.view(-1, error.size(1), down, side, across, side).sum((1, 2, 4))  # [batch, side, side]
    rows, columns = (-(torch.arange(side) - size).div(side, rounding_mode="floor") for size in (height, width))
    rms: Tensor = (squares / (error.size(1) * rows[:, None] * columns).clamp(min=1)).sqrt_()
    return rms.repeat(1, down, across)[:, None, :height, :width].expand_as(error)


def recognise(convolve: Convolve, shape: ConvolutionShape, dtype: torch.dtype, arithmetic: Arithmetic) -> str:
    """Which algorithm a device convolves operands of that shape by: one of `ALGORITHMS`.

    `convolve` runs it there; `arithmetic` is the one that the device was found to convolve in. Direct is also what is
    far from all of them, for its errors are those of a fault, and a form of Winograd's that loses less than an
    operand's rounding, which needs no other floor.
    """
    generator = torch.Generator().manual_seed(0)
    filters = torch.randn(shape.filters, generator=generator).to(dtype)
    kept = sum(arithmetic.split(filters[:, :1].float())).double()  # type: ignore[union-attr]
    roundoff = max(arithmetic.unit_roundoff, TYPES[dtype].roundoff)
    is_winograd = False
    for row, column in _places(shape):
        image = torch.zeros(shape.image, dtype=dtype)
        image[0, 0, row, column] = 1.0
        exact = F.conv2d(image[:, :1].double(), kept, padding=shape.padding)
        error = (convolve(image, filters).double() - exact).abs_()
        if float(error.max()) > LARGEST_ERROR * roundoff * float(kept.abs().max()):
            return DIRECT
        left = (error.where(exact == 0, 0.0) > 0).nonzero()
        if len(left):
            rows, columns = (_in_tiles(at + pad) for at, pad in zip((row, column), shape.padding, strict=True))
            inside = all(int(y) in rows and int(x) in columns for _, _, y, x in left)
            return "winograd-4x4" if inside and _fits_winograd(shape) else "fft"
        is_winograd |= bool((error > ROUNDINGS * roundoff * exact.abs()).any())
    return "winograd-2x2" if is_winograd and _fits_winograd(shape) else DIRECT


def _places(shape: ConvolutionShape) -> list[tuple[int, int]]:
    """Where the image has its one: in a corner, which belongs to one tile only, and about its middle."""
    height, width = shape.image[2:]
    return [(0, 0), *(((height // 2 + down) % height, (width // 2 + across) % width) for down, across in PLACES)]


def _in_tiles(at: int) -> range:
    """The outputs of all tiles of F(4x4, 3x3) that a place of the padded image belongs to, along one axis."""
    side = LARGEST_TILE + WINOGRAD_SIDE - 1
    first = max(0, -(-(at - side + 1) // LARGEST_TILE))
    return range(first * LARGEST_TILE, (at // LARGEST_TILE + 1) * LARGEST_TILE)


def _fits_winograd(shape: ConvolutionShape) -> bool:
    return set(shape.filters[2:]) == {WINOGRAD_SIDE}
