"""What surrounds a process: Python's own switches, locales, folders of odd rights, clocks, and files that change
under way."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.machines import bound_by_modes
from tests.benchmarks.hostile.models import MODEL, RUN, WEIGHTS, builtin_folder
from tests.benchmarks.hostile.running import BUILTIN, CPU, FAST, Input

SWITCHES: tuple[str, ...] = (
    *(
        f"{variables} $NPU {command}"
        for variables in (
            "PYTHONOPTIMIZE=1",
            "PYTHONOPTIMIZE=2",
            "PYTHONWARNINGS=error",
            "PYTHONWARNINGS=klingon::",
            "PYTHONHASHSEED=0",
            "PYTHONDEVMODE=1",
            "PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1",
            "PYTHONINTMAXSTRDIGITS=640",
            "PYTHONPYCACHEPREFIX=/proc/x",
            "PYTHONUTF8=0 LC_ALL=POSIX PYTHONCOERCECLOCALE=0",
            "LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8",
            "TZ=Nowhere/Land",
            "TZ=UTC+99",
            "MALLOC_PERTURB_=7 PYTHONMALLOC=malloc",
            "BLIS_NUM_THREADS=x MKL_NUM_THREADS=-1 OMP_NUM_THREADS=0",
            "OMP_NUM_THREADS=x",
            "OMP_NUM_THREADS=2,3",
            "OMP_SCHEDULE=klingon KMP_AFFINITY=x GOMP_CPU_AFFINITY=99",
            "TORCH_LOGS=x",
            "TORCH_SHOW_CPP_STACKTRACES=1",
            "TRANSFORMERS_VERBOSITY=klingon",
            "TRANSFORMERS_OFFLINE=x HF_HUB_OFFLINE=maybe",
            "HF_HUB_DISABLE_PROGRESS_BARS=x HF_HUB_VERBOSITY=x",
            "SAFETENSORS_FAST_GPU=x TOKENIZERS_PARALLELISM=x",
            "USE_TORCH=0 USE_TF=1",
            "ATEN_CPU_CAPABILITY=klingon",
            "ONEDNN_MAX_CPU_ISA=x DNNL_VERBOSE=2",
        )
        for command in ("infer --device cpu --quiet", "env --quiet")
    ),
    "umask 777; $NPU infer --device cpu --quiet",
    "umask 777; $NPU compare --fast --device cpu --quiet --save-outputs outputs",
    "umask 000; $NPU report --logs nowhere",
    "nice -n 19 $NPU models list",
    "$NPU infer --device cpu --quiet & wait $!",
    "trap '' TERM INT HUP PIPE XCPU; $NPU infer --device cpu --quiet",
    "trap '' CHLD; $NPU env --quiet",
    "(trap '' CHLD; exec $NPU infer --device cpu --quiet --timeout 50)",
    "exec 7</dev/zero 8>/dev/null; $NPU infer --device cpu --quiet",
    "env -i $NPU models list",
    "env -i $NPU infer --device cpu --quiet",
    "env -i PATH=/bin $NPU env --quiet",
    "cd / && $NPU report",
    "cd /proc/self && $NPU infer --device cpu --quiet",
    "cd /dev && $NPU models list",
    "mkdir -m 7777 odd; cd odd; $NPU infer --device cpu --quiet",
    "ln -s . again; cd again/again/again; $NPU infer --device cpu --quiet",
    "mkdir torch npu_adapt; touch torch/__init__.py json.py random.py; $NPU infer --device cpu --quiet",
    "echo 'raise SystemExit(9)' > sitecustomize.py; $NPU models list",
    "touch '#x' '--help' '-x'; $NPU models list",
    "yes | head -c 70000 > $HOME/.netrc; $NPU fetch org/name --offline",
    "mkdir $HOME/.netrc; $NPU fetch org/name --offline",
    "yes '[' | head -c 70000 > $HOME/.gitconfig; $NPU infer --device cpu --quiet",
    "mkdir -p $HOME/.config/matplotlib; echo '{' > $HOME/.config/matplotlib/matplotlibrc; $NPU report",
    "echo '{' > $HOME/.cache; $NPU infer --device cpu --quiet",
    "chmod 0 $HOME; $NPU models list",
    "printf '#!/bin/sh\\nkill -SEGV $$\\n' > npu-smi; chmod +x npu-smi; PATH=$PWD:$PATH $NPU env --quiet",
    "printf '#!/bin/sh\\nexec $NPU env --quiet\\n' > npu-smi; chmod +x npu-smi; PATH=$PWD:$PATH $NPU env --quiet",
)


def switches(chosen: Random) -> Iterator[Input]:
    """As processes from the beginning."""
    for shell in SWITCHES:
        yield Input(shell[:80], (), shell=shell)


def _recursion(depth: int) -> Callable[[], None]:
    return lambda: sys.setrecursionlimit(depth)


def _clock(step: float, start: float = 0.0) -> Callable[[], None]:
    """A wall clock that goes `step` seconds on each time it is looked at: backwards, or by years."""

    def change() -> None:
        now = [time.time() + start]

        def told() -> float:
            now[0] += step
            return now[0]

        time.time = told  # type: ignore[assignment]

    return change


def _limited(limit: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(limit, (value, value))


def _gone() -> None:
    folder = Path.cwd() / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()


def _nowhere() -> None:
    """As where no folder can be written to, not even the working one."""

    def found() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp', '/']")

    tempfile._get_default_tempdir = found  # type: ignore[attr-defined]


def _collect() -> None:
    import gc

    gc.set_threshold(50)
    gc.set_threshold = lambda *numbers: None  # type: ignore[assignment]


STATES: Mapping[str, Callable[[], None]] = {
    "a recursion of 150": _recursion(150),
    "a recursion of 400": _recursion(400),
    "a recursion of a million": _recursion(10**6),
    "a clock that goes backward": _clock(-3600),
    "a clock that jumps by years": _clock(10**8 / 3),
    "a clock before 1970": _clock(0.01, -4e9),
    "a clock of the year 2500": _clock(0.01, 1.6e10),
    "a clock that stands still": _clock(0.0),
    "a umask of 777": lambda: os.umask(0o777) and None,
    "no locked memory": _limited(resource.RLIMIT_MEMLOCK, 0),
    "no core of its own": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    "another group": bound_by_modes,
    "a working folder that goes": _gone,
    "a collector that never rests": _collect,
    "a switch of threads all the time": lambda: sys.setswitchinterval(1e-6),
    "no folder for temporary files": _nowhere,
    "few digits": lambda: sys.set_int_max_str_digits(640),
}


def states(chosen: Random) -> Iterator[Input]:
    """A process that somebody has changed before the command begins."""
    commands = (
        FAST,
        ("infer", *CPU),
        ("models", "list"),
        ("report",),
        ("env", "--quiet"),
        ("audit", "logs", "--offline"),
    )
    for name, before in STATES.items():
        for command in commands:
            yield Input(f"{name}, {command[0]}", command, before=before, prepare=lambda folder: folder.chmod(0o777))


def _restless(path: str, *, by: str, every: float = 0.003) -> Callable[[], None]:
    """While the command runs, the file becomes another one, again and again."""

    def change() -> None:
        target = Path.cwd() / path
        sound = target.read_bytes() if target.is_file() else b""
        kinds: dict[str, Callable[[int], None]] = {
            "cut": lambda turn: target.write_bytes(sound[: len(sound) * (turn % 7) // 7]),
            "gone": lambda turn: target.unlink() if turn % 2 else target.write_bytes(sound),
            "grown": lambda turn: target.write_bytes(sound + b" " * turn),
            "a folder": lambda turn: _swap(target, sound, turn),
            "flipped": lambda turn: target.write_bytes(bytes(b ^ (turn % 2) for b in sound[:4000]) + sound[4000:]),
        }

        def work() -> None:
            turn = 0
            while True:
                turn += 1
                with suppress(OSError):
                    kinds[by](turn)
                time.sleep(every)

        threading.Thread(target=work, daemon=True).start()

    return change


def _swap(target: Path, sound: bytes, turn: int) -> None:
    if target.is_dir():
        target.rmdir()
        target.write_bytes(sound)
    else:
        target.unlink()
        target.mkdir()


def moving(saved: Path, chosen: Random) -> Iterator[Input]:
    """Files that somebody changes while they are read."""

    def with_model(folder: Path) -> None:
        shutil.copytree(builtin_folder(), folder / "model")

    def with_logs(folder: Path) -> None:
        shutil.copytree(saved / "logs", folder / "logs", ignore=shutil.ignore_patterns("sweeps"))

    def with_registry(folder: Path) -> None:
        shutil.copytree(saved / "registry", folder / "registry")

    for by in ("cut", "gone", "grown", "a folder", "flipped"):
        for name in ("config.json", WEIGHTS, "preprocessor_config.json"):
            for command in (RUN, ("compare", MODEL, *CPU, "--fast"), ("fetch", MODEL, "--quiet")):
                yield Input(
                    f"{name} is {by} while it is read, {command[0]}",
                    command,
                    with_model,
                    before=_restless(f"model/{name}", by=by),
                )
        for name in ("summary.json", "run_npu.log"):
            for command in (("report",), ("audit", "logs", "--offline"), ("infer", BUILTIN, *CPU)):
                yield Input(
                    f"{name} is {by} while it is read, {command[0]}",
                    command,
                    with_logs,
                    before=_restless(f"logs/{name}", by=by),
                )
        for command in (("models", "list"), ("models", "verify"), ("infer", BUILTIN, *CPU)):
            yield Input(
                f"the registry is {by} while it is read, {' '.join(command[:2])}",
                command,
                with_registry,
                before=_restless("registry/registry.json", by=by),
            )
