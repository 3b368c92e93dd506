"""What a user may ask of a run. Each field is the one declaration of its name, type, bounds and default. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from npu_adapt.models.request import Source

Dtype: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]
Attention: TypeAlias = Literal["auto", "eager", "sdpa"]
Rehearsal: TypeAlias = Literal["hf32", "float16", "bfloat16"]
Seed: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # what every generator of random numbers takes
SampleCount: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]  # all of them are held in memory


@dataclass(frozen=True)
class RunRequest:
    """Everything the user asked of a run, as the command line gives it."""

    command: str  # "infer", "bench" or "compare"
    command_line: str
    model: str | None = None  # None: the model of the last summary, else the built-in one
    device: str = "auto"
    dtype: Dtype = "auto"
    attention: Attention = "auto"
    weights: Path | None = None  # of an adapter; None: it needs none, or brings its own
    inputs: tuple[str, ...] = ()
    task: str | None = None
    revision: str | None = None
    source: Source = "auto"
    offline: bool = False
    weights_roots: tuple[Path, ...] = ()
    cache_dir: Path | None = None
    logs: Path = Path("logs")
    seed: Seed = 0
    samples: SampleCount = 1
    hf32: bool | None = None  # None: as the device decides
    allow_pickle: bool = False
    trust_remote_code: bool = False
    max_memory: str | None = None  # the most that the process may take, as typed: "8GB"; None: no limit
    rehearse: Rehearsal | None = None  # the arithmetic emulated on the CPU; None: a device runs
