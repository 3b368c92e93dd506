"""`requirements.txt`: what a script imports, pinned to the versions that ran."""

from __future__ import annotations

from npu_adapt.devices.backends import BACKENDS
from npu_adapt.records import Summary
from npu_adapt.report.bundle.recipes import Recipe

SHAPING = ("numpy", "safetensors", "tokenizers")  # what every script stands on
BY_PROCESSOR = {"image": ("pillow",), "audio": ("soundfile",), "tokenizer": ("sentencepiece", "protobuf")}
BY_HUB = {"modelscope": ("modelscope-hub",), "huggingface": ("huggingface-hub",)}
UNPINNED = frozenset({"soundfile"})  # needed, and in no record of a version before it was kept


def requirements(summary: Summary, recipe: Recipe) -> str:
    """One package a line, exact versions; what the record has no version of is named without one where needed."""
    environment, model = summary.environment, summary.model
    assert environment is not None and model is not None
    shaping = SHAPING if model.adapter is None else SHAPING[:2]
    wanted = [*shaping, *(name for kind in recipe.processors for name in BY_PROCESSOR[kind])]
    wanted += BY_HUB.get(model.source, ())
    imported = {} if model.adapter is None else model.adapter.packages
    uses_timm = recipe.architecture is not None or "timm" in environment.packages
    wanted += ["timm"] if uses_timm and model.adapter is None else []
    pins = _named(summary)
    pinned = {_plain(each.partition("==")[0]) for each in pins}
    wanted += [name for name in imported if _plain(name) not in pinned]
    for name in dict.fromkeys(wanted):
        version = imported.get(name) or environment.packages.get(name)
        if version is not None:
            pins.append(f"{name}=={version}")
        elif name in UNPINNED:
            pins.append(name)
    head = f"# Python {environment.python}; the versions that the report was measured with"
    return "\n".join([head, *pins]) + "\n"


def _plain(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return name.lower().replace("_", "-")


def _named(summary: Summary) -> list[str]:
    """What has a field of its own; a device's package only where the device ran: elsewhere its import may fail."""
    environment, run = summary.environment, summary.run
    assert environment is not None and run is not None
    backend = BACKENDS.get(run.device.partition(":")[0])
    extension = None if backend is None or backend.extension is None else backend.extension.distribution
    is_adapter = summary.model is not None and summary.model.adapter is not None
    libraries = () if is_adapter else ("transformers",)  # an adapter's own imports say what it needs
    names = ("torch", *libraries) if extension is None else ("torch", extension, *libraries)
    found = ((name, getattr(environment, name, None) or environment.packages.get(name)) for name in names)
    return [f"{name}=={version.partition('+')[0]}" for name, version in found if version is not None]
