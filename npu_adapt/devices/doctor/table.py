"""Every finding, in the order in which they are read and shown: torch, the vendors' stacks, then the devices."""

from __future__ import annotations

from npu_adapt.devices.doctor.ascend_hardware import HARDWARE_FINDINGS
from npu_adapt.devices.doctor.ascend_software import SOFTWARE_FINDINGS
from npu_adapt.devices.doctor.findings import Finding
from npu_adapt.devices.doctor.general_findings import DEVICE_FINDINGS, TORCH_FINDINGS

FINDINGS: tuple[Finding, ...] = (*TORCH_FINDINGS, *HARDWARE_FINDINGS, *SOFTWARE_FINDINGS, *DEVICE_FINDINGS)
