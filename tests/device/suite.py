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
    return Part(f"tiny-{setting}", "comparing", "tiny_models", 150, 8, arguments={"setting": setting})


def _large(model: str, *settings: str, seconds: float = 150) -> Part:
    arguments = {"model": model, "settings": settings}
    return Part(f"compare-{model}", "comparing", "large_model", seconds, 15, arguments=arguments)


def _sweep(name: str, seconds: float, least: float, **arguments: Any) -> Part:
    return Part(name, "speed", "sweep", seconds, least, alone=True, arguments=arguments)


PARTS: tuple[Part, ...] = (
    Part("env", "machine", "environment", 60, 3),
    *map(_tiny, SETTINGS),
    Part("faults", "faults", "planted", 120, 8),
    _large("vit-b16", "float32", "float32-tf32", "bfloat16"),
    Part("out-of-memory", "failing", "out_of_memory", 60, 6),
    Part("missing-operator", "failing", "missing_operator", 60, 6),
    Part("device-assert", "failing", "device_assert", 60, 6),
    _large("resnet50", "float32", "float32-as-it-is", "bfloat16"),
    _large("minilm", "float32", "float32-tf32", "float16", "bfloat16"),
    Part("limits", "speed", "limits", 60, 5, alone=True),
    Part("clocks", "speed", "clocks", 80, 6, alone=True),
    _sweep("sweep", 120, 8, modes="eager,graph"),
    Part("memory", "machine", "memory", 60, 5, alone=True),
    Part("shared", "sharing", "shared", 60, 8, alone=True),
    Part("compare-llama-1b", "comparing", "language_model", 150, 20, arguments={"settings": ("bfloat16",)}),
    Part("generation", "speed", "generation", 90, 8, alone=True),
    Part("compare-compile", "comparing", "in_mode", 120, 6, arguments={"mode": "compile"}),
    Part("compare-graph", "comparing", "in_mode", 90, 6, arguments={"mode": "graph"}),
    Part("compare-generate", "comparing", "generated", 90, 6),
    Part("compare-time", "speed", "compare_time", 150, 15, alone=True),
    _sweep("sweep-compile", 240, 30, modes="eager,compile,graph"),
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
