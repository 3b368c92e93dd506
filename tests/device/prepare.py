"""Makes the carried folder, where there is a package index."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

from tests.device.part import hide_torch_npu

LARGEST_BYTES = 60_000_000
# What an image with torch and transformers may lack, and what that itself needs. modelscope-hub's cryptography is left
# out: it is imported to log in, and there is no network.
PURE = ("structlog", "platformdirs", "modelscope-hub", "typer", "rich", "shellingham", "click", "annotated-doc")
NEEDED_BY_RICH = ("markdown-it-py", "mdurl", "pygments")
COMPILED = ("msgspec",)
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
OLDEST_TYPER_NOT_WANTED = "0.29"  # as pyproject.toml has it


def prepare(folder: Path) -> int:
    """Fills `folder` and says what is in it; 1 where it became too large."""
    folder.mkdir(parents=True, exist_ok=True)
    _wheels(folder / "wheels")
    _models(folder / "models")
    sizes = {entry: _bytes(folder / entry) for entry in ("wheels", "models")}
    total = sum(sizes.values())
    print(
        ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in sizes.items()), f"= {total / 1e6:.1f} MB in {folder}"
    )
    if total > LARGEST_BYTES:
        print(f"that is more than {LARGEST_BYTES / 1e6:.0f} MB", file=sys.stderr)
        return 1
    return 0


def _wheels(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    pure = [f"typer<{OLDEST_TYPER_NOT_WANTED}" if name == "typer" else name for name in (*PURE, *NEEDED_BY_RICH)]
    _download(folder, pure, "3.10", "x86_64")
    for python, machine in product(PYTHONS, MACHINES):
        _download(folder, list(COMPILED), python, machine)


def _download(folder: Path, names: list[str], python: str, machine: str) -> None:
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in (17, 27, 28, 34)] + [f"manylinux2014_{machine}"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary=:all:", "--implementation", "cp", "--python-version", python, "--dest", str(folder)),
            *(part for name in platforms for part in ("--platform", name)),
            *names,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"pip could not bring {', '.join(names)} for Python {python} on {machine}:\n{done.stderr}")


def _models(folder: Path) -> None:
    hide_torch_npu()
    from tests.device.models import tiny_model
    from tests.models.tiny_models import MAKERS
    from tests.real_models import store

    shutil.rmtree(folder, ignore_errors=True)
    for name in MAKERS:
        tiny_model(name, folder / "tiny" / name)
    _as_float16(store.model("minilm"), folder / "minilm")


def _as_float16(source: Path, target: Path) -> None:
    """A copy of a model's folder with its weights in float16."""
    import json

    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target)
    tensors = load_file(target / "model.safetensors")
    halves = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    save_file(halves, target / "model.safetensors", metadata={"format": "pt"})
    (target / "model.safetensors").chmod(0o644)
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = str(torch.float16).removeprefix("torch.")
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
