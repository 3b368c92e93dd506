from __future__ import annotations

import sys

import pytest
import torch

from npu_adapt.timing import memory


def test_the_peak_sees_memory_that_is_gone_again() -> None:
    reset = memory.reset_peak()
    before = memory.peak_bytes()
    block = torch.ones(64 << 20, dtype=torch.uint8)
    held = memory.resident_bytes()
    del block
    assert memory.peak_bytes() >= held - (8 << 20)
    if reset:
        assert memory.peak_bytes() >= before + (48 << 20)


class Ring:
    """Refers to itself, so that nothing but the collection of cycles lets go of what it holds."""

    def __init__(self) -> None:
        self.held = [b"x" * 60_000 for _ in range(400)]  # below what glibc maps by itself
        self.me = self


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what is freed")
def test_what_is_freed_between_what_is_used_goes_back_to_the_system() -> None:
    ring, kept = Ring(), []
    for number in range(400):
        ring.held[number] = b"x" * 60_000
        kept.append(b"x" * 1_000)
    full = memory.anonymous_bytes()
    del ring
    memory.return_unused(with_cycles=True)
    assert memory.anonymous_bytes() <= full - (16 << 20)
    assert len(kept) == 400
