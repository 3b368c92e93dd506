"""The package's commands as the parts use them, in this process: all that the parts know of `workflows` is here."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.progress import Said, Silent
from npu_adapt.records import Bench, Summary
from npu_adapt.report.language import spoken
from npu_adapt.workflows.bench.command import bench
from npu_adapt.workflows.bench.options import BenchOptions
from npu_adapt.workflows.compare import sides
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.run.request import RunRequest
from tests.device.part import Context


class Printed(Silent):
    """Says on stdout which step has begun, so that a part that is ended tells how far it came."""

    def task(self, description: Said, total: float | None = None, unit: str = "") -> Any:
        print(f"{time.strftime('%H:%M:%S')} {spoken(description, 'en')}", flush=True)
        return super().task(description, total, unit)


def compare_on(context: Context, model: Path, logs: str, *, fast: bool = False, **request: Any) -> Summary:
    """The record of `compare`. `request` are fields of the request: dtype, hf32."""
    return compare(_request(context, "compare", model, logs, **request), CompareOptions(fast=fast), Printed())


def bench_on(
    context: Context, model: Path, logs: str = "bench", *, request: dict[str, Any] | None = None, **options: Any
) -> Bench:
    """The section of `bench`. `options` are those of the command, `request` fields of the request: dtype, hf32."""
    section = bench(
        _request(context, "bench", model, logs, **(request or {})), BenchOptions(**options), Printed()
    ).bench
    assert section is not None
    return section


def summary_path(context: Context, logs: str) -> Path:
    """Where a command left its record."""
    return context.work / logs / "summary.json"


def plant(make: Callable[[], AbstractContextManager[object]]) -> None:
    """From now on, the device's side of every comparison in this process runs within what `make` gives."""
    sides.candidate_context = lambda session: make  # type: ignore[assignment]


def words(fact: Any) -> str:
    """A fact or a term as its id and values; "" for None."""
    if fact is None or isinstance(fact, str):
        return fact or ""
    fields = {name: value for name, value in msgspec.to_builtins(fact).items() if value not in (None, "", {}, [])}
    return f"{fields.pop('id')} {fields}" if len(fields) > 1 else str(fields["id"])


def _request(context: Context, name: str, model: Path, logs: str, **fields: Any) -> RunRequest:
    return RunRequest(
        command=name,
        command_line=f"npu-adapt {name} {model.name} --device {context.device}",
        model=str(model),
        device=context.device,
        offline=True,
        logs=context.work / logs,
        **fields,
    )
