"""Two processes on one device: the benchmark must say that it was not alone, and only then."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from tests.device import models
from tests.device.commands import bench_on, words
from tests.device.part import ROOT, Context, Report

WARNING, MEMORY_TAKEN = "device-shared", "device-memory-taken"
# What the other process does: it multiplies without end, and says when it has begun.
BUSY = """
import sys, torch
from npu_adapt.devices.selection import open_device
device = open_device(sys.argv[1], allow_cpu=True).device
x = torch.randn(int(sys.argv[2]), int(sys.argv[2]), device=device.torch_device)
x @ x
device.synchronize()
print("begun", flush=True)
while True:
    for _ in range(20):
        x @ x
    device.synchronize()
"""


def shared(context: Context, report: Report) -> None:
    """A benchmark alone, one beside a process that was there before, and one whose device is joined meanwhile."""
    model = models.large(context, "vit-b16")
    rows: dict[str, Any] = {}
    rows["alone"] = _warnings(context, model, "alone")
    with _Busy(context) as other:
        assert other.stdout is not None
        other.stdout.readline()
        rows["beside another"] = _warnings(context, model, "beside")
    with _Busy(context, wait=3.0):
        rows["joined"] = _warnings(context, model, "joined", seconds=14.0)
    report.put(warnings=rows)
    report.say(", ".join(f"{name}: {row['median_ms']:.3g} ms {row['ids']}" for name, row in rows.items()))
    if context.small:
        return
    report.check("alone says nothing", WARNING not in rows["alone"]["ids"], rows["alone"], "no warning")
    report.check("beside another says so", WARNING in rows["beside another"]["ids"], rows["beside another"], WARNING)
    joined = set(rows["joined"]["ids"]) & {WARNING, MEMORY_TAKEN}
    report.check("joined says so", bool(joined), rows["joined"], f"{WARNING}, or {MEMORY_TAKEN} meanwhile")


def _warnings(context: Context, model: Any, name: str, seconds: float = 2.0) -> dict[str, Any]:
    taken = 0.5 if context.small else seconds
    section = bench_on(context, model, name, max_seconds=taken, precision=1e-6, with_limits=False)
    return {
        "ids": [each.id for each in section.warnings],
        "messages": [words(each) for each in section.warnings],
        "median_ms": section.latency_ms.median,
    }


class _Busy:
    """A process that works on the device while the context lasts, begun `wait` seconds into it."""

    def __init__(self, context: Context, wait: float = 0.0) -> None:
        size = "512" if context.small else "8192"
        code = f"import time; time.sleep({wait})\n{BUSY}"
        self._command = [sys.executable, "-c", code, context.device, size]

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        time.sleep(0.5)  # the device's statistics look back
