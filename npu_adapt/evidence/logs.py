"""The logs folder: where the latest evidence lies, the history below it, and the journal of one run."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

from msgspec.structs import replace

from npu_adapt.errors import EvidenceNotWritten, Sentence, SummaryUnreadable, UsageError, text_of
from npu_adapt.evidence.atomic import write_atomically, write_together
from npu_adapt.evidence.logfmt import log_line
from npu_adapt.evidence.summaries import key_parts, merged, read_summary
from npu_adapt.records import HistoryEntry, Summary, encode

Log = Literal["run", "pretrained", "accuracy"]

LOG_FILES: dict[Log, str] = {
    "run": "run_npu.log",
    "pretrained": "pretrained_attempt.log",
    "accuracy": "accuracy_compare.log",
}
SUMMARY_FILE = "summary.json"
HISTORY_FOLDER = "history"
LOCK_FILE = ".lock"
LOCK_SECONDS = 30.0  # to write what there is takes a thousandth of it
ANOTHER_FOLDER = "name another with --logs DIR, or set NPU_ADAPT_LOGS"

Say = Callable[[str], None]


def _silent(message: str) -> None:
    pass


class Logs:
    """One logs folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary_path = folder / SUMMARY_FILE

    def require_writable(self) -> None:
        """Creates the folder. Raises `UsageError` where it, or a name in it, is something that cannot be written."""
        try:
            (self.folder / HISTORY_FOLDER).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            for name in (*LOG_FILES.values(), SUMMARY_FILE, LOCK_FILE):
                self._require_file(name)
        except OSError as error:
            raise UsageError(
                Sentence(
                    "the logs folder {folder} cannot be written: {reason}", folder=self.folder, reason=error.strerror
                ),
                hint=ANOTHER_FOLDER,
            ) from error

    def _require_file(self, name: str) -> None:
        """A link is replaced by a file, but for the lock's, through which another file would be emptied."""
        path = self.folder / name
        if path.is_symlink() and name != LOCK_FILE:
            return
        if path.is_dir() or path.is_symlink() or (name == LOCK_FILE and path.exists() and not path.is_file()):
            what = (
                "{path} is a link, and a file of that name is to be written"
                if path.is_symlink()
                else "{path} is a folder, and a file of that name is to be written"
                if path.is_dir()
                else "{path} is no regular file, and a file of that name is to be written"
            )
            raise UsageError(Sentence(what, path=path), hint=ANOTHER_FOLDER)

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
        """The journal of one run, in a history folder of its own. Raises `UsageError` where there is no room for it."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "--", model).strip("-.")[-80:] or "model"
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        history = self.folder / HISTORY_FOLDER
        folder = Path(f"{history / stamp}-{command}-{name}")
        attempt = 1
        while True:
            try:
                history.mkdir(parents=True, exist_ok=True)
                folder.mkdir()
            except FileExistsError:
                attempt += 1
                folder = Path(f"{history / stamp}-{command}-{name}-{attempt}")
            except OSError as error:
                raise UsageError(
                    Sentence("{folder} cannot be written: {reason}", folder=folder, reason=error.strerror),
                    hint=ANOTHER_FOLDER,
                ) from error
            else:
                return Journal(self, folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder against other processes of npu-adapt. Raises `OSError` where another does not let go."""
        from filelock import FileLock, Timeout

        path = self.folder / LOCK_FILE
        lock = FileLock(path)
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            held = f"another process has held its lock for {LOCK_SECONDS:g} s"
            raise OSError(errno.EAGAIN, held, str(path)) from error
        try:
            yield
        finally:
            lock.release()


class Journal:
    """The logs of one run: one event a line, published when the run ends. A context manager.

    A disk that has no room stops no run: its figures come first. What could not be written is raised when it ends.
    """

    def __init__(self, logs: Logs, folder: Path) -> None:
        self.logs = logs
        self.folder = folder
        self._files: dict[Log, TextIO] = {}
        self._about: dict[str, Any] = {}
        self._unwritten: OSError | None = None  # the first thing that could not be written

    def about(self, **fields: Any) -> None:
        """What the run is about, which every log file says: at its beginning, or now where it has begun."""
        self._about = fields
        for log in self._files:
            self.event(log, "about", **fields)

    def event(self, log: Log, event: str, level: str = "info", **fields: object) -> None:
        """Appends `TIME LEVEL EVENT key=value …`. Fields that are None are left out."""
        if self._unwritten is not None:
            return
        try:
            self._file(log).write(log_line(level, event, fields))
        except OSError as error:
            self._give_up(error)

    def _file(self, log: Log) -> TextIO:
        file = self._files.get(log)
        if file is None:
            path = self.folder / LOG_FILES[log]
            is_new = not path.exists()
            file = self._files[log] = path.open("a", encoding="utf-8", buffering=1)
            if self._about and is_new:
                file.write(log_line("info", "about", self._about))
        return file

    def adopt(self, folder: Path) -> None:
        """Begins with the logs in `folder`, those of a process that ran for this run."""
        try:
            for name in LOG_FILES.values():
                if (folder / name).exists():
                    shutil.copyfile(folder / name, self.folder / name)
        except OSError as error:
            self._give_up(error)

    def draft(self, summary: Summary) -> None:
        """What the run's own folder holds should the process end now."""
        if self._unwritten is not None:
            return
        try:
            write_atomically(self.folder / SUMMARY_FILE, encode(summary))
        except OSError as error:
            self._give_up(error)

    def publish(self, summary: Summary, say: Say = _silent) -> Summary:
        """Writes the summary and the logs to the folder, merged with the sections there that share its key.

        Returns what was written. A summary that is torn, foreign or newer is moved to the history first. `say` is told
        of figures that are of something else and do not stay. Raises `EvidenceNotWritten`, with the summary, where the
        disk does not take all of it: then the folder holds what it held before.
        """
        self.close()
        try:
            if self._unwritten is not None:
                raise self._unwritten
            with self.logs.locked():
                return self._published(summary, say)
        except OSError as error:
            self.discard()
            raise EvidenceNotWritten(
                Sentence(
                    "the evidence cannot be written to {folder}: {filename} {reason}",
                    folder=self.logs.folder,
                    filename=error.filename or "",
                    reason=error.strerror,
                ),
                hint="make room on the disk or name another folder with --logs DIR, and run it again; "
                "the evidence of before is as it was",
                summary=summary,
            ) from error

    def _published(self, summary: Summary, say: Say) -> Summary:
        path = self.logs.summary_path
        before, old = self._before()
        previous = None if old is None or old.history is None else old.history.folder
        summary = replace(summary, history=HistoryEntry(self.folder.name, previous, before))
        kept = old is not None and key_parts(old) == key_parts(summary)
        if old is not None and kept:
            summary = merged(summary, old)
        elif old is not None:
            _say_what_left(old, summary, self.logs, say)
        data, logs = encode(summary), self._logs()
        stale = [] if kept else [name for name in LOG_FILES.values() if name not in logs]
        if summary.compare is None and LOG_FILES["accuracy"] not in logs:
            stale.append(LOG_FILES["accuracy"])
        write_together(
            {
                self.folder / SUMMARY_FILE: data,
                **{self.logs.folder / name: content for name, content in logs.items()},
                path: data,
            }
        )
        for name in stale:  # an earlier run's, which is in the history
            (self.logs.folder / name).unlink(missing_ok=True)
        return summary

    def _before(self) -> tuple[str | None, Summary | None]:
        """SHA-256 and content of the summary in the folder; one that cannot be read is moved to this run's folder."""
        path = self.logs.summary_path
        if not (path.exists() or path.is_symlink()):
            return None, None
        try:
            old = read_summary(path)
            return sha256(path.read_bytes()).hexdigest(), old
        except SummaryUnreadable:
            path.replace(self.folder / "unreadable-summary.json")
            return None, None

    def publish_environment(self, summary: Summary) -> None:
        """Writes what `env` found to this run's own folder, and to the logs folder unless another command's is there.

        An environment alone is no reason to move a model's figures into the history. Raises `EvidenceNotWritten`.
        """
        self.close()
        path = self.logs.summary_path
        try:
            if self._unwritten is not None:
                raise self._unwritten
            with self.logs.locked():
                old = self.logs.read_if_ours()
                if not path.exists() or (old is not None and old.run is None):
                    self._published(summary, _silent)
                else:
                    summary = replace(summary, history=HistoryEntry(self.folder.name))
                    write_atomically(self.folder / SUMMARY_FILE, encode(summary))
        except OSError as error:
            self.discard()
            raise EvidenceNotWritten(
                Sentence(
                    "the evidence cannot be written to {folder}: {filename} {reason}",
                    folder=self.logs.folder,
                    filename=error.filename or "",
                    reason=error.strerror,
                ),
                hint="make room on the disk, or name another folder with --logs DIR",
                summary=summary,
            ) from error

    def publish_failure(self) -> None:
        """Publishes the logs of a run that produced no summary, unless they would then contradict the one there."""
        self.close()
        try:
            with self.logs.locked():
                if not self.logs.summary_path.exists():
                    write_together({self.logs.folder / name: content for name, content in self._logs().items()})
        except OSError as error:
            self._give_up(error)

    def discard(self) -> None:
        """Removes the journal of a run that never began, or was not written whole: it would be evidence of nothing."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Ends the log files; what was logged stays."""
        for file in self._files.values():
            try:
                file.close()
            except OSError as error:
                self._give_up(error)
        self._files.clear()

    def _give_up(self, error: OSError) -> None:
        self._unwritten = self._unwritten or error

    def _logs(self) -> dict[str, bytes]:
        """What this run logged, by the file's name."""
        paths = {name: self.folder / name for name in LOG_FILES.values()}
        return {name: path.read_bytes() for name, path in paths.items() if path.exists()}

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback_: TracebackType | None
    ) -> None:
        if error is not None and self.folder.exists():
            self.event("run", "traceback", "error", lines=[line.rstrip() for line in traceback.format_exception(error)])
            self.event("run", "ended", "error", error=type(error).__name__, message=text_of(error) or None)
        self.close()


def _say_what_left(old: Summary, new: Summary, logs: Logs, say: Say) -> None:
    """Tells of the comparison or benchmark that the new summary does not hold because it is about something else."""
    left = [name for name in ("compare", "bench") if getattr(old, name) is not None]
    if not left:
        return
    before, now = key_parts(old), key_parts(new)
    changed = [_changed(name, before[name], now[name]) for name in now if before[name] != now[name]]
    place = logs.folder / HISTORY_FOLDER / ("" if old.history is None else old.history.folder)
    say(
        Sentence(
            "the figures of {names} are of another {changed}; they are now in {place}",
            names=Sentence.joined(" and ", left),
            changed=Sentence.joined(", ", changed),
            place=place,
        )
    )


def _changed(name: str, before: object, now: object) -> str:
    if not (isinstance(before, (str, int)) and isinstance(now, (str, int))):
        return name
    return Sentence("{name} ({before}, now {now})", name=name, before=before, now=now)
