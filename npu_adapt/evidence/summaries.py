"""Summaries: read, begun, and kept together as long as they are about the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.errors import Sentence, SummaryUnreadable
from npu_adapt.evidence.atomic import utc_now
from npu_adapt.evidence.tool import this_tool
from npu_adapt.files import read_regular
from npu_adapt.records import SCHEMA_VERSION, Environment, Summary, decode

SECTIONS = ("run", "compare", "bench")
LARGEST_SUMMARY = 256 << 20  # bytes: ten million samples


def read_summary(path: Path) -> Summary:
    """The summary in `path`. Raises `SummaryUnreadable` (also for a file that cannot be opened)."""
    try:
        data = read_regular(path, LARGEST_SUMMARY)
    except OSError as error:
        raise SummaryUnreadable(
            Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror),
            hint="run a command that writes it: npu-adapt compare MODEL",
        ) from error
    return decode(data, origin=str(path))


def key_parts(summary: Summary) -> dict[str, Any]:
    """What two sections must share to stand in one report, by what each part is called.

    Free memory, health and the problems found are states of the same environment, not another one.
    """
    run, weights, model = summary.run, summary.weights, summary.model
    return {
        "model": model and (model.id, model.task),
        "adapter": model and model.adapter and model.adapter.sha256,
        "weights": weights and sorted((file.name, file.sha256) for file in weights.files),
        "environment": _without_states(summary.environment),
        "device": run and run.device,
        "dtype": run and run.dtype,
        "attention": run and run.attention,
        "numerics": run and sorted(run.numerics.items()),
        "threads": run and run.threads,
    }


def summary_key(summary: Summary) -> bytes:
    """`key_parts` as one value: equal for what may stand together."""
    return msgspec.json.encode(key_parts(summary))


def _without_states(environment: Environment | None) -> Environment | None:
    if environment is None:
        return None
    replace = msgspec.structs.replace
    devices = tuple(replace(device, free_memory_bytes=None, health=None, usable=None) for device in environment.devices)
    return replace(environment, problems=(), npu_smi=None, devices=devices)


def merged(new: Summary, old: Summary) -> Summary:
    """`new` with the sections of `old` that it neither wrote nor failed to write. Both have the same `summary_key`."""
    kept = {name: getattr(old, name) for name in SECTIONS if getattr(new, name) is None and name not in new.reasons}
    reasons = {path: why for path, why in old.reasons.items() if kept.get(path.split(".", 1)[0]) is not None}
    return msgspec.structs.replace(
        new, **kept, commands={**old.commands, **new.commands}, reasons={**reasons, **new.reasons}
    )


def new_summary(command: str, **sections: Any) -> Summary:
    """A summary of now, written by this version, with the sections given."""
    return Summary(
        schema_version=SCHEMA_VERSION,
        tool=this_tool(),
        created_at=utc_now(),
        command=command,
        **sections,
    )
