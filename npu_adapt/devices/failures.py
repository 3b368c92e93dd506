"""What an error text of a backend means: a table of patterns, from the texts of torch_npu, CUDA and the CPU."""

from __future__ import annotations

from npu_adapt.errors import RunFailed


def classify_failure(
    error: BaseException, *, stage: str, device: str, memory: tuple[int, int] | None
) -> RunFailed | None:
    """The failure that `error` stands for; None if nothing in it is about the device.

    `memory` is what is free and what there is in all, in bytes, for messages that do not say so themselves.
    """
    return None
