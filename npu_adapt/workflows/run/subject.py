"""What a run examines: a module with its sample inputs, its forward and the names of its outputs.

It comes from a checkpoint and a row of the task table, from an adapter, or from Python as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from msgspec.structs import replace

from npu_adapt.errors import ModelError
from npu_adapt.models import loading
from npu_adapt.models.loading import LoadedModel
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.tasks import require_all_inputs
from npu_adapt.models.tasks.completing import completed
from npu_adapt.models.tasks.noise import given_noise
from npu_adapt.models.tasks.plugins import plugins
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.records import WeightFile, WeightsInfo
from npu_adapt.threads import Work
from npu_adapt.workflows.models.fetch import fetch, start_verifying
from npu_adapt.workflows.run.facts import ReasonId, reason
from npu_adapt.workflows.run.memory import foretell_memory, return_after_loading
from npu_adapt.workflows.run.recording import Recording
from npu_adapt.workflows.run.room import room_for

if TYPE_CHECKING:
    from npu_adapt.evidence import Journal
    from npu_adapt.models.tasks import Sample


@dataclass(frozen=True)
class Subject:
    """What is examined. Its task row has the forward, and with it the names of the outputs."""

    loaded: LoadedModel
    samples: tuple[Sample, ...]
    load_ms: float | None = None  # None: the module was made in Python
    hashing: Work[tuple[WeightFile, ...]] | None = None  # of the weights, beside the run; None: there are no files
    candidate: torch.nn.Module | None = None  # the device's own code, on the CPU; None: the same as the reference
    unproven: ReasonId = "made-in-python"  # why there is no record of weights, where there is none

    def weights(self) -> WeightsInfo | None:
        """The record of the weights, with their hashes, which are waited for. None: no checkpoint is behind them."""
        weights = self.loaded.weights
        if weights is None or self.hashing is None:
            return weights
        return replace(weights, files=self.hashing.result())

    def weights_if_hashed(self) -> WeightsInfo | None:
        """The record of the weights; None also where their hashes are not known yet, or differ from what is known."""
        is_known = self.hashing is None or (self.hashing.done() and self.hashing.failure() is None)
        return self.weights() if is_known else None


def subject_of_checkpoint(run: Recording, model: str) -> Subject:
    """Finds, proves and loads the model, and prepares its inputs. Raises `ModelError`, `UsageError`, `RunFailed`."""
    request, journal = run.request, run.journal
    torch.manual_seed(request.seed)
    wanted = ModelRequest(
        model=model,
        revision=request.revision,
        source=request.source,
        offline=request.offline,
        weights_roots=request.weights_roots,
        cache_dir=request.cache_dir,
        allow_pickle=request.allow_pickle,
    )
    with logging_refusals(journal, model):
        local = fetch(wanted, run.progress)
    room = room_for(run, local)
    foretell_memory(run, local, room.most_bytes)
    _log_attempts(journal, local.attempts)
    hashing = start_verifying(local, wanted, run.progress)
    loaded = loading.load_model(
        local,
        task=request.task,
        dtype=request.dtype,
        attention=request.attention,
        trust_remote_code=request.trust_remote_code,
        allow_pickle=request.allow_pickle,
        progress=run.progress,
        make_room=room.make,
    )
    return_after_loading(run, local)
    room.close(run, loaded.module)
    run.note(*plugins().failed)
    run.device.require_dtype(loaded.dtype)
    samples = loaded.task.prepare(loaded, request.inputs, request.samples, request.seed)
    samples = tuple(completed(loaded, sample, request.seed + number) for number, sample in enumerate(samples))
    require_all_inputs(loaded, samples[0])
    return Subject(loaded, samples, loaded.load_ms, hashing)


def with_noise(subject: Subject, seed: int) -> Subject:
    """The subject whose forward draws from `seed`, and from the next numbers for its further samples."""
    task, samples = given_noise(subject.loaded.task, subject.samples, seed)
    return dataclasses.replace(subject, loaded=dataclasses.replace(subject.loaded, task=task), samples=samples)


@contextmanager
def logging_refusals(journal: Journal, model: str) -> Iterator[None]:
    """Within the context a model is looked for: where it is refused, the log says which places were tried, and why."""
    try:
        yield
    except ModelError as error:
        _log_attempts(journal, error.attempts)
        journal.event("pretrained", "not-loaded", "error", model=model, message=error.message)
        raise


def record_subject(run: Recording, subject: Subject) -> None:
    """What is examined, in the record and in the log."""
    loaded, weights = subject.loaded, subject.loaded.weights
    run.device.require_dtype(loaded.dtype)
    if weights is not None:
        _log_weights(run.journal, loaded, weights)
    reasons = {path: why for path, why in run.summary.reasons.items() if path not in ("model", "weights")}
    if weights is None:
        reasons["weights"] = reason(subject.unproven)
    if subject.load_ms is None:
        reasons["run.timings_ms.load"] = reason("made-in-python")
    run.summary = replace(run.summary, model=loaded.info, weights=weights, reasons=reasons)
    run.record(
        dtype=dtype_name(loaded.dtype),
        attention=loaded.attention,
        inputs=tuple(info for sample in subject.samples for info in sample.inputs),
    )


def _log_weights(journal: Journal, loaded: LoadedModel, weights: WeightsInfo) -> None:
    journal.event(
        "pretrained",
        "proven" if weights.pretrained_used else "not-proven",
        path=weights.path,
        parameters=loaded.info.parameters,
        proven_tensors=weights.proven_parameters,
    )
    for event, found in (
        ("conversion", weights.conversions),
        ("left-out", weights.left_out),
        ("doubt", weights.doubts),
    ):
        for fact in found:
            values: dict[str, Any] = {"id": fact.id, **fact.values}
            journal.event("pretrained", event, **values)


def _log_attempts(journal: Journal, attempts: tuple[Any, ...]) -> None:
    for attempt in attempts:
        values: dict[str, Any] = {"place": attempt.place, "outcome": attempt.id, **attempt.values}
        journal.event("pretrained", "attempt", **values)
