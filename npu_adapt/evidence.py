"""The evidence on disk: three logs, `summary.json`, and a copy of every run under `history/`.

A run writes its logs line by line into its own history folder and publishes them to the logs folder when it ends, each
by an atomic rename, so that neither a second process nor a power cut leaves a torn file. Sections of the summary stay
together only while `summary_key` is the same; otherwise a new summary starts, and the old one is in the history.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import msgspec

from npu_adapt import __version__
from npu_adapt.errors import SummaryUnreadable, UsageError
from npu_adapt.files import read_regular
from npu_adapt.records import SCHEMA_VERSION, TEXT, Fact, Summary, ToolInfo, decode, encode

Log = Literal["run", "pretrained", "accuracy"]

LOG_FILES: dict[Log, str] = {
    "run": "run_npu.log",
    "pretrained": "pretrained_attempt.log",
    "accuracy": "accuracy_compare.log",
}
SUMMARY_FILE = "summary.json"
LARGEST_SUMMARY = 64 << 20  # bytes: a benchmark keeps all of its samples
HISTORY_FOLDER = "history"
SECTIONS = ("run", "compare", "bench")


def utc_now() -> str:
    """This moment as ISO 8601 in UTC with milliseconds: 2026-01-31T12:00:00.000Z."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """`path` holds either what it held before or all of `data`, whatever happens meanwhile.

    Without `durable` it does not wait for the disk: behind a download that would mean to wait for all of its bytes.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_summary(path: Path) -> Summary:
    """The summary in `path`. Raises `SummaryUnreadable` (also for a file that cannot be opened)."""
    try:
        data = read_regular(path, LARGEST_SUMMARY)
    except OSError as error:
        raise SummaryUnreadable(
            f"{path} cannot be read: {error.strerror}", hint="run a command that writes it: npu-adapt compare MODEL"
        ) from error
    return decode(data, origin=str(path))


def summary_key(summary: Summary) -> bytes:
    """What two sections must share to stand in one report: model, weights, environment, device, dtype and numerics.

    Free memory, health and the problems found are states of the same environment, not another one.
    """
    environment = summary.environment
    if environment is not None:
        environment = msgspec.structs.replace(
            environment,
            problems=(),
            npu_smi=None,
            devices=tuple(
                msgspec.structs.replace(device, free_memory_bytes=None, health=None, usable=None)
                for device in environment.devices
            ),
        )
    run, weights = summary.run, summary.weights
    return msgspec.json.encode(
        (
            summary.model and (summary.model.id, summary.model.task),
            weights and sorted((file.name, file.sha256) for file in weights.files),
            environment,
            run and (run.device, run.dtype, run.attention, sorted(run.numerics.items()), run.threads),
        )
    )


def merged(new: Summary, old: Summary) -> Summary:
    """`new` with the sections of `old` that it neither wrote nor failed to write. Both have the same `summary_key`."""
    kept = {name: getattr(old, name) for name in SECTIONS if getattr(new, name) is None and name not in new.reasons}
    reasons = {path: why for path, why in old.reasons.items() if kept.get(path.split(".", 1)[0]) is not None}
    return msgspec.structs.replace(
        new, **kept, commands={**old.commands, **new.commands}, reasons={**reasons, **new.reasons}
    )


def as_facts(reasons: Mapping[str, Fact | str]) -> dict[str, Fact]:
    """Reasons by path; a sentence becomes a fact of the id "text"."""
    return {path: Fact(TEXT, {"text": why}) if isinstance(why, str) else why for path, why in reasons.items()}


def new_summary(command: str, **sections: Any) -> Summary:
    """A summary of now, written by this version, with the sections given."""
    if "reasons" in sections:
        sections["reasons"] = as_facts(sections["reasons"])
    return Summary(
        schema_version=SCHEMA_VERSION,
        tool=ToolInfo(name="npu-adapt", version=__version__),
        created_at=utc_now(),
        command=command,
        **sections,
    )


class Logs:
    """One logs folder: where the latest evidence lies, and the history below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary_path = folder / SUMMARY_FILE

    def require_writable(self) -> None:
        """Creates the folder. Raises `UsageError` where it is a file or may not be written."""
        try:
            (self.folder / HISTORY_FOLDER).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise UsageError(
                f"the logs folder {self.folder} cannot be written: {error.strerror}",
                hint="name another with --logs DIR, or set NPU_ADAPT_LOGS",
            ) from error

    def read(self) -> Summary:
        """The latest summary. Raises `SummaryUnreadable`."""
        return read_summary(self.summary_path)

    def read_if_ours(self) -> Summary | None:
        """The latest summary, or None where there is none that this version can read."""
        try:
            return self.read()
        except SummaryUnreadable:
            return None

    def start(self, command: str, model: str) -> Journal:
        """The journal of one run, in a history folder of its own."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "--", model).strip("-.")[-80:] or "model"
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        history = self.folder / HISTORY_FOLDER
        history.mkdir(parents=True, exist_ok=True)
        folder = Path(f"{history / stamp}-{command}-{name}")
        attempt = 1
        while True:
            try:
                folder.mkdir()
            except FileExistsError:
                attempt += 1
                folder = Path(f"{history / stamp}-{command}-{name}-{attempt}")
            else:
                return Journal(self, folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder against other processes of npu-adapt."""
        from filelock import FileLock

        with FileLock(self.folder / ".lock"):
            yield


class Journal:
    """The logs of one run: one event a line, published when the run ends. A context manager."""

    def __init__(self, logs: Logs, folder: Path) -> None:
        from structlog.processors import LogfmtRenderer

        self.logs = logs
        self.folder = folder
        self._files: dict[Log, TextIO] = {}
        self._render = LogfmtRenderer(bool_as_flag=False)

    def event(self, log: Log, event: str, level: str = "info", **fields: object) -> None:
        """Appends `TIME LEVEL EVENT key=value …`. Fields that are None are left out."""
        file = self._files.get(log)
        if file is None:
            file = self._files[log] = (self.folder / LOG_FILES[log]).open(
                "a", encoding="utf-8", errors="backslashreplace", buffering=1
            )
        present = {name: _plain(value) for name, value in fields.items() if value is not None}
        pairs = self._render(None, "", present)
        file.write(f"{utc_now()} {level.upper()} {event} {pairs}".rstrip() + "\n")

    def publish(self, summary: Summary) -> Summary:
        """Writes the summary and the logs to the folder, merged with the sections there that share its key.

        Returns what was written. A summary that is torn, foreign or newer is moved to the history first.
        """
        self.close()
        with self.logs.locked():
            path = self.logs.summary_path
            try:
                old = read_summary(path) if path.exists() else None
            except SummaryUnreadable:
                old = None
                path.replace(self.folder / "unreadable-summary.json")
            if old is not None and summary_key(old) == summary_key(summary):
                summary = merged(summary, old)
            write_atomically(self.folder / SUMMARY_FILE, encode(summary))
            self._publish_logs()
            write_atomically(path, encode(summary))
        return summary

    def publish_environment(self, summary: Summary) -> None:
        """Writes what `env` found to this run's own folder, and to the logs folder unless another command's is there.

        An environment alone is no reason to move a model's figures into the history.
        """
        self.close()
        with self.logs.locked():
            write_atomically(self.folder / SUMMARY_FILE, encode(summary))
            path = self.logs.summary_path
            old = self.logs.read_if_ours()
            if not path.exists() or (old is not None and old.run is None):
                self._publish_logs()
                write_atomically(path, encode(summary))

    def publish_failure(self) -> None:
        """Publishes the logs of a run that produced no summary, unless they would then contradict the one there."""
        self.close()
        with self.logs.locked():
            if not self.logs.summary_path.exists():
                self._publish_logs()

    def discard(self) -> None:
        """Removes the journal of a run that never began: it would be evidence of nothing."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Ends the log files; what was logged stays."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _publish_logs(self) -> None:
        for name in LOG_FILES.values():
            log = self.folder / name
            if log.exists():
                write_atomically(self.logs.folder / name, log.read_bytes())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and self.folder.exists():
            with suppress(OSError):
                self.event("run", "ended", "error", error=kind.__name__ if kind else None, message=str(error) or None)
        self.close()


def _plain(value: object) -> object:
    """`value` as one logfmt word: sequences joined by commas, everything else as it prints, on one line."""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    if isinstance(value, (bool, int, float)):
        return value
    return " ".join(str(value).splitlines())


def parse_log_line(line: str) -> tuple[str, str, str, dict[str, str]]:
    """(time, level, event, fields) of a line that `Journal.event` wrote."""
    time, level, event, *rest = line.rstrip("\n").split(" ", 3)
    fields = {}
    for match in re.finditer(r'([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', rest[0] if rest else ""):
        quoted = match[2]
        fields[match[1]] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return time, level, event, fields
