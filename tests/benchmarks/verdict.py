"""How well the verdict tells correct devices from faulty ones, beside the rules that others use.

    python -m tests.benchmarks.verdict [--quick] [--seed 0] [--workers 2] [--keep DIR]

Software devices run real models in every correct arithmetic, order of sums, form of attention and kind of vector unit.
Then one operator of one layer is made wrong (`verdict_faults.py`); a fault counts only if it changed a result's bits.

How it is computed. Each correct run is two forwards, whose operators must agree to the bit, and one replay of every
operator, since a device is deterministic.
A fault befalls one call: of its run only that call is replayed anew, the readings of the others are those of the same
device without the fault; references, floors and bounds are made once for each model and arithmetic. A sample of the
faulty runs is judged a second time by the whole path, as `compare` does it, and must come to the same findings.
A transient fault befalls one of five executions: three forwards, of which the first is compared, and two replays. In a
forward it shows as the first operator whose bits are others than in a forward without it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from npu_adapt.devices.selection import open_device  # noqa: E402
from npu_adapt.numerics.capture import Call  # noqa: E402
from npu_adapt.numerics.judgement import OperatorReading, left_over  # noqa: E402
from npu_adapt.numerics.metrics import compare_tensors, outside_tolerance  # noqa: E402
from npu_adapt.numerics.repeats import Repeated  # noqa: E402
from npu_adapt.progress import Silent  # noqa: E402
from npu_adapt.timing.loop import nothing_to_wait_for  # noqa: E402
from npu_adapt.workflows.compare.alone import judge_operators  # noqa: E402
from npu_adapt.workflows.compare.in_step import run_in_step  # noqa: E402
from npu_adapt.workflows.run.forward import Side  # noqa: E402
from tests.benchmarks.verdict_cases import SUBJECTS, Case, Outputs, Subject  # noqa: E402
from tests.benchmarks.verdict_devices import CallsInOrder, Fault, Form, SoftDevice, correct_forms  # noqa: E402
from tests.benchmarks.verdict_faults import COARSER_THAN, FAULTS, TRANSIENT, Kind  # noqa: E402

LIMIT = 3.0  # floors, end to end
RULES = ("field", "1e-5", "same", "end to end", "operators", "whole numbers", "combination")
TITLES = {
    "field": "the field's: cosine > 0.99, mean_abs < 0.005",
    "1e-5": "Polygraphy's 1e-5 (rtol and atol)",
    "same": "dynamo's same: rmse <= 2-3 x fp32's, against fp64",
    "end to end": "end to end <= 3 floors",
    "operators": "operators alone, by margins",
    "whole numbers": "operators alone, by whole numbers",
    "combination": "the combination",
}
TARGETS = ("0 false alarms", ">= 99.5 % of effect >= 3 floors", ">= 92 % below", ">= 99 % named right")


@dataclass(frozen=True)
class Run:
    """One device on one case, and what each rule said of it."""

    case: str
    margins: bool
    form: str
    fault: str  # empty: the device is correct
    family: str
    effect: float  # of the fault, in floors
    alarms: dict[str, bool]  # rule -> whether it failed the device
    over_floor: float  # of the outputs, end to end
    named_right: bool | None  # whether the first operator named is the wrong one; None: none was named


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


@dataclass(frozen=True)
class Clean:
    """A correct device on one case."""

    form: Form
    outputs: Outputs
    readings: list[OperatorReading]
    watch: Repeated  # of its forwards
    not_whole: frozenset[int]  # indices of calls whose replay of whole numbers was wrong

    @classmethod
    def of(cls, case: Case, form: Form) -> Clean:
        device = SoftDevice(form)
        watch = Repeated(nothing_to_wait_for)
        outputs = case.forward(device.forward(), watch=watch)
        case.forward(device.forward(), watch=watch)
        with torch.inference_mode():
            wrong = (call.index for call in case.calls if not call.random and case.not_whole(call, device))
            return cls(form, outputs, case.readings(device), watch, frozenset(wrong))

    def run(self, case: Case) -> Run:
        over_floor = case.over_floor(self.outputs, self.form.arithmetic)
        alarms = alarms_of(case, self.outputs, over_floor)
        alarms["operators"] = bool(_findings(self.readings))
        alarms["whole numbers"] = bool(self.not_whole)
        repeats = self.watch.first_divergence is None
        alone = alarms["operators"] or alarms["whole numbers"]
        alarms["combination"] = alone or alarms["end to end"] or not repeats
        return Run(case.subject.name, case.subject.margins, self.form.name, "", "", 0.0, alarms, over_floor, None)


def _findings(readings: Sequence[OperatorReading]) -> list[int]:
    """Indices of the calls that fail alone, in order of execution."""
    left = left_over(readings)
    return [each.index for at, each in enumerate(readings) if each.broken is not None or at in left]


def faulty_run(case: Case, clean: Clean, kind: Kind, rng: Random) -> Run | None:
    """A run of the form with the fault in a call that is drawn. None: it has no such operator, or nothing changed."""
    form = clean.form
    calls = [call for call in case.calls if call.operator in kind.operators and call.outputs[0].is_floating_point()]
    bits = COARSER_THAN.get(kind.name)
    if not calls or (bits is not None and form.arithmetic.matmul.mantissa_bits <= bits):
        return None
    call = rng.choice(calls)
    fault = kind.draw(rng)
    execution = rng.randrange(5) if kind.family == "transient" else None
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
        findings = _findings(_with_fault(case, form, fault, call, clean.readings))
    elif execution < 3:  # one of the forwards: both replays are right
        findings, divergence = [], watch.first_divergence
    else:  # one of the two replays, which differ
        findings = [call.index]
    seen = wrong if execution in (None, 0) else clean.outputs
    over_floor = case.over_floor(seen, form.arithmetic)
    alarms = alarms_of(case, seen, over_floor)
    alarms["operators"], alarms["whole numbers"] = bool(findings), not_whole
    findings = sorted({*findings, *([call.index] if not_whole else [])})
    alarms["combination"] = bool(findings) or alarms["end to end"] or divergence is not None
    first = findings[0] if findings else None if divergence is None else divergence.index
    if first is None and alarms["combination"]:
        first = _in_step(case, form, fault, call.index)
    effect = case.effect(wrong, clean.outputs, form.arithmetic)
    return Run(
        case.subject.name,
        case.subject.margins,
        form.name,
        kind.name,
        kind.family,
        effect,
        alarms,
        over_floor,
        None if first is None else first == call.index,
    )


def _with_fault(
    case: Case, form: Form, fault: Fault, call: Call, readings: Sequence[OperatorReading]
) -> list[OperatorReading]:
    """The readings of the device with the fault: those of the device without it, but for the call that it befalls."""
    results = SoftDevice(form, fault, call.index).replay(call)
    reading = case.reading(call, results, form.arithmetic)
    return [reading if each.index == call.index else each for each in readings]


def _in_step(case: Case, form: Form, fault: Fault, at: int) -> int | None:
    device = open_device("cpu", allow_cpu=True).device
    module, task = case.loaded.module, case.loaded.task
    soft = SoftDevice(form, fault, at)
    found = run_in_step(
        Side(module, device, case.subject.element_type, task),
        Side(module, device, case.subject.element_type, task, context=soft.forward),
        case.sample,
        form.arithmetic,
        Silent(),
        search=True,
    )
    return None if found.first_divergence is None else found.first_divergence.index


def whole_path(case: Case, form: Form, fault: Fault, at: int) -> list[int]:
    """Indices of the calls that fail, by `judge_operators` on the loaded model, nothing reused."""
    soft = SoftDevice(form, fault, at)
    calls = CallsInOrder()
    result = judge_operators(
        case.loaded.module,
        open_device("cpu", allow_cpu=True).device,
        (case.sample,),
        case.loaded.task,
        dtype=case.subject.element_type,
        arithmetic=form.arithmetic,
        progress=calls,
        candidate_context=lambda: soft.replaying(calls.current),
    )
    return [each.index for each in result.findings]


def examine(subject: Subject, faults: int, forms: int | None, checks: int, seed: int) -> tuple[list[Run], list[str]]:
    """All runs of one subject, and where the shortcut and the whole path disagree."""
    torch.set_num_threads(1)
    case = Case.of(subject)
    rng = Random(f"{subject.name} {seed}")
    all_forms = correct_forms(subject.dtype)
    clean = [Clean.of(case, form) for form in _some(all_forms, forms, rng)]
    runs = [each.run(case) for each in clean]
    disagreements = []
    kinds = [*FAULTS, *TRANSIENT]
    made = 0
    for attempt in range(20 * faults):
        if made == faults:
            break
        kind = kinds[attempt % len(kinds)]
        device = rng.choice(clean)
        drawn = Random(rng.randrange(1 << 40))
        state = drawn.getstate()
        with torch.inference_mode():
            run = faulty_run(case, device, kind, drawn)
        if run is None:
            continue
        made += 1
        runs.append(run)
        if made % max(1, faults // max(1, checks)) == 0 and kind.family != "transient":
            drawn.setstate(state)
            disagreements += _check(case, device, kind, drawn, run)
    return runs, disagreements


def _some(forms: Sequence[Form], count: int | None, rng: Random) -> Sequence[Form]:
    return forms if count is None or count >= len(forms) else rng.sample(forms, count)


def examine_once(
    subject: Subject, faults: int, forms: int | None, checks: int, seed: int, keep: Path | None
) -> tuple[list[Run], list[str]]:
    """As `examine`; what is in the folder `keep` is taken from there."""
    if keep is None:
        return examine(subject, faults, forms, checks, seed)
    file = keep / f"{subject.name}, {faults} faults, seed {seed}.json"
    if not file.is_file():
        keep.mkdir(parents=True, exist_ok=True)
        found = examine(subject, faults, forms, checks, seed)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(([asdict(run) for run in found[0]], found[1])))
        partial.rename(file)
    runs, disagreements = json.loads(file.read_text())
    return [Run(**run) for run in runs], disagreements


def _check(case: Case, clean: Clean, kind: Kind, rng: Random, run: Run) -> list[str]:
    calls = [call for call in case.calls if call.operator in kind.operators and call.outputs[0].is_floating_point()]
    call, fault = rng.choice(calls), kind.draw(rng)
    with torch.inference_mode():
        replaced = _with_fault(case, clean.form, fault, call, clean.readings)
        not_whole = case.not_whole(call, SoftDevice(clean.form, fault, call.index))
    short = sorted({*_findings(replaced), *([call.index] if not_whole else [])})
    whole = whole_path(case, clean.form, fault, call.index)
    same = f"{case.subject.name}: {run.fault} on {clean.form.name}"
    return [f"checked {same}" if short == whole else f"DISAGREES {same}: {short} and {whole}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few forms and faults, on the small models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="keep each model's runs here, and do not run again what is here")
    options = parser.parse_args()
    started = time.perf_counter()
    subjects = SUBJECTS[:3] if options.quick else SUBJECTS
    faults, forms, checks = (60, 12, 2) if options.quick else (160, None, 4)
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        arguments = (faults, forms, checks, options.seed, options.keep)
        found = list(pool.map(examine_once, subjects, *([each] * len(subjects) for each in arguments)))
    runs = [run for several, _ in found for run in several]
    checks_made = [check for _, several in found for check in several]
    show(runs, checks_made)
    seconds = time.perf_counter() - started
    print(f"{seconds:.0f} s, {options.workers} workers, torch {torch.__version__}, seed {options.seed}")
    return 0 if holds(runs) and not any(check.startswith("DISAGREES") for check in checks_made) else 1


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def caught(runs: Iterable[Run], rule: str) -> str:
    chosen = list(runs)
    return share(sum(run.alarms[rule] for run in chosen), len(chosen))


def _group(case: str) -> str:
    """What a case is in the tables for."""
    subject = next(each for each in SUBJECTS if each.name == case)
    return "margins chosen on" if subject.margins else "reported on"


def show(runs: list[Run], checks: list[str]) -> None:
    console = Console(width=150)
    groups = dict.fromkeys(_group(run.case) for run in runs)
    for group in groups:
        chosen = [run for run in runs if _group(run.case) == group]
        correct, faulty = [run for run in chosen if not run.fault], [run for run in chosen if run.fault]
        names = ", ".join(dict.fromkeys(run.case for run in chosen))
        table = Table(title=f"{group}: {names}")
        for heading in ("rule", "false alarms", "faults caught", "effect >= 3 floors", "below"):
            table.add_column(heading)
        for rule in RULES:
            alarms = sum(run.alarms[rule] for run in correct)
            large, small = ([run for run in faulty if (run.effect >= LIMIT) is big] for big in (True, False))
            table.add_row(
                TITLES[rule],
                f"{alarms} of {len(correct)}",
                caught(faulty, rule),
                caught(large, rule),
                caught(small, rule),
            )
        console.print(table)
        worst = max(correct, key=lambda run: run.over_floor)
        console.print(
            f"worst correct run end to end: {worst.over_floor:.2f} floors of {LIMIT:g}, {worst.form}, {worst.case}"
        )
        named = [run for run in faulty if run.alarms["combination"] and run.named_right is not None]
        console.print(
            f"detected {sum(run.alarms['combination'] for run in faulty)}; an operator named in {len(named)} of them, "
            f"the wrong one itself in {sum(bool(run.named_right) for run in named)}"
        )
    faulty = [run for run in runs if run.fault]
    table = Table(title="faults caught, by class")
    for heading in ("class", *RULES, "combination, >= 3", "combination, < 3"):
        table.add_column(heading)
    for family in dict.fromkeys(run.family for run in faulty):
        own = [run for run in faulty if run.family == family]
        large, small = ([run for run in own if (run.effect >= LIMIT) is big] for big in (True, False))
        table.add_row(
            f"{family} ({len(own)})",
            *(caught(own, rule).partition(" of")[0] for rule in RULES),
            caught(large, "combination"),
            caught(small, "combination"),
        )
    console.print(table)
    missed = [run for run in faulty if not run.alarms["combination"]]
    table = Table(title=f"missed by the combination: {len(missed)}")
    for heading in ("fault", "missed", "drawn", "largest effect, floors", "on"):
        table.add_column(heading)
    for name in sorted({run.fault for run in missed}):
        own = [run for run in missed if run.fault == name]
        drawn = sum(run.fault == name for run in faulty)
        forms = ", ".join(sorted({run.form.partition(",")[0] for run in own}))
        table.add_row(name, str(len(own)), str(drawn), f"{max(run.effect for run in own):.2g}", forms)
    console.print(table)
    for run in runs:
        if not run.fault and run.alarms["combination"]:
            console.print(f"false alarm: {run.case} on {run.form}")
        if run.named_right is False:
            console.print(f"another operator named: {run.case}, {run.fault} on {run.form}, effect {run.effect:.2g}")
    agreeing = sum(check.startswith("checked") for check in checks)
    console.print(f"the whole path came to the same findings in {agreeing} of {len(checks)} runs that took both")
    for check in checks:
        if check.startswith("DISAGREES"):
            console.print(check)


def holds(runs: list[Run]) -> bool:
    """Whether the targets are met, on all runs together."""
    correct, faulty = [run for run in runs if not run.fault], [run for run in runs if run.fault]
    large, small = ([run for run in faulty if (run.effect >= LIMIT) is big] for big in (True, False))
    detected = [run for run in faulty if run.alarms["combination"]]
    results = (
        sum(run.alarms["combination"] for run in correct) == 0,
        sum(run.alarms["combination"] for run in large) >= 0.995 * len(large),
        sum(run.alarms["combination"] for run in small) >= 0.92 * len(small),
        sum(bool(run.named_right) for run in detected) >= 0.99 * len(detected),
    )
    for target, met in zip(TARGETS, results, strict=True):
        print(f"{target}: {'holds' if met else 'MISSED'}")
    return all(results)


if __name__ == "__main__":
    sys.exit(main())
