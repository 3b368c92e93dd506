"""The operators of a forward, one after the other as they run, with their arguments and the module they run in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.operators import UNWRITTEN, operator_name, writes_in_place
from npu_adapt.numerics.trees import leaves, mapped

Convert = Callable[[Any], Any]
Kernel = tuple[object, ...]  # by which calls are told apart that a device may compute in other ways


@dataclass(frozen=True)
class Call:
    """One call of a torch function that gave tensors. Valid while its consumer runs: nothing is copied.

    What a call in place overwrote is in `args` as it was before, and in `output` as it is after.
    """

    index: int  # position among the calls of its forward
    module: str  # path of the innermost module that runs: "encoder.layer.5.intermediate.dense"
    operator: str
    function: Callable[..., Any] = field(repr=False)
    args: tuple[Any, ...] = field(repr=False)
    kwargs: Mapping[str, Any] = field(repr=False)
    output: Any = field(repr=False)
    in_place: bool = False
    random: bool = False  # it drew random numbers

    @cached_property
    def outputs(self) -> tuple[Tensor, ...]:
        """The tensors among what the call gave, in order."""
        return tensors_of(self.output)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors among the arguments, in order."""
        return tensors_of((self.args, dict(self.kwargs)))

    @cached_property
    def kernel(self) -> Kernel:
        """What devices choose a kernel by: the operator, its tensors' types, shapes and strides, and what is no tensor.

        A product with one row goes to another kernel than one with many, and a long sum is split where the rows are
        few. Multiplying by a number, some round it to the tensor's type first.
        """
        return (self.operator, *map(_sort, self.leaves()))

    def leaves(self) -> list[Any]:
        """All that is in the arguments, in order."""
        return leaves((self.args, dict(self.kwargs)))

    def again(self, convert: Convert) -> Any:
        """What the function gives for the arguments, each leaf converted first; in place, the changed argument.

        Arguments that are written to are copied, so that a call can be repeated.
        """
        args, kwargs = mapped(convert, (self.args, dict(self.kwargs)))
        if self.in_place:
            args, kwargs = _with_first_copied(args, kwargs)
        if kwargs.get("out") is not None:
            kwargs["out"] = mapped(_copied, kwargs["out"])
        result = self.function(*args, **kwargs)
        return _first(args, kwargs) if result is None else result

    def with_arguments(self, convert: Convert) -> Call:
        """The same call of converted arguments; `output` is what it gave for the old ones."""
        args, kwargs = mapped(convert, (self.args, dict(self.kwargs)))
        return replace(self, args=args, kwargs=kwargs)


def _sort(leaf: object) -> tuple[object, ...]:
    return (leaf.dtype, tuple(leaf.shape), leaf.stride()) if isinstance(leaf, Tensor) else (type(leaf),)


def _first(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()))


def _copied(leaf: Any) -> Any:
    return leaf.clone() if isinstance(leaf, Tensor) else leaf


def _with_first_copied(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if args:
        return (_copied(args[0]), *args[1:]), kwargs
    name = next(iter(kwargs))
    return args, {**kwargs, name: _copied(kwargs[name])}


def tensors_of(tree: Any) -> tuple[Tensor, ...]:
    """The tensors in it, in order."""
    if isinstance(tree, Tensor):  # as nearly all that is asked about
        return (tree,)
    return tuple([leaf for leaf in leaves(tree) if isinstance(leaf, Tensor)])


def is_result(operator: str, outputs: Sequence[Tensor]) -> bool:
    """Whether a call counts: it gives tensors of its own, with something in them."""
    stand_ins = any(map(torch._C._functorch.is_functorch_wrapped_tensor, outputs))
    return bool(outputs) and operator not in UNWRITTEN and not stand_ins


class Cost:
    """What capturing took of a forward: `seconds` are measured, what Python does around each of `calls` is not."""

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0


@contextmanager
def capturing(
    module: torch.nn.Module, consume: Callable[[Call], None], *, asks_for_draws: bool = True
) -> Iterator[Cost]:
    """Gives every call of the `module`'s forward, in this thread, to `consume` as soon as it is done.

    Calls that give no tensor, those whose result is memory that nobody wrote yet, and those on tensors that stand for
    others (functorch's), are left out. What it all takes is counted, `consume` with it. Without `asks_for_draws` no
    call says whether it drew random numbers, which is a tenth of it.
    """
    with _ModulePath(module) as path, _Capture(path, consume, asks_for_draws) as capture:
        yield capture.cost


class _ModulePath:
    """The path of the innermost module whose forward runs in this thread, kept by hooks."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._names = {id(child): name or type(module).__name__ for name, child in module.named_modules()}
        self._module = module
        self._thread = threading.get_ident()
        self._stack = [type(module).__name__]
        self._handles: list[Any] = []

    def __enter__(self) -> _ModulePath:
        for child in self._module.modules():
            self._handles.append(child.register_forward_pre_hook(self._push))
            self._handles.append(child.register_forward_hook(self._pop, always_call=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    @property
    def here(self) -> str:
        return self._stack[-1]

    def _push(self, module: torch.nn.Module, _arguments: Any) -> None:
        if threading.get_ident() == self._thread:
            self._stack.append(self._names[id(module)])

    def _pop(self, _module: torch.nn.Module, _arguments: Any, _result: Any) -> None:
        if threading.get_ident() == self._thread:
            self._stack.pop()


class _Capture(TorchFunctionMode):
    def __init__(self, path: _ModulePath, consume: Callable[[Call], None], asks_for_draws: bool) -> None:
        super().__init__()
        self._state = _state_of_the_generator if asks_for_draws else bytes
        self._path = path
        self._consume = consume
        self._count = 0
        self.cost = Cost()

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        started = time.perf_counter()
        kwargs = kwargs or {}
        in_place = writes_in_place(func, kwargs)
        before = _before(args, kwargs) if in_place else (args, kwargs)
        state = self._state()
        called = time.perf_counter()
        result = func(*args, **kwargs)
        done = time.perf_counter()
        output = _first(args, kwargs) if in_place and result is None else result
        outputs = tensors_of(output)
        if is_result(operator := operator_name(func), outputs):
            random = state != self._state()
            call = Call(self._count, self._path.here, operator, func, *before, output, in_place, random)
            vars(call)["outputs"] = outputs  # which it would look for again
            self._count += 1
            self._consume(call)
        self.cost.calls += 1
        self.cost.seconds += called - started + time.perf_counter() - done
        return result


def _state_of_the_generator() -> bytes:
    """Of random numbers on the CPU. Bytes are compared several times as fast as tensors."""
    with torch._C.DisableTorchFunction():  # it is no call of the model, which another mode might count
        return torch.default_generator.get_state().numpy().tobytes()


def _before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with a copy of all that shares memory with the first, which is about to change."""
    changing = _first(args, kwargs)
    if not isinstance(changing, Tensor):
        return args, kwargs
    storage = changing.untyped_storage().data_ptr()

    def copied(leaf: Any) -> Any:
        shares = isinstance(leaf, Tensor) and leaf.untyped_storage().data_ptr() == storage
        return leaf.clone() if shares else leaf

    kept_args, kept_kwargs = mapped(copied, (args, kwargs))
    return kept_args, kept_kwargs
