"""The Chinese words of messages and hints, by their English: the template of a `Sentence`, or a text without values.

The English stands where an error is raised, so that it can be read there; a test wants words here for each.
"""

from __future__ import annotations

from npu_adapt.report.phrases.messages import (
    adapters,
    commands,
    devices,
    generation,
    hubs,
    inputs,
    memory,
    models,
    modes,
    quantised,
    sweep,
    system,
    tasks,
)

ROOMS = (
    adapters,
    commands,
    devices,
    generation,
    hubs,
    inputs,
    memory,
    models,
    modes,
    quantised,
    sweep,
    system,
    tasks,
)
CHINESE: dict[str, str] = {english: words for room in ROOMS for english, words in room.CHINESE.items()}
