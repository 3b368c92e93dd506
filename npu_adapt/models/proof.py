"""The proof that a model's weights are the checkpoint's: each parameter equal, bit for bit, to its named source.

Equal bytes anywhere in the file would prove nothing, since one bias of zeros equals another. What loading does to a
tensor on purpose is done to its source before comparing: the cast between floating types, transformers' renaming and
fusion; a parameter tied to a proven one is the same object and needs no source of its own. Whole numbers cast to
floating ones are no weights: they mean something only times a scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.models.checkpoint import Checkpoint
from npu_adapt.models.computed import computed
from npu_adapt.models.finite import OVERFLOW, NotFinite, Watched, overflown
from npu_adapt.models.leftovers import judge_leftovers
from npu_adapt.models.renaming import Origin, map_names
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.untrained import looks_untrained
from npu_adapt.numerics.bits import same_bits
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.records import Fact, Value


@dataclass(frozen=True)
class Proof:
    """What was found; names are the model's, those of `unexpected`, `needed` and `not_finite` the checkpoint's."""

    proven: int  # tensors found equal to their source
    unequal: tuple[str, ...]  # a source is there, and its values are not the model's
    mismatched: tuple[str, ...]  # a source is there, and has another shape
    quantised: tuple[str, ...]  # a source is there, and holds whole numbers, or a type that torch lacks
    missing: tuple[str, ...]  # no source, and no proven parameter that it is tied to
    unexpected: tuple[str, ...]
    needed: tuple[str, ...]  # those of `unexpected` that scale, shift or replace a used weight
    not_finite: tuple[NotFinite, ...]  # used, and holding NaN or infinite values, in the file or only in the model
    conversions: tuple[Fact, ...]
    doubts: tuple[Fact, ...]


# Id and values of a conversion -> how many tensors it was undone for.
Conversions = Counter[tuple[str, tuple[tuple[str, Value], ...]]]


def prove(module: torch.nn.Module, checkpoint: Checkpoint, advance: Callable[[float], None]) -> Proof:
    """Compares all of `module`'s state with `checkpoint`, which is read once; `advance` is told of the bytes read."""
    with foreign_code("weights", type(module).__name__):
        names = map_names(module, checkpoint.tensors.keys())
        state = module.state_dict(keep_vars=True)
    verdicts: dict[str, str] = {}
    conversions: Conversions = Counter()
    not_finite: set[NotFinite] = set()
    for origin in names.origins:
        parameters = [state[name] for name in origin.targets if isinstance(state.get(name), torch.nn.Parameter)]
        sources = {
            name: Watched(name, checkpoint.tensors[name], bool(parameters), not_finite) for name in origin.sources
        }
        verdicts.update(_judge(origin, sources, state, conversions, by_prefix=bool(names.conversions)))
        not_finite.update(_overflows(sources, parameters, not_finite))
        advance(sum(source.nbytes for source in sources.values()))
    proven = {name for name, verdict in verdicts.items() if verdict == "equal"}
    tied = _tied(state, proven)
    without = {name for name in state if name not in verdicts and name not in tied and _is_weight(state[name])}
    made = computed(module, tuple(sorted(without)))
    failed = {name: verdict for name, verdict in verdicts.items() if verdict != "equal" and name not in tied}
    used = {name for origin in names.origins for name in origin.sources}
    missing = without - set(made)
    leftovers = judge_leftovers(module, names.unexpected, used | missing, checkpoint.tensors)
    return Proof(
        proven=len(proven),
        unequal=_having(failed, "unequal"),
        mismatched=_having(failed, "mismatched"),
        quantised=_having(failed, "quantised"),
        missing=tuple(sorted(missing)),
        unexpected=names.unexpected,
        needed=leftovers.needed,
        not_finite=tuple(sorted(not_finite, key=lambda each: (each.kind, each.file, each.name))),
        conversions=(
            *checkpoint.conversions,
            *names.conversions,
            *(Fact(found, {**dict(values), "tensors": count}) for (found, values), count in conversions.items()),
            *(Fact("computed", {"name": name}) for name in made),
            *(Fact("tied", {"name": name, "other": other}) for name, other in tied.items()),
        ),
        doubts=(
            *looks_untrained(module),
            *_overruled(verdicts, tied),
            *_float8(names.origins, checkpoint, state),
            *leftovers.doubts,
        ),
    )


def _judge(
    origin: Origin,
    sources: Mapping[str, Watched],
    state: Mapping[str, Tensor],
    conversions: Conversions,
    *,
    by_prefix: bool,
) -> dict[str, str]:
    """Target name -> "equal", "unequal", "mismatched" or "quantised"."""
    if any(source.dtype is None for source in sources.values()):
        return dict.fromkeys((name for name in origin.targets if name in state), "quantised")
    if origin.fuse is not None:
        with foreign_code("weights", ", ".join(origin.targets)):
            made = origin.fuse({name: source.whole() for name, source in sources.items()})
        conversions["fused", (("sources", len(sources)), ("targets", len(made)))] += len(made)
        return {
            name: _compare(state[name], value.shape, [value.reshape(-1)])
            for name, value in made.items()
            if name in state
        }
    (source_name,), (target,) = origin.sources, origin.targets
    source, parameter = sources[source_name], state[target]
    assert source.dtype is not None
    if tuple(source.shape) == tuple(parameter.shape) and _kind(source.dtype) != _kind(parameter.dtype):
        return {target: "quantised"}
    if source_name != target and not by_prefix:
        conversions["renamed", ()] += 1
    if source.dtype != parameter.dtype:
        conversions["cast", (("from", dtype_name(source.dtype)), ("to", dtype_name(parameter.dtype)))] += 1
    return {target: _compare(parameter, source.shape, source.pieces())}


def _overflows(
    sources: Mapping[str, Watched], parameters: Iterable[Tensor], found: Collection[NotFinite]
) -> Iterator[NotFinite]:
    """The sources whose numbers are infinite in the parameters made of them."""
    known = {each.name for each in found}
    for name, source in sources.items():
        if name not in known and source.dtype is not None and any(overflown(source.dtype, one) for one in parameters):
            yield NotFinite(OVERFLOW, name, source.stored.file)


def _kind(dtype: torch.dtype) -> str:
    """What a cast keeps: numbers with a point, complex ones, whole ones, truths."""
    if dtype.is_complex:
        return "complex"
    return "floating" if dtype.is_floating_point else "truth" if dtype is torch.bool else "whole"


def _compare(parameter: Tensor, shape: Iterable[int], pieces: Iterable[Tensor]) -> str:
    if tuple(parameter.shape) != tuple(shape):
        return "mismatched"
    flat, position, equal = parameter.detach().reshape(-1), 0, True
    for piece in pieces:
        part = flat[position : position + piece.numel()]
        if part.dtype.is_floating_point != piece.dtype.is_floating_point:
            return "quantised"
        equal = equal and same_bits(part, piece.to(part.dtype))
        position += piece.numel()
    return "equal" if equal and position == flat.numel() else "unequal"


def _float8(origins: Iterable[Origin], checkpoint: Checkpoint, state: Mapping[str, Tensor]) -> list[Fact]:
    """8 bits hold a weight only roughly; with its scale left out of the file, nobody can tell that one is missing.

    A module that takes its weight in 8 bits has a scale of its own.
    """
    widened = (origin for origin in origins if not all(_takes_8_bits(state.get(name)) for name in origin.targets))
    names = {name for origin in widened for name in origin.sources}
    rough = [name for name in names if checkpoint.tensors[name].type_name.startswith("float8")]
    return [Fact("float8", {"tensors": len(rough)})] if rough else []


def _takes_8_bits(parameter: Tensor | None) -> bool:
    return parameter is not None and parameter.dtype.itemsize == 1


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
