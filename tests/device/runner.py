"""Runs the parts, each in a process of its own with a time limit of its own, and saves what is known after each."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from tests.device import table
from tests.device.child import SKIPPED
from tests.device.margins import margins
from tests.device.part import ROOT, Context, Part, write_json, write_text

SCHEMA = 1
RESERVE_SECONDS = 4.0  # for the last files
POLL_SECONDS = 0.05
LAST_LINES = 30
LARGEST_LOG = 400_000  # bytes of one file in the archive


@dataclass
class Running:
    """A part's process."""

    part: Part
    process: subprocess.Popen[bytes]
    folder: Path
    started: float
    ends_at: float
    streams: tuple[IO[bytes], IO[bytes]]


@dataclass
class Runner:
    """All parts of one examination."""

    context: Context
    out: Path
    seconds: float
    jobs: int
    environment: dict[str, str]
    command: str
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    begun_at: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    running: list[Running] = field(default_factory=list)

    def run(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Runs the parts in their order, and returns what was saved."""
        self.results = {part.name: _result("waiting") for part in parts}
        waiting = list(parts)
        try:
            while waiting or self.running:
                self._end_finished()
                while waiting and self._may_start(waiting[0]):
                    self._start(waiting.pop(0))
                time.sleep(POLL_SECONDS)
        finally:
            for each in self.running:
                _kill(each.process)
            for part in waiting:
                self.results[part.name] = _result("skipped", headline="the run ended before it")
            self._save()
        self._archive()
        return self.record()

    def record(self) -> dict[str, Any]:
        """All that is known by now."""
        return {
            "schema": SCHEMA,
            "started_at": self.begun_at,
            "seconds": round(self._elapsed(), 1),
            "minutes_given": self.seconds / 60,
            "device": self.context.device,
            "small": self.context.small,
            "command": self.command,
            "python": sys.version.split()[0],
            "parts": self.results,
        }

    def _elapsed(self) -> float:
        return time.monotonic() - self.begun

    def _left(self) -> float:
        return self.seconds - RESERVE_SECONDS - self._elapsed()

    def _may_start(self, part: Part) -> bool:
        """Whether there is room for it now. One that measures time waits for all others, and they for it."""
        if self._left() < part.least:
            return True  # it is skipped at once
        if part.alone or any(each.part.alone for each in self.running):
            return not self.running
        return len(self.running) < self.jobs

    def _start(self, part: Part) -> None:
        left = self._left()
        if left < part.least:
            self._finish(part, _result("skipped", headline=f"{max(0, left):.0f} s left, it takes {part.least:.0f}"))
            return
        folder = self.context.work / part.name
        folder.mkdir(parents=True, exist_ok=True)
        context = replace(self.context, work=folder, arguments=part.arguments)
        out, err = (folder / "stdout").open("wb"), (folder / "stderr").open("wb")
        self._tell(f"{part.name}: begins")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.device.child", part.module, part.function),
                *(context.encoded(), folder / "result.json"),
            ],
            cwd=ROOT,
            env={**self.environment, **_threads(1 if part.alone else self.jobs)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            **_own_group(),
        )
        now = time.monotonic()
        self.running.append(Running(part, process, folder, now, now + min(part.seconds, left), (out, err)))

    def _end_finished(self) -> None:
        for each in tuple(self.running):
            over = time.monotonic() > each.ends_at
            if each.process.poll() is None and not over:
                continue
            timed_out = each.process.poll() is None
            _kill(each.process)  # and whatever it left running
            self.running.remove(each)
            for stream in each.streams:
                stream.close()
            self._finish(each.part, _read(each, timed_out))

    def _finish(self, part: Part, result: dict[str, Any]) -> None:
        self.results[part.name] = result
        self._tell(f"{part.name}: {result['status']} after {result['seconds']:.1f} s: {result['headline']}")
        for line in result["last_lines"][-6:]:
            self._tell(f"    {line}")
        self._save()

    def _save(self) -> None:
        record = self.record()
        write_json(self.out / "device.json", record)
        write_text(self.out / "device.md", table.markdown(record))
        write_json(self.out / "margins.json", margins(record))

    def _archive(self) -> None:
        """What the processes said and what the commands recorded, for whoever must look deeper."""
        wanted = ("stdout", "stderr", "summary.json", "*.log")
        with tarfile.open(self.out / "logs.tar.gz", "w:gz") as archive:
            for file in sorted({file for name in wanted for file in self.context.work.rglob(name)}):
                if file.is_file() and "history" not in file.parts and file.stat().st_size < LARGEST_LOG:
                    archive.add(file, file.relative_to(self.context.work))

    def _tell(self, message: str) -> None:
        print(f"[{self._elapsed():6.1f} s] {message}", flush=True)


def _result(status: str, **fields: Any) -> dict[str, Any]:
    return {"status": status, "seconds": 0.0, "headline": "", "checks": [], "facts": {}, "last_lines": []} | fields


def _read(each: Running, timed_out: bool) -> dict[str, Any]:
    """The part's result: what it left, and what its end says."""
    import json

    try:
        left = json.loads((each.folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        left = {}
    seconds = round(time.monotonic() - each.started, 2)
    code = each.process.returncode
    broken = [check["name"] for check in left.get("checks", ()) if not check["holds"]]
    status = "wrong" if broken else "passed"
    headline = left.get("headline", "")
    last_lines: list[str] = []
    if timed_out:
        status = "timeout"
        headline = f"ended after {seconds:.0f} s; {headline or 'nothing was found by then'}"
    elif code == SKIPPED:
        status = "skipped"
    elif code != 0:
        status = "failed"
    if status in ("failed", "timeout"):
        said = (each.folder / "stderr").read_text(encoding="utf-8", errors="replace")
        last_lines = said.strip().splitlines()[-LAST_LINES:]
        if status == "failed":
            headline = (last_lines or [f"ended with {code}"])[-1][:300]
    return _result(status, **left) | {
        "headline": headline,
        "status": status,
        "seconds": seconds,
        "last_lines": last_lines,
    }


def _own_group() -> dict[str, Any]:
    """The process leads a group, which can be ended as one."""
    return {"process_group": 0} if sys.version_info >= (3, 11) else {"start_new_session": True}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and its group, and waits for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _threads(shares: int) -> dict[str, str]:
    """How many threads torch may take: the cores, divided among the parts that run at once."""
    count = max(1, len(os.sched_getaffinity(0)) // max(1, shares))
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(count)}
