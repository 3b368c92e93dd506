"""What commands read back of their own, changed by others: summaries, saved outputs, registries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.running import BUILTIN, CPU, FAST, Input, some
from tests.benchmarks.hostile.weights import odd_header
from tests.mutations import damaged, mutated, odd_file

SUMMARY_COMMANDS: dict[str, tuple[str, ...]] = {
    "report": ("report", "--logs", "given"),
    "report, Chinese": ("report", "--logs", "given", "--lang", "zh"),
    "report --out x.html": ("report", "--logs", "given", "--out", "x.html"),
    "report --out x.json": ("report", "--logs", "given", "--out", "x.json"),
    "report --json": ("report", "--logs", "given", "--json"),
    "--baseline": (*FAST, "--baseline", "given/summary.json"),
    "bench --baseline": (
        "bench", BUILTIN, *CPU, "--iters", "2", "--no-limits", "--baseline", "given/summary.json",
    ),
    "env --diff": ("env", "--diff", "given/summary.json", "--quiet"),
    "a run after it": ("infer", *CPU, "--logs", "given"),
}  # fmt: skip


def summaries(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    files = (saved / "logs/summary.json", saved / "environment.json")
    old = Path(__file__).parents[2] / "data" / "summary-v1.json"
    for number in some(share, 220):
        name = chosen.choice([*SUMMARY_COMMANDS][:5] if chosen.randrange(4) else [*SUMMARY_COMMANDS][5:])
        source = files[1] if name == "env --diff" and chosen.randrange(2) else chosen.choice((files[0], old))
        data = odd_file(source.read_bytes(), chosen)

        def prepare(folder: Path, data: bytes = data) -> None:
            (folder / "given").mkdir()
            (folder / "given/summary.json").write_bytes(data)

        yield Input(f"summary {number}, {name}", SUMMARY_COMMANDS[name], prepare)


def saved_outputs(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    for number in some(share, 120):
        seed = chosen.randrange(2**32)

        def prepare(folder: Path, seed: int = seed) -> None:
            shutil.copytree(saved / "outputs", folder / "given")
            damage_outputs(folder / "given", Random(seed))

        rule = chosen.choice(
            ((), ("--rule", "one-percent"), ("--rule", "field"), ("--arithmetic", "bfloat16"), ("--json",))
        )
        yield Input(f"saved outputs {number}", ("compare", "--rejudge", "given", *rule), prepare)


def damage_outputs(folder: Path, chosen: Random) -> None:
    """Changes one file of a comparison that was saved: its bytes, header, metadata, tensors, or the summary."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    file = folder / f"{chosen.choice(('reference', 'candidate', 'truth'))}.safetensors"
    kind = chosen.randrange(6)
    if kind == 0:
        file = folder / "summary.json"
        file.write_bytes(odd_file(file.read_bytes(), chosen))
    elif kind == 1:
        file.write_bytes(damaged(file.read_bytes(), chosen))
    elif kind == 2:
        file.write_bytes(odd_header(file.read_bytes(), chosen))
    elif kind == 3:
        if chosen.randrange(2):
            file.unlink()
        else:
            (folder / "truth.safetensors").write_bytes(file.read_bytes())
    else:
        with safe_open(file, "pt") as opened:
            metadata = dict(opened.metadata())
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
        if kind == 4:
            name = chosen.choice(sorted(metadata))
            metadata[name] = chosen.choice((json.dumps(mutated(json.loads(metadata[name]), chosen)), "", "NaN", "{"))
        else:
            name = chosen.choice(sorted(tensors))
            change = chosen.choice([*_TENSORS])
            tensors = _TENSORS[change](tensors, name)
        save_file(tensors, file, metadata)


_TENSORS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "without one": lambda all, name: {key: value for key, value in all.items() if key != name},
    "empty": lambda all, name: {},
    "one without elements": lambda all, name: {**all, name: all[name][..., :0].contiguous()},
    "scalar": lambda all, name: {**all, name: all[name].sum()},
    "whole numbers": lambda all, name: {**all, name: all[name].long()},
    "booleans": lambda all, name: {**all, name: all[name] > 0},
    "complex": lambda all, name: {**all, name: all[name].cfloat()},
    "float8": lambda all, name: {**all, name: all[name].float().to(__import__("torch").float8_e4m3fn)},
    "NaN": lambda all, name: {**all, name: all[name] * float("nan")},
    "infinite": lambda all, name: {**all, name: all[name] * float("inf")},
    "flat": lambda all, name: {**all, name: all[name].flatten().contiguous()},
    "another name": lambda all, name: {**all, "x/y/z": all[name].clone()},
    "another number": lambda all, name: {**all, f"{'9' * 30}/logits": all[name].clone()},
    "negative number": lambda all, name: {**all, "-1/logits": all[name].clone()},
    "float16": lambda all, name: {key: value.half() for key, value in all.items()},
}

REGISTRY_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("models", "list"),
    ("models", "list", "--json"),
    ("models", "list", "--details", "--lang", "zh"),
    ("models", "verify"),
    ("models", "verify", BUILTIN),
    ("models", "path", BUILTIN),
    ("models", "remove", BUILTIN, "--yes"),
    ("infer", BUILTIN, *CPU),
    ("fetch", "org/name", "--offline"),
)


def registries(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    sound = (saved / "registry/registry.json").read_bytes()
    for number in some(share, 130):
        data = odd_file(sound, chosen)

        def prepare(folder: Path, data: bytes = data) -> None:
            (folder / "registry").mkdir()
            (folder / "registry/registry.json").write_bytes(data)

        yield Input(f"registry {number}", chosen.choice(REGISTRY_COMMANDS), prepare)
