"""The submodules of a model as subjects of their own, with the inputs that they have within the whole."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from npu_adapt.models.tasks import LoadedModel, Outputs, Sample
from npu_adapt.models.tasks.results import named_tensors
from npu_adapt.workflows.compare.alone import CPU, moved

Shapes = tuple[tuple[str, torch.Size], ...]


@dataclass(frozen=True)
class Part:
    """A module within the model, on the CPU, and its input for each sample of the whole."""

    path: str  # "" for the model itself
    loaded: LoadedModel  # whose task calls the part
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """As the user finds it in the model: its path, or its class for the model itself."""
        return self.path or type(self.loaded.module).__name__


@dataclass(frozen=True)
class _Arguments:
    """How a module was called: its tensors by number, and everything else as it was then."""

    tensors: Mapping[str, Tensor]
    others: tuple[Any, ...]  # leaf by leaf; None in the place of a tensor
    tree: TreeSpec

    @property
    def shapes(self) -> Shapes:
        return _shapes(self.tensors)

    def call(self, module: Callable[..., Any], tensors: Mapping[str, Tensor]) -> Any:
        """What the module gives for other tensors of the same shapes. Caches and the like are copied: it may write."""
        device = next((tensor.device for tensor in tensors.values()), CPU)
        leaves = [
            tensors[str(at)] if str(at) in tensors else _copied(moved(leaf, device))
            for at, leaf in enumerate(self.others)
        ]
        args, kwargs = tree_unflatten(leaves, self.tree)
        return module(*args, **kwargs)


def _shapes(tensors: Mapping[str, Tensor]) -> Shapes:
    return tuple((name, tensor.shape) for name, tensor in tensors.items())


def _copied(leaf: Any) -> Any:
    return leaf if isinstance(leaf, torch.nn.Module) or callable(leaf) else copy.deepcopy(leaf)


def parts_of(whole: Part) -> Iterator[Part]:
    """The modules that `whole` itself calls, in the order of execution; one that is called again counts once.

    Lists of modules are looked through. Those that are not called for every sample are left out.
    """
    called = [_called(whole.loaded, sample) for sample in whole.samples]
    for name, arguments in called[0].items():
        every = [each[name] for each in called if name in each]
        if len(every) == len(called) and arguments.tensors:
            yield _part(whole, name, every)


def _part(whole: Part, name: str, calls: Sequence[_Arguments]) -> Part:
    by_shapes = {each.shapes: each for each in reversed(calls)}

    def forward(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
        return named_tensors(by_shapes[_shapes(tensors)].call(module, tensors))

    loaded = dataclasses.replace(
        whole.loaded,
        module=whole.loaded.module.get_submodule(name),
        task=dataclasses.replace(whole.loaded.task, forward=forward),
    )
    path = f"{whole.path}.{name}" if whole.path else name
    return Part(path, loaded, tuple(Sample(each.tensors, ()) for each in calls))


def _called(loaded: LoadedModel, sample: Sample) -> dict[str, _Arguments]:
    """How each module below this one was first called by it, and by no other, in a forward on the CPU."""
    found: dict[str, _Arguments] = {}
    with torch.inference_mode(), _watching(loaded.module, found):
        loaded.task.forward(loaded.module, sample.to(CPU, loaded.dtype))
    return found


@contextmanager
def _watching(module: torch.nn.Module, found: dict[str, _Arguments]) -> Iterator[None]:
    depth = 0

    def enter(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal depth
        if not depth and name not in found:
            found[name] = _arguments(args, kwargs)
        depth += 1

    def leave(*_: object) -> None:
        nonlocal depth
        depth -= 1

    handles: list[Any] = []
    for name, child in module.named_modules():
        if child is module:
            continue

        def before(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str = name) -> None:
            enter(name, args, kwargs)

        handles.append(child.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(child.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
    leaves, tree = tree_flatten((args, kwargs))
    tensors = {str(at): leaf.detach().clone() for at, leaf in enumerate(leaves) if isinstance(leaf, Tensor)}
    others = tuple(None if isinstance(leaf, Tensor) else _copied(leaf) for leaf in leaves)
    return _Arguments(tensors, others, tree)
