"""What a run's record says while the run goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from npu_adapt.consistency import contradictions
from npu_adapt.records import WeightFile
from npu_adapt.threads import Work
from npu_adapt.workflows.run.session import Session
from npu_adapt.workflows.run.subject import Subject
from tests.report.summaries import SAMPLES


class Loaded:
    """The part of a loaded model that the record of its weights needs."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights


@pytest.mark.parametrize("ended", ["not yet", "failed", "hashed"])
def test_weights_are_recorded_once_their_files_are_hashed(ended: str, tmp_path: Path) -> None:
    """A process that is killed before leaves a record that does not contradict itself."""
    summary = SAMPLES["success"]()
    assert summary.weights is not None
    unhashed = tuple(replace(file, sha256="") for file in summary.weights.files)
    weights = replace(summary.weights, files=unhashed)
    files, goes_on = summary.weights.files, threading.Event()

    def hashed() -> tuple[WeightFile, ...]:
        if ended == "failed":
            raise OSError
        if ended == "not yet":
            goes_on.wait(60)
        return files

    hashing = Work(hashed)
    assert hashing.wait(0.0 if ended == "not yet" else 60.0) == (ended != "not yet")
    none: Any = None
    loaded: Any = Loaded(weights)
    session = Session(none, none, none, none, replace(summary, weights=weights), Subject(loaded, (), None, hashing))
    known = session.known_now()
    if ended == "hashed":
        assert known.weights == summary.weights
    else:
        assert known.weights is None and known.reasons["weights"].id == "not-hashed"
    assert not [each for each in contradictions(known) if each.field.startswith("weights")]
    goes_on.set()
