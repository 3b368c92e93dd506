"""A tiny model of each row of the task table on `npu:0`: a script that prints what came of it, as JSON.

`python -m tests.softcann.task_models correct` compares a forward with that of the CPU, for every element type and
attention: "name dtype attention" -> relative L2 of the worst output, or the error; and lets a quantised model write.
`… verdicts` lets `compare` judge each model: name -> its verdict and first suspect. One process does it all, since most
of the time goes to imports.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import RunFailed
from npu_adapt.progress import Silent
from npu_adapt.workflows.run.forward import Side
from tests.models.conftest import OnDisk
from tests.models.tiny_models import MAKERS

DTYPES = ("float32", "float16", "bfloat16")
ATTENTIONS = ("auto", "eager")
# Of a body that several tasks share, one has its other attention run too.
BOTH_ATTENTIONS = ("vit", "yolos", "segformer", "mask2former", "bert-mask", "llama", "wav2vec2", "whisper", "clip")
# The operator that stops a model on the software NPU: in SAM torch_npu itself refuses a tensor whose channels lie last.
BLOCKED = {"swin2sr": "LeakyRelu", "sam": "aten::gelu"}
# How long VITS speaks follows from its own numbers: a device that multiplies wrongly gives outputs of other shapes,
# which are refused.
ANOTHER_LENGTH = ("vits",)
ON_NPU = MAKERS


def attentions(name: str) -> tuple[str, ...]:
    """The attentions that are run of a model."""
    return ATTENTIONS if name in BOTH_ATTENTIONS else ATTENTIONS[:1]


def correct(folder: Path) -> Iterator[tuple[str, Any]]:
    yield "distances", dict(forwards(folder))
    yield "quantised", quantised_text(folder)
    yield "screens", {name: screen(folder, name) for name in BLOCKED}


def screen(folder: Path, name: str) -> dict[str, Any]:
    """What the command says of a model that the device cannot run: its exit code and its lines."""
    from typer.testing import CliRunner

    from npu_adapt.cli.app import app

    arguments = ["compare", str(folder / name), "--device", "npu:0", "--logs", str(folder / "logs")]
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
    return {"code": shown.exit_code, "lines": shown.stderr.splitlines()}


def quantised_text(folder: Path) -> dict[str, Any]:
    """What comes of a quantised model that the device dequantises, and that writes on both sides."""
    from npu_adapt.workflows.compare.command import CompareOptions, compare
    from npu_adapt.workflows.run.request import RunRequest
    from tests.models.quantised_models import quantised

    torch.manual_seed(0)
    path = quantised(folder / "quantised", "int8 with inputs")
    request = RunRequest(
        "compare", "", str(path), device="npu:0", dtype="bfloat16", logs=folder / "logs", cache_dir=folder / "cache"
    )
    section = compare(request, CompareOptions(generate=4), Silent()).compare
    assert section is not None and section.dequantised is not None and section.generation is not None
    (text,) = section.generation.texts
    return {
        "passed": section.verdict.passed,
        "dequantised wrongly": section.dequantised.differing,
        "tokens": [len(text.reference_tokens), len(text.candidate_tokens)],
    }


def forwards(folder: Path) -> Iterator[tuple[str, float | str]]:
    from npu_adapt.models.loading import load_model

    device = open_device("npu:0", allow_cpu=False).device
    device.pin_hf32(False)
    for name, (make, _, _) in ON_NPU.items():
        torch.manual_seed(0)  # the same weights whatever was made before
        path = make(folder / name)
        for attention in attentions(name):
            loaded = load_model(
                OnDisk(path),
                task=None,
                attention=attention,
                progress=Silent(),
                trust_remote_code=False,
                allow_pickle=False,
            )
            sample = loaded.task.prepare(loaded, (), 1, 0)[0]
            with torch.inference_mode():
                expected = loaded.task.forward(loaded.module, sample.to(torch.device("cpu"), torch.float32))
                for dtype in DTYPES:
                    yield f"{name} {dtype} {attention}", _distance(loaded, sample, expected, device, dtype)


def _distance(loaded: Any, sample: Any, expected: dict[str, torch.Tensor], device: Any, dtype: str) -> float | str:
    element_type = getattr(torch, dtype)
    module = copy_to(loaded.module, device.torch_device, element_type)
    side = Side(module, device, element_type, loaded.task)
    try:
        found = side.call(side.tensors(sample))
    except RunFailed as error:
        return error.message
    return max(
        float((found[output].cpu().double() - tensor.double()).norm() / tensor.double().norm())
        for output, tensor in expected.items()
    )


def verdicts(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from npu_adapt.workflows.compare.command import CompareOptions, compare
    from npu_adapt.workflows.run.request import RunRequest

    for name, (make, _, _) in ON_NPU.items():
        if name in (*BLOCKED, *ANOTHER_LENGTH):
            continue
        torch.manual_seed(0)
        path = make(folder / name)
        request = RunRequest(
            command="compare",
            command_line=f"npu-adapt compare {name} --device npu:0",
            model=str(path),
            device="npu:0",
            logs=folder / f"{name}-logs",
            cache_dir=folder / "cache",
        )
        section = compare(request, CompareOptions(), Silent()).compare
        assert section is not None
        suspect = section.first_suspect
        yield (
            name,
            {
                "passed": section.verdict.passed,
                "terms": [(term.id, term.place, term.value) for term in section.verdict.terms if not term.holds],
                "suspect": None if suspect is None else suspect.operator,
            },
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(dict({"correct": correct, "verdicts": verdicts}[sys.argv[1]](Path(scratch)))))
