"""One run on one device: predictions, shapes, timings."""

from __future__ import annotations

import math

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact, OutputInfo, Summary, Timings
from npu_adapt.workflows.run.behaviour import RANDOM_SPREAD
from npu_adapt.workflows.run.facts import note, reason
from npu_adapt.workflows.run.forward import Forwards, Outputs, Side, run_forwards
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.session import Session, prepared
from npu_adapt.workflows.run.subject import Subject

WARM_FORWARDS = 5  # the median of five is not moved by one interrupted forward


def infer(request: RunRequest, progress: Progress, given: Subject | None = None) -> Summary:
    """Runs every sample once and the first one again, warm. Raises `RunFailed` for outputs that hold NaN."""
    with prepared(request, progress, allow_cpu=True, given=given) as session:
        device, loaded = session.device, session.loaded
        device.reset_peak_memory()
        side = Side(session.module_on_device(), device, loaded.dtype, loaded.task)
        with session.stage("forward", doing("running-model", device=session.device.name)):
            forwards = run_forwards(side, session.samples, progress, warm=WARM_FORWARDS)
            require_numbers(forwards.outputs)
            note_changing_forwards(session, forwards)
        record_forwards(session, forwards)
        return session.publish()


def note_changing_forwards(session: Session, forwards: Forwards) -> None:
    """Says of a model whose forwards of one input differ why they do."""
    if forwards.spread > RANDOM_SPREAD:
        session.note(note("stateful-forward" if forwards.stateful else "random-forward", differing=forwards.differing))


def record_forwards(session: Session, forwards: Forwards, *, status: str = "SUCCESS") -> None:
    """Fills `run` with what the device's forwards gave."""
    device, loaded = session.device, session.loaded
    predictions = [
        prediction
        for number, (sample, outputs) in enumerate(zip(session.samples, forwards.outputs, strict=True))
        for prediction in loaded.task.predictions(loaded, sample, outputs, number)
    ]
    session.note(*forwards.notes)
    none = reason("scores-not-finite") if predictions else reason("predicts-nothing", task=loaded.task.name)
    session.record(
        status=status,
        failure=None,
        outputs=describe_outputs(forwards.outputs[0]),
        predictions=tuple(prediction for prediction in predictions if math.isfinite(prediction.score)),
        timings_ms=Timings(
            load=session.subject.load_ms, first_forward=forwards.first_ms, warm_forward=forwards.warm_median_ms
        ),
        peak_memory_bytes=device.peak_memory_bytes(),
        cpu_fallbacks=device.cpu_fallbacks(),
    )
    run = session.summary.run
    assert run is not None
    reasons = {
        "run.predictions": None if run.predictions else none,
        "run.peak_memory_bytes": _unknown(run.peak_memory_bytes, reason("no-memory-statistics", device=device.name)),
        "run.cpu_fallbacks": _unknown(run.cpu_fallbacks, reason("fallbacks-not-told", device=device.name)),
        "run.timings_ms.warm_forward": None if forwards.warm_ms else reason("one-forward"),
    }
    session.explain({path: why for path, why in reasons.items() if why is not None})


def _unknown(value: object, why: Fact) -> Fact | None:
    return why if value is None else None


def describe_outputs(outputs: Outputs) -> tuple[OutputInfo, ...]:
    """Name, shape and element type of each output."""
    return tuple(
        OutputInfo(name=name, shape=tuple(tensor.shape), dtype=dtype_name(tensor.dtype))
        for name, tensor in outputs.items()
    )


def require_numbers(outputs: tuple[Outputs, ...]) -> None:
    """Raises `RunFailed` (class "nan-output") where an output holds NaN: there is nothing to predict or to time."""
    for number, named in enumerate(outputs):
        for name, tensor in named.items():
            count = int(tensor.isnan().count_nonzero()) if tensor.is_floating_point() else 0
            if count:
                raise RunFailed(
                    Sentence(
                        "{count} of {numel} elements of {name} are NaN (sample {number})",
                        count=count,
                        numel=tensor.numel(),
                        name=name,
                        number=number,
                    ),
                    hint="npu-adapt compare names the first operator that gives NaN",
                    stage="forward",
                    kind="nan-output",
                )
