"""Lines that several first screens share: the device, what the model said, its weights, what to doubt, where all is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from npu_adapt.evidence import HISTORY_FOLDER, SUMMARY_FILE
from npu_adapt.records import Prediction, WeightsInfo
from npu_adapt.report.document import Code, Inline, Tone
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.screen import Line, clipped, listed
from npu_adapt.report.hardware import is_stand_in
from npu_adapt.report.sections.conclusion import reserved
from npu_adapt.report.sections.quantisation import lost, on_device, stored
from npu_adapt.report.sections.subject import verified

SHOWN_PREDICTIONS = 3
SHOWN_RESERVATIONS = 6
SHOWN_OUTPUTS = 4


def line(figures: Figures, label: str, *parts: Inline, tone: Tone = "plain", rank: int = 0) -> Line:
    return Line(figures.say(f"label-{label}"), parts, tone, rank)


def device(figures: Figures) -> Iterator[Line]:
    """The device by its name, the type, the attention, and the arithmetic that was found."""
    run = figures.summary.run
    if run is None:
        return
    found = None if figures.value("compare") is None else figures.value("compare.arithmetic.found")
    classes = {} if found is None else {name: getattr(found, name) for name in ("matmul", "conv", "attention")}
    arithmetic = ", ".join(f"{name} {value}" for name, value in classes.items() if value)
    threads = figures.say("first-threads", number=figures("run.threads")) if run.device == "cpu" else ""
    parts = listed(
        Code(f"{run.device} {device_name(figures)}".strip()), Code(run.dtype), Code(run.attention), threads, arithmetic
    )
    yield line(figures, "device", *parts)


def device_name(figures: Figures) -> str:
    """What the maker calls the device that ran; empty where nobody says."""
    run, environment = figures.summary.run, figures.summary.environment
    if run is None or environment is None:
        return ""
    if run.device == "cpu":
        return environment.cpu or ""
    names = {f"{each.kind}:{each.index}": each.name for each in environment.devices}
    return names.get(run.device, "")


def prediction(figures: Figures) -> Iterator[Line]:
    """The best predictions of the first sample, and whether the reference says the same."""
    run, compare = figures.summary.run, figures.summary.compare
    if run is None:
        return
    said = [each for each in run.predictions if each.sample == run.predictions[0].sample]
    if not said:
        reason = figures.reason("run.predictions")
        yield line(figures, "prediction", figures.say("first-no-prediction", reason=reason))
        return
    agreement = None
    if compare is not None and compare.top1_match is not None:
        key = "first-same-prediction" if compare.top1_match else "first-other-prediction"
        agreement = figures.say(key, reference=compare.reference)
    samples = len({each.sample for each in run.predictions})
    more = figures.say("first-sample-of", number=str(samples)) if samples > 1 else None
    shown = [_prediction(figures, at, each) for at, each in enumerate(said[:SHOWN_PREDICTIONS])]
    tone: Tone = "bad" if compare is not None and compare.top1_match is False else "plain"
    best = shown if compare is None else shown[:1]
    yield line(figures, "prediction", *listed(*best, agreement, more), tone=tone)


def _prediction(figures: Figures, at: int, each: Prediction) -> tuple[Inline, ...]:
    return clipped(each.label or figures.say("empty")), f" {figures(f'run.predictions.{at}.score')}"


def run_latency(figures: Figures) -> Iterator[Line]:
    """The warm forward of the run, and the two times that are nobody's latency."""
    path = "run.timings_ms"
    warm = figures(f"{path}.warm_forward", unit=True)
    others = [
        figures.say(f"first-{name}", value=figures(f"{path}.{field}", unit=True))
        for name, field in (("first", "first_forward"), ("load", "load"))
        if figures.value(f"{path}.{field}") is not None
    ]
    yield line(figures, "latency", *listed(warm, *others))


def outputs(figures: Figures) -> Iterator[Line]:
    """The names and shapes of what came out."""
    run = figures.summary.run
    if run is None or not run.outputs:
        return
    shown: list[Inline] = [
        Code(f"{each.name} {figures(f'run.outputs.{at}.shape')}") for at, each in enumerate(run.outputs[:SHOWN_OUTPUTS])
    ]
    hidden = len(run.outputs) - len(shown)
    more = figures.say("and-more", number=str(hidden)) if hidden > 0 else None
    yield line(figures, "outputs", *listed(*shown, more), rank=3)


def weights(figures: Figures) -> Iterator[Line]:
    """Whether the weights are the pretrained ones, what their files were verified against, and where they lie."""
    record = figures.summary.weights
    if record is None:
        return
    proven = figures.say("first-proven", number=figures("weights.proven_parameters"))
    claim = proven if record.pretrained_used else figures.say("first-not-proven")
    against = _verified(figures, record)
    checked = figures.say("first-verified", what=against) if against else None
    tone: Tone = "plain" if record.pretrained_used else "caution"
    yield line(figures, "weights", *listed(claim, checked), tone=tone)
    yield line(figures, "weight-path", Code(record.path), rank=2)
    if record.quantisation is not None:
        yield line(figures, "quantised", *listed(*stored(figures, record.quantisation), on_device(figures)))
        loss = lost(figures)
        if loss is not None:
            yield line(figures, "quantised-lost", loss)


def _verified(figures: Figures, record: WeightsInfo) -> str:
    """What files were verified against; the unverified ones are a doubt of their own."""
    checked = (file for file in record.files if file.verified_against != "nothing")
    return ", ".join(dict.fromkeys(verified(figures, file) for file in checked))


def doubts(figures: Figures) -> Iterator[Line]:
    """What a reader must know beside the verdict, each with the id that `explain` knows; the first few."""
    if is_stand_in(figures.summary):
        yield line(figures, "doubt", figures.say("stand-in"), tone="caution")
    found = reserved(figures)
    for each in found[:SHOWN_RESERVATIONS]:
        yield line(figures, "doubt", *named(each.text, each.id), tone="caution", rank=1)
    hidden = len(found) - SHOWN_RESERVATIONS
    if hidden > 0:
        yield line(figures, "doubt", figures.say("first-and-more", number=str(hidden)), tone="caution", rank=1)


def named(text: str, name: str | None) -> tuple[Inline, ...]:
    """A sentence and the id that explains it."""
    return (text,) if name is None else (Code(name), ": ", text)


def evidence(figures: Figures, logs: Path | None) -> Iterator[Line]:
    """Where the evidence lies; nothing where none was written."""
    if logs is not None:
        history = figures.say("first-history", folder=f"{HISTORY_FOLDER}/")
        yield line(figures, "evidence", *listed(Code(str(logs / SUMMARY_FILE)), history))


def end(figures: Figures, logs: Path | None, *, explained: Sequence[str] = ()) -> Iterator[Line]:
    """Where the evidence lies, and how to see more. `explained`: ids of this screen, the first of which is named."""
    yield from evidence(figures, logs)
    asked = f"npu-adapt explain {explained[0] if explained else 'ID'}"
    yield line(figures, "more", *listed(Code("--details"), Code("npu-adapt report"), Code(asked)))
