"""The recorded command lines against what they would write."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from npu_adapt.records import Summary
from npu_adapt.records.audit import AuditFinding
from npu_adapt.workflows.audit.findings import of_field

BUILTIN = "builtin:"
# Option, the command whose figures it sets (empty: all), and the field that it becomes.
OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("--device", "", "run.device"),
    ("--dtype", "", "run.dtype"),
    ("--attention", "", "run.attention"),
    ("--seed", "", "run.seed"),
    ("--threads", "bench", "bench.threads"),
    ("--iters", "bench", "bench.iterations"),
    ("--batch-size", "bench", "bench.batch_size"),
    ("--warmup", "bench", "bench.warmup"),
    ("--samples", "compare", "compare.samples"),
    ("--revision", "", "model.revision"),
)
NOT_SAID = ("auto",)


def against_commands(summary: Summary, file: str) -> Iterator[tuple[int, AuditFinding | None]]:
    """Each option of a command line beside the field that it sets. Failed runs are left out: they may not reach it."""
    if summary.run is not None and summary.run.failure is not None:
        return
    for name, line in summary.commands.items():
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        if name not in words:
            continue
        given = _options(words)
        yield from _of_model(summary, name, words, file)
        for option, only, field in OPTIONS:
            if option not in given or only not in ("", name) or given[option] in NOT_SAID or "," in given[option]:
                continue
            recorded = _at(summary, field)
            if recorded is not None and not (option == "--device" and str(recorded).startswith("rehearsed:")):
                yield 1, _compared(name, option, given[option], field, recorded, file)
        if "--rehearse" in given and summary.run is not None:
            wanted = f"rehearsed:{given['--rehearse']}"
            source = f"commands.{name}: --rehearse {given['--rehearse']}"
            differs = summary.run.device != wanted
            yield (
                1,
                of_field("command-differs", file, "run.device", summary.run.device, wanted, source)
                if differs
                else None,
            )


def _options(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, word in enumerate(words):
        if not word.startswith("--"):
            continue
        name, joined, value = word.partition("=")
        if joined:
            found[name] = value
        elif at + 1 < len(words) and not words[at + 1].startswith("-"):
            found[name] = words[at + 1]
    return found


def _of_model(summary: Summary, name: str, words: list[str], file: str) -> Iterator[tuple[int, AuditFinding | None]]:
    """The model that a command names; a folder's path is none of a hub's ids."""
    after = words[words.index(name) + 1 :]
    model = after[0] if after and not after[0].startswith("-") else None
    if model is None or summary.model is None:
        return
    recorded = summary.model.id
    if model.startswith(BUILTIN) or (
        "/" in model and not model.startswith((".", "/", "~")) and summary.model.source in ("modelscope", "huggingface")
    ):
        source = f"commands.{name}: {model}"
        yield 1, None if recorded == model else of_field("command-differs", file, "model.id", recorded, model, source)


def _compared(name: str, option: str, given: str, field: str, recorded: Any, file: str) -> AuditFinding | None:
    device_without_number = option == "--device" and ":" not in given and str(recorded).partition(":")[0] == given
    if str(recorded) == given or device_without_number:
        return None
    return of_field("command-differs", file, field, recorded, given, f"commands.{name}: {option} {given}")


def _at(summary: Summary, path: str) -> Any:
    value: Any = summary
    for name in path.split("."):
        value = getattr(value, name, None)
        if value is None:
            return None
    return value
