"""What `npu-adapt fetch` must show: it is never fooled, it loses to nobody, and it hashes as fast as the machine can.

    python -m tests.benchmarks.fetch                        # all three tables, on a quiet machine
    python -m tests.benchmarks.fetch faults [--only kill]   # faults x hubs: how each fetch, and its repetition, ends
    python -m tests.benchmarks.fetch speed [--rounds 7]     # beside `hf download` and `modelscope download`
    python -m tests.benchmarks.fetch hashing [--rounds 9]   # `models verify` beside hashlib, one process a core

The hub is a server on 127.0.0.1 that both clients take for theirs. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.benchmarks.alternating import Contender, Limit, measure, run_once, show
from tests.benchmarks.fetch_faults import faults
from tests.commands import CONSOLE_SCRIPT
from tests.hub.reader import HubWithReader
from tests.real_models import store

LIMIT = 1.25
HASHING_LIMIT = 1.2
SHARDS = 8
SHARD_BYTES = 125_000_000
BARE_HASH = Path(__file__).with_name("bare_hash.py")
BESIDE = {"huggingface": "hf", "modelscope": "modelscope"}  # the hub's own command


def model_on(hub: HubWithReader, name: str, folder: Path) -> str:
    """Serve the files of a real model that a fetch brings, so that all contenders bring the same."""
    source = store.model(name)
    folder = folder / name
    folder.mkdir()
    for path in source.iterdir():
        if path.suffix in {".json", ".txt", ".safetensors"}:
            (folder / path.name).symlink_to(path)
    hub.serve(store.SOURCES[name].model_id, folder)
    return store.SOURCES[name].model_id


def speed(rounds: int) -> bool:
    """Whole processes, from nothing to the last byte; the server is this process."""
    all_hold = True
    for name in ("minilm", "vit-b16"):
        with tempfile.TemporaryDirectory() as folder, HubWithReader(Path(folder) / "reader") as hub:
            model = model_on(hub, name, Path(folder))
            contenders: list[Contender] = []
            limits: list[Limit] = []
            for source, script in BESIDE.items():
                theirs, ours = f"{script} download", f"fetch from {source}"
                command = {
                    theirs: (str(Path(sys.executable).with_name(script)), "download", model),
                    ours: (str(CONSOLE_SCRIPT), "fetch", model, "--source", source),
                }
                contenders += [Contender(each, command[each], hub.settings, hub.start_again) for each in (theirs, ours)]
                limits.append(Limit(ours, theirs, "median_seconds", LIMIT))
            same_bytes(hub, contenders, Path(folder))
            measured = measure(contenders, rounds=rounds, cwd=Path(folder))
            all_hold &= show(f"{model}, {hub.size_of(model) / 1e6:.0f} MB", measured, limits)
    return all_hold


def same_bytes(hub: HubWithReader, contenders: list[Contender], cwd: Path) -> None:
    """Raises `RuntimeError` unless every contender brings every byte, once."""
    brought = {}
    for contender in contenders:
        hub.forget()
        run_once(contender, cwd)
        brought[contender.name] = hub.bytes_sent()
    if len({*brought.values()}) != 1:
        raise RuntimeError(f"not the same work: {brought}")


def hashing(rounds: int) -> bool:
    """A fetched model of 1 GB in shards: every byte is read again and hashed."""
    model = "an-org/one-gigabyte"
    with tempfile.TemporaryDirectory() as folder, HubWithReader(Path(folder) / "reader") as hub:
        directory = Path(folder) / "model"
        directory.mkdir()
        (directory / "config.json").write_text('{"model_type": "bert"}')
        generator = np.random.default_rng(0)
        names = [f"model-{shard:05}-of-{SHARDS:05}.safetensors" for shard in range(1, SHARDS + 1)]
        for name in names:
            save_file({name: generator.integers(0, 255, SHARD_BYTES, dtype=np.uint8)}, directory / name)
        index = ", ".join(f'"{name}": "{name}"' for name in names)
        (directory / "model.safetensors.index.json").write_text(f'{{"weight_map": {{{index}}}}}')
        hub.serve(model, directory)
        run_once(
            Contender("fetch", (str(CONSOLE_SCRIPT), "fetch", model, "--source", "huggingface"), hub.settings),
            Path(folder),
        )
        shards = [str(path) for path in sorted((Path(folder) / "reader").rglob("model-*.safetensors"))]
        contenders = (
            Contender("plain hashlib", (sys.executable, str(BARE_HASH), *shards)),
            Contender("models verify", (str(CONSOLE_SCRIPT), "models", "verify", model), hub.settings),
        )
        measured = measure(contenders, rounds=rounds, cwd=Path(folder))
    limits = [Limit("models verify", "plain hashlib", "median_seconds", HASHING_LIMIT)]
    return show(f"hashing {SHARDS * SHARD_BYTES / 1e9:.0f} GB", measured, limits)


ROUNDS = {"faults": 20, "speed": 7, "hashing": 9}  # kill -9 at so many moments; runs of each process


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=[*ROUNDS, "all"], nargs="?", default="all")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="", metavar="TEXT", help="of the faults, those whose name holds it")
    chosen = parser.parse_args()
    os.environ["COLUMNS"] = "110"
    parts: dict[str, Callable[[int], bool]] = {
        "faults": lambda rounds: faults(rounds, chosen.only),
        "speed": speed,
        "hashing": hashing,
    }
    wanted = [name for name in parts if chosen.part in (name, "all")]
    held = [parts[name](chosen.rounds or ROUNDS[name]) for name in wanted]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
