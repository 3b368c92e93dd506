"""Faults x hubs: what is left on a reader's disk after each, and after the next fetch when the fault is gone."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.commands import CONSOLE_SCRIPT, Finished
from tests.hub import small_disk
from tests.hub.faults import Fault, table
from tests.hub.reader import EndState, HubWithReader, end_state
from tests.hub.small_disk import PLENTY, Step, run_on_small_disk
from tests.real_models import store

MODEL = store.SOURCES["minilm"].model_id
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", WEIGHTS)
PART = 8_000_000  # bytes of the 91 MB of weights
HUBS = ("huggingface", "modelscope")
SHORT_STALLS = {"NPU_ADAPT_STALL_SECONDS": "2"}


@dataclass(frozen=True)
class Ending:
    """How one fetch under a fault ended, and the next one without it."""

    first: EndState
    then: EndState

    @property
    def holds(self) -> bool:
        return self.first.is_sound and self.then.is_sound and self.then.code == 0


@dataclass
class Scenario:
    """One hub's reader under one fault."""

    hub: HubWithReader
    source: str

    def fetch(self, *options: str) -> Finished:
        return self.hub.npu_adapt("fetch", MODEL, "--source", self.source, *options, more=SHORT_STALLS)

    def state(self, finished: Finished) -> EndState:
        return end_state(self.hub, MODEL, NEEDED, finished)

    def weights(self) -> Path:
        """The file behind the fetched weights. Raises `AssertionError` where the fetch before failed."""
        return (self.hub.fetched_path(MODEL, self.source) / WEIGHTS).resolve()


def under(fault: Fault) -> Callable[[Scenario], Iterator[Ending]]:
    """Fetch from a hub that has the fault, then from the same hub healed."""

    def run(scenario: Scenario) -> Iterator[Ending]:
        scenario.hub.inject(fault)
        first = scenario.state(scenario.fetch())
        scenario.hub.heal()
        yield Ending(first, scenario.state(scenario.fetch()))

    return run


def killed(rounds: int) -> Callable[[Scenario], Iterator[Ending]]:
    """kill -9 at moments drawn over the whole length of a fetch, from an empty disk each time."""

    def run(scenario: Scenario) -> Iterator[Ending]:
        scenario.fetch()
        scenario.hub.start_again()
        started = time.monotonic()  # of the second fetch: the first has filled caches that the others find full
        scenario.fetch()
        length = time.monotonic() - started
        moments = random.Random(0)
        for _ in range(rounds):
            scenario.hub.start_again()
            process = scenario.hub.start("fetch", MODEL, "--source", scenario.source)
            time.sleep(moments.uniform(0, length))
            process.kill()
            stdout, stderr = process.communicate()
            first = scenario.state(Finished(process.returncode, stdout, stderr))
            yield Ending(first, scenario.state(scenario.fetch()))

    return run


def damaged(damage: Callable[[Path], None], *options: str) -> Callable[[Scenario], Iterator[Ending]]:
    """A fetched model's weights are damaged on this disk; then fetch again, with `options`, and without."""

    def run(scenario: Scenario) -> Iterator[Ending]:
        damage(scenario.weights())
        first = scenario.state(scenario.fetch(*options))
        yield Ending(first, scenario.state(scenario.fetch()))

    return run


def flip(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(PART)
        byte = stream.read(1)[0]
        stream.seek(PART)
        stream.write(bytes([byte ^ 1]))


def offline_with_a_partial_cache(scenario: Scenario) -> Iterator[Ending]:
    """Half of the weights are there when the process is killed; offline that is no model."""
    scenario.hub.inject(Fault(bytes_per_second=40_000_000))
    process = scenario.hub.start("fetch", MODEL, "--source", scenario.source)
    scenario.hub.wait_until_sent(WEIGHTS, 40_000_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    scenario.hub.heal()
    first = scenario.state(scenario.fetch("--offline"))
    yield Ending(first, scenario.state(scenario.fetch()))


def disk_full(size: int, filled_at: int | None = None) -> Callable[[Scenario], Iterator[Ending]]:
    """On a disk of its own; what is left is looked at by the same commands on the same disk."""

    def run(scenario: Scenario) -> Iterator[Ending]:
        fetch = (str(CONSOLE_SCRIPT), "fetch", MODEL, "--source", scenario.source)
        offline = (*fetch, "--offline")
        if filled_at:
            scenario.hub.inject(Fault(bytes_per_second=40_000_000, times=1))
        steps = [Step(fetch, size, filled_at), Step(offline, size), Step(fetch, PLENTY), Step(offline, PLENTY)]
        full, on_full, then, after = run_on_small_disk(scenario.hub.home, steps, scenario.hub.environment)
        yield Ending(_seen_from_inside(full, on_full), _seen_from_inside(then, after))

    return run


def _seen_from_inside(fetch: Finished, offline: Finished) -> EndState:
    """The disk is gone with its namespace, so that only what the commands said is left of it."""
    return EndState(
        code=fetch.code,
        says=fetch.stderr.strip()[-2000:],
        accepted=offline.code == 0,
        corrupt=(WEIGHTS,) if fetch.code and not offline.code else (),
        registry=None if offline.code in (0, 5) else offline.stderr,
        partial=(),
    )


def scenarios(rounds: int) -> dict[str, Callable[[Scenario], Iterator[Ending]]]:
    return {
        **{name: under(fault) for name, fault in table(PART).items()},
        f"kill -9, {rounds} times": killed(rounds),
        f"disk full ({small_disk.way()})": disk_full(40_000_000),
        "disk filled by others": disk_full(300_000_000, filled_at=30_000_000),
        "damaged cache file": damaged(flip),
        "damaged, offline": damaged(flip, "--offline"),
        "cut cache file": damaged(lambda file: os.truncate(file, PART)),
        "deleted cache file": damaged(Path.unlink),
        "deleted, offline": damaged(Path.unlink, "--offline"),
        "offline, partial cache": offline_with_a_partial_cache,
    }


def faults(rounds: int, only: str = "") -> bool:
    """The table of the faults whose name holds `only`; whether nothing corrupt was accepted, no registry broke, and
    every repetition succeeded.
    """
    console = Console()
    rows = Table(title=f"faults x hubs: fetch of {MODEL}, then again without the fault")
    for heading in ("fault", "Hugging Face", "then", "ModelScope", "then", ""):
        rows.add_column(heading)
    seen: list[Ending] = []
    wrong: list[str] = []
    for name, run in scenarios(rounds).items():
        if only not in name:
            continue
        cells, held = [], True
        for source in HUBS:
            endings = _endings(run, source)
            seen += endings
            cells += [_summed(each.first for each in endings), _summed(each.then for each in endings)]
            held = held and all(each.holds for each in endings)
            wrong += [f"{name}, {source}: {each}" for each in endings if not each.holds]
        rows.add_row(name, *cells, "holds" if held else "BROKEN")
        console.print(f"{name}: {' | '.join(cells)}", style="dim", highlight=False)
    console.print(rows)
    for each in wrong:
        console.print(each, markup=False)
    states = [state for ending in seen for state in (ending.first, ending.then)]
    figures = {
        "accepted corruption": sum(bool(state.corrupt) for state in states),
        "broken registries": sum(state.registry is not None for state in states),
        "neither verified nor a clear error": sum(not state.is_sound for state in states),
        "files left over after a success": sum(len(state.partial) for state in states if state.code == 0),
        "repetitions that failed": sum(ending.then.code != 0 for ending in seen),
    }
    totals = Table(title=f"{len(states)} end states")
    for heading in ("what", "figure", "limit", ""):
        totals.add_column(heading)
    for what, figure in figures.items():
        totals.add_row(what, str(figure), "0", "holds" if figure == 0 else "EXCEEDED")
    console.print(totals)
    return not wrong and not any(figures.values())


def _endings(run: Callable[[Scenario], Iterator[Ending]], source: str) -> list[Ending]:
    with tempfile.TemporaryDirectory() as folder, HubWithReader(Path(folder) / "reader") as hub:
        hub.serve(MODEL, store.model("minilm"))
        return list(run(Scenario(hub, source)))


def _summed(states: Iterator[EndState]) -> str:
    """Each kind of end with how often it came."""
    words = {0: "verified", 5: "error", -signal.SIGKILL: "killed"}
    counts: dict[str, int] = {}
    for state in states:
        word = words.get(state.code, f"exit {state.code}") + ("" if state.is_sound else " UNSOUND")
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(word if count == 1 else f"{count} {word}" for word, count in counts.items())
