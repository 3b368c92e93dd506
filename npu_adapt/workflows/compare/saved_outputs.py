"""The outputs of a comparison kept as safetensors, and its evidence read back from them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import torch
from msgspec.structs import replace

from npu_adapt.errors import EvidenceNotWritten, Sentence, UsageError, first_line
from npu_adapt.evidence import write_atomically
from npu_adapt.files import open_regular
from npu_adapt.models.strangers import foreign_code
from npu_adapt.numerics.arithmetic import ARITHMETICS, COARSEST_UNASKED
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.records import ArithmeticFound, Compare, Run, Summary, encode
from npu_adapt.workflows.compare.alone import Operators
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.floor import Measured, NoiseFloor
from npu_adapt.workflows.generate.writing import LOGITS, WITHOUT_CACHE
from npu_adapt.workflows.reading import read_checked
from npu_adapt.workflows.run.forward import Outputs

SIDES = ("reference", "candidate", "truth")
SUMMARY = "summary.json"
LARGEST_SIDE = 64 << 30  # bytes
AGAIN = "make the folder again: npu-adapt compare MODEL --save-outputs DIR"
DTYPES = {dtype_name(dtype): dtype for dtype in COARSEST_UNASKED}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the metadata of each file say of all of them, each field as JSON."""

    outputs: tuple[str, ...]  # in their order
    class_scores: str | None  # the output that holds them; None: the task has none
    noise_floors: tuple[dict[str, Annotated[float, msgspec.Meta(gt=0)] | None], ...]  # by sample; empty: no floor


def require_writable(folder: Path) -> None:
    """Creates the folder. Raises `UsageError` where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            Sentence("{folder} cannot be written: {reason}", folder=folder, reason=error.strerror),
            hint="name another --save-outputs",
        ) from error


def save_outputs(folder: Path, evidence: Evidence, summary: Summary) -> None:
    """Writes `reference.safetensors`, `candidate.safetensors`, `truth.safetensors` and the summary of the run.

    A tensor's name is "SAMPLE/OUTPUT". Raises `EvidenceNotWritten`.
    """
    from safetensors import SafetensorError

    try:
        _write_sides(folder, evidence)
        write_atomically(folder / SUMMARY, encode(summary))
    except (OSError, SafetensorError) as error:  # the latter says what the system said
        raise EvidenceNotWritten(
            Sentence("{folder} cannot be written: {reason}", folder=folder, reason=first_line(error)),
            hint="name another --save-outputs",
            summary=summary,
        ) from error


def _write_sides(folder: Path, evidence: Evidence) -> None:
    from safetensors.torch import save_file

    floor = evidence.floor
    header = Header(
        outputs=tuple(evidence.reference[0]),
        class_scores=evidence.class_scores,
        noise_floors=() if floor is None else tuple(_floors(sample) for sample in floor.samples),
    )
    metadata = {name: json.dumps(value) for name, value in msgspec.to_builtins(header).items()}
    sides = (evidence.reference, evidence.candidate, () if floor is None else floor.truth)
    for side, samples in zip(SIDES, sides, strict=True):
        tensors = {
            f"{number}/{name}": tensor.clone(memory_format=torch.contiguous_format)  # none may share its bytes
            for number, outputs in enumerate(samples)
            for name, tensor in outputs.items()
        }
        save_file(tensors, folder / f"{side}.safetensors", metadata)


def _floors(sample: dict[str, Measured]) -> dict[str, float | None]:
    return {name: each.floor for name, each in sample.items()}


def read_evidence(folder: Path, asked: str) -> tuple[Evidence, Summary]:
    """The evidence of a comparison that `save_outputs` kept, and the summary of its run.

    What only running can tell, the arithmetic probed, the repeats and the operators, is the record's. `asked` is the
    arithmetic that the device is held to now. Raises `UsageError` for anything less than such a folder.
    """
    summary = read_checked(folder / SUMMARY)
    compare, run = summary.compare, summary.run
    if compare is None or run is None:
        raise UsageError(Sentence("{folder} holds no comparison", folder=folder), hint=AGAIN)
    sides, header = _read_sides(folder)
    reference, candidate, truth = sides
    _require_consistent(folder, sides, header)
    _require_of_record(folder, sides, compare, run)
    floors = header.noise_floors
    evidence = Evidence(
        reference=reference,
        candidate=candidate,
        class_scores=header.class_scores,
        dtype=DTYPES[run.dtype],
        reference_device=compare.reference,
        rehearsed=run.status == "REHEARSED",
        floor=_measured_again(candidate, truth, floors) if truth else None,
        arithmetic=None if compare.arithmetic is None else replace(compare.arithmetic, asked=asked),
        repeats=compare.repeats,
        latency=compare.latency or summary.reasons.get("compare.latency"),
        operators=Operators.of(compare),
        modes=compare.modes,
        dequantised=compare.dequantised,
        quantisation_loss=compare.quantisation_loss,
        overlaps=compare.overlaps,
        left_out=compare.left_out,
        generation=compare.generation,
    )
    return evidence, summary


def _measured_again(
    candidate: tuple[Outputs, ...], truth: tuple[Outputs, ...], floors: tuple[dict[str, float | None], ...]
) -> NoiseFloor:
    """The errors of the saved candidate against the saved truth, beside the floors of that run."""
    samples = tuple(
        {name: Measured(compare_tensors(outputs[name], exact[name]).relative_l2, floor[name]) for name in floor}
        for outputs, exact, floor in zip(candidate, truth, floors, strict=True)
    )
    return NoiseFloor(samples, truth)


def _read_sides(folder: Path) -> tuple[list[tuple[Outputs, ...]], Header]:
    """The samples of each side, the outputs in their order, and the header that all files have."""
    sides, headers = [], []
    for side in SIDES:
        samples, header = _read_side(folder / f"{side}.safetensors")
        headers.append(header)
        sides.append(samples)
    if any(header != headers[0] for header in headers):
        raise UsageError(Sentence("the files in {folder} are not of one run", folder=folder), hint=AGAIN)
    return sides, headers[0]


def _read_side(path: Path) -> tuple[tuple[Outputs, ...], Header]:
    from safetensors import safe_open

    _require_file(path)
    samples: dict[int, Outputs] = {}
    with foreign_code("saved outputs", path), safe_open(path, framework="pt") as file:
        metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
        header = msgspec.convert(metadata, Header)
        for key in file.keys():  # noqa: SIM118 - not a mapping
            number, _, name = key.partition("/")
            # Copied to where a tensor may begin: elsewhere sums have other last bits than when they were measured.
            samples.setdefault(int(number), {})[name] = file.get_tensor(key).clone()
    if sorted(samples) != list(range(len(samples))) or any(
        set(each) != set(header.outputs) for each in samples.values()
    ):
        raise UsageError(Sentence("{path} does not hold every output of every sample", path=path), hint=AGAIN)
    return tuple({name: samples[number][name] for name in header.outputs} for number in range(len(samples))), header


def _require_file(path: Path) -> None:
    """Raises `UsageError` unless there is a regular file of bounded size: a named pipe would never end."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise UsageError(
            Sentence("{path} cannot be read as saved outputs: {reason}", path=path, reason=error.strerror), hint=AGAIN
        ) from error
    if size > LARGEST_SIDE:
        raise UsageError(
            Sentence(
                "{path} has {size} bytes; at most {largest_side} are read",
                path=path,
                size=size,
                largest_side=LARGEST_SIDE,
            ),
            hint=AGAIN,
        )


def _require_consistent(folder: Path, sides: list[tuple[Outputs, ...]], header: Header) -> None:
    """Raises `UsageError` where the files do not belong together: other samples, shapes or kinds of types."""
    reference, candidate, truth = sides
    if not reference or not header.outputs:
        raise UsageError(Sentence("{folder} holds no output", folder=folder), hint=AGAIN)
    counts = [len(reference), len(candidate), len(truth) or len(reference)]
    if len(set(counts)) > 1 or (truth and len(header.noise_floors) != len(truth)):
        raise UsageError(
            Sentence("the files in {folder} hold {counts} samples", folder=folder, counts=counts), hint=AGAIN
        )
    for number, samples in enumerate(zip(*(side for side in sides if side), strict=True)):
        for name in header.outputs:
            forms = {(tuple(each[name].shape), each[name].is_floating_point()) for each in samples}
            if len(forms) > 1 or any(each[name].is_complex() for each in samples) or not samples[0][name].numel():
                raise UsageError(
                    Sentence(
                        "{name} of sample {number} in {folder} has other shapes or types",
                        name=name,
                        number=number,
                        folder=folder,
                    ),
                    hint=AGAIN,
                )
    floating = {name for name, tensor in reference[0].items() if tensor.is_floating_point()}
    if any(set(floors) != floating for floors in header.noise_floors):
        raise UsageError(Sentence("the noise floors in {folder} are not of its outputs", folder=folder), hint=AGAIN)
    scores = header.class_scores
    if scores is not None and (scores not in floating or not all(each[scores].dim() for each in reference)):
        raise UsageError(
            Sentence("{folder} holds no class scores {scores!r}", folder=folder, scores=scores), hint=AGAIN
        )


def _require_of_record(folder: Path, sides: list[tuple[Outputs, ...]], compare: Compare, run: Run) -> None:
    """Raises `UsageError` where the outputs are not those that the summary is of."""
    reference, candidate, _ = sides
    recorded = {output.name: output.shape for output in compare.outputs}
    found = {name: tuple(tensor.shape) for name, tensor in reference[0].items()}
    types = {output.name: output.dtype for output in run.outputs}
    of_candidate = {
        name: dtype_name(tensor.dtype) for name, tensor in candidate[0].items() if name not in (LOGITS, WITHOUT_CACHE)
    }
    if (recorded, types, compare.samples) != (found, of_candidate, len(reference)):
        raise UsageError(
            Sentence("the outputs in {folder} are not those of its {summary}", folder=folder, summary=SUMMARY),
            hint=AGAIN,
        )
    arithmetics = compare.arithmetic.found if compare.arithmetic is not None else None
    named = set() if arithmetics is None else set(_names(arithmetics)) - {None}
    if run.dtype not in DTYPES or not named <= set(ARITHMETICS):
        raise UsageError(
            Sentence("{summary} names a type or an arithmetic that is not known", summary=folder / SUMMARY), hint=AGAIN
        )


def _names(found: ArithmeticFound) -> tuple[str | None, ...]:
    return found.matmul, found.conv, found.attention
