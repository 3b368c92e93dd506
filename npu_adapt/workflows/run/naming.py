"""Which operator of a forward failed, where neither the backend nor the exception says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class FailingOperator(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within the context ATen's operators are watched: `name` is the one that raised, "aten::gelu"."""

    name: str | None = None  # None: none raised, or what raised is Python code

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except Exception:
            self.name = self.name or func._schema.name
            raise
