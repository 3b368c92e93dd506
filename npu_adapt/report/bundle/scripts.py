"""The scripts of a bundle, from templates and the record: `inference.py` and those in `eval/`. Loads jinja2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npu_adapt.devices.backends import BACKENDS
from npu_adapt.records import InputInfo, ModelInfo, Run, Summary, WeightsInfo
from npu_adapt.report.bundle.adapters import functions_of, pattern, place_of, stored_as
from npu_adapt.report.bundle.recipes import InputKind, Recipe

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "scripts"
ON_ONE_LINE = 88  # letters of a tuple
# How a script loads each kind of processor, by transformers' major version: the Pillow back end, as in the report.
PROCESSORS: dict[str, str] = {
    "image": '"image": AutoImageProcessor.from_pretrained(folder, {pinned}, local_files_only=True{remote})',
    "tokenizer": '"tokenizer": AutoTokenizer.from_pretrained(folder, local_files_only=True{remote})',
    "audio": '"audio": AutoFeatureExtractor.from_pretrained(folder, local_files_only=True{remote})',
}
CLASSES = {"image": "AutoImageProcessor", "tokenizer": "AutoTokenizer", "audio": "AutoFeatureExtractor"}
PINNED = {4: "use_fast=False", 5: 'backend="pil"'}
HUBS = {"modelscope": "ModelScope", "huggingface": "Hugging Face"}
IMPORTS = (  # in the order of the file: what the text has, and what it then imports
    (r"argparse\.", "import argparse"),
    (r"dataclasses\.", "import dataclasses"),
    (r"hashlib\.", "import hashlib"),
    (r"importlib\.", "import importlib.util"),
    (r"inspect\.", "import inspect"),
    (r"json\.", "import json"),
    (r"math\.", "import math"),
    (r"(?<!import )\brandom\.seed", "import random"),
    (r"\bre\.", "import re"),
    (r"\bsys\.", "import sys"),
    (r"Sequence\[", "from collections.abc import {abstract}"),
    (r"Path\(", "from pathlib import Path"),
    (r"SimpleNamespace\(", "from types import SimpleNamespace"),
    (r"Any\b", "from typing import Any, NamedTuple"),
    (r"", ""),
    (r"numpy\.", "import numpy"),
    (r"soundfile\.", "import soundfile"),
    (r"torch\.", "import torch"),
    (r"\bImage(?:Draw|Ops)?\.", "from PIL import {pillow}"),
    (r"load_file\(", "from safetensors.torch import load_file"),
    (r"Tensor\b", "from torch import Tensor"),
    (r"\(TorchFunctionMode\)", "from torch.overrides import TorchFunctionMode"),
)
ABSTRACT = ("Iterable", "Iterator", "Mapping", "Sequence")
PILLOW = ("Image", "ImageDraw", "ImageOps")
NOISE = "noise_seed"  # an input of the record: the seed of what the forward draws
CASTS = {"float32": "float", "float16": "half", "bfloat16": "bfloat16"}
SHOWN_INPUT: dict[InputKind, str] = {
    "picture": "PICTURE",
    "sound": "SOUND",
    "text": "TEXT",
    "question": "'QUESTION? PASSAGE'",
    "candidates": "PICTURE_OR_TEXT",
    "prompt": "PICTURE_OR_TEXT",
    "video": "FOLDER_OF_FRAMES",
    "series": "CSV",
    "sentences": "TEXT",
    "passages": "QUERY_THEN_PASSAGES",
    "heard": "SOUND_OR_TEXT",
    "arguments": "VALUE",
}


@dataclass(frozen=True)
class Inputs:
    """The values that a run took, as the scripts take them, and the files among them by their place in the bundle."""

    values: tuple[str, ...]
    files: Mapping[str, bytes]
    missing: tuple[InputInfo, ...] = ()  # those that nobody has any more, one of each origin
    completed: tuple[str, ...] = ()  # tensors of each sample that the forward needs beside what processors give


def is_scripted(name: str) -> bool:
    """Whether a script makes an input of that name, which no processor gives."""
    return name in ("decoder_input_ids", "bbox") or name.endswith(("mask", "masks"))


def scripts(
    summary: Summary, recipe: Recipe, inputs: Inputs, compared: Inputs | None, *, weights_inside: bool
) -> dict[str, str]:
    """Each script by its place. `compared`: the inputs of the comparison. None: they are the run's, or there is none.

    `weights_inside`: whether the checkpoint is part of the bundle, in `weights/`.
    """
    environment = _environment()
    values = _values(summary, recipe, inputs, compared, weights_inside=weights_inside)
    found = {}
    for place in ("inference.py", "eval/eval_accuracy.py", "eval/eval_performance.py"):
        template = environment.get_template(f"{Path(place).name}.j2")
        body = template.render(values, imports="")
        found[place] = template.render(values, imports=_imports(body, recipe))
    return found


def self_test(summary: Summary) -> str:
    """The script that runs all others."""
    assert summary.model is not None and summary.run is not None
    template = _environment().get_template("self_test.py.j2")
    return template.render(model=summary.model.id, device=_device(summary.run))


def _environment() -> Environment:
    """Jinja for Python: values are written by `literal`, so nothing is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"py": literal, "lines": lines, "pattern": pattern}
    return environment


def _device(run: Run) -> str:
    """What the scripts run on by default; a rehearsal has no other device than the CPU."""
    return "cpu" if run.status == "REHEARSED" else run.device


def literal(value: object) -> str:
    """A text as Python reads it."""
    return json.dumps(value, ensure_ascii=False)


def lines(values: Sequence[str]) -> str:
    """A tuple of texts, on one line where it is short."""
    if not values:
        return "()"
    joined = ", ".join(map(literal, values))
    if len(joined) <= ON_ONE_LINE:
        return f"({joined},)" if len(values) == 1 else f"({joined})"
    return "(\n" + "".join(f"    {literal(value)},\n" for value in values) + ")"


def _values(
    summary: Summary, recipe: Recipe, inputs: Inputs, compared: Inputs | None, *, weights_inside: bool
) -> dict[str, object]:
    """What the templates fill in."""
    model, run, weights, machine = summary.model, summary.run, summary.weights, summary.environment
    assert model is not None and run is not None and weights is not None and machine is not None
    device = _device(run)
    kind = device.partition(":")[0]
    backend = BACKENDS.get(kind)
    remote = ", trust_remote_code=True" if "--trust-remote-code" in summary.command.split() else ""
    major = int((machine.transformers or "5").partition(".")[0])
    pinned = PINNED[min(max(major, min(PINNED)), max(PINNED))]
    hub = model.source if model.source in HUBS else ""
    noise = any(each.name == NOISE for each in run.inputs)
    return {
        **_adapter(model, weights, summary, compared),
        "noise": noise,
        "call": "seeded_forward" if noise else "forward",
        "completed": list(inputs.completed),
        "cast": CASTS[run.dtype],
        "model": model.id,
        "recipe": recipe,
        "device": device,
        "kind": kind,
        "extension": backend.extension.module if backend is not None and backend.extension is not None else "",
        "settings": _settings(run, kind),
        "hub": hub,
        "hub_name": HUBS.get(hub, ""),
        "revision": model.revision,
        "weight_files": weights.files,
        "weights_folder": 'HERE / "weights"' if weights_inside else f"Path({literal(weights.path)})",
        "dtype": run.dtype,
        "threads": run.threads,
        "seed": run.seed,
        # sdpa is what transformers takes by itself, and where a part of a model has none it cannot be asked for
        "attention": f', "attn_implementation": {literal(run.attention)}' if run.attention == "eager" else "",
        "remote_code": ', "trust_remote_code": True' if remote else "",
        "loaders": {name: text.format(pinned=pinned, remote=remote) for name, text in PROCESSORS.items()},
        "processor_options": f"{pinned}, local_files_only=True{remote}",
        "inputs": inputs.values,
        "compare_inputs": None if compared is None else compared.values,
        "input_kind": SHOWN_INPUT[recipe.inputs],
        "outputs": tuple(each.name for each in run.outputs),
        "class_scores": recipe.scores,
        # The pipeline for sounds takes the softmax of a single class, those for texts and pictures its sigmoid.
        "one_class_is_sigmoid": "" if recipe.inputs == "sound" else " or logits.shape[-1] == 1",
    }


def _adapter(model: ModelInfo, weights: WeightsInfo, summary: Summary, compared: Inputs | None) -> dict[str, object]:
    """What only the script of an adapter says."""
    if model.adapter is None:
        return {"adapter": False, "compare_samples": 0}
    stored, run, compare = stored_as(weights), summary.run, summary.compare
    assert run is not None
    samples = _samples(run.inputs)
    other = 0 if compare is None or compared is None else _samples(compare.inputs)
    return {
        "adapter": True,
        "adapter_place": place_of(model.adapter),
        "functions": functions_of(model.adapter),
        "pickled": stored.pickled,
        "nest": stored.nest,
        "prefixes": stored.prefixes,
        "samples": samples,
        "compare_samples": other if other != samples else 0,
    }


def _samples(inputs: tuple[InputInfo, ...]) -> int:
    return sum(each.name == inputs[0].name for each in inputs)


def _settings(run: Run, kind: str) -> list[str]:
    """The statements that set what the record says of the device's arithmetic."""
    backend = BACKENDS.get(kind)
    found = []
    precision = run.numerics.get("float32_matmul_precision")
    if precision not in (None, "highest"):
        found.append(f"torch.set_float32_matmul_precision({literal(precision)})")
    for flag in () if backend is None else backend.flags:
        value = run.numerics.get(flag.name)
        if flag.path in (() if backend is None else backend.hf32_flags) and value is not None:
            found.append(f"{flag.path.replace(f'torch.{kind}.', 'backend.')} = {value}")
    return found


def _imports(body: str, recipe: Recipe) -> str:
    """The import lines of what the text uses."""
    names = {
        "abstract": ", ".join(each for each in ABSTRACT if re.search(rf"\b{each}\b[\[)]", body)),
        "pillow": ", ".join(each for each in PILLOW if re.search(rf"\b{each}\.", body)),
    }
    found = [line.format(**names) for pattern, line in IMPORTS if re.search(pattern, body)]
    classes = sorted([recipe.auto_class, *(CLASSES[kind] for kind in recipe.processors)])
    return "\n".join([*found, f"from transformers import {', '.join(classes)}"] if recipe.auto_class else found)
