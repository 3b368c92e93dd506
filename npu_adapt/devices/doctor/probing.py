"""The probe from its parent's side: started early, waited for within a limit, and read however it ended.

An import of torch_npu can raise, hang, or abort the process. So it happens in a child, whose events arrive one line a
step; when they stop without `Done`, the last `Step` says what it died of or hung in.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TypeVar

import msgspec

from npu_adapt.devices.doctor.events import AnyEvent, Count, Done, Failed, Found, Step, Torch, Versions
from npu_adapt.records.base import Value

FAREWELL_SECONDS = 5.0  # between the end of its report and its own
MODULE = "npu_adapt.devices.doctor.probe"
START = Step(doing="start", what="python")  # before its first step is told
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Ending:
    """A step that did not come to its end, and how."""

    doing: str  # start | import | count | use
    what: str
    how: str  # raised | killed | exited | silent | hung
    said: str = ""  # what it raised, or the last line it printed
    signal: str | None = None  # of one that was killed
    code: int | None = None  # of one that exited
    seconds: float | None = None  # of one that hung

    def values(self) -> dict[str, Value]:
        """Its fields, as the words of a finding need them."""
        return asdict(self)


@dataclass(frozen=True)
class Probe:
    """What came of trying. Empty where nothing was tried."""

    events: tuple[AnyEvent, ...] = ()
    endings: tuple[Ending, ...] = ()

    @property
    def torch(self) -> Torch | None:
        """torch as it was imported; None: it was not."""
        return next(iter(self._of(Torch)), None)

    @property
    def devices(self) -> tuple[Found, ...]:
        return self._of(Found)

    @property
    def usable(self) -> tuple[Found, ...]:
        return tuple(device for device in self.devices if device.usable)

    def ending(self, doing: str, what: str, *how: str) -> Ending | None:
        """How the step failed, if it did, and in one of the ways `how` where some are given."""
        found = (each for each in self.endings if (each.doing, each.what) == (doing, what))
        return next((each for each in found if not how or each.how in how), None)

    def versions(self, kind: str) -> Versions | None:
        """What the loaded software of a backend says; None: it was not loaded."""
        return next((each for each in self._of(Versions) if each.kind == kind), None)

    def count(self, kind: str) -> Count | None:
        """How many devices torch sees of a kind; None: it was not asked."""
        return next((each for each in self._of(Count) if each.kind == kind), None)

    def _of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        return tuple(event for event in self.events if isinstance(event, kind))


class Probing:
    """The probe's process, running from now on. A context manager: it never outlives its parent."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        # An empty folder: with ASCEND_HOME_PATH unset, torch_npu searches the whole current one for a CANN.
        self._folder = tempfile.TemporaryDirectory(prefix="npu-adapt-probe-", ignore_cleanup_errors=True)
        self._read, write = os.pipe()
        self._process: subprocess.Popen[bytes] | None = None
        self._refusal = ""  # why there is no process: too many of them, or too little memory
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(write)],
                cwd=self._folder.name,
                env={**os.environ, "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=(write,),
                start_new_session=True,
            )
        except OSError as error:
            self._refusal = error.strerror or type(error).__name__
        finally:
            os.close(write)

    def answer(self, seconds: float) -> Probe:
        """What it found, at the latest `seconds` after it was started; then it is killed."""
        if self._process is None:
            return Probe((), (Ending(START.doing, START.what, "raised", self._refusal),))
        data, in_time = self._events(self._started + seconds)
        events = tuple(_decode(line) for line in data.split(b"\n")[:-1])
        failed = (each for each in events if isinstance(each, Failed))
        endings = [Ending(each.doing, each.what, "raised", each.said) for each in failed]
        step = next((event for event in reversed(events) if isinstance(event, Step)), START)
        if not in_time:
            endings.append(Ending(step.doing, step.what, "hung", seconds=seconds))
        elif not any(isinstance(event, Done) for event in events):
            endings.append(self._how_it_died(self._process, step))
        return Probe(events, tuple(endings))

    def close(self) -> None:
        """Ends it, answered or not."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # within a call of its driver not even this ends it
                self._process.wait(FAREWELL_SECONDS)
        os.close(self._read)
        self._output.close()
        self._folder.cleanup()

    def _events(self, deadline: float) -> tuple[bytes, bool]:
        """(what it wrote, whether it closed its end in time)."""
        data = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                block = os.read(self._read, 1 << 16)
                if not block:
                    return data, True
                data += block
        return data, False

    def _how_it_died(self, process: subprocess.Popen[bytes], step: Step) -> Ending:
        """With the signal that killed it, or its exit code, and the last line it printed."""
        try:
            code = process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            return Ending(step.doing, step.what, "silent")
        self._output.seek(0)
        lines = [line.strip() for line in self._output.read().decode("utf-8", "replace").splitlines() if line.strip()]
        said = lines[-1] if lines else ""
        if code >= 0:
            return Ending(step.doing, step.what, "exited", said, code=code)
        return Ending(step.doing, step.what, "killed", said, signal=_signal_name(-code))

    def __enter__(self) -> Probing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _signal_name(number: int) -> str:
    """ "SIGABRT"; the number for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _decode(line: bytes) -> AnyEvent:
    event: AnyEvent = msgspec.json.decode(line, type=AnyEvent)
    return event
