"""Outputs kept as safetensors, and a verdict on them without running anything again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from npu_adapt.errors import UsageError
from npu_adapt.evidence import read_summary
from npu_adapt.records import Summary, encode
from npu_adapt.workflows.compare.floor import EndToEnd, Measured
from npu_adapt.workflows.run.forward import Forwards, Outputs

SIDES = ("reference", "candidate", "truth")
SUMMARY = "summary.json"
# In the headers, as JSON: the outputs in their order; for each sample, output -> floor; which holds class scores.
ORDER, FLOORS, CLASS_SCORES = "outputs", "noise_floors", "class_scores"
AGAIN = "make the folder again: npu-adapt compare MODEL --save-outputs DIR"


@dataclass(frozen=True)
class SavedOutputs:
    """Both sides' outputs, sample by sample, the float64 truth and the floors where they were measured."""

    reference: tuple[Outputs, ...]
    candidate: tuple[Outputs, ...]
    truth: tuple[Outputs, ...]  # empty: not measured (--fast)
    floors: tuple[dict[str, float | None], ...]  # likewise
    class_scores: str | None  # the output that holds them; None: the task has none


def saved_outputs(
    expected: Forwards, found: Forwards, end_to_end: EndToEnd | None, class_scores: str | None
) -> SavedOutputs:
    """Both sides' outputs, with the truth and its floors if they were measured and kept."""
    if end_to_end is None or not end_to_end.truth:
        return SavedOutputs(expected.outputs, found.outputs, (), (), class_scores)
    floors = tuple({name: each.floor for name, each in sample.items()} for sample in end_to_end.samples)
    return SavedOutputs(expected.outputs, found.outputs, end_to_end.truth, floors, class_scores)


def require_writable(folder: Path) -> None:
    """Creates the folder. Raises `UsageError` where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", hint="name another --save-outputs") from error


def save_outputs(folder: Path, saved: SavedOutputs, summary: Summary) -> None:
    """Writes `reference.safetensors`, `candidate.safetensors`, `truth.safetensors` and the summary of the run.

    A tensor's name is "SAMPLE/OUTPUT".
    """
    from safetensors.torch import save_file

    about = {ORDER: list(saved.reference[0]), FLOORS: saved.floors, CLASS_SCORES: saved.class_scores}
    header = {name: json.dumps(value) for name, value in about.items()}
    for side in SIDES:
        tensors = {
            f"{number}/{name}": tensor.clone(memory_format=torch.contiguous_format)  # none may share its bytes
            for number, outputs in enumerate(getattr(saved, side))
            for name, tensor in outputs.items()
        }
        save_file(tensors, folder / f"{side}.safetensors", header)
    (folder / SUMMARY).write_bytes(encode(summary))


def read_outputs(folder: Path) -> tuple[SavedOutputs, Summary]:
    """What `save_outputs` wrote. Raises `UsageError` for anything less."""
    summary = read_summary(folder / SUMMARY)
    if summary.compare is None or summary.run is None:
        raise UsageError(f"{folder} holds no comparison", hint=AGAIN)
    header: dict[str, Any] = {}
    sides = {side: _read_side(folder / f"{side}.safetensors", header) for side in SIDES}
    try:
        reference, candidate, truth = (
            tuple({name: sample[name] for name in header[ORDER]} for sample in sides[side]) for side in SIDES
        )
        return SavedOutputs(reference, candidate, truth, tuple(header[FLOORS]), header[CLASS_SCORES]), summary
    except KeyError as error:
        raise UsageError(f"{folder} lacks {error}: it was not written by npu-adapt", hint=AGAIN) from error


def measured_again(saved: SavedOutputs) -> tuple[dict[str, Measured], ...]:
    """The errors of the saved candidate against the saved truth, beside the floors of that run."""
    from npu_adapt.numerics.metrics import compare_tensors

    return tuple(
        {
            name: Measured(compare_tensors(outputs[name], truth[name]).relative_l2, floors.get(name))
            for name in outputs
            if name in truth
        }
        for outputs, truth, floors in zip(saved.candidate, saved.truth, saved.floors, strict=True)
    )


def _read_side(path: Path, header: dict[str, Any]) -> tuple[Outputs, ...]:
    """The samples in a file, and its header into `header`."""
    from safetensors import SafetensorError, safe_open

    samples: dict[int, Outputs] = {}
    try:
        with safe_open(path, framework="pt") as file:
            header.update({name: json.loads(text) for name, text in (file.metadata() or {}).items()})
            for key in file.keys():  # noqa: SIM118 - not a mapping
                number, _, name = key.partition("/")
                # Copied to where a tensor may begin: elsewhere sums have other last bits than when they were measured.
                samples.setdefault(int(number), {})[name] = file.get_tensor(key).clone()
    except (OSError, SafetensorError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as saved outputs: {error}", hint=AGAIN) from error
    return tuple(samples[number] for number in sorted(samples))
