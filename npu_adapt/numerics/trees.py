"""What torch's own `tree_map` and `tree_iter` do, fast for what functions of tensors are called with.

Tuples, lists and dictionaries are walked here; anything that is no plain leaf either is left to torch, which knows
named tuples and what others have registered. A model's forward makes thousands of calls, each walked a dozen times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_iter, tree_map

_LEAVES = frozenset(
    {Tensor, torch.nn.Parameter, torch.dtype, torch.device, int, float, bool, str, type(None), slice, type(...)}
)


def mapped(convert: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with each leaf converted."""
    kind = type(tree)
    if kind in _LEAVES:
        return convert(tree)
    if kind is tuple:
        return tuple([mapped(convert, each) for each in tree])
    if kind is list:
        return [mapped(convert, each) for each in tree]
    if kind is torch.Size:  # whole numbers, of which torch would make a plain tuple
        return tree
    if kind is dict:
        return {name: mapped(convert, each) for name, each in tree.items()}
    return tree_map(convert, tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves, in order."""
    found: list[Any] = []
    _gather(tree, found)
    return found


def _gather(tree: Any, found: list[Any]) -> None:
    kind = type(tree)
    if kind in _LEAVES:
        found.append(tree)
    elif kind is tuple or kind is list:
        for each in tree:
            _gather(each, found)
    elif kind is dict:
        for each in tree.values():
            _gather(each, found)
    else:
        found.extend(tree_iter(tree))
