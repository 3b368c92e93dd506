"""What `npu-smi` says: started beside other work, read in all the shapes that its versions print.

A chip is two rows of one table, under titles that differ by chip and by version:

    | NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
    | Chip  Phy-ID              | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
    | 0     Ascend910           | OK            | -           36                0    / 0             |
    | 1     1                   | 0000:9F:00.0  | 0           0    / 0          3195 / 65536         |

Known: 310, 310B and 310P (no HBM, `Chip Device`), 910A, 910B (`Chip` alone), 910_93 with two chips on a card
(`Chip Phy-ID`), and 950 (`NPU ID`, no chip). Numbers may touch the slash ("26838/ 32768"), power may be "-" or "NA",
the bus "NA", and the processes may have a fifth column, `Process id in container`.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

LARGEST_ANSWER = 1 << 18  # bytes; sixteen chips and their processes take ten thousand
PAUSE = 0.1  # seconds between two looks at whether it has ended
FAREWELL_SECONDS = 5.0  # for one that was killed
MEBIBYTE = 1 << 20  # npu-smi writes MB and counts 2^20
# Where drivers put the tool when it is not on the path.
USUAL_PLACES = ("/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi", "/usr/local/Ascend/driver/tools/npu-smi")

_HEAD = re.compile(r"npu-smi\s+\S+\s+Version:\s*(\S+)")
_CARD = re.compile(r"(?P<npu>[0-9]{1,6})\s+(?P<name>\S.*)")
_USAGE = re.compile(r"\b([0-9]{1,9})\s*/\s*([0-9]{1,9})\b")
_NUMBER = re.compile(r"[0-9]{1,9}")
_UNREAD = re.compile(r"\b(?:NA|N/A)\b|(?:^|\s)-(?:\s|$)")  # a memory that the card does not tell
_BUS = re.compile(r"[0-9A-Fa-f]{4,}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\w+|NA|N/A|-")
_BOARD_FIELD = re.compile(r"^\s*(?P<name>[^:\n]+?)\s*:\s*(?P<value>.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Process:
    """A process that holds memory of a chip, as the machine outside of any container numbers it."""

    pid: int
    name: str
    memory_bytes: int


@dataclass(frozen=True)
class Chip:
    """One chip: what the software calls a device. Its position in the listing is its logical number."""

    npu: int
    chip: int
    name: str
    health: str
    used_bytes: int | None  # None: its memory reads NA, which a working chip's does not
    memory_bytes: int | None  # None: likewise
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True)
class NpuSmi:
    """What came of asking npu-smi. `text` is kept for people where `chips` is empty."""

    path: str | None  # None: it is not on this machine
    text: str = ""
    refusal: str = ""  # why it could not be started, as the system says
    code: int | None = None  # its exit status; None: it did not end in time, or could not be started
    version: str | None = None  # the driver's version, as its first line says; None: no such line
    chips: tuple[Chip, ...] = ()
    board: tuple[tuple[str, str], ...] = ()  # `npu-smi info -t board` of the first card

    @property
    def understood(self) -> bool:
        return bool(self.chips)

    def board_value(self, name: str) -> str | None:
        """ "Firmware Version", "Software Version", "Compatibility"; None: it does not say."""
        value = dict(self.board).get(name)
        return None if value in {"", "NA", None} else value


class Asking:
    """`npu-smi info`, running beside this process from now on. A context manager: it never outlives its parent."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path or find()
        self._started = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._refusal = ""
        if self._path is not None:
            try:
                self._process, self._output = _start([self._path, "info"])
            except OSError as error:
                self._refusal = error.strerror or type(error).__name__

    def answer(self, seconds: float) -> NpuSmi:
        """What it said, at the latest `seconds` after it was started; then it is killed."""
        if self._process is None or self._output is None:
            return NpuSmi(self._path, refusal=self._refusal)
        code, text = _finish(self._process, self._output, self._started + seconds - time.monotonic())
        chips = parse_chips(text)
        head = _HEAD.search(text)
        board: tuple[tuple[str, str], ...] = ()
        if chips and self._path is not None:
            with suppress(OSError):
                process, output = _start([self._path, "info", "-t", "board", "-i", str(chips[0].npu)])
                board = parse_board(_finish(process, output, seconds)[1])
        version = head[1] if head else None
        return NpuSmi(self._path, text.strip(), code=code, version=version, chips=chips, board=board)

    def close(self) -> None:
        """Ends it, answered or not."""
        if self._process is not None and self._process.poll() is None:
            _kill(self._process)
        if self._output is not None:
            self._output.close()

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find() -> str | None:
    """The tool's path: on PATH, else where drivers put it; None: nowhere."""
    found = shutil.which("npu-smi")
    return found or next((place for place in USUAL_PLACES if os.access(place, os.X_OK) and Path(place).is_file()), None)


def _start(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, process.stdout


def _finish(process: subprocess.Popen[bytes], output: IO[bytes], seconds: float) -> tuple[int | None, str]:
    """Exit status and text; None for one that had not ended in time, and was killed as one that says too much is."""
    until = time.monotonic() + max(0.0, seconds)
    with output:
        data = _said(process, output.fileno(), until)
        if len(data) > LARGEST_ANSWER:
            _kill(process)
        try:
            code: int | None = process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill(process)
            code = None
    return code, data[:LARGEST_ANSWER].decode("utf-8", "replace")


def _said(process: subprocess.Popen[bytes], output: int, until: float) -> bytes:
    """What it says to its end; what it leaves behind may hold the pipe open, and is not waited for."""
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while len(data) <= LARGEST_ANSWER:
            left = until - time.monotonic()
            has_ended = process.poll() is not None
            if selector.select(0.0 if has_ended else max(0.0, min(left, PAUSE))):
                piece = os.read(output, 1 << 16)
                data += piece
                if not piece:
                    break
            elif has_ended or left <= 0:
                break
    return data


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # within a call of its driver not even this ends it
        process.wait(FAREWELL_SECONDS)


def parse_chips(text: str) -> tuple[Chip, ...]:
    """The chips of `npu-smi info`, in its order; empty where nothing in the text is known."""
    chips: list[Chip] = []
    processes: dict[tuple[int, int], list[Process]] = {}
    card: tuple[int, str, str] | None = None  # the upper row of a card, until its lower row is read
    for cells in map(_cells, text.splitlines()):
        if process := _process(cells):
            processes.setdefault(process[0], []).append(process[1])
        elif card is not None and (chip := _lower_row(cells, *card)):
            chips.append(chip)
            card = None
        else:
            card = _upper_row(cells)
    return tuple(replace(chip, processes=tuple(processes.get((chip.npu, chip.chip), ()))) for chip in chips)


def _cells(line: str) -> list[str]:
    line = line.strip()
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def _upper_row(cells: Sequence[str]) -> tuple[int, str, str] | None:
    """(NPU, name, health). The 950's table has number and name in cells of their own."""
    if len(cells) == 4 and _NUMBER.fullmatch(cells[0]):
        return int(cells[0]), cells[1], cells[2]
    match = _CARD.fullmatch(cells[0]) if len(cells) == 3 else None
    return (int(match["npu"]), match["name"].strip(), cells[1]) if match else None


def _lower_row(cells: Sequence[str], npu: int, name: str, health: str) -> Chip | None:
    """The chip of a card's lower row. Of its memories, Memory-Usage and HBM-Usage, the one it has is not 0 / 0."""
    if len(cells) < 3 or not _BUS.fullmatch(cells[-2]):
        return None
    numbers = [int(word) for word in " ".join(cells[:-2]).split() if _NUMBER.fullmatch(word)]
    memories = [(int(total), int(used)) for used, total in _USAGE.findall(cells[-1])]
    if not memories and not _UNREAD.search(cells[-1]):
        return None
    total, used = max(memories, default=(0, 0))
    chip = numbers[0] if numbers else 0
    if not total:
        return Chip(npu, chip, name, health, None, None)
    return Chip(npu, chip, name, health, used * MEBIBYTE, total * MEBIBYTE)


def _process(cells: Sequence[str]) -> tuple[tuple[int, int], Process] | None:
    """((NPU, chip), process) of a row of the lower table: numbers, a pid, a name, megabytes."""
    if len(cells) < 4 or not _NUMBER.fullmatch(cells[1]) or not _NUMBER.fullmatch(cells[3]):
        return None
    numbers = cells[0].split()
    if not 1 <= len(numbers) <= 2 or not all(map(_NUMBER.fullmatch, numbers)):
        return None
    chip = int(numbers[1]) if len(numbers) == 2 else 0
    return (int(numbers[0]), chip), Process(int(cells[1]), cells[2], int(cells[3]) * MEBIBYTE)


def parse_board(text: str) -> tuple[tuple[str, str], ...]:
    """The `name : value` lines of `npu-smi info -t board`."""
    return tuple((match["name"], match["value"]) for match in _BOARD_FIELD.finditer(text))


@dataclass(frozen=True)
class Vitals:
    """What one chip tells of itself while it works."""

    temperature_celsius: float | None  # None: it does not tell
    clock_megahertz: float | None  # None: likewise


def vitals(path: str, npu: int, chip: int, seconds: float) -> Vitals:
    """`npu-smi info -t common` of one chip; nothing of one that does not answer within `seconds`."""
    try:
        process, output = _start([path, "info", "-t", "common", "-i", str(npu)])
    except OSError:
        return Vitals(None, None)
    return parse_vitals(_finish(process, output, seconds)[1], chip)


def parse_vitals(text: str, chip: int) -> Vitals:
    """Of the lines behind the chip's own number: other chips of the card follow, and its controller."""
    fields: dict[str, str] = {}
    current: str | None = None
    for name, value in parse_board(text):
        if name in ("Chip ID", "Chip Name"):
            current = value
        elif current == str(chip):
            fields.setdefault(name.replace(" ", "").lower(), value)
    clock = fields.get("aicorecurfreq(mhz)", fields.get("aicorefreq(mhz)", ""))
    return Vitals(_figure(fields.get("temperature(c)", "")), _figure(clock))


def _figure(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?[0-9]{1,6}(\.[0-9]{1,6})?", text) else None
