"""Libraries that import every accelerator's extension they find installed, and what to do about a broken one.

Transformers asks on import whether torch_npu is installed, and imports it if so: without CANN that raises ImportError
in the middle of a run that only wants the CPU. `open_device` imports extensions; one that it did not is hidden.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from npu_adapt.devices.backends import BACKENDS


@contextmanager
def unopened_extensions_hidden() -> Iterator[None]:
    """Within the context, an extension that is not imported yet looks as if it were not installed.

    A None in `sys.modules` is the import system's own way to say so. Transformers keeps the answer for good.
    """
    extensions = {backend.extension.module for backend in BACKENDS.values() if backend.extension is not None}
    hidden = [name for name in extensions if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
