"""What a backend's running software says of itself, once its extension is imported."""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping

from npu_adapt.devices.backends import Backend

# Backend kind -> the function that tells a version, from an imported module on, and its argument for what this
# package calls "stack" (CANN) and "driver".
VERSION_FUNCTIONS: dict[str, tuple[str, Mapping[str, str]]] = {
    "npu": ("torch_npu.npu.utils.get_cann_version", {"stack": "CANN", "driver": "DRIVER"}),
}


def stack_versions(backend: Backend) -> dict[str, str | None]:
    """{"stack": …, "driver": …} as the software that is loaded says; None where it does not, or is not loaded.

    Some versions of torch_npu lack the function, and CANN answers "" where it cannot find its own files.
    """
    path, arguments = VERSION_FUNCTIONS.get(backend.kind, ("", {}))
    module, _, attributes = path.partition(".")
    versions: dict[str, str | None] = {"stack": None, "driver": None}
    if module not in sys.modules:
        return versions
    for name, argument in arguments.items():
        try:
            versions[name] = operator.attrgetter(attributes)(sys.modules[module])(argument) or None
        except (AttributeError, RuntimeError):
            continue
    return versions
