"""Findings about NPUs, their driver and firmware, and npu-smi: how each is noticed, and how much it matters."""

from __future__ import annotations

import re
from collections.abc import Callable

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.findings import ERROR, NOTE, WARNING, Finding, Values
from npu_adapt.devices.doctor.machine import VISIBLE_NPUS, device_number, named_npus
from npu_adapt.devices.doctor.npu_smi import Chip

MOSTLY = 0.5  # of a chip's memory; what the driver itself takes of an idle one is 5 to 12 %
HEALTHY, MINOR = {"OK"}, {"WARNING", "MINOR"}
LONGEST_QUOTE = 1000  # characters of what npu-smi printed; the record has its whole text
# What the codes of DCMI, through which npu-smi asks the driver, mean for whoever has to mend it.
SMI_CAUSES = {"-8020": "occupied", "-8002": "denied", "-8013": "container", "-8017": "upgrading"}
_SMI_CODE = re.compile(r"-8\d{3}\b")


def driver_missing(seen: Examination) -> Values | None:
    ascend = seen.machine.ascend
    answers = seen.smi.chips or _npu_works(seen)  # through a driver, wherever its files are
    if not seen.is_ascend or ascend.driver_path or ascend.driver or ascend.control_nodes or answers:
        return None
    return {"cards": ascend.cards}


def nodes_missing(seen: Examination) -> Values | None:
    reached = seen.machine.ascend.nodes or seen.smi.chips or _npu_works(seen)
    return None if reached or not seen.is_ascend else {}


def nodes_denied(seen: Examination) -> Values | None:
    ascend = seen.machine.ascend
    denied = tuple(node.path for node in (*ascend.nodes, *ascend.control_nodes) if not node.usable)
    return {"nodes": denied} if denied else None


def all_hidden(seen: Examination) -> Values | None:
    """Also where nothing tells what there is, and torch counts none with the variable set."""
    value, present = seen.machine.variables.get(VISIBLE_NPUS), _present(seen)
    if value is None:
        return None
    count = seen.probe.count("npu")
    visible = [number for number in seen.machine.visible_npus or () if number in present]
    sees_none = count is not None and not count.devices
    if visible or not (present or sees_none):
        return None
    return {"value": value, "npus": tuple(present)}


def some_hidden(seen: Examination) -> Values | None:
    named, present = seen.machine.visible_npus, _present(seen)
    if named is None or all(number in named for number in present):
        return None
    hidden = tuple(number for number in present if number not in named)
    return {"value": seen.machine.variables[VISIBLE_NPUS], "hidden": hidden, "all": ",".join(map(str, present))}


def visible_devices_invalid(seen: Examination) -> Values | None:
    """What CANN refuses, or reads only up to: no number, not after the one before, no such NPU."""
    value, present = seen.machine.variables.get(VISIBLE_NPUS), _present(seen)
    if value is None or not value.strip():
        return None
    items = [item.strip() for item in value.split(",")]
    named = named_npus(value)
    known = [number for number in named if not present or number in present]
    if len(known) == len(items):
        return None
    position = len(known)
    wrong = items[position]
    reason = "absent" if position < len(named) else "number" if device_number(wrong) is None else "order"
    numbers = {number for item in items if (number := device_number(item)) is not None}
    right = sorted(number for number in numbers if not present or number in present) or [*present] or [0]
    return {
        "value": value,
        "position": position + 1,
        "wrong": wrong,
        "reason": reason,
        "npus": tuple(present),
        "right": ",".join(map(str, right)),
    }


def unhealthy(seen: Examination) -> Values | None:
    return _sick(seen, lambda chip: chip.memory_bytes is None or chip.health.upper() not in HEALTHY | MINOR)


def slightly_unhealthy(seen: Examination) -> Values | None:
    return _sick(seen, lambda chip: chip.memory_bytes is not None and chip.health.upper() in MINOR)


def memory_taken(seen: Examination) -> Values | None:
    full = [
        chip
        for chip in seen.smi.chips
        if chip.memory_bytes and chip.used_bytes and chip.used_bytes > MOSTLY * chip.memory_bytes
    ]
    if not full:
        return None
    pids = sorted({process.pid for chip in full for process in chip.processes})
    return {
        **_numbers(full),
        "used": tuple(chip.used_bytes for chip in full if chip.used_bytes is not None),
        "memory": tuple(chip.memory_bytes for chip in full if chip.memory_bytes is not None),
        "holders": tuple(" ".join(f"{each.name}[{each.pid}]" for each in chip.processes) for chip in full),
        "pids": ",".join(map(str, pids)) or "PID",
    }


def firmware_unfit(seen: Examination) -> Values | None:
    told = seen.smi.board_value("Compatibility")
    return None if told is None or told.upper() == "OK" else {"told": told, "firmware": seen.firmware}


def smi_missing(seen: Examination) -> Values | None:
    return {} if seen.is_ascend and seen.machine.ascend.driver_path and seen.smi.path is None else None


def smi_fails(seen: Examination) -> Values | None:
    smi = seen.smi
    if smi.path is None or smi.understood or smi.code == 0:
        return None
    how = "not-started" if smi.refusal else "timeout" if smi.code is None else "status"
    codes = [code for code in _SMI_CODE.findall(smi.text) if code in SMI_CAUSES]
    return {
        "path": smi.path,
        "how": how,
        "code": smi.code,
        "cause": SMI_CAUSES[codes[-1]] if codes else "driver",
        "said": (smi.refusal or smi.text)[-LONGEST_QUOTE:],
    }


def smi_unreadable(seen: Examination) -> Values | None:
    smi = seen.smi
    if smi.path is None or smi.understood or smi.code != 0:
        return None
    return {"path": smi.path, "said": smi.text[:LONGEST_QUOTE]}


def _npu_works(seen: Examination) -> bool:
    return any(device.kind == "npu" for device in seen.probe.usable)


def _present(seen: Examination) -> range:
    """The numbers of the NPUs that are there, whoever may see them; empty where nothing tells."""
    return range(len(seen.smi.chips) or len(seen.machine.ascend.nodes))


def _sick(seen: Examination, is_meant: Callable[[Chip], bool]) -> Values | None:
    chips = [chip for chip in seen.smi.chips if is_meant(chip)]
    if not chips:
        return None
    return {
        **_numbers(chips),
        "healths": tuple(chip.health for chip in chips),
        "unread": tuple(chip.memory_bytes is None for chip in chips),
        "npu": chips[0].npu,
        "chip": chips[0].chip,
    }


def _numbers(chips: list[Chip]) -> Values:
    return {"npus": tuple(chip.npu for chip in chips), "chips": tuple(chip.chip for chip in chips)}


HARDWARE_FINDINGS = (
    Finding("driver-missing", ERROR, driver_missing),
    Finding(
        "device-nodes-missing",
        ERROR,
        nodes_missing,
        shared=("driver",),
        explained_by=("driver-missing", "all-devices-hidden"),
    ),
    Finding("device-nodes-denied", ERROR, nodes_denied, shared=("user",)),
    Finding("all-devices-hidden", ERROR, all_hidden),
    Finding(
        "visible-devices-invalid",
        ERROR,
        visible_devices_invalid,
        where_it_works=WARNING,
        explained_by=("all-devices-hidden",),
    ),
    Finding("devices-hidden", NOTE, some_hidden, explained_by=("all-devices-hidden", "visible-devices-invalid")),
    Finding("device-unhealthy", ERROR, unhealthy),
    Finding("device-warns", WARNING, slightly_unhealthy),
    Finding("device-memory-taken", WARNING, memory_taken),
    Finding("firmware-incompatible", ERROR, firmware_unfit, shared=("driver",)),
    Finding("npu-smi-missing", WARNING, smi_missing),
    Finding("npu-smi-fails", WARNING, smi_fails),
    Finding("npu-smi-unreadable", WARNING, smi_unreadable),
)
