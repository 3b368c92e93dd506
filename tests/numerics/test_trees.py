"""Arguments of torch functions, walked as torch's own pytree walks them."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

from npu_adapt.numerics.trees import leaves, mapped

Pair = namedtuple("Pair", "first second")
TREES: tuple[Any, ...] = (
    (1, None, [torch.ones(2), {"dim": -1, "other": (2.0, "none")}]),
    Pair(1, [2, 3]),
    [OrderedDict(a=1, b=(2,))],
    (torch.Size([1, 2]), torch.float32, torch.device("cpu"), slice(1, 2), ...),
    torch.ones(3).max(0),
    (),
    {},
)


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: type(tree).__name__)
def test_trees_are_walked_as_torch_walks_them(tree: Any) -> None:
    assert [id(leaf) for leaf in leaves(tree)] == [id(leaf) for leaf in tree_leaves(tree)]
    found, expected = mapped(lambda leaf: leaf, tree), tree_map(lambda leaf: leaf, tree)
    assert type(found) is type(expected)
    assert [id(leaf) for leaf in tree_leaves(found)] == [id(leaf) for leaf in tree_leaves(expected)]


def test_a_size_stays_one():
    (size,) = mapped(lambda leaf: leaf, (torch.ones(2, 3).size(),))
    assert size[:-1].numel() == 2
