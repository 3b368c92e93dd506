"""The records of a model and of its weights."""

from __future__ import annotations

import msgspec

from npu_adapt.records.base import Fact, Record
from npu_adapt.records.quantisation import Quantisation


class AdapterFile(Record, frozen=True, kw_only=True):
    """The user's file that built the model."""

    path: str
    name: str | None  # which of the file's models; None: the one without a name
    sha256: str
    text: str  # all of it
    packages: dict[str, str] = msgspec.field(default_factory=dict)  # versions of what it imports, by distribution


class ModelInfo(Record, frozen=True, kw_only=True):
    id: str
    organization: str | None  # None: a directory or a built-in has no owner
    task: str
    architecture: str
    parameters: int
    source: str  # modelscope | huggingface | directory | builtin | python | adapter
    revision: str | None  # None: a plain directory has no revision
    url: str | None  # None: nothing on a hub answers to this model
    endpoint: str | None = None  # the address that listed the files; None: none was asked, or nobody knows
    adapter: AdapterFile | None = None  # None: no adapter built it


class WeightFile(Record, frozen=True, kw_only=True):
    name: str
    bytes: int
    sha256: str
    verified_against: str  # hub | mirror | listing | package | nothing; schema 1: registry, its own first hash


class WeightsInfo(Record, frozen=True, kw_only=True):
    pretrained_used: bool
    local_weight_used: bool
    path: str
    files: tuple[WeightFile, ...]
    missing_keys: tuple[str, ...] = ()
    mismatched_keys: tuple[str, ...] = ()
    unexpected_keys: tuple[str, ...] = ()
    proven_parameters: int = 0  # tensors found equal to their named source in the weight files
    conversions: tuple[Fact, ...] = ()  # what was undone to find them equal: "cast" of float16 to float32, "tied", …
    left_out: tuple[Fact, ...] = ()  # parts the checkpoint does not hold and the task does not use, e.g. "pooler"
    quantisation: Quantisation | None = None  # None: the weights are stored as they are computed with
    doubts: tuple[Fact, ...] = ()  # why a reader should hesitate: "untrained", "adapter-unused", …
