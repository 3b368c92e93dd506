"""From a device's name to a device that has been proven to compute."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from npu_adapt.devices.backends import ACCELERATORS, CPU, Backend
from npu_adapt.devices.device import Device, prove
from npu_adapt.devices.doctor.machine import cpu_name
from npu_adapt.devices.failures import what_was_said
from npu_adapt.devices.importing import DOCTOR, import_extension, import_torch, version_of
from npu_adapt.devices.names import DeviceName, parse_device_name
from npu_adapt.errors import DeviceUnavailable, NpuAdaptError, RunFailed, Sentence, first_line
from npu_adapt.records import Fact

_REHEARSE = (
    "rehearse what an accelerator would show: npu-adapt compare --rehearse hf32; or compare the CPU with itself: "
    "--device cpu; or find out what is wrong: npu-adapt env"
)


@dataclass(frozen=True)
class Selection:
    """A device, and why it is this one."""

    device: Device
    reason: Fact  # of the kind "why": asked, first, no-accelerator


@dataclass(frozen=True)
class _Refusal:
    """Why an accelerator was passed over."""

    id: str  # not-installed | none-seen | failed
    name: str  # what refused: "torch_npu", "npu"
    said: str  # what the software said; empty: nothing
    message: str  # the same for the message of an error


def open_device(name: str, *, allow_cpu: bool) -> Selection:
    """The device that `name` asks for, after one small computation on it.

    "auto" is an NPU, then CUDA, then any other accelerator of the table that works, then the CPU if `allow_cpu`.
    Raises `UsageError` for a name that no backend has, `DeviceUnavailable` for a device that is not there or whose
    software is broken, and `RunFailed` (kind "initialisation" and the like) for one that is there and fails at
    its first computation.
    """
    wanted = parse_device_name(name)
    if wanted.backend is None:
        return _open_first(allow_cpu)
    return Selection(_open(wanted, wanted.backend), Fact("asked"))


def _open_first(allow_cpu: bool) -> Selection:
    refusals: list[_Refusal] = []
    for backend in ACCELERATORS:
        if backend.extension is not None and version_of(backend.extension.distribution) is None:
            if backend is ACCELERATORS[0]:
                name = backend.extension.distribution
                refusals.append(_Refusal("not-installed", name, "", Sentence("{name} is not installed", name=name)))
            continue
        try:
            device = _open(DeviceName(backend, None), backend)
        except NpuAdaptError as error:
            # What torch has built in and finds nothing of needs no word; what is installed and broken does.
            if backend.extension is not None or isinstance(error, RunFailed):
                refusals.append(_refusal(backend, error))
            continue
        return Selection(device, _because("first", refusals))
    if not allow_cpu:
        listed = Sentence.joined("; ", (each.message for each in refusals)) or "torch sees none"
        raise DeviceUnavailable(Sentence("no accelerator works here ({listed})", listed=listed), hint=_REHEARSE)
    return Selection(_open(DeviceName(CPU, None), CPU), _because("no-accelerator", refusals))


def _refusal(backend: Backend, error: NpuAdaptError) -> _Refusal:
    if error.__cause__ is None:
        return _Refusal("none-seen", backend.kind, "", error.sentence)
    return _Refusal("failed", backend.kind, what_was_said(error.__cause__), error.sentence)


def _because(reason: str, refusals: list[_Refusal]) -> Fact:
    """The reason, with what refused before, item by item."""
    return Fact(
        reason,
        {
            "refused": tuple(each.id for each in refusals),
            "names": tuple(each.name for each in refusals),
            "said": tuple(each.said for each in refusals),
        },
    )


def _open(wanted: DeviceName, backend: Backend) -> Device:
    import_extension(backend)
    torch = import_torch()
    if backend is CPU:
        return Device("cpu", torch.device("cpu"), cpu_name(), CPU, torch.cpu)
    module = _device_module(torch, backend)
    index = wanted.index or 0
    _require_visible(module, backend, index)
    torch_device = torch.device(backend.kind, index)
    name = f"{backend.kind}:{index}" if backend.indexed else backend.kind
    device = Device(name, torch_device, _display_name(module, backend, torch_device), backend, module)
    try:
        if backend.indexed:
            module.set_device(index)  # kernels outside torch's dispatcher use the current device
        prove(torch_device, torch.float32)
        device.synchronize()
    except (RuntimeError, NotImplementedError) as error:
        raise (
            device.classify(error, "initialise")
            or RunFailed(
                Sentence("{name} failed its first small computation: {said}", name=name, said=first_line(error)),
                hint=DOCTOR,
                stage="initialise",
                kind="initialisation",
            )
        ) from error
    return device


def _device_module(torch: Any, backend: Backend) -> Any:
    """`torch.npu`, `torch.cuda` …; raises `DeviceUnavailable` where this torch was built without the backend."""
    try:
        return torch.get_device_module(backend.kind)
    except (RuntimeError, AttributeError) as error:
        raise DeviceUnavailable(
            Sentence("this torch has no {label} support", label=backend.label), hint=DOCTOR
        ) from error


def _require_visible(module: Any, backend: Backend, index: int) -> None:
    # Not is_available(): torch_npu answers False for a device that is there and fails, and keeps the error to itself.
    try:
        count = int(module.device_count())
    except (AttributeError, RuntimeError):
        count = 0
    if count == 0:
        raise DeviceUnavailable(Sentence("torch sees no {label} on this machine", label=backend.label), hint=DOCTOR)
    if index >= count:
        seen = Sentence(
            "only {kind}:0" if count == 1 else "only {kind}:0 to {kind}:{last}", kind=backend.kind, last=count - 1
        )
        raise DeviceUnavailable(
            Sentence("{kind}:{index} is not visible to torch, {seen}", kind=backend.kind, index=index, seen=seen),
            hint=Sentence(
                "choose another --device, or look at the variables that hide devices; {doctor}", doctor=DOCTOR
            ),
        )


def _display_name(module: Any, backend: Backend, torch_device: Any) -> str:
    """The device's own name for itself, else the backend's label."""
    with contextlib.suppress(RuntimeError, AttributeError):
        return str(module.get_device_name(torch_device))
    return backend.label
