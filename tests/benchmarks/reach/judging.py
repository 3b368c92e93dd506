"""What the console's own workflow makes of a made model: inferred task, proof, forward, whole verdict on the CPU."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.errors import NpuAdaptError, RunFailed
from npu_adapt.progress import Silent
from tests.benchmarks.reach.heads import Head
from tests.benchmarks.reach.making import NotMade, make
from tests.benchmarks.reach.shrinking import WAYS, Way

Verdict: TypeAlias = Literal["judged", "refused", "wrong", "not made"]
MOST_ALIKE = 4  # answers to ways of shrinking: what says the same so often is not a matter of sizes
LONGEST_SECONDS = 60.0  # of the processor: other work on the machine does not count
TIMED_SECONDS = 0.02  # the latency is measured too, but nobody reads it
PICTURE_SIZE, SOUND_SECONDS = (96, 128), 1.0  # of the default inputs: some processors pass them on as they are


class Outcome(msgspec.Struct, frozen=True):
    """What came of one model type."""

    model_type: str
    table: str
    verdict: Verdict
    way: str = ""
    task: str = ""  # empty: none was inferred
    why: str = ""  # empty: it was judged
    hint: str = ""
    seconds: float = 0.0


def reach(head: Head) -> Outcome:
    """The outcome of the first way of shrinking that is judged, else the most telling one."""
    found: list[Outcome] = []
    started = time.process_time()
    for way in (dataclasses.replace(way, whole=whole) for way in WAYS for whole in (True, False)):
        if way.head_dim and _say_the_same(found):  # what fixed widths break, widths that keep their relations may not
            continue
        outcome = _reach(head, way)
        if outcome.verdict == "judged":
            return outcome
        found.append(outcome)
        if time.process_time() - started > LONGEST_SECONDS:  # larger models take longer still
            break
    return min(found, key=lambda outcome: ("refused", "wrong", "not made").index(outcome.verdict))


def _say_the_same(found: list[Outcome]) -> bool:
    """Whether the last answers are alike but for their numbers: another fixed width gives the same."""
    return len(found) > MOST_ALIKE and len({_without_place(each.why) for each in found[-MOST_ALIKE:]}) == 1


def _without_place(why: str) -> str:
    """What was said, without the folder and the numbers in it."""
    return re.sub(r"/\S+|\d+", "", why)


def _reach(head: Head, way: Way) -> Outcome:
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="reach-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        try:
            with unopened_extensions_hidden():
                path = make(head, folder / "model", way)
        except NotMade as error:
            return Outcome(head.model_type, head.table, "not made", way.name, why=str(error)[:400])
        started = time.process_time()
        try:
            with _at_most(LONGEST_SECONDS):
                verdict, fields = _judge(path, folder, pretraining=head.table == "PRETRAINING")
        except KeyboardInterrupt:
            verdict, fields = "wrong", {"why": f"took over {LONGEST_SECONDS:.0f} s"}
    seconds = round(time.process_time() - started, 2)
    return Outcome(head.model_type, head.table, verdict, way.name, seconds=seconds, **fields)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupts what takes longer, in seconds of the processor, as Ctrl-C would."""
    before = signal.signal(signal.SIGPROF, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _judge(path: Path, folder: Path, *, pretraining: bool) -> tuple[Verdict, dict[str, Any]]:
    from npu_adapt.workflows.compare.command import CompareOptions, compare
    from npu_adapt.workflows.run.request import RunRequest

    request = RunRequest(
        command="compare", command_line="npu-adapt compare MODEL --device cpu", model=str(path), device="cpu",
        logs=folder / "logs", cache_dir=folder / "cache", offline=True,
    )  # fmt: skip
    try:
        summary = compare(request, CompareOptions(), Silent())
    except NpuAdaptError as error:
        lacks_package = isinstance(error.__cause__, ImportError)  # and the hint is to install it
        names_a_step = error.hint and (not isinstance(error, RunFailed) or "FILE.py" in error.hint or lacks_package)
        verdict: Verdict = "refused" if names_a_step else "wrong"
        return verdict, {"why": f"{type(error).__name__}: {error.message}", "hint": error.hint or ""}
    except Exception as error:  # noqa: BLE001 - a traceback is an outcome
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "wrong", {"why": f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"}
    assert summary.compare is not None and summary.model is not None
    task = summary.model.task
    made = json.loads((path / "config.json").read_text())["architectures"]
    if not pretraining and summary.model.architecture not in made:
        return "wrong", {"task": task, "why": f"wrong task: {made[0]} ran as {summary.model.architecture}"}
    if not summary.compare.verdict.passed:
        terms = "; ".join(
            f"{term.id} {term.place} {term.value}" for term in summary.compare.verdict.terms if not term.holds
        )
        return "wrong", {"task": task, "why": f"false failure: {terms}"[:400]}
    return "judged", {"task": task}


def quick(replace: Callable[[object, str, object], None] = setattr) -> None:
    """Shortens the measurement of latency from now on, which nobody reads of these models, and the default inputs."""
    from npu_adapt.models import images, sounds
    from npu_adapt.workflows.compare import latency

    replace(latency, "LONGEST_SECONDS", TIMED_SECONDS)
    replace(images, "GENERATED_SIZE", PICTURE_SIZE)
    replace(sounds, "GENERATED_SECONDS", SOUND_SECONDS)
