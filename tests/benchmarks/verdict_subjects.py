"""Models with faults in software devices: each correct device once, then with one operator of one layer made wrong.

Each correct run is two forwards, whose operators must agree to the bit, and one replay of every operator, since a
device is deterministic. A fault befalls one call: of its run only that call is replayed anew, the readings of the
others are those of the same device without the fault; references, floors and bounds are made once for each model and
arithmetic. A sample of the faulty runs is judged a second time by the whole path, as `compare` does it, and must come
to the same findings.
A transient fault befalls one of five executions: three forwards, of which the first is compared, and two replays. In a
forward it shows as the first operator whose bits are others than in a forward without it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import torch

from npu_adapt.devices.selection import open_device
from npu_adapt.numerics.arithmetic import OPERATOR_CLASSES, ArithmeticByClass
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.judgement import OperatorReading, left_over
from npu_adapt.numerics.metrics import compare_tensors, outside_tolerance
from npu_adapt.numerics.repeats import Repeated
from npu_adapt.progress import Silent
from npu_adapt.timing.loop import nothing_to_wait_for
from npu_adapt.workflows.compare.alone import judge_operators
from npu_adapt.workflows.compare.in_step import run_in_step
from npu_adapt.workflows.compare.probing import probe
from npu_adapt.workflows.run.forward import Side
from tests.benchmarks.verdict_cases import Case, Outputs
from tests.benchmarks.verdict_devices import CallsInOrder, Fault, Form, SoftDevice
from tests.benchmarks.verdict_faults import COARSER_THAN, FAULTS, TRANSIENT, Kind
from tests.benchmarks.verdict_runs import LIMIT, Found, Run


def alarms_of(case: Case, outputs: Outputs, over_floor: float) -> dict[str, bool]:
    """What the rules that look at the outputs say."""
    pairs = [(outputs[name], case.reference[name], case.truth[name]) for name in case.truth]
    fields = [compare_tensors(found, reference) for found, reference, _ in pairs]
    return {
        "field": not all(
            each.cosine_similarity is not None
            and each.mean_abs_diff is not None
            and each.cosine_similarity > 0.99
            and each.mean_abs_diff < 0.005
            for each in fields
        ),
        "1e-5": any(outside_tolerance(found, reference, rtol=1e-5, atol=1e-5) for found, reference, _ in pairs),
        "same": any(not _same(*pair) for pair in pairs),
        "end to end": not over_floor <= LIMIT,
    }


def _same(found: torch.Tensor, reference: torch.Tensor, truth: torch.Tensor) -> bool:
    """torch._dynamo.utils.same with a float64 reference: root mean squares, a factor of 3 for small tensors, else 2."""
    own, other = ((each.double() - truth).square().mean().sqrt() for each in (reference, found))
    return bool(other <= (3.0 if found.numel() < 1000 else 2.0) * own)


def held_to(form: Form, dtype: torch.dtype) -> ArithmeticByClass:
    """What the device is found to compute in, class by class, as `compare` asks it."""
    device = open_device("cpu", allow_cpu=True).device
    readings = probe(device, dtype, SoftDevice(form).forward).readings
    found = {operators: readings[operators].emulated() for operators in OPERATOR_CLASSES}
    return ArithmeticByClass(**{name: each or getattr(form.arithmetic, name) for name, each in found.items()})


@dataclass(frozen=True)
class Clean:
    """A correct device on one case."""

    form: Form
    arithmetic: ArithmeticByClass  # that it was found to have
    outputs: Outputs
    readings: list[OperatorReading]
    watch: Repeated  # of its forwards
    not_whole: frozenset[int]  # indices of calls whose replay of whole numbers was wrong

    @classmethod
    def of(cls, case: Case, form: Form) -> Clean:
        device, arithmetic = SoftDevice(form), held_to(form, case.subject.element_type)
        watch = Repeated(nothing_to_wait_for)
        outputs = case.forward(device.forward(), watch=watch)
        case.forward(device.forward(), watch=watch)
        with torch.inference_mode():
            wrong = (call.index for call in case.calls if not call.random and case.not_whole(call, device))
            return cls(form, arithmetic, outputs, case.readings(device, arithmetic), watch, frozenset(wrong))

    def run(self, case: Case) -> Run:
        over_floor = case.over_floor(self.outputs, self.arithmetic)
        alarms = alarms_of(case, self.outputs, over_floor)
        failed = _findings(self.readings)
        alarms["operators"] = bool(failed)
        alarms["whole numbers"] = bool(self.not_whole)
        repeats = self.watch.first_divergence is None
        alarms["combination"] = bool(failed) or alarms["whole numbers"] or alarms["end to end"] or not repeats
        found = "; ".join(
            f"{each.index} {each.module} {each.operator}: {each.broken or each.left}"
            for each in self.readings
            if each.index in failed[:3] or each.index in self.not_whole
        )
        return _run(case, self, None, 0.0, alarms, over_floor, None, found)


def _run(
    case: Case,
    clean: Clean,
    kind: Kind | None,
    effect: float,
    alarms: dict[str, bool],
    over_floor: float,
    named_right: bool | None,
    found: str,
) -> Run:
    name, family = ("", "") if kind is None else (kind.name, kind.family)
    return Run(
        case.subject.part,
        case.subject.name,
        clean.form.name,
        name,
        family,
        effect,
        alarms,
        over_floor,
        named_right,
        found,
    )


def _findings(readings: Sequence[OperatorReading]) -> list[int]:
    """Indices of the calls that fail alone, in order of execution."""
    left = left_over(readings)
    return [each.index for at, each in enumerate(readings) if each.broken is not None or at in left]


def befallen(case: Case, kind: Kind) -> list[Call]:
    """The calls that a fault can befall."""
    return [call for call in case.calls if call.operator in kind.operators and call.outputs[0].is_floating_point()]


def faulty_run(case: Case, clean: Clean, kind: Kind, rng: Random) -> Run | None:
    """A run of the form with the fault in a call that is drawn. None: it has no such operator, or nothing changed."""
    form, arithmetic = clean.form, clean.arithmetic
    calls = befallen(case, kind)
    bits = COARSER_THAN.get(kind.name)
    is_own_type = kind.name.endswith(
        f" in {case.subject.dtype}"
    )  # what is kept in the model's type loses nothing wrong
    if not calls or is_own_type or (bits is not None and form.arithmetic.matmul.mantissa_bits <= bits):
        return None
    call = rng.choice(calls)
    fault = kind.draw(rng)
    execution = None
    if kind.family == "transient":
        execution = rng.randrange(4 if case.has_own_bits(call, SoftDevice(form)) else 5)
    device = SoftDevice(form, fault, call.index)
    watch = replace(clean.watch, first_divergence=None)
    try:
        wrong = case.forward(device.forward(), watch=watch)
    except (RuntimeError, IndexError, KeyError, TypeError):
        return None  # the fault does not fit this call's arguments
    if not device.fired:
        return None
    divergence, not_whole = None, False
    if execution is None:
        not_whole = case.not_whole(call, SoftDevice(form, fault, call.index))
        findings = _findings(_with_fault(case, clean, fault, call))
    elif execution < 3:  # one of the forwards: both replays are right
        findings, divergence = [], watch.first_divergence
    else:  # one of the two replays, which differ: what has not the CPU's bits is repeated
        findings = [call.index]
    seen = wrong if execution in (None, 0) else clean.outputs
    over_floor = case.over_floor(seen, arithmetic)
    alarms = alarms_of(case, seen, over_floor)
    alarms["operators"], alarms["whole numbers"] = bool(findings), not_whole
    findings = sorted({*findings, *([call.index] if not_whole else [])})
    alarms["combination"] = bool(findings) or alarms["end to end"] or divergence is not None
    first = findings[0] if findings else None if divergence is None else divergence.index
    if first is None and alarms["combination"]:
        first = _in_step(case, clean, fault, call.index)
    effect = case.effect(wrong, clean.outputs, arithmetic)
    named_right = None if first is None else first == call.index
    found = f"in {call.index} {call.module} {call.operator}, named {first}"
    return _run(case, clean, kind, effect, alarms, over_floor, named_right, found)


def _with_fault(case: Case, clean: Clean, fault: Fault, call: Call) -> list[OperatorReading]:
    """The readings of the device with the fault: those of the device without it, but for the call that it befalls."""
    results = SoftDevice(clean.form, fault, call.index).replay(call)
    reading = case.reading(call, results, clean.arithmetic)
    return [reading if each.index == call.index else each for each in clean.readings]


def _in_step(case: Case, clean: Clean, fault: Fault, at: int) -> int | None:
    device = open_device("cpu", allow_cpu=True).device
    module, task = case.loaded.module, case.loaded.task
    soft = SoftDevice(clean.form, fault, at)
    found = run_in_step(
        Side(module, device, case.subject.element_type, task),
        Side(module, device, case.subject.element_type, task, context=soft.forward),
        case.sample,
        clean.arithmetic,
        Silent(),
        search=True,
    )
    return None if found.first_divergence is None else found.first_divergence.index


def whole_path(case: Case, clean: Clean, fault: Fault, at: int) -> list[int]:
    """Indices of the calls that fail, by `judge_operators` on the loaded model, nothing reused."""
    soft = SoftDevice(clean.form, fault, at)
    calls = CallsInOrder()
    result = judge_operators(
        case.loaded.module,
        open_device("cpu", allow_cpu=True).device,
        (case.sample,),
        case.loaded.task,
        dtype=case.subject.element_type,
        arithmetic=clean.arithmetic,
        progress=calls,
        candidate_context=lambda: soft.replaying(calls.current),
    )
    return [each.index for each in result.findings]


def _check(case: Case, clean: Clean, kind: Kind, rng: Random) -> str:
    """Whether the short way and the whole path come to the same findings."""
    call = rng.choice(befallen(case, kind))
    fault = kind.draw(rng)
    with torch.inference_mode():
        replaced = _with_fault(case, clean, fault, call)
        not_whole = case.not_whole(call, SoftDevice(clean.form, fault, call.index))
    short = sorted({*_findings(replaced), *([call.index] if not_whole else [])})
    whole = whole_path(case, clean, fault, call.index)
    same = f"{case.subject.name}: {kind.name} on {clean.form.name}"
    return f"checked {same}" if short == whole else f"DISAGREES {same}: {short} and {whole}"


def examine(case: Case, form: Form, faults: int, seed: int, *, check: bool) -> Found:
    """The correct device, and as many faulty ones of kinds that are drawn; with `check` one of them by both ways."""
    started = time.perf_counter()
    rng = Random(f"{case.subject.name} {form.name} {seed}")
    clean = Clean.of(case, form)
    runs, checks = [clean.run(case)], []
    kinds = rng.sample((*FAULTS, *TRANSIENT), len(FAULTS) + len(TRANSIENT))
    for kind in kinds:
        if len(runs) > faults:
            break
        drawn = Random(rng.randrange(1 << 40))
        state = drawn.getstate()
        with torch.inference_mode():
            run = faulty_run(case, clean, kind, drawn)
        if run is None:
            continue
        runs.append(run)
        if check and not checks and kind.family != "transient":
            drawn.setstate(state)
            checks.append(_check(case, clean, kind, drawn))
    return Found(tuple(runs), tuple(checks), time.perf_counter() - started)
