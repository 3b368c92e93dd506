from __future__ import annotations

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
