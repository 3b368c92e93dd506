"""What the machine is, and whether its memory is counted as its own library counts it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import torch

from npu_adapt.devices.selection import open_device
from tests.device import models
from tests.device.part import ROOT, Context, Report

PACKAGES = ("torch", "torch_npu", "transformers", "triton", "numpy", "typer", "rich", "msgspec", "huggingface-hub")
# Programs that tell of devices: they only ask.
ASKING = (
    (
        "nvidia-smi",
        "--query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,clocks.mem,"
        "clocks.max.mem,power.limit,temperature.gpu,compute_mode,ecc.mode.current,mig.mode.current",
        "--format=csv",
    ),
    ("npu-smi", "info"),
)


def environment(context: Context, report: Report) -> None:
    """Names, versions, memory and clocks; and what `npu-adapt env` makes of them."""
    device = open_device(context.device, allow_cpu=True).device
    report.put(
        name=device.display_name,
        device=device.name,
        versions={name: _version(name) for name in PACKAGES},
        python=sys.version.split()[0],
        cores=len(os.sched_getaffinity(0)),
        kernel=os.uname().release,
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
        free_and_total_bytes=device.free_and_total_memory(),
        clock_megahertz=device.clock_megahertz(),
        utilization=device.utilization(),
        numerics=device.numerics(),
        compilers={name: shutil.which(name) for name in ("gcc", "g++", "nvcc")},
        tells={" ".join(command[:1]): _asked(command) for command in ASKING if shutil.which(command[0])},
    )
    properties = getattr(torch.get_device_module(device.torch_device), "get_device_properties", None)
    if properties is not None and not context.small:
        report.put(properties=str(properties(device.torch_device)))
    done = subprocess.run(
        [sys.executable, "-m", "npu_adapt", "env", "--json", "--logs", str(context.work / "logs")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )
    recorded = json.loads(done.stdout)["environment"] if done.returncode == 0 else {}
    seen = [each for each in recorded.get("devices", ()) if each["kind"] == device.torch_device.type]
    driver = recorded.get("driver")
    report.put(env=recorded, env_errors=done.stderr[-1000:], driver=driver)
    report.check("npu-adapt env works", done.returncode == 0, done.stderr[-300:] or done.returncode, 0)
    report.say(f"{device.display_name}, torch {torch.__version__}, driver {driver}")
    if not context.small:
        report.check("env sees the device", any(each["usable"] for each in seen), seen, "a usable device")
        report.check("env names the driver", bool(driver), driver, "a version")
        problems = [f"{each['id']}: {each['found']}" for each in recorded.get("problems", ())]
        report.put(problems=problems)


def memory(context: Context, report: Report) -> None:
    """The benchmark's peak beside what the device's own library counts in a process of the same work."""
    from npu_adapt.devices.transfer import copy_to
    from tests.device.commands import bench_on

    model = models.large(context, "vit-b16")
    batches = (1, 8)
    asked = {"dtype": "float32"}
    section = bench_on(context, model, request=asked, iterations=3, warmup=1, batch_sizes=batches, with_limits=False)
    device = open_device(context.device, allow_cpu=True).device
    module = torch.get_device_module(device.torch_device)
    report.put(source=section.memory_source)
    if not hasattr(module, "max_memory_allocated"):
        report.say(f"{section.rows[0].peak_memory_bytes} bytes; the device's library keeps no count of its own")
        return
    from transformers import AutoModelForImageClassification

    loaded = copy_to(AutoModelForImageClassification.from_pretrained(model).eval(), device.torch_device, torch.float32)
    said = []
    for row, batch in zip(section.rows, batches, strict=True):
        size = loaded.config.image_size
        pixels = torch.randn(batch, 3, size, size, device=device.torch_device)
        module.empty_cache()
        module.reset_peak_memory_stats()
        with torch.inference_mode():
            loaded(pixel_values=pixels)
        device.synchronize()
        own = module.max_memory_allocated()
        ratio = (row.peak_memory_bytes or 0) / own
        report.put(**{f"batch {batch}": {"bench": row.peak_memory_bytes, "own": own, "ratio": ratio}})
        holds = context.small or 0.97 < ratio < 1.03  # a tiny model is smaller than what the allocator rounds to
        report.check(f"peak of batch {batch}", holds, ratio, "within 3 % of the library's own")
        said.append(f"batch {batch}: {ratio:.3f}")
    report.say(f"peak by bench / peak by the library: {', '.join(said)}")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _asked(command: tuple[str, ...]) -> Any:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout + done.stderr).strip().splitlines()
