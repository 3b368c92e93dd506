"""The hub for tests, read by the real clients: without them, what the other tests here show would be worth nothing."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import modelscope_hub
import pytest
from huggingface_hub import constants
from huggingface_hub import errors as huggingface_errors
from huggingface_hub.hf_api import RepoFile
from modelscope_hub import errors as modelscope_errors

from tests.commands import run_process
from tests.hub.faults import LISTING, Fault, refusal
from tests.hub.reader import HubWithReader
from tests.hub.repositories import HubFile

MODEL = "an-org/a.model"
WEIGHTS = "model.safetensors"
SIZE = 300_000
Download = Callable[..., Path]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model in outline: bytes that differ everywhere, a file that git keeps, one in a folder, a hidden one."""
    folder = tmp_path / "a-model"
    (folder / "onnx").mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(SIZE // 32 + 1))[:SIZE])
    (folder / "config.json").write_text('{"model_type": "none"}\n')
    (folder / "onnx" / "config.json").write_text("{}\n")
    (folder / ".hidden").write_text("nobody's business\n")
    return folder


def from_huggingface(
    hub: HubWithReader, model: str = MODEL, *, revision: str | None = None, token: str | None = None
) -> Path:
    return Path(
        huggingface_hub.snapshot_download(
            model, revision=revision, endpoint=hub.url, cache_dir=hub.caches["huggingface"], token=token or False
        )
    )


def from_modelscope(
    hub: HubWithReader, model: str = MODEL, *, revision: str | None = None, token: str | None = None
) -> Path:
    api = modelscope_hub.HubApi(endpoint=hub.url, token=token or "")
    return Path(api.download_repo(model, "model", revision=revision, cache_dir=hub.caches["modelscope"]))


CLIENTS = {"huggingface": from_huggingface, "modelscope": from_modelscope}


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, hub: HubWithReader) -> str:
    monkeypatch.setenv("MODELSCOPE_HOME", hub.settings["MODELSCOPE_HOME"])
    # huggingface_hub resumes at the last whole chunk, of 10 MiB, so that a file below that starts again at its
    # first byte, and one that is cut more often than that never arrives.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
    return str(request.param)


@pytest.fixture
def download(client: str) -> Download:
    return CLIENTS[client]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def served(directory: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(directory).items() if not name.startswith(".")}


def test_a_model_arrives_whole(hub: HubWithReader, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory)
    assert contents(download(hub)) == served(directory)
    assert hub.bytes_sent() == sum(map(len, served(directory).values()))
    assert hub.bytes_sent(WEIGHTS) == SIZE
    assert {request.hub for request in hub.requests} <= {*CLIENTS}


def test_files_may_lie_on_another_host(hub: HubWithReader, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory, opened_by="a-token")
    hub.keeps_files_elsewhere = True
    assert contents(download(hub, token="a-token")) == served(directory)
    assert {request.token for request in hub.requests if request.target.startswith("/storage/")} == {None}


def test_a_second_download_asks_for_no_file_again(hub: HubWithReader, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory)
    download(hub)
    hub.forget()
    download(hub)
    assert hub.requests
    assert hub.bytes_sent() == 0


def test_what_is_cut_is_resumed_where_it_ended(hub: HubWithReader, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory)
    hub.inject(Fault(cut_after=200_000))
    assert contents(download(hub)) == served(directory)
    first, second = [each for each in hub.requests if each.file == WEIGHTS and each.method == "GET"]
    assert (first.status, first.sent) == (200, 200_000)
    assert (second.status, second.range, second.sent) == (206, "bytes=200000-", 100_000)


def test_a_server_may_ignore_ranges(hub: HubWithReader, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory)
    hub.inject(Fault(cut_after=200_000, ignores_range=True, times=1), Fault(ignores_range=True))
    assert contents(download(hub)) == served(directory)
    assert hub.bytes_sent(WEIGHTS) == 200_000 + SIZE


def test_huggingface_hub_believes_a_flipped_bit_and_modelscope_does_not(
    hub: HubWithReader, client: str, download: Download, directory: Path
) -> None:
    hub.serve(MODEL, directory)
    hub.inject(Fault(flip_at=SIZE - 1))
    if client == "modelscope":
        with pytest.raises(modelscope_errors.FileDownloadError):
            download(hub)
        return
    got = (download(hub) / WEIGHTS).read_bytes()
    expected = (directory / WEIGHTS).read_bytes()
    assert got[:-1] == expected[:-1]
    assert got[-1] == expected[-1] ^ 1


def test_too_many_requests_are_made_again_after_the_time_they_name(
    hub: HubWithReader, download: Download, directory: Path
) -> None:
    hub.serve(MODEL, directory)
    hub.inject(refusal(429, times=1, Retry_After="0"))
    assert contents(download(hub)) == served(directory)
    assert [each.status for each in hub.requests if each.file == WEIGHTS][-1] == 200
    assert 429 in [each.status for each in hub.requests]


def test_a_missing_model_a_wrong_revision_and_a_gate_are_told_apart(
    hub: HubWithReader, client: str, download: Download, directory: Path
) -> None:
    missing, revision, gate = {
        "huggingface": (
            huggingface_errors.RepositoryNotFoundError,
            huggingface_errors.RevisionNotFoundError,
            huggingface_errors.GatedRepoError,
        ),
        "modelscope": (modelscope_errors.NotExistError, modelscope_errors.NotExistError, modelscope_errors.HubError),
    }[client]
    with pytest.raises(missing):
        download(hub)
    hub.serve(MODEL, directory, opened_by="the-right-token")
    with pytest.raises(revision):
        download(hub, revision="no-such-branch", token="the-right-token")
    for token in (None, "another-token"):
        with pytest.raises(gate):
            download(hub, token=token)
    assert contents(download(hub, token="the-right-token")) == served(directory)
    assert {each.token for each in hub.requests} == {None, "another-token", "the-right-token"}


def test_a_branch_has_files_of_its_own(hub: HubWithReader, download: Download, directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    hub.serve(MODEL, directory, revisions={"refs/pr/1": other})
    assert contents(download(hub, revision="refs/pr/1")) == {"config.json": b"{}"}


def test_one_hub_may_have_what_the_other_has_not(
    hub: HubWithReader, client: str, download: Download, directory: Path
) -> None:
    (other,) = CLIENTS.keys() - {client}
    hub.serve(MODEL, directory, on=[other])
    with pytest.raises((huggingface_errors.RepositoryNotFoundError, modelscope_errors.NotExistError)):
        download(hub)
    hub.serve(MODEL, directory, on=[client])
    download(hub)
    hub.withdraw(MODEL)
    with pytest.raises((huggingface_errors.RepositoryNotFoundError, modelscope_errors.NotExistError)):
        CLIENTS[other](hub)


def test_listings_name_files_no_disk_would_have_and_sizes_no_disk_could_hold(
    hub: HubWithReader, directory: Path
) -> None:
    hub.serve(MODEL, directory, more={"../../outside": b"x"})
    hub.inject(Fault(listed_size=2**62, listed_sum="ab" * 32))
    api = huggingface_hub.HfApi(endpoint=hub.url, token=False)
    listed = {each.path: each for each in api.list_repo_tree(MODEL, recursive=True)}
    assert {*listed} == {"../../outside", "config.json", WEIGHTS, "onnx", "onnx/config.json", "..", "../.."}
    weights = listed[WEIGHTS]
    assert isinstance(weights, RepoFile)
    assert weights.lfs is not None
    assert (weights.size, weights.lfs.sha256, weights.blob_id) == (2**62, "ab" * 32, "ab" * 20)
    config = listed["config.json"]
    assert isinstance(config, RepoFile)
    assert (config.lfs, config.blob_id) == (None, HubFile("", directory / "config.json").sums().git_sha1)

    other = modelscope_hub.HubApi(endpoint=hub.url, token="").list_repo_files(MODEL, "model", recursive=True)
    assert {each.path: each.size for each in other}[WEIGHTS] == 2**62


def test_git_agrees_with_the_sums(directory: Path) -> None:
    done = run_process(["git", "hash-object", directory / "config.json"], cwd=directory)
    assert HubFile("", directory / "config.json").sums().git_sha1 == done.stdout.strip()


def test_a_listing_that_fails_once(hub: HubWithReader, client: str, download: Download, directory: Path) -> None:
    hub.serve(MODEL, directory)
    hub.inject(refusal(503, times=1, on=LISTING))
    if client == "huggingface":  # its client does not ask twice
        with pytest.raises(huggingface_errors.LocalEntryNotFoundError):
            download(hub)
    assert contents(download(hub)) == served(directory)
    assert [each.status for each in hub.requests if each.is_listing][:2] == [503, 200]


def test_closing_wakes_those_who_stall(hub: HubWithReader, directory: Path) -> None:
    import http.client

    hub.serve(MODEL, directory)
    hub.inject(Fault(stall_after=1000))
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=30)
    connection.request("GET", f"/{MODEL}/resolve/main/{WEIGHTS}")
    response = connection.getresponse()
    assert len(response.read(1000)) == 1000
    hub.wait_until_sent(WEIGHTS, 1000)
    hub.__exit__(None, None, None)
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


@pytest.mark.parametrize("command", ["hf", "modelscope"])
def test_the_environment_leads_the_clients_commands_here(
    hub: HubWithReader, directory: Path, command: str, tmp_path: Path
) -> None:
    hub.serve(MODEL, directory)
    script = Path(sys.executable).with_name(command)
    done = run_process([script, "download", MODEL], environment=hub.environment, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert hub.bytes_sent(WEIGHTS) == SIZE
    cache = hub.caches["huggingface" if command == "hf" else "modelscope"]
    assert [path for path in cache.rglob(WEIGHTS) if path.read_bytes() == (directory / WEIGHTS).read_bytes()]
