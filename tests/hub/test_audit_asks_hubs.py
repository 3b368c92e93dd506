"""`audit` online: the hashes of a summary beside those that the hub lists for that model and revision."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt.progress import Silent
from npu_adapt.records import Summary, encode
from npu_adapt.records.audit import Audit
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest
from tests.hub.reader import HubWithReader
from tests.report.summaries import SAMPLES

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
BRANCHES = {"huggingface": "main", "modelscope": "master"}


def recorded(weights: Path, source: str) -> Summary:
    """The summary of a run with those weights from that hub."""
    summary = SAMPLES["infer-only"]()
    assert summary.model is not None and summary.weights is not None
    file = replace(
        summary.weights.files[0],
        name=WEIGHTS,
        bytes=weights.stat().st_size,
        sha256=sha256(weights.read_bytes()).hexdigest(),
    )
    model = replace(summary.model, id=MODEL, source=source, revision=BRANCHES[source])
    return replace(summary, model=model, weights=replace(summary.weights, files=(file,)))


def audited(summary: Summary, folder: Path, *, offline: bool = False) -> Audit:
    (folder / "summary.json").write_bytes(encode(summary))
    return audit(AuditRequest(folder / "summary.json", offline=offline), Silent())


@pytest.mark.parametrize("source", BRANCHES)
def test_weights_that_the_hub_lists_otherwise_are_named(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hub.environment.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    summary = recorded(small_model / WEIGHTS, source)
    hub.serve(MODEL, small_model)
    ids = [each.id for each in audited(summary, tmp_path).findings]
    assert "weights-not-hubs" not in ids
    assert any(request.hub == source for request in hub.requests)

    other = Path(shutil.copytree(small_model, tmp_path / "other"))
    data = bytearray((other / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (other / WEIGHTS).write_bytes(data)
    hub.serve(MODEL, other)
    (found,) = [each for each in audited(summary, tmp_path).findings if each.id == "weights-not-hubs"]
    assert found.nature == "contradiction" and found.places[0].field == "weights.files.0.sha256"
    assert found.values["derived"] == sha256(bytes(data)).hexdigest()
    assert "weights-not-hubs" not in [each.id for each in audited(summary, tmp_path, offline=True).findings]


@pytest.mark.parametrize("source", BRANCHES)
def test_a_hub_that_does_not_answer_is_a_note(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hub.environment.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    found = audited(recorded(small_model / WEIGHTS, source), tmp_path)  # the hub has no such model
    assert "hub-not-asked" in [note.id for note in found.notes]
    assert "weights-not-hubs" not in [each.id for each in found.findings]
