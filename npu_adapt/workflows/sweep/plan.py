"""What is to be done: each model with its commands, as a file from which a sweep goes on. No torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.errors import Sentence, SummaryUnreadable
from npu_adapt.records import Record
from npu_adapt.records.exact import decode_exactly, encode_exactly
from npu_adapt.records.sweep import SWEEP_SCHEMA_VERSION
from npu_adapt.workflows.processes.call import Call

LONGEST_FOLDER = 80  # characters
REPORT_FILE = "report.html"


class Job(Record, frozen=True, kw_only=True):
    """One model: its commands in their order, and what holds for all of them."""

    name: str  # unique in the sweep
    model: str
    folder: str  # below `models/`
    calls: tuple[Call, ...]
    options: dict[str, Any]  # as asked, by command, for the record
    timeout: float | None = None  # seconds for all commands together; None: no limit
    cwd: str  # the folder that relative paths among its options are of
    variables: dict[str, str] = msgspec.field(default_factory=dict)  # added to its environment


class Plan(Record, frozen=True, kw_only=True):
    """All models of a sweep, in their order."""

    schema_version: int
    created_at: str  # UTC
    command: str  # the command line
    run: tuple[str, ...]
    jobs: tuple[Job, ...]


def folders_of(names: Iterable[str]) -> dict[str, str]:
    """A folder's name for each name, readable and unique, also where letter case does not count."""
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "--", name).strip("-.")[-LONGEST_FOLDER:] or "model"
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        is_plain = re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?", name) and len(name) < LONGEST_FOLDER
        folder = readable if is_plain and readable.lower() not in taken else f"{readable}-{digest}"
        taken.add(folder.lower())
        folders[name] = folder
    return folders


def placed(call: Call, device: str, logs: Path) -> Call:
    """The call for one device, its evidence in `logs`."""
    parameters = {**call.parameters}
    if "logs" in parameters:
        parameters["logs"] = str(logs)
    if call.command == "report":
        parameters["out"] = str(logs / REPORT_FILE)
    request: Mapping[str, Any] = parameters.get("request", {})
    if "logs" in request:
        line = f"{request['command_line']} --device {device}"
        parameters["request"] = {**request, "device": device, "logs": str(logs), "command_line": line}
    return Call(call.command, parameters)


def encode_plan(plan: Plan) -> bytes:
    return encode_exactly(plan) + b"\n"


def decode_plan(data: bytes, *, origin: str) -> Plan:
    """Raises `SummaryUnreadable`."""
    try:
        plan = decode_exactly(data, Plan)
    except msgspec.DecodeError as error:
        raise SummaryUnreadable(
            Sentence("{origin} is no plan of a sweep: {error}", origin=origin, error=error), hint="start the sweep anew"
        ) from error
    if plan.schema_version > SWEEP_SCHEMA_VERSION:
        raise SummaryUnreadable(
            Sentence(
                "{origin} has schema version {schema_version}; this npu-adapt reads up to {sweep_schema_version}",
                origin=origin,
                schema_version=plan.schema_version,
                sweep_schema_version=SWEEP_SCHEMA_VERSION,
            ),
            hint="upgrade npu-adapt: pip install --upgrade npu-adapt",
        )
    return plan
