"""How warm a device is and how fast its clock runs while it works, as far as it or a tool of its maker tells."""

from __future__ import annotations

import os
from collections.abc import Callable

from npu_adapt.devices.device import Device
from npu_adapt.devices.doctor.npu_smi import Asking, Chip, Vitals, vitals

SECONDS = 5.0  # that a tool may take to answer
VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"  # the chips that a process sees, by their position in npu-smi's listing


def vitals_of(device: Device) -> Callable[[], Vitals]:
    """What reads them now. What the tool lists is asked for once, here."""
    chip, path = _chip(device) if device.backend.management == "npu-smi" else (None, None)

    def read() -> Vitals:
        told = Vitals(device.temperature_celsius(), device.clock_megahertz())
        if chip is None or path is None or None not in (told.temperature_celsius, told.clock_megahertz):
            return told
        found = vitals(path, chip.npu, chip.chip, SECONDS)
        return Vitals(
            found.temperature_celsius if told.temperature_celsius is None else told.temperature_celsius,
            found.clock_megahertz if told.clock_megahertz is None else told.clock_megahertz,
        )

    return read


def _chip(device: Device) -> tuple[Chip, str] | tuple[None, None]:
    """The device's chip and the tool's path; nothing where the tool does not list it."""
    with Asking() as asking:
        answer = asking.answer(SECONDS)
    position = device.torch_device.index or 0
    seen = [part.strip() for part in os.environ.get(VISIBLE, "").split(",")]
    if seen != [""]:
        if position >= len(seen) or not seen[position].isdecimal():
            return None, None
        position = int(seen[position])
    if answer.path is None or position >= len(answer.chips):
        return None, None
    return answer.chips[position], answer.path
