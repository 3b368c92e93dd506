"""Faults that strike only while a device writes: what it is asked for is right until the first token is read alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.operators import operator_name


@dataclass(frozen=True)
class Called:
    """One call in a step that reads one token, and what it gave."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Tensor
    before: tuple[torch.Size, ...] | None  # the shapes that the same call was given a step earlier; None: it was not

    def again(self, *args: Any) -> Any:
        """The same call with other first arguments."""
        return self.function(*args, *self.args[len(args) :], **self.kwargs)


Befalls = Callable[[Called], bool]
Change = Callable[[Called], Tensor]


@dataclass(frozen=True)
class Strike:
    """Operators whose result is wrong, in which of their calls, and what they then give."""

    operators: tuple[str, ...]
    befalls: Befalls
    change: Change


@dataclass(frozen=True)
class Kind:
    """One fault, as it strikes in each form that models are written in."""

    name: str
    strikes: tuple[Strike, ...]
    always: bool = False  # at every step from the first on and in every layer, and not from a drawn one and in one

    @property
    def operators(self) -> frozenset[str]:
        return frozenset(name for strike in self.strikes for name in strike.operators)


class Decoding(TorchFunctionMode):
    """Makes the result of one call of each step wrong, from a step on: number `call` of those that `kind` befalls.

    Those of every layer where `kind` is one that always strikes, as a wrong kernel does; none where `call` is None.
    A step is a forward of `module`, and the first reads what there is to begin with. To be entered inside the device
    that computes right. `fired` counts the results that were changed, `calls` those of a step that might be, at most.
    """

    def __init__(self, kind: Kind, module: torch.nn.Module, call: int | None = None, since: int = 0) -> None:
        super().__init__()
        self.kind, self.call, self.since = kind, call, since
        self.fired = self.calls = 0
        self._module: Any = module
        self._tokens = len(self._module.get_output_embeddings().weight)  # rows of a table of tokens
        self._step = -1
        self._seen = 0
        self._before: dict[tuple[str, int], tuple[torch.Size, ...]] = {}
        self._now: dict[tuple[str, int], tuple[torch.Size, ...]] = {}
        self._hook: Any = None

    def __enter__(self) -> Decoding:
        self._step, self._now = -1, {}
        self._hook = self._module.register_forward_pre_hook(self._begin)
        return super().__enter__()  # type: ignore[no-any-return]

    def __exit__(self, *raised: Any) -> None:
        self._hook.remove()
        super().__exit__(*raised)

    def _begin(self, *_: Any) -> None:
        """A step begins; what an encoder did before the first is no step."""
        self._before, self._now = ({} if self._step < 0 else self._now), {}
        self._step += 1
        self._seen = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = operator_name(func)
        if name not in self.kind.operators or (name == "embedding" and len(args[1]) == self._tokens):
            return result
        called = Called(func, args, kwargs, result, self._earlier(name, args))
        strike = next((each for each in self.kind.strikes if name in each.operators and each.befalls(called)), None)
        if strike is None or self._step <= self.since:
            return result
        seen, self._seen = self._seen, self._seen + 1
        self.calls = max(self.calls, self._seen)
        if self.call is None or (seen != self.call and not self.kind.always):
            return result
        wrong = strike.change(called).to(result.dtype)
        self.fired += not torch.equal(wrong, result)
        return wrong

    def _earlier(self, name: str, args: tuple[Any, ...]) -> tuple[torch.Size, ...] | None:
        """The shapes that this call was given a step earlier."""
        key = name, sum(known == name for known, _ in self._now)
        self._now[key] = tuple(each.shape for each in args if isinstance(each, Tensor))
        return self._before.get(key)
