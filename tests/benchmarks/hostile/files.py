"""Files that are none, and folders that take no file, in every place where a command reads or writes one."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.machines import bound_by_modes, file_limit, open_limit
from tests.benchmarks.hostile.models import builtin_folder
from tests.benchmarks.hostile.running import BUILTIN, CPU, FAST, Input


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        place = Path.cwd()
        os.chdir(path.parent)  # the address of a socket holds 108 bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(place)


def _link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _unreadable(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


NO_FILES: Mapping[str, Callable[[Path], None]] = {
    "a named pipe": _fifo,
    "a socket": _socket,
    "a folder": lambda path: path.mkdir(),
    "/dev/zero": _link("/dev/zero"),
    "/dev/urandom": _link("/dev/urandom"),
    "/dev/null": _link("/dev/null"),
    "/dev/tty": _link("/dev/tty"),
    "/dev/stdin": _link("/dev/stdin"),
    "/proc/kmsg": _link("/proc/kmsg"),
    "/proc/self/mem": _link("/proc/self/mem"),
    "a link to itself": _link("x"),
    "a link to nothing": _link("nowhere"),
    "a sparse file of a terabyte": _huge,
    "of mode 0": _unreadable,
    "of 0 bytes": lambda path: path.touch(),
}


def no_files(saved: Path, chosen: Random) -> Iterator[Input]:
    """Each kind of file that is none, in each place where a command reads one."""
    builtin = builtin_folder()
    readers: dict[str, tuple[str, Path | None, tuple[str, ...]]] = {
        "config.json": ("model/config.json", builtin, ("infer", "./model", *CPU)),
        "weights": ("model/model.safetensors", builtin, ("infer", "./model", *CPU)),
        "processor": ("model/preprocessor_config.json", builtin, ("infer", "./model", *CPU)),
        "index": ("model/model.safetensors.index.json", builtin, ("infer", "./model", *CPU)),
        "pickle": ("model/pytorch_model.bin", None, ("infer", "./model", *CPU, "--allow-pickle")),
        "input": ("x.png", None, ("infer", *CPU, "--input", "x.png")),
        "summary": ("logs/summary.json", None, ("report",)),
        "summary before a run": ("logs/summary.json", None, ("infer", *CPU)),
        "baseline": ("x.json", None, (*FAST, "--baseline", "x.json")),
        "diff": ("x.json", None, ("env", "--diff", "x.json", "--quiet")),
        "registry": ("registry/registry.json", None, ("models", "list")),
        "registry, changed": ("registry/registry.json", None, ("infer", *CPU)),
        "saved outputs": ("model/reference.safetensors", saved / "outputs", ("compare", "--rejudge", "model")),
        "out": ("x.md", saved, ("report", "--logs", "model/logs", "--out", "x.md")),
        "token": ("huggingface/token", None, ("fetch", "org/name", "--source", "huggingface", "--offline")),
        "log": ("logs/run_npu.log", None, ("infer", *CPU)),
        "lock": ("logs/.lock", None, ("infer", *CPU)),
        "registry lock": ("registry/.registry.json.lock", None, ("infer", *CPU)),
        "model": ("x", None, ("infer", "./x", *CPU)),
    }
    for kind, make in NO_FILES.items():
        for name, (place, base, command) in readers.items():

            def prepare(
                folder: Path, place: str = place, base: Path | None = base, make: Callable[[Path], None] = make
            ) -> None:
                path = folder / place
                if base is not None:
                    shutil.copytree(base, folder / "model")
                path.parent.mkdir(exist_ok=True)
                path.unlink(missing_ok=True)
                make(path)

            yield Input(f"{name} is {kind}", command, prepare)


def held_locks(saved: Path, chosen: Random) -> Iterator[Input]:
    """Locks that another process has taken and does not let go: this one, as long as it lives."""
    for place in ("logs/.lock", "registry/.registry.json.lock"):
        for command in (FAST, ("infer", *CPU), ("env", "--quiet"), ("models", "verify"), ("report",)):

            def prepare(folder: Path, place: str = place) -> None:
                path = folder / place
                path.parent.mkdir()
                fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)

            yield Input(f"{place} is held, {command[0]}", command, prepare)


def logs_folders(saved: Path, chosen: Random) -> Iterator[Input]:
    """Logs folders that take no file, or not all of it."""
    commands = (FAST, ("infer", *CPU), ("bench", BUILTIN, *CPU, "--iters", "2", "--no-limits"), ("env", "--quiet"))
    for size in (0, 1, 100, 1000, 3000, 5000, 9000, 20_000):
        limited = partial(Input, before=file_limit(size))
        for command in commands:
            yield limited(f"files of at most {size} bytes, {command[0]}", command)
        yield limited(f"outputs of at most {size} bytes", (*FAST, "--save-outputs", "outputs"))
        yield limited(f"an environment of at most {size} bytes", ("env", "--quiet", "--save", "x.json"))
        for out in ("x.md", "x.html", "x.json"):
            written = ("report", "--out", out)
            yield limited(
                f"{out} of at most {size} bytes", written, environment={"NPU_ADAPT_LOGS": str(saved / "logs")}
            )
    for count in (3, 5, 8, 12, 16, 24):
        for command in commands:
            yield Input(f"{count} open files, {command[0]}", command, before=open_limit(count))
    for name in ("history", "run_npu.log", "summary.json", ".lock", "accuracy_compare.log", "pretrained_attempt.log"):
        for kind, make in (("file", Path.touch), ("folder", Path.mkdir), ("link", _link("../elsewhere"))):
            for command in commands[:3:2]:

                def prepare(folder: Path, name: str = name, make: Callable[[Path], Any] = make) -> None:
                    (folder / "logs").mkdir()
                    make(folder / "logs" / name)

                yield Input(f"logs/{name} is a {kind}, {command[0]}", command, prepare)
    for mode in (0o000, 0o444, 0o555):

        def locked(folder: Path, mode: int = mode) -> None:
            shutil.copytree(saved / "logs", folder / "logs")
            for path in sorted((folder / "logs").rglob("*"), reverse=True):
                path.chmod(mode)
            (folder / "logs").chmod(mode)

        for command in (("infer", *CPU), ("report",)):
            yield Input(f"logs of mode {mode:o}, {command[0]}", command, locked, before=bound_by_modes)
