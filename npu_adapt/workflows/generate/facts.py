"""The facts that a generation records: what of the model's own generation configuration was kept or switched off.

`report/phrases/generation` has the words of each, and a test holds the two lists together.
"""

from __future__ import annotations

from typing import Literal

from npu_adapt.records import Fact, Value

SettingId = Literal[
    "chat-template",
    "no-chat-template",
    "sampling-off",
    "processor-kept",
    "switched-off",
    "beams",
    "no-end-token",
    "pad-token-borrowed",
    "no-tokenizer",
    "no-error-rates",
    "no-invariance",
]


def setting(id: SettingId, **values: Value) -> Fact:
    """How the tokens were chosen, or what was not done and why."""
    return Fact(id, values)
