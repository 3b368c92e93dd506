"""Who may have a model: tokens, gates, models and revisions that there are not, and hubs out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub.faults import Fault
from tests.hub.reader import HubWithReader, differing, record

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "preprocessor_config.json", WEIGHTS)
HUBS = ("huggingface", "modelscope")
TOKENS = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN"}


@pytest.fixture(params=HUBS)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_token_opens_a_gate_and_is_written_nowhere(hub: HubWithReader, source: str, small_model: Path) -> None:
    token = "a-secret-of-twenty-letters"
    hub.serve(MODEL, small_model, opened_by=token)
    more = {TOKENS[source]: token}
    done = hub.npu_adapt("fetch", MODEL, "--source", source, "--json", more=more)
    assert record(done)["source"] == source
    assert token in {request.token for request in hub.requests}
    hub.inject(Fault(flip_at=1))
    hub.start_again()
    failed = hub.npu_adapt("fetch", MODEL, "--source", source, more=more)
    assert failed.code == 5
    assert token not in done.stdout + done.stderr + failed.stdout + failed.stderr
    written = [path for path in hub.home.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert written == []


def test_a_token_does_not_follow_a_redirection_to_another_host(
    hub: HubWithReader, source: str, small_model: Path
) -> None:
    """Both hubs keep large files in a storage of somebody else's."""
    hub.serve(MODEL, small_model, opened_by="a-token")
    hub.keeps_files_elsewhere = True
    hub.inject(Fault(cut_after=100_000))
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json", more={TOKENS[source]: "a-token"}))
    assert differing(hub, MODEL, NEEDED, Path(fetched["path"])) == []
    stored = [request for request in hub.requests if request.target.startswith("/storage/")]
    assert {request.token for request in stored} == {None}
    assert not any(request.has_cookie for request in stored)
    assert hub.bytes_sent(WEIGHTS) == hub.size_of(MODEL, WEIGHTS)


@pytest.mark.core
@pytest.mark.parametrize(
    ("token", "said"), [(None, "token"), ("another-token-than-the-right-one", "access")], ids=["none", "another"]
)
def test_a_gated_model_is_told_from_a_missing_one(
    hub: HubWithReader, source: str, small_model: Path, token: str | None, said: str
) -> None:
    hub.serve(MODEL, small_model, opened_by="the-right-token")
    more = {TOKENS[source]: token} if token else {}
    done = hub.npu_adapt("fetch", MODEL, "--source", source, more=more)
    assert done.code == 5
    assert "gated" in done.stderr
    assert said in done.stderr
    assert TOKENS[source] in done.stderr or "login" in done.stderr or token


def test_a_model_on_neither_hub(hub: HubWithReader) -> None:
    done = hub.npu_adapt("fetch", "an-org/no-such-model")
    assert done.code == 5
    said = " ".join(done.stderr.split())
    assert "an-org/no-such-model" in said
    assert "ModelScope" in said
    assert "Hugging Face" in said
    assert "spelling" in said
    assert "Traceback" not in done.stderr
    assert {request.hub for request in hub.requests} == {"modelscope", "huggingface"}


@pytest.mark.core
def test_a_wrong_revision_is_named(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    done = hub.npu_adapt("fetch", MODEL, "--source", source, "--revision", "no-such-branch")
    assert done.code == 5
    assert "no-such-branch" in done.stderr
    assert "--revision" in done.stderr
    assert hub.bytes_sent() == 0


@pytest.mark.core
def test_a_hub_that_cannot_be_reached(hub: HubWithReader, source: str) -> None:
    """A port where nobody listens: one message, and not the same as for a missing model."""
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
    done, seconds = hub.timed("fetch", MODEL, "--source", source, more=closed)
    assert done.code == 5
    assert seconds < 25, "five questions, and eight seconds between them"
    assert "127.0.0.1:9" in done.stderr
    assert "spelling" not in done.stderr
    assert "Traceback" not in done.stderr
