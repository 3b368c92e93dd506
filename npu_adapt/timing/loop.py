"""The measured loop: what is timed, when it starts and why it ends.

Every sample is one call between two synchronisations of its device, on the host's clock; where the device has events,
also on the device's own. The garbage collector is held. Nothing but clock reads and, where there are any, the two
events lies between the clock's start and its stop; bookkeeping comes after.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from npu_adapt.timing.statistics import interval_of_sorted, percentile

WARMUP_WINDOW = 3  # calls that must bring no further speed-up
WARMUP_GAIN = 0.02
WARMUP_MINIMUM_SECONDS = 0.1  # processors need this long to leave their idle frequency
WARMUP_MAXIMUM_SECONDS = 10.0
PRECISION_MINIMUM_SAMPLES = 6  # fewer have no interval
PRECISION_MINIMUM_SECONDS = 0.5
# To ask after every sample whether to stop would stop by chance. With this growth the interval that is given holds the
# median in 94 to 97 % of simulated runs (normal noise of 0.3 to 5 times the precision; exponential noise: 92 to 97 %).
CHECK_GROWTH = 1.25
PROGRESS_SECONDS = 0.2


class EventTimer(Protocol):
    """Two events in the device's own stream."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def elapsed_ms(self) -> float: ...


def nothing_to_wait_for() -> None:
    """The synchronisation of a device that computes before it returns."""


@dataclass(frozen=True)
class Workload:
    """One callable to be measured, with how to wait for its device and, where there is one, the device's own clock."""

    call: Callable[[], object]
    synchronize: Callable[[], None] = nothing_to_wait_for
    event_timer: EventTimer | None = None
    is_awaited: bool = True  # whether measuring goes on until this one's median is precise
    prepare: Callable[[], object] | None = None  # before each of its samples, timed apart


@dataclass(frozen=True)
class Rules:
    """When warm-up and measuring end. Whichever of the given limits comes first ends the measuring."""

    iterations: int | None = None  # None: no fixed number
    precision: float | None = None  # half width of the median's 95 % interval / median; None: not asked
    max_seconds: float | None = None  # over warm-up and measuring; None: no limit
    warmup: int | None = None  # None: until steady

    def __post_init__(self) -> None:
        if self.iterations is None and self.precision is None and self.max_seconds is None:
            raise ValueError("nothing would end the measuring")
        positive = {"iterations": self.iterations, "precision": self.precision, "max_seconds": self.max_seconds}
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above zero, not {value}")
        if self.warmup is not None and self.warmup < 0:
            raise ValueError(f"warmup must not be below zero, but is {self.warmup}")


@dataclass(frozen=True)
class Samples:
    """The raw samples of one workload, milliseconds, in order of time."""

    host_ms: tuple[float, ...]
    device_ms: tuple[float, ...] | None  # None: the device has no events
    warmup_ms: tuple[float, ...]
    steady: bool | None  # whether warm-up ended because it was steady; None: its length was pinned
    ended_by: str  # iterations | precision | max-seconds
    seconds: float  # wall time of the measuring, warm-up apart
    prepare_ms: tuple[float, ...] = ()  # of what prepared each sample; empty: nothing did


OnSample = Callable[[int], None]


def measure(
    call: Callable[[], object],
    *,
    synchronize: Callable[[], None] = nothing_to_wait_for,
    iterations: int | None = None,
    warmup: int | None = None,
    max_seconds: float | None = None,
    precision: float | None = None,
    event_timer: EventTimer | None = None,
    on_sample: OnSample | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Samples:
    """The samples of `call` alone; see `Rules` for when it ends, `measure_alternately` for the rest."""
    rules = Rules(iterations=iterations, precision=precision, max_seconds=max_seconds, warmup=warmup)
    (samples,) = measure_alternately(
        [Workload(call, synchronize, event_timer)], rules, on_sample=on_sample, clock=clock
    )
    return samples


def measure_alternately(
    workloads: Sequence[Workload],
    rules: Rules,
    *,
    on_sample: OnSample | None = None,
    on_start: Callable[[], None] | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> tuple[Samples, ...]:
    """The samples of each workload, taken in turns, so that whatever slows the machine down slows all of them.

    Every other round goes backwards: nobody is always first.
    `on_start` is called between warm-up and measuring; `on_sample` with the number of rounds measured, at most five
    times a second. Neither is inside a timed stretch. At least one round is measured, however short the limit. What a
    workload raises is passed on.
    """
    if not workloads:
        raise ValueError("nothing to measure")
    deadline = None if rules.max_seconds is None else clock() + round(rules.max_seconds * 1e9)
    samplers = [_Sampler(workload, clock) for workload in workloads]
    with _garbage_collector_held():
        warmups = [_warm_up(sampler, rules, deadline, clock, len(samplers)) for sampler in samplers]
        if on_start is not None:
            on_start()
        started = clock()
        ended_by = _measure_rounds(samplers, rules, deadline, on_sample, clock)
        seconds = (clock() - started) / 1e9
    return tuple(
        replace(sampler.samples(), warmup_ms=warmup_ms, steady=steady, ended_by=ended_by, seconds=seconds)
        for sampler, (warmup_ms, steady) in zip(samplers, warmups, strict=True)
    )


class _Sampler:
    """Takes samples of one workload and keeps them."""

    def __init__(self, workload: Workload, clock: Callable[[], int]) -> None:
        self.host_ns: list[int] = []
        self.prepare_ns: list[int] = []
        self.device_ms: list[float] = []
        self.workload = workload
        self._clock = clock
        self.take = self._take if workload.event_timer is None else self._take_with_events

    def _take(self) -> int:
        workload, clock = self.workload, self._clock
        call, synchronize = workload.call, workload.synchronize
        self._prepare()
        synchronize()
        started = clock()
        call()
        synchronize()
        elapsed = clock() - started
        self.host_ns.append(elapsed)
        return elapsed

    def _take_with_events(self) -> int:
        workload, clock, events = self.workload, self._clock, self.workload.event_timer
        assert events is not None
        self._prepare()
        workload.synchronize()
        started = clock()
        events.start()
        workload.call()
        events.stop()
        workload.synchronize()
        elapsed = clock() - started
        self.host_ns.append(elapsed)
        self.device_ms.append(events.elapsed_ms())
        return elapsed

    def _prepare(self) -> None:
        if (prepare := self.workload.prepare) is None:
            return
        started = self._clock()
        prepare()
        self.prepare_ns.append(self._clock() - started)

    def forget(self) -> tuple[float, ...]:
        """The samples so far, in milliseconds of the host, which are then no longer kept."""
        gone = tuple(ns / 1e6 for ns in self.host_ns)
        self.host_ns.clear()
        self.prepare_ns.clear()
        self.device_ms.clear()
        return gone

    def samples(self) -> Samples:
        return Samples(
            host_ms=tuple(ns / 1e6 for ns in self.host_ns),
            device_ms=tuple(self.device_ms) if self.workload.event_timer is not None else None,
            warmup_ms=(),
            steady=None,
            ended_by="",
            seconds=0.0,
            prepare_ms=tuple(ns / 1e6 for ns in self.prepare_ns),
        )


def _warm_up(
    sampler: _Sampler, rules: Rules, deadline: int | None, clock: Callable[[], int], sharers: int
) -> tuple[tuple[float, ...], bool | None]:
    """Runs the workload until it is warm; its samples, and whether it became steady (None where `warmup` is pinned)."""
    if rules.warmup is not None:
        for _ in range(rules.warmup):
            if deadline is not None and clock() >= deadline:
                break
            sampler.take()
        return sampler.forget(), None
    started = clock()
    longest = WARMUP_MAXIMUM_SECONDS
    if rules.max_seconds is not None:
        longest = min(longest, rules.max_seconds / 2 / sharers)  # the other half belongs to the measuring
    steadiness = _Steadiness()
    while True:
        steady = steadiness.after(sampler.take())
        seconds = (clock() - started) / 1e9
        if (steady and seconds >= WARMUP_MINIMUM_SECONDS) or seconds >= longest:
            return sampler.forget(), steady


@dataclass
class _Steadiness:
    """Whether calls have stopped getting faster: the median of the last three is no faster than the fastest before.

    One hiccup or one lucky call among them changes nothing.
    """

    best_before: float = float("inf")
    window: list[int] = field(default_factory=list)

    def after(self, sample: int) -> bool:
        self.window.append(sample)
        if len(self.window) > WARMUP_WINDOW:
            self.best_before = min(self.best_before, self.window.pop(0))
        if len(self.window) < WARMUP_WINDOW:
            return False
        return sorted(self.window)[WARMUP_WINDOW // 2] >= self.best_before * (1 - WARMUP_GAIN)


def _measure_rounds(
    samplers: Sequence[_Sampler],
    rules: Rules,
    deadline: int | None,
    on_sample: OnSample | None,
    clock: Callable[[], int],
) -> str:
    """Fills the samplers round by round; says which rule ended it."""
    last = rules.iterations if rules.iterations is not None else float("inf")
    precision = None if rules.precision is None else _Precision(rules.precision, len(samplers), clock())
    interval = round(PROGRESS_SECONDS * 1e9)
    tell_at = clock() + interval
    watched = deadline is not None or precision is not None or on_sample is not None
    rounds = 0
    backwards = samplers[
        ::-1
    ]  # whoever is first in a round runs in the wake of the bookkeeping, which costs a per cent
    while True:
        for sampler in samplers if rounds % 2 == 0 else backwards:
            sampler.take()
        rounds += 1
        if rounds >= last:
            return "iterations"
        if not watched:
            continue
        now = clock()
        if precision is not None and precision.reached(samplers, rounds, now):
            return "precision"
        if deadline is not None and now >= deadline:
            return "max-seconds"
        if on_sample is not None and now >= tell_at:
            on_sample(rounds)
            tell_at = clock() + interval


class _Precision:
    """Whether every workload's median is known well enough, asked ever more seldom."""

    def __init__(self, wanted: float, workloads: int, now: int) -> None:
        self._wanted = wanted
        self._ordered: list[list[float]] = [[] for _ in range(workloads)]
        self._check_at = PRECISION_MINIMUM_SAMPLES
        self._not_before = now + round(PRECISION_MINIMUM_SECONDS * 1e9)

    def reached(self, samplers: Sequence[_Sampler], rounds: int, now: int) -> bool:
        if rounds < self._check_at or now < self._not_before:
            return False
        self._check_at = max(rounds + 1, round(rounds * CHECK_GROWTH))
        each = zip(samplers, self._ordered, strict=True)
        return all(self._precise(sampler, ordered) for sampler, ordered in each if sampler.workload.is_awaited)

    def _precise(self, sampler: _Sampler, ordered: list[float]) -> bool:
        # The device's clock is the figure where there is one, so it is the one that must be precise.
        fresh: Sequence[float] = sampler.device_ms or sampler.host_ns
        ordered.extend(fresh[len(ordered) :])
        ordered.sort()  # next to no work: all but the end is in order
        interval = interval_of_sorted(ordered)
        return interval is not None and interval.relative_half_width(percentile(ordered, 0.5)) <= self._wanted


@contextmanager
def _garbage_collector_held() -> Iterator[None]:
    """Keeps the collector from running; it comes back in the state it was in."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
