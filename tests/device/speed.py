"""Time: the device's limits beside the published ones, our clock beside others, and the best way to run a model."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from npu_adapt.devices.device import Device
from npu_adapt.devices.selection import open_device
from npu_adapt.timing.limits import measure_limits
from npu_adapt.timing.loop import measure
from tests.device import models
from tests.device.commands import bench_on, words
from tests.device.part import ROOT, Context, Report

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# What vendors publish, dense: a word of the name -> FLOP/s of a type, and bytes/s of memory.
PUBLISHED: dict[str, dict[str, float]] = {
    "H200": {"float32": 67e12, "tf32": 494e12, "float16": 989e12, "bfloat16": 989e12, "memory": 4.8e12},
    "H100": {"float32": 67e12, "tf32": 494e12, "float16": 989e12, "bfloat16": 989e12, "memory": 3.35e12},
    "A100": {"float32": 19.5e12, "tf32": 156e12, "float16": 312e12, "bfloat16": 312e12, "memory": 2.04e12},
    "910B4": {"float32": 70e12, "float16": 280e12, "bfloat16": 280e12, "memory": 0.8e12},
    "910B": {"float32": 94e12, "float16": 376e12, "bfloat16": 376e12, "memory": 1.6e12},
}
AGREEMENT = 0.01
# Ours waits for the device before each sample, so it is held to events that do; torch's timer queues its calls, and
# agrees only where launching the first operators is nothing beside the rest.
LONG = (("bfloat16", 256), ("float32", 8))
TIMED = (*LONG, ("bfloat16", 64), ("bfloat16", 1))


def limits(context: Context, report: Report) -> None:
    """The rates that a benchmark holds a model to, beside a larger product, a larger copy and the published rates."""
    device = open_device(context.device, allow_cpu=True).device
    published = next((row for word, row in PUBLISHED.items() if word in device.display_name), {})
    rows: dict[str, Any] = {}
    for name, dtype in TYPES.items():
        if context.small and name != "float32":
            continue
        _settle(device, coarse=False)
        rows[name] = _limit(context, device, dtype, published.get(name), published.get("memory"))
        report.put(limits=rows, published=published, chip=device.display_name)
    if device.backend.hf32_flags:
        _settle(device, coarse=True)
        rows["tf32"] = _limit(context, device, torch.float32, published.get("tf32"), published.get("memory"))
        report.put(limits=rows)
    for name, row in rows.items():
        share = row["product_by_npu_adapt"] / row["product_of_8192"] if row["product_of_8192"] else None
        if share is not None and not context.small:
            report.check(f"matrix rate in {name}", 0.9 < share < 1.1, share, "within 10 % of a product of 8192")
    said = [f"{name} {row['product_by_npu_adapt'] / 1e12:.3g} TFLOP/s" for name, row in rows.items()]
    copied = rows["float32"]
    report.say(
        f"{', '.join(said)}; copy {copied['copy_by_npu_adapt'] / 1e12:.3g} TB/s"
        f" (of 1 GiB {copied['copy_of_1_gib'] / 1e12:.3g}); launch {copied['launch_ms'] * 1e3:.2g} us"
    )


def _settle(device: Device, *, coarse: bool) -> None:
    if device.backend.hf32_flags:
        device.pin_hf32(coarse)


def _limit(
    context: Context, device: Device, dtype: torch.dtype, rate: float | None, bandwidth: float | None
) -> dict[str, Any]:
    found = measure_limits(device.torch_device, dtype, device.synchronize, 1 << 30, device.event_timer())
    size = 512 if context.small else 8192
    left, right = (torch.randn(size, size, device=device.torch_device).to(dtype) for _ in range(2))
    product = 2 * size**3 / best_ms(device, lambda: left @ right.T) * 1e3
    source = torch.empty((1 << 24) if context.small else (1 << 30), dtype=torch.uint8, device=device.torch_device)
    target = torch.empty_like(source)
    copied = 2 * source.numel() / best_ms(device, lambda: target.copy_(source)) * 1e3
    return {
        "product_by_npu_adapt": found.matmul_flop_per_s,
        "product_of_8192": product,
        "published_product": rate,
        "share_of_published_product": found.matmul_flop_per_s / rate if rate else None,
        "copy_by_npu_adapt": found.copy_bytes_per_s,
        "copy_of_1_gib": copied,
        "published_copy": bandwidth,
        "share_of_published_copy": copied / bandwidth if bandwidth else None,
        "launch_ms": found.launch_ms,
    }


def best_ms(device: Device, call: Callable[[], Any], count: int = 20) -> float:
    """The shortest of `count` calls by the device's clock, else the host's."""
    for _ in range(3):
        call()
    device.synchronize()
    return min(_events(device, call, count) or _host(device, call, count))


def _events(device: Device, call: Callable[[], Any], count: int, *, alone: bool = False) -> list[float]:
    """Each call between two events, one behind the other or `alone`; empty without events. Independent of `loop`."""
    event = getattr(torch.get_device_module(device.torch_device), "Event", None)
    if device.event_timer() is None or event is None:
        return []
    pairs = [(event(enable_timing=True), event(enable_timing=True)) for _ in range(count)]
    for started, stopped in pairs:
        if alone:
            device.synchronize()
        started.record()
        call()
        stopped.record()
    device.synchronize()
    return [float(started.elapsed_time(stopped)) for started, stopped in pairs]


def _host(device: Device, call: Callable[[], Any], count: int) -> list[float]:
    samples = []
    for _ in range(count):
        device.synchronize()
        started = time.perf_counter()
        call()
        device.synchronize()
        samples.append(1e3 * (time.perf_counter() - started))
    return samples


def clocks(context: Context, report: Report) -> None:
    """The same forward by our loop, by events of the device, and by torch's own timer, in turns."""
    device = open_device(context.device, allow_cpu=True).device
    rows: dict[str, Any] = {}
    cases = (("float32", 1),) if context.small else TIMED
    for name, batch in cases:
        call = _forward(context, device, TYPES[name], batch)
        row = _three_clocks(device, call, 0.3 if context.small else 1.5)
        rows[f"{name}, batch {batch}"] = row
        report.put(clocks=rows)
        if (name, batch) not in LONG:
            continue
        for other in ("events", "timer") if (name, batch) == LONG[0] else ("events",):
            ratio = row["ours_ms" if other == "events" else "ours_host_ms"] / row[f"{other}_ms"] - 1
            label = f"{name}, batch {batch}: ours against {other}"
            report.check(label, abs(ratio) <= AGREEMENT, f"{ratio:+.2%}", f"within {AGREEMENT:.0%}")
    said = [
        f"{name}: {row['ours_ms']:.4g} (host {row['ours_host_ms']:.4g}), events {row['events_ms']:.4g},"
        f" queued {row['queued_ms']:.4g}, Timer {row['timer_ms']:.4g} ms"
        for name, row in rows.items()
    ]
    report.say("; ".join(said))


def _forward(context: Context, device: Device, dtype: torch.dtype, batch: int) -> Callable[[], Any]:
    from transformers import AutoModelForImageClassification

    folder = models.large(context, "vit-b16")
    model = AutoModelForImageClassification.from_pretrained(folder, dtype=dtype).eval().to(device.torch_device)
    size = model.config.image_size
    pixels = torch.randn(batch, 3, size, size, device=device.torch_device).to(dtype)

    def call() -> Any:
        with torch.inference_mode():
            return model(pixel_values=pixels).logits

    return call


def _three_clocks(device: Device, call: Callable[[], Any], seconds: float) -> dict[str, Any]:
    """Medians of each clock over two turns, in milliseconds."""
    from torch.utils.benchmark import Timer

    ours: list[float] = []
    host: list[float] = []
    events: list[float] = []
    queued: list[float] = []
    timer: list[float] = []
    for _ in range(2):
        taken = measure(
            call, synchronize=device.synchronize, event_timer=device.event_timer(), max_seconds=seconds, precision=1e-3
        )
        ours += taken.device_ms or taken.host_ms
        host += taken.host_ms
        events += _events(device, call, 50, alone=True)
        queued += _events(device, call, 50)
        timed = Timer("call()", globals={"call": call}).blocked_autorange(min_run_time=seconds)
        timer += [1e3 * each for each in timed.times]
    medians = {"ours_ms": ours, "ours_host_ms": host, "events_ms": events or host, "timer_ms": timer}
    medians["queued_ms"] = queued or host
    spread = {"ours_spread": _spread(ours), "events_spread": _spread(events or host)}
    return {name: statistics.median(samples) for name, samples in medians.items()} | spread


def _spread(samples: list[float]) -> float:
    """Interquartile range over the median."""
    low, middle, high = statistics.quantiles(samples, n=4)
    return (high - low) / middle


def sweep(context: Context, report: Report) -> None:
    """`bench` over modes, batches and types: it must pick the best right row, and come near the limit."""
    small = context.small
    modes = ("eager",) if small else tuple(context.arguments["modes"].split(","))
    batches = (1, 2) if small else context.arguments.get("batches", (1, 8, 64))
    dtypes = ("float32",) if small else ("float32", "bfloat16")
    section = bench_on(
        context,
        models.large(context, "vit-b16"),
        max_seconds=0.5 if small else 2.0,
        batch_sizes=batches,
        dtypes=dtypes,
        modes=modes,
    )
    rows = [_row(row) for row in section.rows]
    report.put(rows=rows, best=section.best_row, warnings=[words(each) for each in section.warnings])
    for row in rows:
        report.check(
            f"{row['dtype']} {row['mode']} batch {row['batch']}", row["status"] == "measured", row["reason"], "measured"
        )
    best = rows[section.best_row]
    fastest = max((row for row in rows if row["status"] == "measured"), key=lambda row: row["per_s"])
    report.check("the best row is the fastest right one", best == fastest, best, fastest)
    large = [row for row in rows if row["batch"] == batches[-1] and row["dtype"] == dtypes[-1] and row["achieved"]]
    nearest = max(large, key=lambda row: row["achieved"], default=None)
    if nearest is not None and not small:
        label = f"{dtypes[-1]}, batch {batches[-1]}: share of the limit"
        report.check(label, nearest["achieved"] >= 0.8, nearest["achieved"], ">= 0.8, or the report says why")
    report.say(
        f"best: {best['dtype']} {best['mode']} batch {best['batch']}: {best['per_s']:.4g} a second,"
        f" {best['achieved'] or 0:.0%} of the {best['bound']} limit"
    )


def _row(row: Any) -> dict[str, Any]:
    roofline = row.roofline
    return {
        "dtype": row.dtype,
        "mode": row.mode,
        "batch": row.batch_size,
        "status": row.status,
        "reason": words(row.reason),
        "median_ms": row.latency_ms and row.latency_ms.median,
        "per_s": row.throughput_per_s,
        "first_ms": row.first_forward_ms,
        "launch_gap_ms": row.launch_gap_ms,
        "peak_memory_bytes": row.peak_memory_bytes,
        "relative_l2": row.relative_l2,
        "bound": roofline and roofline.bound,
        "bound_ms": roofline and roofline.bound_ms,
        "achieved": roofline and roofline.achieved,
        "rate": roofline and roofline.matmul_flop_per_s,
        "prefill_tokens_per_s": row.prefill_tokens_per_s,
        "decode_tokens_per_s": row.decode_tokens_per_s,
        "warnings": [each.id for each in row.warnings],
        "samples": row.iterations,
    }


def generation(context: Context, report: Report) -> None:
    """Prefill and decoding of a language model of a billion parameters, beside what reading its weights takes."""
    model = models.large(context, "llama-1b")
    dtype = "float32" if context.small else "bfloat16"
    section = bench_on(context, model, max_seconds=0.5 if context.small else 4.0, dtypes=(dtype,))
    row, record = _row(section.rows[0]), section.rows[0]
    report.put(row=row)
    report.check("measured", row["status"] == "measured", row["reason"] or row["status"], "measured")
    decode = row["decode_tokens_per_s"] or 0.0
    limit = (
        record.roofline.copy_bytes_per_s / record.weights_bytes if record.roofline and record.weights_bytes else None
    )
    report.put(decode_limit_by_bandwidth=limit)
    report.say(
        f"prefill {row['prefill_tokens_per_s'] or 0:.4g}, decode {decode:.4g} tokens/s"
        + (f" ({decode / limit:.0%} of reading the weights once a token)" if limit else "")
    )


def compare_time(context: Context, report: Report) -> None:
    """How long `compare` takes on the device, beside the CPU compared with itself."""
    folder = models.large(context, "vit-b16")
    taken: dict[str, float] = {}
    for device in (context.device, "cpu"):
        started = time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "npu_adapt", "compare", str(folder), "--device", device),
                *("--offline", "--quiet", "--logs", str(context.work / device.replace(":", "-"))),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        taken[device] = round(time.perf_counter() - started, 2)
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        report.check(f"compare on {device} passes", done.returncode == 0, " / ".join(said), "exit code 0")
        report.put(seconds=taken)
    ratio = taken[context.device] / taken["cpu"]
    report.put(ratio=ratio)
    report.say(f"{taken[context.device]:.1f} s, the CPU with itself {taken['cpu']:.1f} s: {ratio:.2f}")
    if not context.small:
        report.check("time against the CPU's", ratio <= 1.3, ratio, "<= 1.3")
