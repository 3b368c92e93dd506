"""Which tensors of a checkpoint each parameter of a model is made from: transformers' declared renaming and fusion.

Only names are mapped here, with transformers' own tables; values are compared in `proof`. Transformers 5 renames and
fuses by `WeightRenaming` and `WeightConverter`; 4.57 renames only, by a method of the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npu_adapt.records import Fact


@dataclass(frozen=True)
class Origin:
    """Where one or several parameters come from.

    `sources` are names in the checkpoint; with `fuse` None there is one source and one target, equal but for the type.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    fuse: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = None  # sources by name -> targets by name


@dataclass(frozen=True)
class NameMap:
    """The origins of all parameters that have one, and the checkpoint's names that lead to no parameter."""

    origins: tuple[Origin, ...]
    unexpected: tuple[str, ...]
    conversions: tuple[Fact, ...] = ()  # what was done to the names, where that is not renaming by a table


def map_names(module: torch.nn.Module, names: Collection[str]) -> NameMap:
    """The origins of `module`'s state in a checkpoint that holds `names`."""
    if not hasattr(module, "base_model_prefix"):
        return _map_by_prefix(module, names)
    try:
        from transformers import core_model_loading
    except ImportError:
        return _map_by_method(module, names)
    return _map_by_table(module, names, core_model_loading)


def _map_by_table(module: Any, names: Collection[str], loading: Any) -> NameMap:
    """Transformers 5: the order of its own `convert_and_load_state_dict_in_model`."""
    from transformers.conversion_mapping import get_model_conversion_mapping

    expected = module.state_dict()
    conversions = get_model_conversion_mapping(module)
    renamings = [entry for entry in conversions if isinstance(entry, loading.WeightRenaming)]
    converters = [entry for entry in conversions if isinstance(entry, loading.WeightConverter)]
    by_pattern = {pattern: entry for entry in converters for pattern in entry.source_patterns}
    prefix = module.base_model_prefix
    origins: list[Origin] = []
    fused: dict[str, tuple[Any, list[tuple[str, str]]]] = {}
    unexpected: list[str] = []
    for name in sorted(names, key=loading.dot_natural_key):
        target, pattern = loading.rename_source_key(name, renamings, converters, prefix, expected)
        if target not in expected and name in expected:
            target, pattern = loading.rename_source_key(name, [], [], prefix, expected)
        if target not in expected:
            unexpected.append(name)
        elif pattern is None:
            origins.append(Origin((name,), (target,)))
        else:
            fused.setdefault(target, (by_pattern[pattern], []))[1].append((pattern, name))
    origins += [_fused_origin(module, target, converter, group) for target, (converter, group) in fused.items()]
    return NameMap(tuple(origins), tuple(unexpected))


def _fused_origin(module: Any, target: str, converter: Any, group: list[tuple[str, str]]) -> Origin:
    """One converter's work, done again on tensors read from the file.

    The names of its targets are known only after it ran once; it runs on `meta`-free tensors when they are compared.
    """
    from copy import deepcopy

    def fuse(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        fresh = deepcopy(converter)
        for pattern, name in group:
            fresh.add_tensor(target, name, pattern, tensors[name])
        made = fresh.convert(target, model=module, config=module.config)
        return {name: value[0] if isinstance(value, list) else value for name, value in made.items()}

    return Origin(tuple(name for _, name in group), (target,), fuse)


def _map_by_method(module: Any, names: Collection[str]) -> NameMap:
    """Transformers 4: the model's own renaming, with its base model's prefix added or taken away."""
    prefix = module.base_model_prefix
    in_file = bool(prefix) and any(name.startswith(prefix) for name in names)
    in_model = bool(prefix) and hasattr(module, prefix)
    mapping: Mapping[str, str] = module._get_key_renaming_mapping(
        list(names),
        getattr(type(module), "_checkpoint_conversion_mapping", None) or None,
        in_file and not in_model,
        in_model and not in_file,
    )
    expected = module.state_dict()
    origins = tuple(Origin((name,), (target,)) for name, target in mapping.items() if target in expected)
    found = {origin.sources[0] for origin in origins}
    return NameMap(origins, tuple(name for name in names if name not in found))


def _map_by_prefix(module: torch.nn.Module, names: Collection[str]) -> NameMap:
    """A module that is none of transformers': its own names, or all of them below one prefix, in the file or the model.

    The prefix that fits most names counts: "model." of a trainer in the file, "0.auto_model." of a pipeline in the
    model.
    """
    expected = module.state_dict().keys()
    found: Counter[tuple[str, str]] = Counter()  # (prefix in the file, prefix in the model)
    found["", ""] = sum(name in expected for name in names)
    for at, these, those in ((0, names, expected), (1, expected, names)):
        for name in these:
            for prefix in _prefixes(name):
                if name.removeprefix(prefix) in those:
                    found[(prefix, "") if at == 0 else ("", prefix)] += 1
    (in_file, in_model), fitting = found.most_common(1)[0]
    targets = {name: in_model + name.removeprefix(in_file) for name in names if name.startswith(in_file)}
    origins = tuple(Origin((name,), (target,)) for name, target in targets.items() if target in expected)
    used = {origin.sources[0] for origin in origins}
    said = {"prefix-removed": in_file, "prefix-added": in_model}
    facts = tuple(Fact(id, {"prefix": prefix, "tensors": fitting}) for id, prefix in said.items() if prefix)
    return NameMap(origins, tuple(name for name in names if name not in used), facts)


def _prefixes(name: str) -> Iterator[str]:
    """ "a.", "a.b." of "a.b.c"."""
    end = name.find(".")
    while end >= 0:
        yield name[: end + 1]
        end = name.find(".", end + 1)
