"""All that is known of one machine, put together: what lies there, what npu-smi says, and what came of using it."""

from __future__ import annotations

from dataclasses import dataclass, field

from npu_adapt.devices.doctor.machine import Machine
from npu_adapt.devices.doctor.npu_smi import NpuSmi
from npu_adapt.devices.doctor.probing import Probe
from npu_adapt.records.base import Record


class FailedPlugin(Record, frozen=True):
    """A package whose task rows cannot be used, and what it said when they were imported."""

    name: str
    error: str


@dataclass(frozen=True)
class Examination:
    """All that is known of a machine: what lies there, what npu-smi says, and what came of using it."""

    machine: Machine
    smi: NpuSmi = field(default_factory=lambda: NpuSmi(None))
    probe: Probe = field(default_factory=Probe)
    failed_plugins: tuple[FailedPlugin, ...] = ()

    @property
    def is_ascend(self) -> bool:
        """Whether this machine is meant to have an NPU: any part of the stack is there."""
        return self.machine.ascend.present or self.machine.version("torch_npu") is not None or self.smi.path is not None

    @property
    def cann(self) -> str | None:
        """The version of the CANN that runs, else of the one on disk; None: there is none, or it does not say."""
        running = self.probe.versions("npu")
        on_disk = self.machine.ascend.cann
        if running is not None and running.stack is not None:
            return running.stack
        return on_disk.version if on_disk is not None else None

    @property
    def driver(self) -> str | None:
        """The driver's version, from its files, its running software or npu-smi; None: none of them has one."""
        running = self.probe.versions("npu")
        told = running.driver if running is not None else None
        ascend = self.machine.ascend.driver or self.smi.board_value("Software Version") or told or self.smi.version
        return ascend or self._driver_of_others()

    def _driver_of_others(self) -> str | None:
        """The driver of the first device that torch sees and whose software tells."""
        versions = (self.probe.versions(device.kind) for device in self.probe.devices)
        return next((found.driver for found in versions if found is not None and found.driver), None)

    @property
    def firmware(self) -> str | None:
        """The firmware's version; None: neither its file nor npu-smi has one."""
        return self.machine.ascend.firmware or self.smi.board_value("Firmware Version")
