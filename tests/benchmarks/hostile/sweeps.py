"""Sweeps of odd lists, options and names, and sweeps that go on from a folder that others changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.options import NUMBERS, TEXTS
from tests.benchmarks.hostile.running import BUILTIN, Input, some
from tests.benchmarks.kills import run_in_child
from tests.mutations import as_text, odd_file

# `report` is the lightest of the commands: what is tried is the sweep, not the models.
SWEEP = ("sweep", "--run", "report", "--devices", "cpu", "--quiet")
LIST = {
    "defaults": {"dtype": "auto", "bench": {"iters": 2}},
    "models": [BUILTIN, {"model": "org/name", "name": "b", "run": ["report"], "timeout": 9, "environment": {"A": "b"}}],
}
LAUGHS = "a: &a [x]\n" + "".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in zip("abcdefgh", "bcdefghi", strict=True)
)
LISTS: dict[str, bytes] = {
    "aliases that multiply": LAUGHS.encode() + b"models: *i\n",
    "aliases in a flow": ("models: [" + LAUGHS.replace("\n", " ") + "]").encode(),
    "an alias of itself": b"models: &a [*a]\n",
    "a mapping of itself": b"&a models: [{model: x, bench: &b {c: *b}}]\n",
    "a merge": b"models:\n- &m {model: builtin:digits-vit}\n- {<<: *m, name: x}\n",
    "a merge of nothing": b"models: [{<<: 3, model: x}]\n",
    "an object of Python": b"models: [!!python/object/apply:os.system ['echo Traceback (most recent call last)']]\n",
    "a tag that is none": b"models: [!klingon x]\n",
    "a number that is none": b"models: [!!int x, !!int '', !!float y, !!bool z, !!null q]\n",
    "a date that is none": b"models: [{model: x, name: 9999-99-99}]\n",
    "a date": b"models: [{model: x, name: 2026-11-27}]\n",
    "binary": b"models: [!!binary '%%%']\n",
    "sets and pairs": b"models: !!set {x, y}\ndefaults: !!omap [a: b]\n",
    "a long number": b"models: [{model: x, seed: " + b"9" * 9000 + b"}]\n",
    "sixties": b"models: [{model: x, timeout: 190:20:30}]\n",
    "infinity": b"models: [{model: x, timeout: .inf}, {model: y, timeout: .nan}]\n",
    "deep": b"models: " + b"[" * 3000 + b"]" * 3000,
    "deep mappings": b"models: " + b"{a: " * 3000 + b"}" * 3000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(900)),
    "two documents": b"models: [x]\n---\nmodels: [y]\n",
    "tabs": b"models:\n\t- x\n",
    "nothing": b"",
    "null": b"~",
    "a text": b"builtin:digits-vit",
    "a question": b"? [a]\n: b\n",
    "a name of a list": b"{[a]: b}",
    "names that are numbers": b"{1: a, models: [x]}",
    "no models": b"models: []\n",
    "models of null": b"models: ~\n",
    "defaults of null": b"{defaults: ~, models: [x]}",
    "an empty model": b"models: ['', {model: ''}, {model: ~}]",
    "the same twice": b"models: [builtin:digits-vit, builtin:digits-vit]",
    "control characters": b"models: [\x00\x07]",
    "a byte order mark": b"\xef\xbb\xbfmodels: [builtin:digits-vit]",
    "UTF-16": "models: [builtin:digits-vit]".encode("utf-16"),
    "GBK": "models: [模型]".encode("gb18030"),
    "halves of characters": b'models: ["\\ud800", "\\uDFFF"]',
    "NUL in a name": b'models: [{model: builtin:digits-vit, name: "a\\0b"}]',
    "NUL in a variable": b'models: [{model: builtin:digits-vit, environment: {"A\\0": "b\\0"}}]',
    "an odd variable": b"models: [{model: builtin:digits-vit, environment: {'': x, 'a=b': y}}]",
    "variables of lists": b"models: [{model: builtin:digits-vit, environment: {A: [1], B: {c: d}, C: ~}}]",
    "variables that are none": b"models: [{model: builtin:digits-vit, environment: 3}]",
    "run of nothing": b"models: [{model: builtin:digits-vit, run: []}]",
    "run of all": b"models: [{model: builtin:digits-vit, run: {a: b}}]",
    "an option of a mapping": b"models: [{model: builtin:digits-vit, compare: {dtype: {a: b}}}]",
    "options of null": b"models: [{model: builtin:digits-vit, compare: ~}]",
    "names that are paths": b"models: [{model: builtin:digits-vit, name: ../../x}, {model: x, name: /etc}]",
    "a long name": b"models: [{model: builtin:digits-vit, name: " + b"n" * 5000 + b"}]",
    "markup": b"models: [{model: builtin:digits-vit, name: '[bold]x[/] \\x1b[31m'}]",
}


def lists(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    """Lists of models in YAML and in lines, from files and from stdin."""
    sound = as_text(LIST)
    content = {**LISTS}
    for number in some(share, 40):
        content[f"list {number}"] = odd_file(sound, chosen)
    for name, data in content.items():
        for file in ("list.yaml", "list.txt") if name in LISTS and chosen.randrange(4) == 0 else ("list.yaml",):
            yield Input(f"{file} of {name}", (*SWEEP, "--from", file), _with(file, data))
    for source in ("/dev/zero", "/dev/urandom", "/dev/null", "/proc/kmsg", ".", "x", "/proc/self/mem"):
        yield Input(f"--from {source}", (*SWEEP, "--from", source))
    for feed in ("yes", "cat /dev/zero", "cat /dev/urandom", "true"):
        yield Input(f"--from - of {feed}", (), shell=f"{feed} | $NPU {' '.join(SWEEP)} --from -")


def _with(file: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(data) and None


SETS = (
    "",
    "=",
    "a",
    "a=",
    "=b",
    "dtype=float16",
    "dtype=[",
    "dtype={a: b}",
    "dtype=&a [*a]",
    "dtype=!!python/name:os.system x",
    "bench.=3",
    ".iters=3",
    "bench.iters=" + "9" * 5000,
    "bench.iters=x",
    "a.b.c=d",
    "run=",
    "timeout=nan",
    "name=../..",
    "environment={A: b}",
    "model=x",
    "device=npu:0",
    "bench=3",
    "seed=!!int x",
    "dtype=\x00",
    "dtype=\udcff",
    "dtype=- a\n- b",
)


def options(saved: Path, chosen: Random) -> Iterator[Input]:
    """Odd values of every option of a sweep."""
    plain = (*SWEEP, BUILTIN)
    values = {
        "--set": SETS,
        "--run": (*TEXTS, "report,report", "env", ",", "report,,env"),
        "--devices": (*TEXTS, "npu:0,npu:0", "all,cpu", "cpu,cpu", "npu:99999999999999999999", "cpu:1", ","),
        "--jobs": NUMBERS,
        "--retries": NUMBERS,
        "--timeout": NUMBERS,
        "--disk": (
            *NUMBERS,
            "10 XB",
            "GB",
            "-1GB",
            "1e3GB",
            "9" * 400 + "TB",
            "1GB;",
            "0.0000001B",
            "１GB",
            "1 Gb",
            "inf GB",
        ),
        "--name": (*TEXTS, ".", "..", "con", "a/b", "x" * 101),
        "--resume": (*TEXTS, ".", "..", "nothing-there", "a/b"),
        "--only": TEXTS,
        "--ray": ("", "x", "local:x", "ray://[", "127.0.0.1:1"),
    }
    for option, odd in values.items():
        for value in odd:
            yield Input(f"{option} {value!r:.30}", (*plain, option, value))
    for pair in (
        ("a", "b"),
        (".", ".."),
        ("/dev/zero", "/dev/zero"),
        ("x" * 300, "y"),
        ("", ""),
        ("a",),
        ("a", "b", "c"),
    ):
        yield Input(f"--diff {pair!r:.40}", ("sweep", "--diff", *pair))


def states(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    """Going on with a sweep, and comparing with one, whose files others changed."""
    sound = saved / "logs/sweeps/sound"
    if not sound.exists():
        run_in_child((*sound_sweep(saved), "--logs", str(saved / "logs")))
    files = [path.relative_to(sound) for path in sorted(sound.rglob("*.json")) if "history" not in path.parts]
    commands = (
        ("sweep", "--resume", "sound", "--devices", "cpu", "--quiet"),
        ("sweep", "--resume", "sound", "--devices", "cpu", "--only", "failed", "--quiet", "--json"),
        ("sweep", "--diff", "sound", "other"),
        ("sweep", "--diff", "sound", "other", "--json"),
        ("audit", "logs/sweeps/sound", "--offline"),
    )
    for number in some(share, 60):
        file, seed = chosen.choice(files), chosen.randrange(2**32)

        def change(folder: Path, file: Path = file, seed: int = seed) -> None:
            path = folder / "logs/sweeps/sound" / file
            path.write_bytes(odd_file(path.read_bytes(), Random(seed)))

        yield _state(saved, f"{file.name} {number}", change, chosen.choice(commands))
    for kind, make in OTHERS.items():
        for file in (Path("plan.json"), Path("sweep.json"), Path(".lock"), Path("models"), Path("matrix.html")):

            def replace(folder: Path, file: Path = file, make: Callable[[Path], None] = make) -> None:
                path = folder / "logs/sweeps/sound" / file
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                make(path)

            yield _state(saved, f"{file} is {kind}", replace, chosen.choice(commands))


def _state(saved: Path, name: str, change: Callable[[Path], None], command: tuple[str, ...]) -> Input:
    def prepare(folder: Path) -> None:
        shutil.copytree(saved / "logs/sweeps", folder / "logs/sweeps")
        shutil.copytree(folder / "logs/sweeps/sound", folder / "logs/sweeps/other")
        change(folder)

    return Input(f"sweep whose {name}, {' '.join(command[1:3])}", command, prepare)


OTHERS: dict[str, Callable[[Path], None]] = {
    "a folder": lambda path: path.mkdir(),
    "a named pipe": os.mkfifo,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "not there": lambda path: None,
    "empty": lambda path: path.touch(),
}


def sound_sweep(folder: Path) -> tuple[str, ...]:
    """The command that makes the sweep which `states` changes."""
    (folder / "list.yaml").write_text(json.dumps({"models": [BUILTIN, {"model": "no/such", "name": "other"}]}))
    return (*SWEEP, "--from", str(folder / "list.yaml"), "--name", "sound")
