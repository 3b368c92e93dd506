"""The probe: a process that imports torch and its extensions and computes on every device, and reports each step.

Run as `python -m npu_adapt.devices.doctor.probe DESCRIPTOR`: events go to that file descriptor, whatever the libraries
print to the usual streams. What is built into torch comes first: an extension's failed import may end the process.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from npu_adapt.devices.backends import ACCELERATORS, BACKENDS, Backend
from npu_adapt.devices.doctor.events import Count, Done, Event, Failed, Found, Step, Torch, Versions
from npu_adapt.devices.failures import what_was_said
from npu_adapt.devices.importing import import_torch, root_cause, version_of
from npu_adapt.devices.selection import open_device
from npu_adapt.devices.stack import stack_versions
from npu_adapt.errors import NpuAdaptError, RunFailed

Tell = Callable[[Event], None]
LONGEST = 500  # characters of what a library said: some list every kernel that they have


def main() -> None:
    """Reports to the descriptor in the first argument, then leaves without the libraries' own farewells."""
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)  # what the libraries start must not hold the pipe open

    def tell(event: Event) -> None:
        os.write(descriptor, msgspec.json.encode(event) + b"\n")

    probe(tell)
    os._exit(0)  # unloading torch takes a tenth of a second, and a sick driver may hang in it


def probe(tell: Tell) -> None:
    """Tries everything that can be tried here."""
    torch = _torch(tell)
    if torch is not None:
        for backend in sorted(ACCELERATORS, key=lambda backend: backend.extension is not None):
            if _imported(backend, tell):
                _use_devices(torch, backend, tell)
    tell(Done())


def short(text: str) -> str:
    """`text`, cut where it is longer than anybody reads."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _torch(tell: Tell) -> Any:
    """torch; None where its import raised."""
    tell(Step(doing="import", what="torch"))
    try:
        torch = import_torch()
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is the finding
        tell(Failed(doing="import", what="torch", said=short(root_cause(error))))
        return None
    tell(Torch(version=str(torch.__version__), cuda=torch.version.cuda))
    return torch


def _imported(backend: Backend, tell: Tell) -> bool:
    """Whether torch knows the backend now. An extension that is not installed needs no word."""
    extension = backend.extension
    if extension is None:
        versions = stack_versions(backend)
        if any(versions.values()):
            tell(Versions(kind=backend.kind, **versions))
        return True
    if version_of(extension.distribution) is None:
        return False
    tell(Step(doing="import", what=extension.module))
    try:
        importlib.import_module(extension.module)
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is the finding
        tell(Failed(doing="import", what=extension.module, said=short(root_cause(error))))
        return False
    tell(Versions(kind=backend.kind, **stack_versions(backend)))
    return True


def _use_devices(torch: Any, backend: Backend, tell: Tell) -> None:
    tell(Step(doing="count", what=backend.kind))
    count, refusal = _count(torch, backend)
    tell(Count(kind=backend.kind, devices=count, refusal=refusal))
    for index in range(count):
        name = f"{backend.kind}:{index}" if backend.indexed else backend.kind
        tell(Step(doing="use", what=name))
        tell(_used(name, index, backend))


def _count(torch: Any, backend: Backend) -> tuple[int, str]:
    """(how many devices torch sees, why there are none where it says)."""
    try:
        count = int(torch.get_device_module(backend.kind).device_count())
    except (RuntimeError, AttributeError) as error:
        return 0, short(root_cause(error))
    if count or not _has_software(torch, backend):
        return count, ""
    try:
        torch.zeros(1, device=backend.kind)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return 0, short(root_cause(error))
    return 0, ""


def _has_software(torch: Any, backend: Backend) -> bool:
    """Whether torch could use the backend if there were a device: only then is its refusal worth hearing."""
    return backend.extension is not None or (backend is BACKENDS["cuda"] and torch.version.cuda is not None)


def _used(name: str, index: int, backend: Backend) -> Found:
    try:
        device = open_device(name, allow_cpu=False).device
        memory = device.free_and_total_memory()
    except NpuAdaptError as error:
        kind = error.kind if isinstance(error, RunFailed) else ""
        told = what_was_said(error.__cause__) if error.__cause__ is not None else error.message
        return Found(kind=backend.kind, index=index, name=backend.label, failure=kind, said=short(told))
    except RuntimeError as error:
        return Found(kind=backend.kind, index=index, name=backend.label, said=short(what_was_said(error)))
    free, total = memory if memory is not None else (None, None)
    return Found(
        kind=backend.kind,
        index=index,
        name=device.display_name,
        memory_bytes=total,
        free_bytes=free,
        usable=True,
    )


if __name__ == "__main__":
    main()
