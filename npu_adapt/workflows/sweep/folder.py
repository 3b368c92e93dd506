"""A sweep on disk: its plan, a result for each model, the record of all. What is written survives any end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from npu_adapt.errors import Sentence, SummaryUnreadable, UsageError
from npu_adapt.evidence import write_atomically
from npu_adapt.files import exists, is_folder, read_regular
from npu_adapt.records.sweep import Sweep, SweepRow, decode_sweep, encode_sweep
from npu_adapt.workflows.sweep.plan import Plan, decode_plan, encode_plan

SWEEPS_FOLDER = "sweeps"
MODELS_FOLDER = "models"
PLAN_FILE, SWEEP_FILE, RESULT_FILE, LOCK_FILE = "plan.json", "sweep.json", "result.json", ".lock"
LARGEST_FILE = 1 << 30  # bytes: a million models
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class SweepFolder:
    """`logs/sweeps/NAME`."""

    def __init__(self, logs: Path, name: str) -> None:
        if _NAME.fullmatch(name) is None:
            raise UsageError(
                Sentence("{name!r} cannot name a sweep", name=name),
                hint="letters, digits, dots, dashes and underscores, at most 100",
            )
        self.name = name
        self.path = (logs / SWEEPS_FOLDER / name).absolute()
        self.models = self.path / MODELS_FOLDER

    @property
    def exists(self) -> bool:
        return exists(self.path / PLAN_FILE)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the sweep. Raises `UsageError` where another process does, or the folder cannot be written."""
        from filelock import FileLock, Timeout

        try:
            self.models.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK_FILE)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(
                Sentence("the sweep {name} is running in another process", name=self.name),
                hint="wait for it, or give another --name",
            ) from error
        except OSError as error:
            raise self.refused(error) from error
        try:
            yield
        finally:
            lock.release()

    def refused(self, error: OSError) -> UsageError:
        """The error for a disk that takes no more: what was written stays, and the sweep goes on from there."""
        return UsageError(
            Sentence(
                "{filename} cannot be written: {reason}",
                filename=error.filename or self.path,
                reason=error.strerror or error,
            ),
            hint=Sentence("make room, then go on with npu-adapt sweep --resume {name}", name=self.name),
        )

    def plan(self) -> Plan:
        """Raises `UsageError` where there is no sweep of this name, and `SummaryUnreadable`."""
        path = self.path / PLAN_FILE
        try:
            data = read_regular(path, LARGEST_FILE)
        except FileNotFoundError as error:
            others = ", ".join(sorted(each.parent.name for each in self.path.parent.glob(f"*/{PLAN_FILE}"))) or "none"
            raise UsageError(
                Sentence("there is no sweep {name} in {parent}", name=self.name, parent=self.path.parent),
                hint=Sentence("there are: {others}", others=others),
            ) from error
        except OSError as error:
            raise SummaryUnreadable(
                Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror),
                hint="start the sweep anew",
            ) from error
        return decode_plan(data, origin=str(path))

    def write_plan(self, plan: Plan) -> None:
        self._write(self.path / PLAN_FILE, encode_plan(plan))

    def rows(self) -> Iterator[SweepRow]:
        """The results that are there, one at a time; what cannot be read is as if it had not been run."""
        for path in sorted(self.models.glob(f"*/{RESULT_FILE}")):
            try:
                yield msgspec.json.decode(read_regular(path, LARGEST_FILE), type=SweepRow)
            except (OSError, msgspec.DecodeError):
                continue

    def write_row(self, row: SweepRow) -> None:
        folder = self.models / row.folder
        folder.mkdir(parents=True, exist_ok=True)
        self._write(folder / RESULT_FILE, encode_sweep(row))

    def forget(self, folder: str) -> None:
        """Takes the result of a model away, which is to be run again; its evidence is in its history."""
        (self.models / folder / RESULT_FILE).unlink(missing_ok=True)

    def write(self, sweep: Sweep) -> None:
        self._write(self.path / SWEEP_FILE, encode_sweep(sweep))

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_atomically(path, data)
        except OSError as error:
            raise self.refused(error) from error


def read_sweep(path: Path) -> Sweep:
    """The sweep in a folder or a file. Raises `SummaryUnreadable`."""
    try:
        file = path / SWEEP_FILE if is_folder(path) else path
        data = read_regular(file, LARGEST_FILE)
    except OSError as error:
        raise SummaryUnreadable(
            Sentence("{file} cannot be read: {reason}", file=path, reason=error.strerror),
            hint="name the folder of a sweep, or its sweep.json",
        ) from error
    return decode_sweep(data, origin=str(file))
