"""How a report calls the hardware behind it, by the type of the device that ran: rows, never conditions."""

from __future__ import annotations

from dataclasses import dataclass

from npu_adapt.records import Summary


@dataclass(frozen=True)
class Hardware:
    """What catalogues of adaptation reports look for.

    `directives` are lines that must stand bare in the body. `stand_in_suffix` is how a software double of the
    device's stack signs its version (`Environment.cann`): with it, the report claims no hardware.
    """

    name: str
    tags: tuple[str, ...]
    directives: tuple[str, ...] = ()
    stand_in_suffix: str | None = None


HARDWARE: dict[str, Hardware] = {
    "npu": Hardware("NPU", ("NPU", "Ascend", "ascend-npu"), ("#+NPU",), stand_in_suffix="-soft"),
    "cuda": Hardware("GPU", ("GPU", "CUDA")),
    "xpu": Hardware("GPU", ("GPU", "XPU")),
    "mps": Hardware("GPU", ("GPU", "MPS")),
    "cpu": Hardware("CPU", ("CPU",)),
}
REHEARSAL = Hardware("none (rehearsed on the CPU)", ("rehearsal",))
STAND_IN = Hardware("none (software stand-in)", ("software-stand-in",))
NOTHING_RUN = Hardware("none (nothing was run)", ())


def hardware_of(summary: Summary) -> Hardware:
    """The row of the device that ran. A rehearsal and a software stand-in claim no hardware, whatever their names."""
    run = summary.run
    if run is None:
        return NOTHING_RUN
    if run.status == "REHEARSED":
        return REHEARSAL
    if is_stand_in(summary):
        return STAND_IN
    kind = run.device.partition(":")[0]
    return HARDWARE.get(kind, Hardware(kind.upper(), (kind,)))


def is_stand_in(summary: Summary) -> bool:
    """Whether the device that ran stands on a software double of its vendor's stack."""
    run, environment = summary.run, summary.environment
    if run is None or environment is None or environment.cann is None:
        return False
    row = HARDWARE.get(run.device.partition(":")[0])
    return row is not None and row.stand_in_suffix is not None and environment.cann.endswith(row.stand_in_suffix)
