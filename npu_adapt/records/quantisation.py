"""The records of quantised weights: how they are stored, and what quantising and dequantising them does to numbers."""

from __future__ import annotations

from npu_adapt.records.base import Record


class QuantisedWeights(Record, frozen=True, kw_only=True):
    """Weights of one checkpoint that are stored alike."""

    format: str  # pack-quantized | int-quantized | float-quantized | …
    bits: int
    type: str  # int | float
    strategy: str  # what shares a scale: tensor | channel | group | block | …
    group_size: int | None  # elements of a group; None: no groups
    symmetric: bool
    activations: str | None  # how the inputs of these weights are quantised as they run; None: they are not
    modules: int


class Quantisation(Record, frozen=True, kw_only=True):
    """How a checkpoint's weights are quantised."""

    method: str
    weights: tuple[QuantisedWeights, ...]
    stored_bytes: int  # of these weights with their scales
    dequantised_bytes: int  # of what they stand for, in the run's type


class OutputLoss(Record, frozen=True, kw_only=True):
    """One output of the dequantised model against the original's, the worst sample's. None: not finite."""

    name: str
    relative_l2: float | None
    cosine_similarity: float | None
    same_best: float | None = None  # share of rows whose best class is the same; None: no class scores


class QuantisationLoss(Record, frozen=True, kw_only=True):
    """What quantising the weights lost: both models in float32. No device has a part in it."""

    original: str  # as it was named
    path: str
    outputs: tuple[OutputLoss, ...]


class Dequantised(Record, frozen=True, kw_only=True):
    """The weights that the device computes with, beside the stored ones times their scales, rounded once."""

    modules: int
    differing: float  # share of all elements that have other bits
    worst_ulps: float | None  # the largest difference, in units in the last place; None: not finite
    worst_module: str  # where it is; empty: no element differs
