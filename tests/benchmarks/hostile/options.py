"""Odd values of every option of every command."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.benchmarks.hostile.running import BUILTIN, CPU, FAST, Input

NUMBERS = (
    "0",
    "-1",
    "1",
    "x",
    "",
    " ",
    "1e9",
    "nan",
    "inf",
    "-inf",
    "9" * 30,
    str(2**70),
    "1_0",
    "０",
    "0x10",
    "1.5",
    "1000000000",
)
TEXTS = (
    "",
    " ",
    "x",
    "auto",
    "\u6a21\u578b",
    "../..",
    "/",
    "[bold]",
    "a" * 5000,
    "-",
    "--",
    "a,b",
    "\udcffx",
    "{0}",
    "nul\u0001l",
)
OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--seed", "--timeout", "--samples", "--rtol", "--atol"), NUMBERS),
    **dict.fromkeys(("--iters", "--warmup", "--batch-size", "--threads", "--precision", "--max-seconds"), NUMBERS),
    **dict.fromkeys(
        ("--device", "--dtype", "--attention", "--task", "--revision", "--source", "--lang", "--rule"), TEXTS
    ),
    **dict.fromkeys(("--arithmetic", "--rehearse", "--reference", "--mode", "--input", "--weights-root"), TEXTS),
    **dict.fromkeys(("--cache-dir", "--logs", "--save-outputs", "--rejudge", "--baseline", "--plot", "--out"), TEXTS),
    "MODEL": (
        *TEXTS,
        "builtin:",
        "builtin:..",
        "org/",
        "/org",
        "a/b/c",
        "org//name",
        "./",
        "~",
        "~nobody",
        "http://x/y",
        "org/name@x",
        ".",
        "..",
    ),
    "COMMAND": (*TEXTS, "infr", "--versoin", "-h", "compare compare"),
    "explain": (*TEXTS, "exit-1", "5", "cann-too-old", "noise floor"),
}
COMMANDS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("--iters", "--warmup", "--batch-size", "--threads", "--precision", "--max-seconds", "--mode"), ("bench",)
    ),
    **dict.fromkeys(
        ("--samples", "--rtol", "--atol", "--rule", "--arithmetic", "--rehearse", "--reference"), ("compare",)
    ),
    **dict.fromkeys(("--save-outputs", "--rejudge", "--plot"), ("compare",)),
    "--out": ("report",),
    "--baseline": ("compare", "bench"),
    "--lang": ("report", "models"),
}
PLAIN: dict[str, tuple[str, ...]] = {
    "infer": ("infer", BUILTIN, *CPU, "--offline"),
    "bench": ("bench", BUILTIN, *CPU, "--offline", "--no-limits"),
    "compare": (*FAST, "--offline"),
    "report": ("report",),
    "models": ("models", "list"),
}


def options(chosen: Random) -> Iterator[Input]:
    for option, values in OPTIONS.items():
        for value in values:
            command = chosen.choice(COMMANDS_OF.get(option, ("infer",)))
            plain = {"MODEL": ("infer", value, *CPU, "--offline"), "COMMAND": (value,), "explain": ("explain", value)}
            given = plain.get(option) or (*PLAIN[command], option, value)
            short = ("--max-seconds", "0.2") if command == "bench" and option != "--max-seconds" else ()
            if option == "--max-seconds":
                short = ("--iters", "2")
            if option in (
                "--seed",
                "--samples",
                "--timeout",
                "--device",
                "--dtype",
                "--attention",
                "--task",
                "--input",
            ):
                yield Input(f"{option} {value!r:.30} with compare", (*FAST, "--offline", option, value))
            yield Input(f"{option} {value!r:.30}", (*given, *short))
