from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from npu_adapt.timing import loop


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def work(self, ms: float) -> None:
        self.now += round(ms * 1e6)


def lasting(clock: Clock, durations_ms: list[float]) -> Callable[[], None]:
    """A callable that takes the given times in turn, then the last one for ever."""
    left = list(durations_ms)
    return lambda: clock.work(left.pop(0) if len(left) > 1 else left[0])


def test_exactly_as_many_samples_as_asked() -> None:
    clock = Clock()
    samples = loop.measure(lasting(clock, [5.0]), iterations=100, warmup=3, clock=clock)
    assert samples.host_ms == (5.0,) * 100
    assert samples.warmup_ms == (5.0,) * 3
    assert (samples.ended_by, samples.steady, samples.device_ms) == ("iterations", None, None)


def test_a_billion_iterations_end_at_the_limit_and_say_so() -> None:
    clock = Clock()
    samples = loop.measure(lasting(clock, [100.0]), iterations=10**9, warmup=0, max_seconds=2.0, clock=clock)
    assert len(samples.host_ms) == 20
    assert samples.ended_by == "max-seconds"


def test_one_sample_is_taken_however_short_the_limit() -> None:
    clock = Clock()
    samples = loop.measure(lasting(clock, [5000.0]), warmup=0, max_seconds=0.1, clock=clock)
    assert samples.host_ms == (5000.0,)


def test_warm_up_goes_on_while_calls_get_faster() -> None:
    clock = Clock()
    falling = [400.0, 200.0, 150.0, 130.0, 120.0, 110.0, 100.0]
    samples = loop.measure(lasting(clock, falling), iterations=5, clock=clock)
    assert samples.warmup_ms == (*falling, 100.0, 100.0, 100.0)
    assert samples.steady is True
    assert samples.host_ms == (100.0,) * 5


def test_warm_up_that_never_becomes_steady_ends_at_half_the_limit() -> None:
    clock = Clock()
    falling = [1000.0 * 0.9**i for i in range(200)]
    samples = loop.measure(lasting(clock, falling), max_seconds=10.0, iterations=2, clock=clock)
    assert samples.steady is False
    assert 5000.0 <= sum(samples.warmup_ms) <= 5600.0


def test_pinned_warm_up_stops_at_the_limit_too() -> None:
    clock = Clock()
    samples = loop.measure(lasting(clock, [100.0]), warmup=10**9, max_seconds=1.0, clock=clock)
    assert len(samples.warmup_ms) == 10
    assert len(samples.host_ms) == 1


def test_precision_ends_the_measuring_once_the_interval_is_narrow() -> None:
    clock = Clock()
    samples = loop.measure(lasting(clock, [100.0]), warmup=0, precision=0.01, clock=clock)
    assert samples.ended_by == "precision"
    assert len(samples.host_ms) == loop.PRECISION_MINIMUM_SAMPLES


def test_measuring_does_not_wait_for_a_companion_to_be_precise() -> None:
    clock = Clock()
    wild = lasting(clock, [1.0 + at % 7 for at in range(1000)])
    workloads = [loop.Workload(lasting(clock, [100.0])), loop.Workload(wild, is_awaited=False)]
    rules = loop.Rules(precision=0.01, max_seconds=60.0, warmup=0)
    samples, companion = loop.measure_alternately(workloads, rules, clock=clock)
    assert samples.ended_by == "precision"
    assert len(samples.host_ms) == len(companion.host_ms) == loop.PRECISION_MINIMUM_SAMPLES


def test_precision_is_not_claimed_of_samples_that_spread() -> None:
    clock = Clock()
    spread = [100.0, 150.0] * 50
    samples = loop.measure(lasting(clock, spread), warmup=0, precision=0.01, iterations=90, clock=clock)
    assert samples.ended_by == "iterations"
    assert len(samples.host_ms) == 90


@pytest.mark.parametrize(
    "wrong",
    [{}, {"iterations": 0}, {"precision": 0.0}, {"max_seconds": -1.0}, {"iterations": 1, "warmup": -1}],
)
def test_rules_that_cannot_be_followed(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"end the measuring|zero"):
        loop.Rules(**wrong)  # type: ignore[arg-type]


class RecordingDevice:
    """A device that works after the call has returned, and writes down what was asked of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.log: list[str] = []
        self.pending_ms = 0.0

    def call(self) -> None:
        self.log.append("call")
        self.clock.work(0.5)
        self.pending_ms += 20.0

    def synchronize(self) -> None:
        self.log.append("synchronize")
        self.clock.work(self.pending_ms)
        self.pending_ms = 0.0

    def start(self) -> None:
        self.log.append("start")

    def stop(self) -> None:
        self.log.append("stop")

    def elapsed_ms(self) -> float:
        self.log.append("elapsed")
        return 20.0


def test_the_device_is_awaited_before_the_clock_starts_and_before_it_stops() -> None:
    clock = Clock()
    device = RecordingDevice(clock)
    device.pending_ms = 1000.0  # work of somebody before us, which is not ours
    samples = loop.measure(device.call, synchronize=device.synchronize, iterations=2, warmup=0, clock=clock)
    assert samples.host_ms == (20.5, 20.5)
    assert device.log == ["synchronize", "call", "synchronize"] * 2


def test_device_events_enclose_the_call_and_are_read_after_waiting() -> None:
    clock = Clock()
    device = RecordingDevice(clock)
    samples = loop.measure(
        device.call, synchronize=device.synchronize, event_timer=device, iterations=1, warmup=1, clock=clock
    )
    assert device.log == ["synchronize", "start", "call", "stop", "synchronize", "elapsed"] * 2
    assert samples.device_ms == (20.0,)
    assert samples.host_ms == (20.5,)


@pytest.mark.parametrize("has_events", [False, True])
def test_what_prepares_a_call_comes_before_each_one_and_is_timed_apart(has_events: bool) -> None:
    clock = Clock()
    device = RecordingDevice(clock)

    def prepare() -> None:
        device.log.append("prepare")
        clock.work(3.0)
        device.pending_ms += 300.0

    workload = loop.Workload(device.call, device.synchronize, device if has_events else None, prepare=prepare)
    (samples,) = loop.measure_alternately([workload], loop.Rules(iterations=2, warmup=1), clock=clock)
    assert samples.host_ms == (20.5, 20.5)
    assert samples.prepare_ms == (3.0, 3.0)
    assert [step for step in device.log if step in {"prepare", "call"}] == ["prepare", "call"] * 3


def test_two_subjects_take_turns_after_each_was_warmed_up() -> None:
    clock = Clock()
    order: list[str] = []

    def workload(name: str, ms: float) -> loop.Workload:
        def call() -> None:
            order.append(name)
            clock.work(ms)

        return loop.Workload(call)

    slow, fast = loop.measure_alternately(
        [workload("slow", 40.0), workload("fast", 10.0)],
        loop.Rules(iterations=3, warmup=2),
        on_start=lambda: order.append("start"),
        clock=clock,
    )
    assert order == ["slow"] * 2 + ["fast"] * 2 + ["start"] + ["slow", "fast", "fast", "slow", "slow", "fast"]
    assert (slow.host_ms, fast.host_ms) == ((40.0,) * 3, (10.0,) * 3)


def test_progress_is_told_at_most_five_times_a_second() -> None:
    clock = Clock()
    told: list[int] = []
    loop.measure(lasting(clock, [10.0]), iterations=100, warmup=0, on_sample=told.append, clock=clock)
    assert told == [20, 40, 60, 80]


def test_the_garbage_collector_is_held_and_comes_back_after_a_failure() -> None:
    seen: list[bool] = []

    def fail() -> None:
        seen.append(gc.isenabled())
        raise RuntimeError("stop")

    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="stop"):
        loop.measure(fail, iterations=5, warmup=0)
    assert seen == [False]
    assert gc.isenabled()
