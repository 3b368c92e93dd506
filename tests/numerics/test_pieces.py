"""Large operators in pieces: each piece is the call on a part, and together they are the whole result."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.pieces import pieces
from tests.numerics.calls import last_call, random

CUT: dict[str, Callable[[], Tensor]] = {
    "features": lambda: F.linear(random(3, 8), random(64, 8), random(64)),
    "rows of a linear layer": lambda: F.linear(random(64, 8), random(4, 8), random(4)),
    "channels": lambda: F.conv2d(random(1, 3, 8, 8), random(16, 3, 3, 3), random(16)),
    "batches": lambda: torch.bmm(random(16, 5, 7), random(16, 7, 6)),
    "rows of a product": lambda: random(64, 8) @ random(8, 4),
    "elementwise, broadcast": lambda: random(32, 9) + random(9),
    "rows of a softmax": lambda: random(32, 9).softmax(-1),
    "rows of a norm": lambda: F.layer_norm(random(32, 9), (9,), random(9), random(9)),
    "heads": lambda: F.scaled_dot_product_attention(random(1, 8, 6, 4), random(1, 8, 6, 4), random(1, 8, 6, 4)),
}
WHOLE: dict[str, Callable[[], Tensor]] = {
    "groups": lambda: F.conv2d(random(1, 4, 8, 8), random(8, 1, 3, 3), groups=4),
    "transposed convolution": lambda: F.conv_transpose2d(random(1, 4, 8, 8), random(4, 8, 3, 3)),
    "einsum": lambda: torch.einsum("ij,jk->ik", random(32, 9), random(9, 32)),
    "a sum": lambda: random(32, 9).sum(),
    "small": lambda: random(3) + random(3),
}


@pytest.mark.parametrize("case", CUT)
def test_the_pieces_make_the_whole(case: str) -> None:
    call = last_call(CUT[case])
    cut = list(pieces(call, largest=64))
    assert len(cut) > 1
    axis = cut[0].axis
    parts = [piece.call.again(lambda leaf: leaf) for piece in cut]
    torch.testing.assert_close(torch.cat(parts, axis), call.output)
    for piece, part in zip(cut, parts, strict=True):
        assert piece.of(call.output).shape == part.shape == piece.call.output.shape
        assert piece.offset(call.output)[axis] == piece.start


@pytest.mark.parametrize("case", WHOLE)
def test_what_cannot_be_cut_or_is_small_stays_whole(case: str) -> None:
    call = last_call(WHOLE[case])
    (piece,) = pieces(call, largest=64)
    assert piece.call is call and piece.offset(call.output) == ()
    assert piece.of(call.output) is call.output
