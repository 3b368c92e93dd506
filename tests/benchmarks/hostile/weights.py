"""Files of weights: headers, bytes, indexes, and pickles of everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.models import RUN, WEIGHTS, Models, changed, with_file
from tests.benchmarks.hostile.running import Input, some
from tests.mutations import as_text, damaged, mutated, odd_file


def odd_header(data: bytes, chosen: Random) -> bytes:
    """A safetensors file whose header is changed, and whose length fits or not."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    text = as_text(mutated(header, chosen)) if chosen.randrange(3) else damaged(as_text(header), chosen)
    size = chosen.choice((len(text), len(text), len(text), len(text) + 1, 0, 2**63, 2**64 - 1, length))
    return size.to_bytes(8, "little") + text + data[8 + length :]


def weights(models: Models, share: float, chosen: Random) -> Iterator[Input]:
    """Files of weights: headers, bytes, indexes, and pickles of everything."""
    base = models("bert-classes")
    sound = (base / WEIGHTS).read_bytes()
    for number in some(share, 90):
        data = odd_header(sound, chosen) if chosen.randrange(4) else damaged(sound, chosen)
        yield changed(f"weights {number}", base, with_file(WEIGHTS, data))
    header = json.loads(sound[8 : 8 + int.from_bytes(sound[:8], "little")])
    names = [name for name in header if name != "__metadata__"]
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, WEIGHTS)}
    for number in some(share, 60):
        data = odd_file(as_text(index), chosen)
        yield changed(f"index {number}", base, with_file(f"{WEIGHTS}.index.json", data))
    for shard in ("../../etc/passwd", "/dev/zero", "", ".", "a" * 300, "x\0y", "model", None, 3, ["x"]):
        broken = {"weight_map": {**index["weight_map"], names[0]: shard}}
        yield changed(f"index naming {shard!r:.20}", base, _sharded(broken))
    for name in PICKLES:
        for options in ((), ("--allow-pickle",)):
            yield changed(f"pickle of {name}", base, _pickled(name), (*RUN, *options))
    for name in (
        "pytorch_model.bin",
        "model.fp16.safetensors",
        "model.ckpt",
        "tf_model.h5",
        "x.gguf",
        "consolidated.safetensors",
    ):
        yield changed(f"only {name}", base, _renamed(name))


def _sharded(index: dict[str, Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder / "model-00001-of-00001.safetensors")
        (folder / f"{WEIGHTS}.index.json").write_bytes(as_text(index))

    return change


def _renamed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / WEIGHTS).rename(folder / name) and None


class Evil:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("Traceback (most recent call last): a pickle ran",))


PICKLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda tensors: [*tensors.values()],
    "a tensor": lambda tensors: next(iter(tensors.values())),
    "nothing": lambda tensors: None,
    "a number": lambda tensors: 3,
    "other keys": lambda tensors: {3: next(iter(tensors.values()))},
    "texts": lambda tensors: dict.fromkeys(tensors, "x"),
    "a nested state": lambda tensors: {"state_dict": tensors, "epoch": 3},
    "a wrapped model": lambda tensors: {f"module.{name}": value for name, value in tensors.items()},
    "a compiled model": lambda tensors: {f"_orig_mod.{name}": value for name, value in tensors.items()},
    "sparse tensors": lambda tensors: {name: value.to_sparse() for name, value in tensors.items()},
    "tensors of no memory": lambda tensors: {name: value.to("meta") for name, value in tensors.items()},
    "complex tensors": lambda tensors: {name: value.cfloat() for name, value in tensors.items()},
    "a command": lambda tensors: {"x": Evil()},
}


def _pickled(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        import torch
        from safetensors.torch import load_file

        torch.save(PICKLES[name](load_file(folder / WEIGHTS)), folder / "pytorch_model.bin")
        (folder / WEIGHTS).unlink()

    return change
