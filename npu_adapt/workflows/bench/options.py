"""What `bench` takes beyond a run: what to vary, when a row ends, and in which processes. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from npu_adapt.workflows.run.request import Attention, Dtype

Mode: TypeAlias = Literal["eager", "compile", "graph"]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000_000)]
CountOrNone: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Threads: TypeAlias = Annotated[int, Meta(ge=1, le=1024)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=2_592_000)]  # thirty days
Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1)]
ProcessCount: TypeAlias = Annotated[int, Meta(ge=1, le=1000)]


@dataclass(frozen=True)
class BenchOptions:
    """What to vary, and when a row ends."""

    iterations: Count | None = None  # None: until precise
    warmup: CountOrNone | None = None  # None: until steady
    precision: Share | None = None  # half width of the median's 95 % interval / median; None: 1 % without `iterations`
    max_seconds: Seconds | None = None  # None: 30 without `iterations`
    batch_sizes: tuple[Count, ...] = (1,)
    threads: tuple[Threads, ...] = ()  # empty: as torch decides
    dtypes: tuple[Dtype, ...] = ("auto",)
    attentions: tuple[Attention, ...] = ("auto",)
    modes: tuple[Mode, ...] = ("eager",)
    against: str | None = None  # a device to measure in turns with
    with_limits: bool = True  # also what the device can do at best
    with_pace: bool = False  # also the processor's pace, which a gate sets aside

    def each(self) -> Iterator[BenchOptions]:
        """The options of each row of the sweep alone, in the order of the rows."""
        counts: list[tuple[int, ...]] = [(count,) for count in self.threads] or [()]
        for dtype, attention, mode, threads, batch_size in product(
            self.dtypes, self.attentions, self.modes, counts, self.batch_sizes
        ):
            yield replace(
                self,
                dtypes=(dtype,),
                attentions=(attention,),
                modes=(mode,),
                threads=threads,
                batch_sizes=(batch_size,),
            )


@dataclass(frozen=True)
class FreshProcesses:
    """Whether to measure in processes of their own, how many, and what their medians are compared with."""

    isolate: bool = False
    processes: ProcessCount | None = None  # None: one for each row; five where there is a baseline
    baseline: Path | None = None  # the summary that a gate compares with; None: no gate
    fail_above: Share = 0.05

    @property
    def are_wanted(self) -> bool:
        return self.isolate or self.measure_one_setting

    @property
    def measure_one_setting(self) -> bool:
        """Whether medians of several processes are asked for, which are those of one row."""
        return self.processes is not None or self.baseline is not None
