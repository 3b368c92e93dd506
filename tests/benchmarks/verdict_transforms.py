"""Convolutions of devices that transform their operands, written otherwise than the package emulates them.

Winograd's forms as products of whole flattened tiles with Kronecker products, one tile after the other in its sums;
the Fourier transform as a complex one of both operands, without the half that real numbers do not need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import Split
from npu_adapt.numerics.products import product_of_parts

Transform = Callable[[Tensor, Tensor, tuple[int, int], Split], Tensor]

# (image, filters, products) of F(2, 3) and F(4, 3), interpolated at 0, 1, -1 and 0, 1, -1, 2, -2.
_FORMS = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, 1]],
    ),
    4: (
        [
            [1, 0, -1.25, 0, 0.25, 0],
            [0, 1, 1, -0.25, -0.25, 0],
            [0, -1, 1, 0.25, -0.25, 0],
            [0, -0.5, -0.25, 0.5, 0.25, 0],
            [0, 0.5, -0.25, -0.5, 0.25, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [1, 0, 0],
            [2 / 3, 2 / 3, 2 / 3],
            [2 / 3, -2 / 3, 2 / 3],
            [1 / 6, 1 / 3, 2 / 3],
            [1 / 6, -1 / 3, 2 / 3],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}


def _winograd(outputs: int, image: Tensor, filters: Tensor, padding: tuple[int, int], split: Split) -> Tensor:
    of_image, of_filters, of_products = (torch.tensor(each, dtype=image.dtype) for each in _FORMS[outputs])
    side = outputs + 2
    rows, columns = (image.size(2 + axis) + 2 * padding[axis] - 2 for axis in (0, 1))
    down, across = -(-rows // outputs), -(-columns // outputs)
    image = F.pad(image, (padding[1], side + padding[1], padding[0], side + padding[0]))
    patches = F.unfold(image[..., : down * outputs + 2, : across * outputs + 2], side, stride=outputs)
    tiles = patches.reshape(image.size(0), image.size(1), side * side, -1)
    spread = torch.kron(of_image, of_image) @ tiles  # [batch, channels, places, tiles]
    kernels = filters.reshape(*filters.shape[:2], 9) @ torch.kron(of_filters, of_filters).T

    def multiply(one: Tensor, other: Tensor) -> Tensor:
        return torch.matmul(other.permute(2, 0, 1), one.permute(0, 2, 1, 3)).permute(0, 2, 1, 3)

    products = product_of_parts(multiply, split, spread, kernels)
    whole = torch.kron(of_products, of_products) @ products
    folded = whole.reshape(*whole.shape[:2], outputs, outputs, down, across).permute(0, 1, 4, 2, 5, 3)
    return folded.reshape(*whole.shape[:2], down * outputs, across * outputs)[..., :rows, :columns]


def _fourier(image: Tensor, filters: Tensor, padding: tuple[int, int], split: Split) -> Tensor:
    image = F.pad(image, (padding[1], padding[1] + 3, padding[0], padding[0] + 3))
    size = image.shape[2:]
    spectrum = torch.einsum("nchw,ochw->nohw", torch.fft.fft2(image), torch.fft.fft2(filters.flip(2, 3), s=size))
    whole = torch.fft.ifft2(spectrum).real
    return whole[..., filters.size(2) - 1 : size[0] - 3, filters.size(3) - 1 : size[1] - 3].contiguous()


TRANSFORMS: Mapping[str, Transform] = {
    "winograd-2x2": partial(_winograd, 2),
    "winograd-4x4": partial(_winograd, 4),
    "fft": _fourier,
}
