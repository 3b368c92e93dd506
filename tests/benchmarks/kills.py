"""kill -9 at random moments of each command that writes: the evidence and the registry stay whole, the next run works.

    python -m tests.benchmarks.kills [--moments 50] [--seed 7]

Each command runs in a child that has imported everything, so that the moments fall into its work, and is killed at a
moment drawn from the time that it takes. Exits with 1 where anything was torn, half new or left over.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

BUILTIN = "builtin:digits-vit"
MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", WEIGHTS)
SLOW = 2_000_000  # bytes a second that the hub sends, so that moments fall into downloads
LATEST = 1.1  # of a whole run's time: some moments come when all is done


@dataclass(frozen=True)
class Case:
    """A command line, and what must be true after it was killed and after it then ran to its end."""

    name: str
    arguments: tuple[str, ...]
    problems: Callable[[], list[str]]  # what is torn
    left_over: Callable[[], list[str]]  # after a whole run
    before: tuple[str, ...] | None = None  # a command that each killed one needs


@dataclass
class Counted:
    """How often each end came."""

    moments: int = 0
    killed: int = 0  # the others had ended before
    torn: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # the same command afterwards
    left: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.torn or self.failed or self.left)


def run_in_child(arguments: tuple[str, ...], kill_after: float | None = None) -> int:
    """The exit code of the command in a forked child; negative where it was killed, after that many seconds."""
    child = get_context("fork").Process(target=_command, args=(arguments,))
    child.start()
    if kill_after is not None:
        child.join(kill_after)
        if child.is_alive():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _command(arguments: tuple[str, ...]) -> None:
    with quiet_streams():
        run_here(arguments)


def torn_evidence(logs: Path) -> list[str]:
    """What is not whole in a logs folder: summaries that cannot be read or contradict themselves, lines of logs."""
    from npu_adapt.errors import NpuAdaptError
    from npu_adapt.evidence import SUMMARY_FILE, parse_log_line
    from npu_adapt.workflows.reading import read_checked

    found = []
    for path in sorted(logs.rglob("*")):
        try:
            if path.name == SUMMARY_FILE:
                read_checked(path)
            elif path.suffix == ".log":
                text = path.read_text("utf-8")
                if not text.endswith("\n") and text:
                    found.append(f"{path.name} ends within a line")
                for line in text.splitlines():
                    parse_log_line(line)
        except (NpuAdaptError, ValueError) as error:
            found.append(f"{path.relative_to(logs)}: {error}")
    return found


def staged_files(*folders: Path) -> list[str]:
    """Files that were to be renamed into their places, but for those in the folders of killed runs."""
    from npu_adapt.evidence.atomic import STAGED

    return [path.name for folder in folders for path in folder.glob(f".*{STAGED}")]


@contextmanager
def cases(home: Path) -> Iterator[dict[str, Case]]:
    """The commands, on a hub and folders of their own below `home`."""
    from npu_adapt.cli.report import markdown_report
    from npu_adapt.evidence import SUMMARY_FILE
    from npu_adapt.models.registry import Registry
    from npu_adapt.workflows.reading import read_checked
    from tests.hub.faults import Fault
    from tests.hub.reader import HubWithReader, differing

    logs, out = home / "reader" / "logs", home / "report.md"
    fixed = ("--device", "cpu", "--logs", str(logs), "--quiet")

    def torn() -> list[str]:
        return torn_evidence(logs)

    def whole_report() -> list[str]:
        is_cut = out.exists() and out.read_bytes() != markdown_report(read_checked(logs / SUMMARY_FILE), "en")
        return [*torn(), *(["the report is not that of its summary"] if is_cut else [])]

    def torn_registry() -> list[str]:
        said: list[str] = []
        entries = Registry(hub.registry, said.append).entries()
        others = [each.model for each in entries if each.model not in (MODEL, BUILTIN)]
        return [*said, *others]

    def beside(*folders: Path) -> Callable[[], list[str]]:
        return lambda: staged_files(*folders)

    def fetched(source: str) -> list[str]:
        entries = Registry(hub.registry).entries(MODEL)
        wrong = [name for entry in entries for name in differing(hub, MODEL, NEEDED, Path(entry.path))]
        missing = [] if entries else ["nothing is registered"]
        return [*wrong, *missing, *hub.partial_files(), *staged_files(hub.registry)]

    def removed(source: str) -> list[str]:
        kept = [each.model for each in Registry(hub.registry).entries(MODEL)]
        return [*kept, *(path.name for path in hub.caches[source].rglob(WEIGHTS)), *staged_files(hub.registry)]

    with HubWithReader(home / "reader") as hub, variables(hub.settings):
        hub.serve(MODEL, _small_model(home))
        run_in_child(("infer", BUILTIN, *fixed))
        hub.inject(Fault(bytes_per_second=SLOW))
        table = [
            Case("compare", ("compare", BUILTIN, "--fast", *fixed), torn, beside(logs)),
            Case(
                "bench",
                ("bench", BUILTIN, "--iters", "3", "--warmup", "1", "--no-limits", *fixed),
                torn,
                beside(logs),
            ),
            Case(
                "report",
                ("report", "--logs", str(logs), "--out", str(out), "--lang", "en"),
                whole_report,
                beside(logs, home),
            ),
        ]
        for source in hub.caches:
            fetch = ("fetch", MODEL, "--source", source, "--quiet")
            remove = ("models", "remove", MODEL, "--source", source, "--yes", "--quiet")
            table += [
                Case(f"fetch, {source}", fetch, torn_registry, lambda source=source: fetched(source), remove),
                Case(f"remove, {source}", remove, torn_registry, lambda source=source: removed(source), fetch),
            ]
        yield {each.name: each for each in table}


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """The environment of this process with these values, while it lasts."""
    before = dict(os.environ)
    os.environ |= values
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _small_model(home: Path) -> Path:
    from importlib import resources

    folder = home / "small-model"
    folder.mkdir()
    source = Path(str(resources.files("npu_adapt"))) / "assets" / "digits-vit"
    for name in ("config.json", "preprocessor_config.json", WEIGHTS):
        shutil.copy(source / name, folder / name)
    return folder


def counted(case: Case, moments: int, chosen: random.Random) -> Counted:
    """The case, killed at `moments` moments; after each kill nothing is torn, and the command then does its work."""
    result = Counted()
    seconds = _seconds(case)
    for _ in range(moments):
        if case.before is not None:
            run_in_child(case.before)
        result.moments += 1
        result.killed += run_in_child(case.arguments, chosen.random() * LATEST * seconds) == -signal.SIGKILL
        result.torn += case.problems()
        if case.before is not None:  # whatever the killed one has done, the command has its work
            run_in_child(case.before)
        code = run_in_child(case.arguments)
        result.failed += [f"exit {code}"] if code else []
        result.torn += case.problems()
        result.left += case.left_over()
    return result


def _seconds(case: Case) -> float:
    """How long the command takes when nobody kills it."""
    if case.before is not None:
        run_in_child(case.before)
    begun = time.monotonic()
    run_in_child(case.arguments)
    return time.monotonic() - begun


def import_everything() -> None:
    """What the commands import, so that a child spends its time on its work."""
    with tempfile.TemporaryDirectory() as folder, quiet_streams():
        logs = ("--logs", folder)
        for command in (
            ("compare", BUILTIN, "--fast", "--device", "cpu", *logs),
            ("bench", BUILTIN, "--device", "cpu", "--iters", "1", "--no-limits", *logs),
            ("report", *logs),
            ("models", "list"),
            ("audit", folder, "--offline"),
        ):
            run_here(command)
        from npu_adapt.cli import sweep_calls, sweep_screen  # noqa: F401 - for a user who may not read this interpreter


def run_here(arguments: tuple[str, ...]) -> None:
    """Runs the command in this process. Raises `SystemExit` where it does not end with 0."""
    from npu_adapt.cli.app import app

    sys.argv = ["npu-adapt", *arguments]
    app(standalone_mode=False)


@contextmanager
def quiet_streams() -> Iterator[None]:
    """While it lasts, stdout and stderr go nowhere: their descriptors, since libraries keep the streams they found."""
    kept = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(nowhere)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    asked = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "NPU_ADAPT_LANG": "en"}  # threads of a pool would not live in a forked child
    import_everything()
    console = Console()
    rows = Table(title=f"kill -9 at {asked.moments} moments of each command, seed {asked.seed}")
    for heading in ("command", "moments", "killed", "torn", "next run failed", "left over", ""):
        rows.add_column(heading)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, cases(Path(folder)) as table:
        for name, case in table.items():
            if asked.only not in name:
                continue
            got = counted(case, asked.moments, random.Random(asked.seed))
            numbers = (got.moments, got.killed, len(got.torn), len(got.failed), len(got.left))
            rows.add_row(name, *map(str, numbers), "holds" if got.holds else "BROKEN")
            console.print(f"{name}: {numbers}", style="dim", highlight=False)
            wrong += [f"{name}: {each}" for each in (*got.torn, *got.failed, *got.left)]
    console.print(rows)
    for each in wrong:
        console.print(each, markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
