"""The proof that a model's weights are the checkpoint's: each parameter equal, bit for bit, to its named source.

Equal bytes anywhere in the file would prove nothing, since one bias of zeros equals another. What loading does to a
tensor on purpose is done to its source before comparing: the cast to the run's type, transformers' renaming and fusion;
a parameter tied to a proven one is the same object and needs no source of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.models.checkpoint import Checkpoint, StoredTensor
from npu_adapt.models.renaming import Origin, map_names
from npu_adapt.numerics.bits import same_bits
from npu_adapt.records import Fact, Value


@dataclass(frozen=True)
class Proof:
    """What was found; names are the model's, those of `unexpected` the checkpoint's."""

    proven: int  # tensors found equal to their source
    unequal: tuple[str, ...]  # a source is there, and its values are not the model's
    mismatched: tuple[str, ...]  # a source is there, and has another shape
    missing: tuple[str, ...]  # no source, and no proven parameter that it is tied to
    unexpected: tuple[str, ...]
    conversions: tuple[Fact, ...]
    doubts: tuple[Fact, ...]


# Id and values of a conversion -> how many tensors it was undone for.
Conversions = Counter[tuple[str, tuple[tuple[str, Value], ...]]]


def prove(module: torch.nn.Module, checkpoint: Checkpoint, advance: Callable[[float], None]) -> Proof:
    """Compares all of `module`'s state with `checkpoint`, which is read once; `advance` is told of the bytes read."""
    names = map_names(module, checkpoint.tensors.keys())
    state = module.state_dict(keep_vars=True)
    verdicts: dict[str, str] = {}
    conversions: Conversions = Counter()
    for origin in names.origins:
        sources = {name: checkpoint.tensors[name] for name in origin.sources}
        verdicts.update(_judge(origin, sources, state, conversions))
        advance(sum(source.nbytes for source in sources.values()))
    proven = {name for name, verdict in verdicts.items() if verdict == "equal"}
    tied = _tied(state, proven)
    without = {name for name in state if name not in verdicts and name not in tied and _is_weight(state[name])}
    failed = {name: verdict for name, verdict in verdicts.items() if verdict != "equal" and name not in tied}
    return Proof(
        proven=len(proven),
        unequal=_having(failed, "unequal"),
        mismatched=_having(failed, "mismatched"),
        missing=tuple(sorted(without)),
        unexpected=names.unexpected,
        conversions=(
            *(Fact(found, {**dict(values), "tensors": count}) for (found, values), count in conversions.items()),
            *(Fact("tied", {"name": name, "other": other}) for name, other in tied.items()),
        ),
        doubts=(*_untrained(module), *_overruled(verdicts, tied)),
    )


def _judge(
    origin: Origin, sources: Mapping[str, StoredTensor], state: Mapping[str, Tensor], conversions: Conversions
) -> dict[str, str]:
    """Target name -> "equal", "unequal" or "mismatched"."""
    if origin.fuse is not None:
        made = origin.fuse({name: source.whole() for name, source in sources.items()})
        conversions["fused", (("sources", len(sources)), ("targets", len(made)))] += len(made)
        return {name: _compare(state[name], value.shape, [value.reshape(-1)]) for name, value in made.items()}
    (source_name,), (target,) = origin.sources, origin.targets
    source, parameter = sources[source_name], state[target]
    if source_name != target:
        conversions["renamed", ()] += 1
    if source.dtype != parameter.dtype:
        conversions["cast", (("from", _name(source.dtype)), ("to", _name(parameter.dtype)))] += 1
    return {target: _compare(parameter, source.shape, source.pieces())}


def _compare(parameter: Tensor, shape: Iterable[int], pieces: Iterable[Tensor]) -> str:
    if tuple(parameter.shape) != tuple(shape):
        return "mismatched"
    flat, position = parameter.detach().reshape(-1), 0
    for piece in pieces:
        part = flat[position : position + piece.numel()]
        if not same_bits(part, piece.to(part.dtype)):
            return "unequal"
        position += piece.numel()
    return "equal" if position == flat.numel() else "unequal"


def _tied(state: Mapping[str, Tensor], proven: set[str]) -> dict[str, str]:
    """Name -> the proven name that is the same object."""
    owner = {id(state[name]): name for name in proven}
    return {name: owner[id(value)] for name, value in state.items() if name not in proven and id(value) in owner}


def _is_weight(tensor: Tensor) -> bool:
    """Counters and position numbers are computed, not learnt."""
    return tensor.is_floating_point() or tensor.is_complex()


def _having(verdicts: Mapping[str, str], wanted: str) -> tuple[str, ...]:
    return tuple(sorted(name for name, verdict in verdicts.items() if verdict == wanted))


def _overruled(verdicts: Mapping[str, str], tied: Mapping[str, str]) -> list[Fact]:
    return [Fact("overruled", {"name": name, "other": tied[name]}) for name in tied if verdicts.get(name) == "unequal"]


def _untrained(module: torch.nn.Module) -> list[Fact]:
    """Training moves norms and biases; a model where it moved none was initialised, not trained."""
    scales, biases = [], []
    for name, parameter in module.named_parameters():
        if re.search(r"norm[^.]*\.weight$", name, re.IGNORECASE):
            scales.append(parameter)
        elif name.endswith(".bias"):
            biases.append(parameter)
    if not scales or any(bool((scale != 1).any()) for scale in scales) or any(bool(bias.any()) for bias in biases):
        return []
    return [Fact("untrained", {"norms": len(scales)})]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
