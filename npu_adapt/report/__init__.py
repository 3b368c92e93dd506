"""Records in, terminal tables, Markdown and HTML out. Knows records only: nothing here loads torch.

`npu_adapt.report(…)` is also a function of the Python API, and this package has its name: called, it is that function.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Report(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        """`npu_adapt.api.report`."""
        return import_module("npu_adapt.api").report(*args, **options)


sys.modules[__name__].__class__ = _Report
