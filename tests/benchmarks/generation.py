"""How well `compare --generate` tells correct devices from those that go wrong only while they write.

    python -m tests.benchmarks.generation [--quick] [--case NAME] [--prompts N] [--forms N] [--faults N]
        [--workers N] [--keep DIR]

Software devices (`verdict_devices.py`) write after real prompts in every correct arithmetic, order of sums, form of
attention and kind of vector unit: none may be failed, and every token that they flip must be a tie. Then faults that
strike in decoding alone (`generation_kinds.py`) are put into one layer from one step on; a fault counts only if it
changed a result's bits. Its effect is how far it moves the logits of the worst token, in that token's noise floors.

What is reported besides: how far margins between the two best tokens are off on correct devices, in floors. It shows
how much room the limit of a tie leaves.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

if __name__ in ("__main__", "__mp_main__"):  # tests that import this have an environment of their own
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from npu_adapt.numerics.margins import position_errors  # noqa: E402
from npu_adapt.numerics.rules import FLOOR_MARGIN  # noqa: E402
from npu_adapt.numerics.token_rules import TIE_MARGIN  # noqa: E402
from npu_adapt.workflows.generate.suspects import wrong_while_writing  # noqa: E402
from npu_adapt.workflows.generate.text import Text, given, judged_text, measure_text  # noqa: E402
from npu_adapt.workflows.generate.writing import LOGITS, along  # noqa: E402
from tests.benchmarks.generation_cases import SUBJECTS, Case, Subject, device_of  # noqa: E402
from tests.benchmarks.generation_faults import Decoding, Kind  # noqa: E402
from tests.benchmarks.generation_kinds import KINDS  # noqa: E402
from tests.benchmarks.generation_prompts import PROMPTS  # noqa: E402
from tests.benchmarks.verdict_devices import Form, correct_forms  # noqa: E402

JOB_PROMPTS = 5
TARGETS = (
    "0 false alarms",
    "every flip of a correct device a tie",
    ">= 99 % of effect >= 3 floors",
    ">= 98 % named right",
)


@dataclass(frozen=True)
class Run:
    """One device on one prompt."""

    case: str
    form: str
    prompt: int
    fault: str  # empty: the device is correct
    alarm: bool
    worst: float  # the furthest position, from float64 or from what the device gives without a cache, in floors
    whole: float  # all positions, in floors
    ties: int
    faults: int  # flips outside the floor
    positions: int
    expected: float  # flips that noise of one floor gives
    margin_errors: tuple[float, ...] = ()  # of the two best tokens at each position, in floors; of correct devices
    effect: float = 0.0  # of the fault, in floors of the worst position
    named_right: bool | None = None  # None: nothing failed, or no operator was named


def examined(case: Case, form: Form, number: int, text: Text, fault: str = "") -> Run:
    """What the verdict says of a text."""
    outside = [flip for flip in text.flips if not flip.over_floor <= TIE_MARGIN]
    worst = float(torch.maximum(text.errors, text.cache_errors).max())
    whole = text.floor.measured(text.found).over_floor
    margins = [each for each in text.margins.tolist() if math.isfinite(each)]
    return Run(
        case=case.subject.name,
        form=form.name,
        prompt=number,
        fault=fault,
        alarm=text.first_failing is not None or whole is None or whole > FLOOR_MARGIN,
        worst=worst,
        whole=math.inf if whole is None else whole,
        ties=len(text.flips) - len(outside),
        faults=len(outside),
        positions=len(text.errors),
        expected=sum(math.erfc(each / math.sqrt(2)) / 2 for each in margins),
    )


def margin_errors(text: Text) -> tuple[float, ...]:
    """How far the difference of the two best tokens is off at each position, in floors of a margin."""
    truth = text.floor.truth[LOGITS]
    best = truth.topk(2, dim=-1).indices
    off = text.found.double().gather(-1, best) - truth.gather(-1, best)
    return tuple(((off[:, 0] - off[:, 1]).abs() / text.floor.margins).tolist())


def correct_run(case: Case, form: Form, number: int) -> tuple[Run, Text]:
    floor = case.floor(number, form.arithmetic)
    device = case.device(device_of(form))
    text = measure_text(number, case.prompts[number], case.text(number), device, floor)
    run = examined(case, form, number, text)
    return Run(**{**asdict(run), "margin_errors": margin_errors(text)}), text


def faulty_run(case: Case, form: Form, number: int, clean: Text, kind: Kind, rng: Random) -> Run | None:
    """A run of the form with the fault in a call and from a step that are drawn. None: nothing changed.

    No fault strikes what is read at once.
    """
    calls = case.calls(number)[kind.name]
    if not calls:
        return None
    call = rng.randrange(calls)
    since = 0 if kind.always else rng.randrange(max(1, case.text(number).tokens.shape[1] - 2))
    sample = along(case.prompts[number].sample, case.text(number))

    def device() -> tuple[Decoding, object]:
        fault = Decoding(kind, case.loaded.module, call, since)
        return fault, case.device(device_of(form, fault))

    fault, side = device()
    logits, scores = given(side, sample)  # type: ignore[arg-type]
    if not fault.fired:
        return None
    text = judged_text(
        number,
        case.prompts[number],
        case.text(number),
        clean.reference.tokens,
        logits,
        scores,
        clean.at_once,
        clean.floor,
    )
    run = examined(case, form, number, text, kind.name)
    effect = float((position_errors(logits, clean.found) / clean.floor.positions).max())
    named = None
    if text.first_failing is not None:
        _, again = device()
        found = wrong_while_writing(again, form.arithmetic, text, text.first_failing)  # type: ignore[arg-type]
        named = None if found is None else found.operator in kind.operators
    return Run(**{**asdict(run), "effect": effect, "named_right": named})


def forms_of(subject: Subject, number: int, wanted: int | None) -> Sequence[Form]:
    """The correct devices that one prompt is written on: all, or so many that come next in turn."""
    every = correct_forms(subject.dtype)
    if wanted is None or wanted >= len(every):
        return every
    return [every[(number * wanted + turn) % len(every)] for turn in range(wanted)]


def faulty_runs(case: Case, number: int, clean: Sequence[tuple[Form, Text]], wanted: int, rng: Random) -> Iterator[Run]:
    """Runs of one prompt with a fault; kinds take turns, and one that changes nothing here gives way to the next."""
    made = 0
    for attempt in range(5 * wanted):
        form, text = rng.choice(clean)
        run = faulty_run(case, form, number, text, KINDS[(number * wanted + attempt) % len(KINDS)], rng)
        if run is not None:
            made += 1
            yield run
        if made == wanted:
            return


@dataclass(frozen=True)
class Job:
    """Some prompts of one subject; `forms` and `faults` are how many runs each prompt has."""

    subject: int
    first: int
    last: int
    forms: int | None
    faults: int
    seed: int

    def run(self) -> list[Run]:
        torch.set_num_threads(1)
        subject = SUBJECTS[self.subject]
        case, runs = Case.of(subject, range(self.first, self.last)), []
        for number in range(self.last - self.first):
            rng = Random(f"{subject.name} {self.seed} {self.first + number}")
            found = [
                (form, *correct_run(case, form, number)) for form in forms_of(subject, self.first + number, self.forms)
            ]
            runs += [run for _, run, _ in found]
            runs += faulty_runs(case, number, [(form, text) for form, _, text in found], self.faults, rng)
            case.forget()
        return [replace(run, prompt=self.first + run.prompt) for run in runs]

    def run_once(self, keep: Path | None) -> list[Run]:
        """As `run`; what is in the folder `keep` is taken from there."""
        if keep is None:
            return self.run()
        name = SUBJECTS[self.subject].name
        file = (
            keep
            / f"{name}, prompts {self.first}-{self.last}, {self.forms} forms, {self.faults} faults, {self.seed}.json"
        )
        if not file.is_file():
            keep.mkdir(parents=True, exist_ok=True)
            found = self.run()
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps([asdict(run) for run in found]))
            partial.rename(file)
        return [Run(**{**run, "margin_errors": tuple(run["margin_errors"])}) for run in json.loads(file.read_text())]


def run_job(job: Job, keep: Path | None) -> list[Run]:
    return job.run_once(keep)


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def show(runs: Sequence[Run]) -> None:
    console = Console(width=150)
    table = Table(title="correct devices")
    for heading in (
        "model", "runs", "false alarms", "tokens", "flipped", "expected", "ties", "faults",
        "worst token, floors", "worst text", "worst margin, floors",
    ):  # fmt: skip
        table.add_column(heading)
    for case in dict.fromkeys(run.case for run in runs):
        own = [run for run in runs if run.case == case and not run.fault]
        tokens, ties, faults = (sum(getattr(run, name) for run in own) for name in ("positions", "ties", "faults"))
        margins = [each for run in own for each in run.margin_errors]
        table.add_row(
            case,
            str(len(own)),
            str(sum(run.alarm for run in own)),
            str(tokens),
            share(ties + faults, tokens),
            f"{100 * sum(run.expected for run in own) / tokens:.1f} %",
            str(ties),
            str(faults),
            f"{max(run.worst for run in own):.2f}",
            f"{max(run.whole for run in own):.2f}",
            f"{max(margins, default=0.0):.2f}",
        )
    console.print(table)
    table = Table(title="devices that go wrong while they write")
    for heading in ("fault", "runs", "caught", "effect >= 3 floors", "below", "named", "right"):
        table.add_column(heading)
    faulty = [run for run in runs if run.fault]
    for name in (*dict.fromkeys(run.fault for run in faulty), ""):
        own = [run for run in faulty if name in ("", run.fault)]
        large, small = ([run for run in own if (run.effect >= FLOOR_MARGIN) is big] for big in (True, False))
        named = [run for run in own if run.named_right is not None]
        table.add_row(
            name or "all",
            str(len(own)),
            share(sum(run.alarm for run in own), len(own)),
            share(sum(run.alarm for run in large), len(large)),
            share(sum(run.alarm for run in small), len(small)),
            str(len(named)),
            str(sum(bool(run.named_right) for run in named)),
        )
    console.print(table)
    for run in runs:
        if not run.fault and run.alarm:
            console.print(f"false alarm: {run.case}, prompt {run.prompt}, {run.form}: {run.worst:.2f}, {run.whole:.2f}")
        if run.fault and run.effect >= FLOOR_MARGIN and not run.alarm:
            console.print(
                f"missed: {run.case}, {run.fault}, {run.form}: effect {run.effect:.2f}, worst {run.worst:.2f}"
            )


def holds(runs: Sequence[Run]) -> bool:
    """Whether the targets are met, on all runs together."""
    correct, faulty = [run for run in runs if not run.fault], [run for run in runs if run.fault]
    large = [run for run in faulty if run.effect >= FLOOR_MARGIN]
    caught = [run for run in large if run.alarm]
    results = (
        not any(run.alarm for run in correct),
        not any(run.faults for run in correct),
        len(caught) >= 0.99 * len(large),
        sum(bool(run.named_right) for run in caught) >= 0.98 * len(caught),
    )
    for target, met in zip(TARGETS, results, strict=True):
        print(f"{target}: {'holds' if met else 'MISSED'}")
    return all(results)


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    """The work in parts of a few prompts."""
    for number, subject in enumerate(SUBJECTS):
        is_tiny = subject.name.startswith("tiny")
        if (options.case and subject.name not in options.case) or (options.quick and not is_tiny):
            continue
        count = options.prompts or (2 if options.quick else 20 if is_tiny else len(PROMPTS))
        forms = options.forms or (4 if options.quick else None if is_tiny else 1)
        faults = options.faults or (6 if options.quick else 30 if is_tiny else 2)
        for first in range(0, count, JOB_PROMPTS):
            yield Job(number, first, min(count, first + JOB_PROMPTS), forms, faults, options.seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two prompts, few forms and faults, the tiny models")
    parser.add_argument("--case", action="append", help="only this one of the models; repeatable")
    parser.add_argument("--prompts", type=int, help="of each model; default: 200 of the real one, 20 of the tiny ones")
    parser.add_argument("--forms", type=int, help="correct devices of each prompt, in turn; default: 1 real, all tiny")
    parser.add_argument("--faults", type=int, help="faulty runs of each prompt; default: 2 real, 30 tiny")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="keep each part's runs here, and do not run again what is here")
    options = parser.parse_args()
    started = time.perf_counter()
    work = list(jobs(options))
    runs: list[Run] = []
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        for job, found in zip(work, pool.map(run_job, work, [options.keep] * len(work)), strict=True):
            runs += found
            print(f"{job}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    show(runs)
    print(f"{time.perf_counter() - started:.0f} s, torch {torch.__version__}, seed {options.seed}")
    return 0 if holds(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
