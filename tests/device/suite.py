"""The parts, most valuable first."""

from __future__ import annotations

from typing import Any

from tests.device.part import Part

CPU_JOBS = 3  # cores that a part beside others should have

# setting -> what `compare` is asked for. TF32 off and on are the device's flags, pinned; "as it is" leaves them alone.
SETTINGS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32", "hf32": False},
    "float32-tf32": {"dtype": "float32", "hf32": True},
    "float32-as-it-is": {"dtype": "float32"},
    "float16": {"dtype": "float16"},
    "bfloat16": {"dtype": "bfloat16"},
}


def _tiny(setting: str) -> Part:
    return Part(f"tiny-{setting}", "tests.device.comparing", "tiny_models", 150, 8, arguments={"setting": setting})


def _large(model: str, *settings: str, seconds: float = 150) -> Part:
    arguments = {"model": model, "settings": settings}
    return Part(f"compare-{model}", "tests.device.comparing", "large_model", seconds, 15, arguments=arguments)


def _in_mode(mode: str) -> Part:
    return Part(f"compare-{mode}", "tests.device.comparing", "in_mode", 120, 6, arguments={"mode": mode})


def _sweep(name: str, seconds: float, least: float, **arguments: Any) -> Part:
    return Part(name, "tests.device.speed", "sweep", seconds, least, alone=True, arguments=arguments)


PARTS: tuple[Part, ...] = (
    Part("env", "tests.device.machine", "environment", 90, 3),
    *map(_tiny, SETTINGS),
    Part("faults", "tests.device.faults", "planted", 120, 8),
    _large("vit-b16", "float32", "float32-tf32", "bfloat16"),
    Part(
        "compare-llama-1b", "tests.device.comparing", "language_model", 150, 20, arguments={"settings": ("bfloat16",)}
    ),
    Part("out-of-memory", "tests.device.failing", "out_of_memory", 60, 6),
    Part("missing-operator", "tests.device.failing", "missing_operator", 60, 6),
    Part("device-assert", "tests.device.failing", "device_assert", 60, 6),
    _large("resnet50", "float32", "float32-as-it-is", "bfloat16"),
    _large("minilm", "float32", "float32-tf32", "float16", "bfloat16"),
    _in_mode("compile"),
    _in_mode("graph"),
    Part("compare-generate", "tests.device.comparing", "generated", 90, 6),
    Part("limits", "tests.device.speed", "limits", 60, 5, alone=True),
    Part("clocks", "tests.device.speed", "clocks", 80, 6, alone=True),
    _sweep("sweep", 120, 8, modes="eager,graph"),
    Part("memory", "tests.device.machine", "memory", 60, 5, alone=True),
    Part("shared", "tests.device.sharing", "shared", 70, 8, alone=True),
    Part("generation", "tests.device.speed", "generation", 90, 8, alone=True),
    Part("compare-time", "tests.device.speed", "compare_time", 150, 15, alone=True),
    _sweep("sweep-compile", 300, 30, modes="eager,compile,graph", batches=(1, 64)),
)


def select(names: str | None) -> tuple[Part, ...]:
    """The parts that are named, or whose names begin so; all for None. Raises `SystemExit` for a name of none."""
    if names is None:
        return PARTS
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if not any(part.name.startswith(name) for part in PARTS)]
    if unknown or not wanted:
        raise SystemExit(f"no part is called {', '.join(unknown) or 'nothing'}; --list names them")
    exact = {part.name for part in PARTS}
    return tuple(
        part
        for part in PARTS
        if any(part.name == name or (name not in exact and part.name.startswith(name)) for name in wanted)
    )
