"""Parameters that no file holds because the model's own code computes them: Marian's sine positions.

An architecture declares that such a parameter is not missed. That alone proves nothing, since heads that are to be
trained are declared so too. What is computed comes out the same whatever the seed; what is drawn does not, and what is
filled with one value (a norm's ones) is no table of anything.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from npu_adapt.numerics.bits import same_bits

SEEDS = (1, 2)  # of two computations, which must agree with what was loaded


def computed(module: nn.Module, missing: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the `missing` parameters that the architecture declares, and computes to what they are now."""
    return tuple(name for name in missing if _is_declared(module, name) and _comes_out_again(module, name))


def _declaring(module: nn.Module, name: str) -> list[tuple[str, Any]]:
    """(path, model) of the models of transformers that a parameter belongs to, the innermost first."""
    owners = ((path, part) for path, part in module.named_modules() if not path or name.startswith(f"{path}."))
    return sorted(
        ((path, part) for path, part in owners if hasattr(part, "_init_weights")), key=lambda found: -len(found[0])
    )


def _is_declared(module: nn.Module, name: str) -> bool:
    for path, model in _declaring(module, name):
        own = name[len(path) + 1 :] if path else name
        patterns = getattr(model, "_keys_to_ignore_on_load_missing", None) or ()
        if any(re.search(pattern, own) for pattern in patterns):
            return True
    return False


def _comes_out_again(module: nn.Module, name: str) -> bool:
    """Whether the model's own initialisation gives the same table for every seed."""
    parent, _, child = name.rpartition(".")
    owner, (_, model) = module.get_submodule(parent), _declaring(module, name)[0]
    kept = owner._parameters.get(child)
    if kept is None or bool((kept == kept.reshape(-1)[:1]).all()):
        return False
    try:
        return all(_again(model, owner, child, kept, seed) for seed in SEEDS)
    finally:
        owner._parameters[child] = kept


def _again(model: Any, owner: nn.Module, child: str, kept: Tensor, seed: int) -> bool:
    """Initialises a parameter of no value anew; one that stays as it is was left to the file."""
    fresh = nn.Parameter(torch.full_like(kept, torch.nan), requires_grad=False)
    owner._parameters[child] = fresh
    with torch.random.fork_rng(devices=()), torch.no_grad():
        torch.manual_seed(seed)
        model._init_weights(owner)
    made = owner._parameters[child]
    return made is not None and same_bits(made.detach().to(kept.dtype), kept.detach())
