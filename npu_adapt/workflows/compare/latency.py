"""Both sides' warm forwards in turns, for the speed-up of a comparison; or why there is none."""

from __future__ import annotations

from statistics import median

import torch

from npu_adapt.models.tasks import Sample
from npu_adapt.records import CompareLatency, Fact
from npu_adapt.timing.loop import Rules, Workload, measure_alternately
from npu_adapt.timing.statistics import paired_ratio
from npu_adapt.workflows.compare.facts import reason
from npu_adapt.workflows.run.forward import Side

LONGEST_SECONDS = 2.0  # of measuring both sides; who wants more of it has `bench --against`
LEAST_ROUNDS = 9  # three of warm-up, and the six pairs without which a ratio has no interval
FIRST_ROUND = 1.5  # warm rounds: a first forward takes about twice as long
PRECISION = 0.05  # of each side's median, at which measuring ends
WIDEST_INTERVAL = 0.10  # of the speed-up, either way


def measure_latency(reference: Side, candidate: Side, sample: Sample, round_ms: float) -> CompareLatency | Fact:
    """The latencies of one sample, both sides in turns, once their ratio is steady; else the reason.

    `round_ms`: how long one forward of each side took together, the reference's first one and a warm one of the device.
    """
    if LEAST_ROUNDS * round_ms > 1e3 * LONGEST_SECONDS * FIRST_ROUND:
        return reason("latency-too-long", round_ms=round_ms, seconds=LONGEST_SECONDS)
    rules = Rules(max_seconds=LONGEST_SECONDS, precision=PRECISION)
    sides = measure_alternately([_workload(side, sample) for side in (reference, candidate)], rules)
    reference_ms, candidate_ms = (samples.host_ms for samples in sides)
    ratio = paired_ratio(reference_ms, candidate_ms)
    if ratio is None:  # too few pairs in the time there was
        taken = 1e3 * LONGEST_SECONDS / max(1, len(candidate_ms))
        return reason("latency-too-long", round_ms=max(round_ms, taken), seconds=LONGEST_SECONDS)
    if ratio.high - ratio.low > 2 * WIDEST_INTERVAL * ratio.estimate:
        return reason("latency-unsteady", low=ratio.low, high=ratio.high, iterations=len(candidate_ms))
    return CompareLatency(
        reference_ms=median(reference_ms),
        candidate_ms=median(candidate_ms),
        speed_up=median(reference_ms) / median(candidate_ms),
        iterations=len(candidate_ms),
    )


def _workload(side: Side, sample: Sample) -> Workload:
    tensors: dict[str, torch.Tensor] = {}

    def prepare() -> None:
        tensors.update(side.tensors(sample))  # anew each time: a forward may write into its inputs

    return Workload(lambda: side.call(tensors), side.device.synchronize, prepare=prepare)
