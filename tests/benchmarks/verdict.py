"""How well the verdict tells correct devices from faulty ones, beside the rules that others use.

    python -m tests.benchmarks.verdict [--quick] [--seed 0] [--workers 2] [--resume DIR] [--minutes N] [--part NAME]

Software devices run real models in every correct arithmetic, order of sums, form of attention and kind of vector unit
(`verdict_devices.py`), convolutions by sums and by transforms (`verdict_convolutions.py`), and compilers and captured
graphs (`verdict_modes.py`). Then one thing of each is made wrong; a fault counts only if it changed a result's bits.

Each correct device, with the faulty ones made of it, is kept in a file of its own below `--resume`: what is there is
not run again. With `--minutes` no device is begun later than that, and the table is of those that there are.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

if __name__ in ("__main__", "__mp_main__"):  # tests that import this have an environment of their own
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402

from tests.benchmarks import verdict_convolutions, verdict_modes, verdict_subjects  # noqa: E402
from tests.benchmarks.verdict_cases import SMOLLM2, SUBJECTS, Case, Subject  # noqa: E402
from tests.benchmarks.verdict_devices import Form, correct_forms  # noqa: E402
from tests.benchmarks.verdict_runs import Found, Job, file_of, holds, read, show, work  # noqa: E402

FAULTS_OF_CONVOLUTIONS = 3  # of each device
EVERY_CHECK = 10  # correct device, of whose faulty ones one is judged by both ways
INDUCTOR_ON = ("vit compiled, float32",)  # it takes a minute


@dataclass(frozen=True)
class OnModel:
    """Devices on a real model: what does not depend on the arithmetic is made once."""

    subject: Subject
    forms: tuple[Form, ...]

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(form.name for form in self.forms)

    def examine(self, wanted: Sequence[str], seed: int) -> Iterator[Found]:
        case = Case.of(self.subject)
        for number, form in enumerate(form for form in self.forms if form.name in wanted):
            yield verdict_subjects.examine(case, form, self.subject.faults, seed, check=number % EVERY_CHECK == 0)

    def __reduce__(self) -> object:  # an arithmetic's functions do not travel to another process, names do
        return _on_model, (self.subject, self.devices)


def _on_model(subject: Subject, names: tuple[str, ...]) -> OnModel:
    return OnModel(subject, tuple(form for form in correct_forms(subject.dtype) if form.name in names))


@dataclass(frozen=True)
class Convolving:
    model: str
    arithmetic: str

    @property
    def name(self) -> str:
        return f"{self.model}, {self.arithmetic}"

    @property
    def devices(self) -> tuple[str, ...]:
        return verdict_convolutions.WAYS

    def examine(self, wanted: Sequence[str], seed: int) -> Iterator[Found]:
        for way in wanted:
            yield verdict_convolutions.examine(self.model, self.arithmetic, way, FAULTS_OF_CONVOLUTIONS, seed)


@dataclass(frozen=True)
class Compiling:
    model: str
    dtype: str

    @property
    def name(self) -> str:
        return f"{self.model} compiled, {self.dtype}"

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(way for way in verdict_modes.WAYS if way != "inductor" or self.name in INDUCTOR_ON)

    def examine(self, wanted: Sequence[str], seed: int) -> Iterator[Found]:
        for way in wanted:
            yield verdict_modes.examine(self.model, self.dtype, way)


def jobs(seed: int, *, quick: bool) -> list[Job]:
    """All of them, those of the largest model first, the others in an order that is drawn."""
    if quick:
        return [_on_model(SUBJECTS[0], tuple(form.name for form in correct_forms())[::12])]
    rng = Random(seed)
    on_models = [_drawn(subject, rng) for subject in SUBJECTS]
    convolving = product(verdict_convolutions.MODELS, verdict_convolutions.ARITHMETICS)
    others = [
        *(job for job in on_models if job.subject.part != SMOLLM2),
        *(Convolving(*each) for each in convolving),
        *(Compiling(*each) for each in verdict_modes.MODELS),
    ]
    return [*(job for job in on_models if job.subject.part == SMOLLM2), *rng.sample(others, len(others))]


def _drawn(subject: Subject, rng: Random) -> OnModel:
    """The forms that are drawn for a subject, in the order of the table."""
    every = correct_forms(subject.dtype)
    drawn = every if subject.forms is None else rng.sample(every, min(subject.forms, len(every)))
    return OnModel(subject, tuple(form for form in every if form in drawn))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few forms and faults, on one small model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--resume", type=Path, help="keep each device here, and do not run again what is here")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no device later than this")
    parser.add_argument("--part", default="", help="only models whose name has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        return run(options, (options.resume or Path(temporary)) / f"seed {options.seed}")


def run(options: argparse.Namespace, folder: Path) -> int:
    until = time.time() + 60 * options.minutes
    chosen = [job for job in jobs(options.seed, quick=options.quick) if options.part in job.name]
    with ProcessPoolExecutor(
        options.workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)
    ) as pool:
        began = [pool.submit(work, job, folder, options.seed, until) for job in chosen]
        failed = [why for each in as_completed(began) if (why := each.result())]
    found = read(folder)
    show(found)
    missing = sum(not file_of(folder, job, device).is_file() for job in chosen for device in job.devices)
    print(f"{missing} devices not run; seed {options.seed}, torch {torch.__version__}, {options.workers} workers")
    print(*failed, sep="\n")
    return 0 if holds(found) and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
