"""Much of what there is mostly little of: fields, labels, tokens, tensors, shards, files, entries, runs."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.models import RUN, WEIGHTS, Models, changed
from tests.benchmarks.hostile.running import CPU, FAST, Input


def _configured(**fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change


def _edited(name: str, edit: Callable[[Any], object]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return change


def _more_tensors(count: int) -> Callable[[Path], None]:
    """So many tensors of one number each behind the model's own."""

    def change(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header, numbers = json.loads(data[8 : 8 + length]), data[8 + length :]
        for number in range(count):
            begin = len(numbers) + 4 * number
            header[f"more.{number}"] = {"dtype": "F32", "shape": [1], "data_offsets": [begin, begin + 4]}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + numbers + bytes(4 * count))

    return change


def _shards(count: int) -> Callable[[Path], None]:
    """An index of so many shards, each of one number, beside the one that holds the model."""

    def change(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
        (folder / WEIGHTS).rename(folder / "model-00000.safetensors")
        named = {name: "model-00000.safetensors" for name in header if name != "__metadata__"}
        for number in range(1, count):
            text = json.dumps({f"more.{number}": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
            name = f"model-{number:05}.safetensors"
            (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
            named[f"more.{number}"] = name
        (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": named}))

    return change


def _files(count: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for number in range(count):
            (folder / f"{number}.txt").touch()

    return change


def _tokens(tokenizer: dict[str, Any]) -> None:
    tokenizer["model"]["vocab"] |= {f"word{number}": 100 + number for number in range(600_000)}


def _added(tokenizer: dict[str, Any]) -> None:
    form = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer["added_tokens"] += [{"id": 100 + n, "content": f"<{n}>", **form} for n in range(30_000)]


MODELS: Mapping[str, Callable[[Path], None]] = {
    "a million labels": _configured(id2label={str(number): f"label {number}" for number in range(1_000_000)}),
    "a million numbers": _configured(x=[*range(1_000_000)]),
    "ten thousand fields": _configured(**{f"field_{number}": number for number in range(10_000)}),
    "a text of 30 MB": _configured(x="y" * 30_000_000),
    "600,000 words": _edited("tokenizer.json", _tokens),
    "30,000 added tokens": _edited("tokenizer.json", _added),
    "a megabyte of settings": _edited("tokenizer_config.json", lambda content: content.update(x="y" * 1_000_000)),
    "100,000 tensors": _more_tensors(100_000),
    "2,000 shards": _shards(2000),
    "20,000 files": _files(20_000),
}


def _entries(folder: Path) -> None:
    """A registry of ten thousand models, none of which is there."""
    path = folder / "registry/registry.json"
    content = json.loads(path.read_text())
    kind = next(name for name, value in content.items() if isinstance(value, list) and value)
    first = content[kind][0]
    content[kind] += [first | {"model": f"org/name-{n}", "path": f"/no/such/{n}"} for n in range(10_000)]
    path.write_text(json.dumps(content))


def _runs(folder: Path) -> None:
    for number in range(5000):
        run = folder / f"logs/history/2020010{number % 9 + 1}T{number:06}Z-infer-x"
        run.mkdir(parents=True)
        (run / "summary.json").write_text("{}")


def _lines(folder: Path) -> None:
    for name in ("run_npu.log", "accuracy_compare.log", "pretrained_attempt.log"):
        path = folder / "logs" / name
        path.write_bytes(path.read_bytes() * 3000)


def crowds(models: Models, saved: Path, chosen: Random) -> Iterator[Input]:
    """Each is one file or folder that could be, and larger than anybody meant."""
    base = models("bert-classes")
    for name, change in MODELS.items():
        for command in (RUN, ("compare", "./model", *CPU, "--fast"), ("fetch", "./model", "--quiet")):
            yield changed(f"a model of {name}, {command[0]}", base, change, command)
    for name, change in {"entries": _entries, "runs": _runs, "lines": _lines}.items():

        def prepare(folder: Path, change: Callable[[Path], None] = change) -> None:
            for part in ("logs", "registry"):
                shutil.copytree(saved / part, folder / part, ignore=shutil.ignore_patterns("sweeps"))
            change(folder)

        for command in (
            ("models", "list"),
            ("models", "verify"),
            ("infer", *CPU),
            FAST,
            ("report",),
            ("audit", "logs", "--offline"),
        ):
            yield Input(f"many {name}, {' '.join(command[:2])}", command, prepare)
