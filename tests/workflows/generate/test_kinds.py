"""What writes beside a language model: translators, transcribers, and models that read pictures; with beams too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from npu_adapt.consistency import contradictions
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest
from tests.models import tiny_models

TOKENS = 4
OTHERS = {"t5": {"num_beams": 3}, "trocr": {}, "whisper": {}, "llava": {}}


@pytest.mark.parametrize("name", OTHERS)
def test_what_writes_is_judged_token_by_token(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = getattr(tiny_models, name)(tmp_path / "model")
    file = folder / "generation_config.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, **OTHERS[name]}))
    request = RunRequest(
        command="compare", command_line="", model=str(folder), device="cpu", rehearse="hf32", logs=tmp_path / "logs"
    )
    summary = compare(request, CompareOptions(generate=TOKENS), Silent())
    section = summary.compare
    assert section is not None and section.generation is not None
    found = section.generation
    (text,) = found.texts
    assert 1 <= len(text.reference_tokens) == len(text.errors_over_floor) <= TOKENS
    assert all((error or 9) < 3 for error in text.errors_over_floor)
    assert found.beams == OTHERS[name].get("num_beams", 1)
    assert ("beams" in {fact.id for fact in found.settings}) == (found.beams > 1)
    assert contradictions(summary) == ()
