"""Prove that a model loads its real weights, runs on an accelerator, computes the right numbers, and how fast.

The functions are those of `npu_adapt.api`, and loaded when they are first asked for: this import loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npu_adapt.api import assert_correct, bench, compare, environment, fetch, infer, report

__version__ = "0.2.0"
__all__ = ["__version__", "assert_correct", "bench", "compare", "environment", "fetch", "infer", "report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("npu_adapt.api"), name)
