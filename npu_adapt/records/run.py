"""The records of a run on a device: what went in, what came out, how it ended."""

from __future__ import annotations

import msgspec

from npu_adapt.records.base import Fact, Record, Said

# What is the origin of inputs that no file, text or generator of the user is behind.
COMPLETED_ORIGIN = "made to complete the input"
NOISE_ORIGIN = "seed of the noise that the forward draws on the CPU"


class InputInfo(Record, frozen=True, kw_only=True):
    name: str
    shape: tuple[int, ...]
    sha256: str
    origin: str  # the file, text or generator behind it
    said: Said | None = None  # its template and values. None: it has none, or an older record


class OutputInfo(Record, frozen=True, kw_only=True):
    name: str
    shape: tuple[int, ...]
    dtype: str


class Prediction(Record, frozen=True, kw_only=True):
    label: str
    index: int
    score: float
    sample: int = 0


class Failure(Record, frozen=True, kw_only=True):
    stage: str
    kind: str = msgspec.field(name="class")
    message: str = ""
    operator: str | None = None  # None: the backend does not name one
    said: Said | None = None  # the message's template and its values. None: somebody else's words, or an older record


class Timings(Record, frozen=True, kw_only=True):
    """Milliseconds of wall time, the device synchronised at both ends."""

    load: float | None  # reading weights and building the model; None: did not get there
    first_forward: float | None  # includes compilation and lazy reading; None: did not get there
    warm_forward: float | None  # median of the forwards after the first; None: only one was run


class Run(Record, frozen=True, kw_only=True):
    status: str  # SUCCESS | FAILED | REHEARSED
    device: str  # "npu:0"; "rehearsed:hf32" for an emulated one
    dtype: str
    attention: str
    numerics: dict[str, bool | int | str | None]
    threads: int
    seed: int
    inputs: tuple[InputInfo, ...] = ()
    outputs: tuple[OutputInfo, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    timings_ms: Timings | None = None  # None: failed before the first forward
    peak_memory_bytes: int | None = None  # None: the device keeps no statistics
    cpu_fallbacks: tuple[str, ...] | None = (
        None  # operators that ran on the CPU instead; None: the backend does not tell
    )
    failure: Failure | None = None  # None: it did not fail
    notes: tuple[Fact, ...] = ()  # what a reader must know of it: "output-is-input", "stateful-forward", …
