"""What goes wrong on a device is called by its name: memory, a missing operator, an error that comes late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from npu_adapt.devices.device import Device
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import RunFailed
from tests.device import models
from tests.device.commands import bench_on, compare_on, plant, summary_path, words
from tests.device.part import Context, Report, Skipped

TOO_MUCH = 1 << 50  # bytes: more than any device has


def out_of_memory(context: Context, report: Report) -> None:
    """One allocation beyond the device, and a batch beyond it in a benchmark, whose other row must be measured."""
    device = open_device(context.device, allow_cpu=True).device
    _raised(
        report, device, "one allocation", lambda: torch.empty(TOO_MUCH, dtype=torch.uint8, device=device.torch_device)
    )
    report.say("out-of-memory")
    if context.small:
        return
    section = bench_on(
        context,
        models.large(context, "vit-b16"),
        request={"dtype": "float16"},
        iterations=3,
        warmup=1,
        batch_sizes=(1, 1 << 20),
        with_limits=False,
    )
    good, bad = section.rows
    report.put(
        rows=[{"batch": row.batch_size, "status": row.status, "reason": words(row.reason)} for row in (good, bad)]
    )
    report.check("the row that fits is measured", good.status == "measured", words(good.reason) or good.status)
    report.check(
        "the row that does not says why", "out-of-memory" in words(bad.reason), words(bad.reason), "out-of-memory"
    )
    memory = device.free_and_total_memory()
    report.put(free_and_total_afterwards=memory)
    report.say("out-of-memory; the other rows of a benchmark are measured")


def missing_operator(context: Context, report: Report) -> None:
    """An operator that the device has no kernel of, one that it has not for a type, and the same inside a model."""
    device = open_device(context.device, allow_cpu=True).device
    library = torch.library.Library("npu_adapt_examination", "DEF")
    library.define("absent(Tensor x) -> Tensor")
    library.impl("absent", torch.empty_like, "Meta")
    x = torch.ones(4, 4, device=device.torch_device)
    absent = torch.ops.npu_adapt_examination.absent
    failure = _raised(report, device, "no kernel", lambda: absent(x), "operator-not-supported")
    if failure is not None:
        wanted = "npu_adapt_examination::absent"
        report.check("the operator is named", failure.operator == wanted, failure.operator, wanted)
    _raised(report, device, "no kernel for the type", lambda: torch.linalg.svd(x.half()), None)
    _in_a_comparison(context, report, lambda: absent(x), "operator-not-supported")
    report.say("operator-not-supported, with the operator's name")


def device_assert(context: Context, report: Report) -> None:
    """An index beyond a table: the device finds it after the call has returned. Its context is dead afterwards."""
    if context.small:
        raise Skipped("a CPU has no errors that come late")
    device = open_device(context.device, allow_cpu=True).device
    table = torch.ones(4, 4, device=device.torch_device)
    far = torch.tensor([1 << 20], device=device.torch_device)

    def index() -> None:
        torch.nn.functional.embedding(far, table)
        device.synchronize()

    _in_a_comparison(context, report, index, None)
    failure = _raised(report, device, "an index beyond the table", index, None)
    if failure is not None:
        report.put(kind=failure.kind, message=failure.message, hint=failure.hint)
        report.check("it is about the device", failure.kind == "device-lost", failure.kind, "device-lost")
        report.say(f"{failure.kind}: {failure.message[:120]}")


def _raised(
    report: Report, device: Device, name: str, call: Callable[[], Any], kind: str | None = "out-of-memory"
) -> RunFailed | None:
    """What `call` raises, classified; notes text and class. `kind` None: any class will do."""
    try:
        call()
        device.synchronize()
    except Exception as error:  # noqa: BLE001 - what it raises is the question
        failure = device.classify(error, "examination")
        report.put(**{name: {"type": f"{type(error).__module__}.{type(error).__name__}", "text": str(error)[:800]}})
        found = None if failure is None else failure.kind
        holds = failure is not None and kind in (None, found)
        report.check(f"{name}: classified", holds, found or f"{type(error).__name__}: {error}"[:200], kind or "a class")
        if failure is not None:
            report.put(**{f"{name}, in words": failure.message})
        return failure
    report.check(f"{name}: raises", False, "nothing was raised", kind or "an error")
    return None


def _in_a_comparison(context: Context, report: Report, fault: Callable[[], Any], kind: str | None) -> None:
    """The same where it would happen: within the device's forward. The record must say FAILED, where and why."""

    class Faulty:
        def __enter__(self) -> None:
            fault()

        def __exit__(self, *_: object) -> None:
            pass

    plant(Faulty)
    try:
        compare_on(context, models.tiny(context, "vit"), "compare", dtype="float32")
    except RunFailed as failure:
        report.put(comparison={"stage": failure.stage, "kind": failure.kind, "message": failure.message})
        report.check("a comparison fails by that class", kind in (None, failure.kind), failure.kind, kind or "a class")
        recorded = summary_path(context, "compare").read_text(encoding="utf-8")
        report.check("its record says so", '"FAILED"' in recorded and failure.kind in recorded, failure.kind)
        return
    report.check("a comparison fails by that class", False, "it passed", kind)
