"""The machine and its software as a record: what a run was made on, or what `npu-adapt env` examined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from npu_adapt.devices.backends import BACKENDS
from npu_adapt.devices.doctor.events import Found, Versions
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.machine import read_machine
from npu_adapt.devices.doctor.npu_smi import Asking, Chip, NpuSmi
from npu_adapt.devices.doctor.probing import Probe
from npu_adapt.devices.stack import stack_versions
from npu_adapt.records import DeviceInfo, Environment, Fact, Problem

if TYPE_CHECKING:
    from npu_adapt.devices.device import Device

NAMED = ("torch", "torch_npu", "transformers")  # packages with a field of their own
SMI_SECONDS = 10.0  # for a run, which has other things to do


def environment(device: Device | None) -> Environment:
    """What `device` ran on; None: the device did not open. Problems are those of its own backend's stack.

    Reads what lies there and what is loaded already; imports and computes nothing.
    """
    smi = NpuSmi(None)
    if device is not None and device.backend is BACKENDS["npu"]:
        with Asking() as asking:
            smi = asking.answer(SMI_SECONDS)
    examination = Examination(read_machine(), smi, _as_probed(device))
    backend = device.backend.kind if device is not None else None
    return environment_of(examination, problems_of(examination, backend=backend))


def problems_of(examination: Examination, *, backend: str | None = None) -> tuple[Problem, ...]:
    """What does not fit; `backend` leaves out what is about other backends' stacks."""
    from npu_adapt.devices.doctor.findings import diagnose
    from npu_adapt.devices.doctor.table import FINDINGS

    return diagnose(examination, FINDINGS, backend)


def environment_of(examination: Examination, problems: tuple[Problem, ...] = ()) -> Environment:
    """The record of an examination, with the problems that were found in it."""
    machine, smi = examination.machine, examination.smi
    return Environment(
        python=machine.python,
        platform=machine.platform,
        torch=machine.version("torch"),
        torch_npu=machine.version("torch_npu"),
        transformers=machine.version("transformers"),
        cann=examination.cann,
        driver=examination.driver,
        firmware=examination.firmware,
        devices=tuple(_devices(examination)),
        problems=problems,
        cpu=machine.cpu,
        cpu_cores=machine.cores,
        memory_bytes=machine.memory_bytes,
        packages={name: version for name, version in machine.packages.items() if name not in NAMED},
        variables=dict(machine.stack_variables),
        npu_smi=smi.text if smi.text and not smi.understood else None,
    )


def environment_reasons(examination: Examination) -> dict[str, Fact]:
    """Why fields of the examination's record are null, where that is more than that nothing is there."""
    machine = examination.machine
    reasons = {}
    if examination.cann is None and machine.ascend.cann is not None:
        reasons["environment.cann"] = Fact("cann-without-version", {"path": str(machine.ascend.cann.path)})
    if examination.driver is None and machine.ascend.driver_path is not None:
        reasons["environment.driver"] = Fact("driver-without-version", {"path": machine.ascend.driver_path})
    if examination.firmware is None and examination.driver is not None and examination.is_ascend:
        reasons["environment.firmware"] = Fact("firmware-unknown-to-container")
    for index, device in enumerate(_devices(examination)):
        if device.kind == "npu" and device.memory_bytes is None and device.health is not None:
            unread = Fact("device-memory-unread")
            reasons |= {f"environment.devices.{index}.{name}": unread for name in ("memory_bytes", "free_memory_bytes")}
    return reasons


def _as_probed(device: Device | None) -> Probe:
    """This process as a probe would have told of it: its loaded software, and the device that it has open."""
    loaded = (Versions(kind=each.kind, **stack_versions(each)) for each in BACKENDS.values())
    events: list[Versions | Found] = [event for event in loaded if event.stack or event.driver]
    if device is not None:
        memory = device.free_and_total_memory()
        free, total = memory if memory is not None else (None, None)
        index = device.torch_device.index or 0
        events.append(
            Found(
                kind=device.backend.kind,
                index=index,
                name=device.display_name,
                memory_bytes=total,
                free_bytes=free,
                usable=True,
            )
        )
    return Probe(tuple(events))


def _devices(examination: Examination) -> Iterator[DeviceInfo]:
    """What torch sees, with what npu-smi knows of it; where torch sees no NPU, what npu-smi alone sees."""
    chips = _visible_chips(examination)
    found = examination.probe.devices
    for device in found:
        chip = chips[device.index] if device.kind == "npu" and device.index < len(chips) else None
        yield DeviceInfo(
            kind=device.kind,
            index=device.index,
            name=device.name,
            memory_bytes=device.memory_bytes or (chip.memory_bytes if chip else None),
            free_memory_bytes=device.free_bytes if device.free_bytes is not None or chip is None else _free(chip),
            health=chip.health if chip else None,
            usable=device.usable,
        )
    if not any(device.kind == "npu" for device in found):
        for index, chip in enumerate(chips):
            yield DeviceInfo(
                kind="npu",
                index=index,
                name=chip.name,
                memory_bytes=chip.memory_bytes,
                free_memory_bytes=_free(chip),
                health=chip.health,
                usable=False,
            )


def _visible_chips(examination: Examination) -> tuple[Chip, ...]:
    """The chips in torch's order: all, or those that the variable names."""
    chips, named = examination.smi.chips, examination.machine.visible_npus
    return chips if named is None else tuple(chips[number] for number in named if number < len(chips))


def _free(chip: Chip) -> int | None:
    if chip.memory_bytes is None or chip.used_bytes is None:
        return None
    return chip.memory_bytes - chip.used_bytes
