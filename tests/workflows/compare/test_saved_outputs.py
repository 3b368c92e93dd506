"""Outputs kept and read back: the same evidence, and everything that is not such a folder is a usage error."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from npu_adapt.errors import EvidenceNotWritten, ExitCode, SummaryUnreadable, UsageError
from npu_adapt.evidence import Logs, read_summary
from npu_adapt.progress import Silent
from npu_adapt.records import Summary, decode, encode
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.rejudge import rejudge
from npu_adapt.workflows.compare.saved_outputs import read_evidence, save_outputs
from npu_adapt.workflows.run.request import RunRequest
from tests.report.summaries import SAMPLES

SIDES = ("reference", "candidate", "truth")


def requested(logs: Path, **request: Any) -> RunRequest:
    return RunRequest(
        **{"command": "compare", "command_line": "npu-adapt compare", "model": None, "logs": logs} | request
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two samples of digits-vit, the CPU against itself."""
    folder = tmp_path_factory.mktemp("kept")
    request = requested(folder / "logs", model="builtin:digits-vit", device="cpu", samples=2)
    compare(request, CompareOptions(save_outputs=folder / "outputs"), Silent())
    return folder / "outputs"


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in kept.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def judged(folder: Path, tmp_path: Path, **options: Any) -> Summary:
    return rejudge(folder, requested(tmp_path / "logs"), CompareOptions(**options))


def change(folder: Path, *sides: str, tensors: Callable[[dict[str, torch.Tensor]], None], **metadata: object) -> None:
    """Writes the sides anew with changed tensors and headers."""
    for side in sides:
        file = folder / f"{side}.safetensors"
        with safe_open(file, framework="pt") as old:
            about = dict(old.metadata())
        found = load_file(file)
        tensors(found)
        save_file(found, file, about | {name: json.dumps(value) for name, value in metadata.items()})


def nothing(found: dict[str, torch.Tensor]) -> None:
    """Leaves the tensors as they are."""


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_figures_of_something_else_leave_the_logs_folder_and_it_is_said(kept: Path, tmp_path: Path) -> None:
    logs, heard = Logs(tmp_path / "logs"), Heard()
    logs.require_writable()
    with logs.start("bench", "model") as journal:
        journal.event("run", "start")
        journal.publish(SAMPLES["bench-only"]())
        place = journal.folder
    rejudge(kept, requested(logs.folder), CompareOptions(), heard)
    (said,) = heard.said
    assert said.startswith("the figures of bench are of another model") and said.endswith(f"they are now in {place}")
    assert read_summary(place / "summary.json").bench == SAMPLES["bench-only"]().bench
    assert logs.read().bench is None
    rejudge(kept, requested(logs.folder), CompareOptions(), heard)
    assert len(heard.said) == 1  # of the same, nothing leaves


def test_the_same_evidence_is_read_back_and_judged_the_same(kept: Path, tmp_path: Path) -> None:
    evidence, before = read_evidence(kept, "auto")
    assert before.compare is not None
    assert len(evidence.reference) == len(evidence.candidate) == 2
    assert evidence.floor is not None and len(evidence.floor.samples) == len(evidence.floor.truth) == 2
    after = judged(kept, tmp_path).compare
    assert after is not None
    assert (after.verdict, after.outputs, after.match_basis) == (
        before.compare.verdict,
        before.compare.outputs,
        before.compare.match_basis,
    )


def cut_shape(found: dict[str, torch.Tensor]) -> None:
    found["1/logits"] = found["1/logits"][:, :7].contiguous()


def whole_numbers(found: dict[str, torch.Tensor]) -> None:
    found["0/logits"] = found["0/logits"].long()


def half(found: dict[str, torch.Tensor]) -> None:
    found.update({name: tensor.half() for name, tensor in found.items()})


def one_sample(found: dict[str, torch.Tensor]) -> None:
    del found["1/logits"], found["1/last_hidden_state"]


def renamed(found: dict[str, torch.Tensor]) -> None:
    found["1/scores"] = found.pop("1/logits")


def not_a_number(found: dict[str, torch.Tensor]) -> None:
    found["second/logits"] = found.pop("1/logits")


def gap(found: dict[str, torch.Tensor]) -> None:
    found["2/logits"], found["2/last_hidden_state"] = found.pop("1/logits"), found.pop("1/last_hidden_state")


def emptied(found: dict[str, torch.Tensor]) -> None:
    found.clear()


def scalars(found: dict[str, torch.Tensor]) -> None:
    found.update({name: tensor.sum() for name, tensor in found.items()})


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: change(folder, "candidate", tensors=cut_shape),
        lambda folder: change(folder, "truth", tensors=cut_shape),
        lambda folder: change(folder, "candidate", tensors=whole_numbers),
        lambda folder: change(folder, "candidate", tensors=half),
        lambda folder: change(folder, "reference", tensors=one_sample),
        lambda folder: change(folder, *SIDES, tensors=one_sample),
        lambda folder: change(folder, "candidate", tensors=renamed),
        lambda folder: change(folder, "candidate", tensors=not_a_number),
        lambda folder: change(folder, "candidate", tensors=gap),
        lambda folder: change(folder, "reference", "candidate", tensors=emptied),
        lambda folder: change(folder, *SIDES, tensors=emptied),
        lambda folder: change(folder, *SIDES, tensors=scalars),
        lambda folder: change(folder, "truth", tensors=nothing, outputs=["last_hidden_state", "logits"]),
        lambda folder: change(folder, *SIDES, tensors=nothing, outputs=7),
        lambda folder: change(folder, *SIDES, tensors=nothing, class_scores="pooled"),
        lambda folder: change(folder, *SIDES, tensors=nothing, noise_floors=[]),
        lambda folder: change(folder, *SIDES, tensors=nothing, noise_floors=[{"logits": 0.0}] * 2),
        lambda folder: change(folder, *SIDES, tensors=nothing, noise_floors=[{"logits": 1e-7}] * 2),
        lambda folder: change(folder, *SIDES, tensors=nothing, noise_floors=[{"logits": "small"}] * 2),
    ],
)
def test_outputs_that_do_not_belong_together_are_refused(
    folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    with pytest.raises(UsageError) as caught:
        judged(folder, tmp_path)
    assert "--save-outputs" in caught.value.hint


@pytest.mark.parametrize("name", ["summary.json", "reference.safetensors", "truth.safetensors"])
@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "missing", "empty", "text", "foreign"])
def test_files_that_are_no_saved_outputs_are_refused(folder: Path, tmp_path: Path, name: str, kind: str) -> None:
    file = folder / name
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)  # opened, it would never end
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        file.symlink_to("/dev/zero")  # read, it would never end
    elif kind in ("empty", "text"):
        file.write_text("" if kind == "empty" else "not what you think")
    elif kind == "foreign":
        save_file({"0/logits": torch.ones(1)}, file)
    with pytest.raises((UsageError, SummaryUnreadable)) as caught:
        judged(folder, tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE and caught.value.hint


def test_a_summary_too_large_to_be_one_is_not_read(folder: Path, tmp_path: Path) -> None:
    with (folder / "summary.json").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(SummaryUnreadable, match="larger than"):
        judged(folder, tmp_path)


@pytest.mark.parametrize("field", ["dtype", "arithmetic", "outputs"])
def test_a_summary_of_something_else_is_refused(folder: Path, tmp_path: Path, field: str) -> None:
    path = folder / "summary.json"
    summary = decode(path.read_bytes(), origin="summary")
    run, section = summary.run, summary.compare
    assert run is not None and section is not None and section.arithmetic is not None and section.arithmetic.found
    if field == "dtype":
        summary = replace(summary, run=replace(run, dtype="save"))
    elif field == "arithmetic":
        found = replace(section.arithmetic.found, matmul="float8")
        summary = replace(summary, compare=replace(section, arithmetic=replace(section.arithmetic, found=found)))
    else:
        summary = replace(summary, compare=replace(section, outputs=section.outputs[:1]))
    path.write_bytes(encode(summary))
    with pytest.raises(UsageError):
        judged(folder, tmp_path)


def test_outputs_that_cannot_be_written_are_told_with_the_figures(kept: Path, tmp_path: Path) -> None:
    evidence, summary = read_evidence(kept, "auto")
    with pytest.raises(EvidenceNotWritten, match="cannot be written") as failed:
        save_outputs(tmp_path / "gone", evidence, summary)
    assert failed.value.summary is summary
