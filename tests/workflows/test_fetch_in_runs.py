"""A run that misses its model fetches it, and its log tells every place that was tried: folders, caches and hubs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npu_adapt.evidence import parse_log_line
from tests.hub.faults import Fault
from tests.hub.reader import HubWithReader, record

MODEL = "an-org/digits"


def attempts(hub: HubWithReader) -> list[tuple[str, str]]:
    """(place, outcome) of each attempt in the log of the last run, its history's where it was not published."""
    logs = sorted(hub.logs.rglob("pretrained_attempt.log"), key=lambda path: path.stat().st_mtime_ns)
    events = map(parse_log_line, logs[-1].read_text().splitlines())
    return [(fields["place"], fields["outcome"]) for _, _, event, fields in events if event == "attempt"]


def infer(hub: HubWithReader, *options: str, model: str = MODEL) -> tuple[int, str]:
    done = hub.npu_adapt("infer", model, "--device", "cpu", "--json", *options)
    return done.code, done.stdout


def test_every_place_is_in_the_log_and_the_model_is_registered(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model, on=["huggingface"])
    code, stdout = infer(hub)
    assert code == 0, stdout
    assert (
        json.loads(stdout)["weights"]["files"][0]["verified_against"] == "mirror"
    )  # it came from 127.0.0.1, whoever that speaks for
    tried = attempts(hub)
    caches = [place for place, outcome in tried if outcome == "not-there"]
    assert any(str(hub.caches["modelscope"]) in place for place in caches)
    assert any(str(hub.caches["huggingface"]) in place for place in caches)
    assert [place for place, outcome in tried if outcome == "found"] == ["Hugging Face"]
    assert ("ModelScope", "no-model") in tried

    hub.forget()
    assert infer(hub)[0] == 0
    assert hub.requests == ()


def test_a_model_that_is_nowhere_ends_the_run_with_5_and_the_log_says_where_it_was_looked_for(
    hub: HubWithReader,
) -> None:
    code, stdout = infer(hub)
    assert code == 5
    assert "spelling" in json.loads(stdout)["error"]["hint"]
    assert [place for place, _ in attempts(hub)][-2:] == ["ModelScope", "Hugging Face"]


def test_a_corrupt_download_ends_the_run_with_5_and_names_the_file(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(flip_at=100))
    code, stdout = infer(hub)
    assert code == 5
    assert "model.safetensors came 3 times" in json.loads(stdout)["error"]["message"]
    assert attempts(hub)[-1][1] == "failed"


def test_the_device_is_checked_before_anything_is_downloaded(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    done = hub.npu_adapt("infer", MODEL, "--device", "cuda:7")
    assert done.code == 4
    assert hub.requests == ()


def test_offline_nobody_is_asked(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    assert infer(hub, "--offline")[0] == 5
    assert hub.requests == ()


def test_fetch_falls_back_to_what_is_on_this_disk_where_no_hub_answers(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    path = hub.fetched_path(MODEL, "modelscope")
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
    done = hub.npu_adapt("fetch", MODEL, "--source", "modelscope", "--json", more=closed)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["path"] == str(path)
    assert "taken as it is on this disk" in done.stderr


def test_a_read_only_cache_that_holds_the_model_is_enough(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    path = hub.fetched_path(MODEL, "huggingface")
    (hub.registry / "registry.json").unlink()
    (hub.caches["huggingface"] / ".locks" / "models--an-org--digits" / "npu-adapt.lock").unlink()
    before = sorted(hub.caches["huggingface"].rglob("*"))
    fetched = hub.npu_adapt("fetch", MODEL, "--source", "huggingface", "--json")
    assert json.loads(fetched.stdout)["path"] == str(path)
    assert sorted(hub.caches["huggingface"].rglob("*")) == before


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
def test_what_a_narrower_fetch_leaves_out_stays_registered(hub: HubWithReader, small_model: Path, source: str) -> None:
    hub.serve(MODEL, small_model)
    hub.fetched_path(MODEL, source)
    narrow = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--exclude", "*.json", "--json"))
    assert narrow["downloaded_bytes"] == 0
    (row,) = record(hub.npu_adapt("models", "list", "--json"))
    assert (row["bytes"], row["state"]) == (hub.size_of(MODEL), "ready")
    assert hub.npu_adapt("models", "verify", MODEL).code == 0
