"""The record of forwards under load for a time, with every operator's bits watched."""

from __future__ import annotations

from npu_adapt.records.base import Record


class SoakPlace(Record, frozen=True, kw_only=True):
    """An operator from which on a forward had other bits than most forwards."""

    module: str
    operator: str
    index: int  # position in the order of execution
    output_shape: tuple[int, ...]
    forwards: int  # that differed from here on
    first_forward: int  # the first of them, counted from 1


class SoakReading(Record, frozen=True, kw_only=True):
    """What the device told of itself at one moment."""

    seconds: float  # since the first forward began
    temperature_celsius: float | None  # None: it does not tell
    clock_megahertz: float | None  # None: likewise


class Soak(Record, frozen=True, kw_only=True):
    """Forwards of one input, one after the other: how many, how often bits changed, and where."""

    asked_seconds: float
    seconds: float
    forwards: int
    changed: int  # forwards whose bits are not those of most
    operators: int  # whose bits were watched in each forward
    on_device: bool  # whether the bits were hashed where they lay, or copied
    places: tuple[SoakPlace, ...] = ()  # in the order of execution
    readings: tuple[SoakReading, ...] = ()
