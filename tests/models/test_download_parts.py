"""The parts of a download, each alone: retries, hashes of growing files, jobs in parallel, room, what is believed."""

from __future__ import annotations

import hashlib
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from filelock import FileLock

from npu_adapt.errors import ExitCode, ModelError, UsageError
from npu_adapt.models.download import space
from npu_adapt.models.download.growing import GrowingHash
from npu_adapt.models.download.model import Download
from npu_adapt.models.hubs import hubs_to_ask
from npu_adapt.models.hubs.connection import stall_seconds
from npu_adapt.models.hubs.hub import Claim, Interrupted, InvalidListing, Listing
from npu_adapt.models.hubs.modelscope import ModelScope
from npu_adapt.models.hubs.retrying import TRIES, RetryBudget, host_of, seconds_to_wait
from npu_adapt.models.registry import Registry
from npu_adapt.models.selection import is_safe, needed_files
from npu_adapt.progress import Silent
from npu_adapt.threads import in_parallel


def test_patience_doubles_its_pauses_and_ends() -> None:
    pauses: list[float] = []
    retry_budget = RetryBudget(lambda message: None, pauses.append)
    for _ in range(TRIES - 1):
        retry_budget.wait(Interrupted("cut", "cut"))
    with pytest.raises(Interrupted, match="cut"):
        retry_budget.wait(Interrupted("cut", "cut"))
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_what_brought_something_goes_on_at_once_and_counts_anew() -> None:
    pauses: list[float] = []
    retry_budget = RetryBudget(lambda message: None, pauses.append)
    for _ in range(3 * TRIES):
        retry_budget.progressed()
        retry_budget.wait(Interrupted("cut", "cut"))
    assert set(pauses) == {0.0}


def test_retry_after_is_heeded_and_said_unless_it_is_too_long() -> None:
    pauses: list[float] = []
    said: list[str] = []
    retry_budget = RetryBudget(said.append, pauses.append)
    retry_budget.wait(Interrupted("cut", "the hub answers 429", retry_after=17))
    assert (pauses, said) == ([17], ["the hub answers 429: asking again in 17 s"])
    with pytest.raises(Interrupted):
        retry_budget.wait(Interrupted("cut", "the hub answers 429", retry_after=86_400))


def test_retry_after_is_seconds_or_a_date() -> None:
    assert seconds_to_wait({"Retry-After": "3"}) == 3
    assert seconds_to_wait({}) is None
    assert seconds_to_wait({"Retry-After": "soon"}) is None
    later = seconds_to_wait({"Retry-After": formatdate(time.time() + 60, usegmt=True)})
    assert later is not None
    assert 50 < later <= 60
    assert seconds_to_wait({"Retry-After": formatdate(0, usegmt=True)}) == 0


def test_a_host_is_named_without_the_secrets_of_its_address() -> None:
    assert host_of("https://user:secret@hub.example:8443/a?token=secret") == "hub.example:8443"
    assert host_of("https://hub.example/a") == "hub.example"


def test_a_file_is_hashed_while_it_grows(tmp_path: Path) -> None:
    pieces = [bytes([number]) * 700_001 for number in range(5)]
    path = tmp_path / "file"
    with path.open("wb", buffering=0) as out, GrowingHash(path, 5 * 700_001, git=True) as hashing:
        for number, piece in enumerate(pieces):
            out.write(piece)
            hashing.reach((number + 1) * 700_001)
        found = hashing.result()
    whole = b"".join(pieces)
    assert found.sha256 == hashlib.sha256(whole).hexdigest()
    assert found.git_sha1 == hashlib.sha1(b"blob %d\0" % len(whole) + whole).hexdigest()
    assert found.modified_ns == path.stat().st_mtime_ns


def test_an_empty_file_has_a_hash_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with GrowingHash(path, 0, git=False) as hashing:
        assert hashing.result().sha256 == hashlib.sha256(b"").hexdigest()


def test_leaving_early_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    before = threading.active_count()
    with pytest.raises(ValueError, match="enough"), GrowingHash(path, 1000, git=False) as hashing:
        hashing.reach(100)
        raise ValueError("enough")
    assert threading.active_count() == before


def test_jobs_run_at_once_and_keep_their_order() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def job(number: int) -> int:
        meeting.wait()
        return number

    assert in_parallel([lambda number=number: job(number) for number in range(3)], 3, threading.Event()) == [0, 1, 2]
    assert in_parallel([], 3, threading.Event()) == []


def test_the_first_failure_stops_the_others() -> None:
    stop, begun = threading.Event(), []

    def fails() -> None:
        raise OSError("disk")

    def waits() -> None:
        begun.append(1)
        stop.wait(10)

    with pytest.raises(OSError, match="disk"):
        in_parallel([waits, fails, *[waits] * 50], 2, stop)
    assert stop.is_set()
    assert len(begun) < 50


def test_room_is_required_where_the_folder_will_be(tmp_path: Path) -> None:
    space.require_room(tmp_path / "not/yet/there", 1, "HF_HOME")
    with pytest.raises(ModelError, match=r"no space for the download .*8 EiB needed|8,?388,?608 TiB needed") as caught:
        space.require_room(tmp_path / "not/yet/there", 1 << 63, "HF_HOME")
    assert caught.value.exit_code == ExitCode.MODEL
    assert "free" in str(caught.value)
    assert "HF_HOME" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a/",
        "./a",
        "",
        "..",
        "a\\b",
        "C:a",
        "a\0b",
        "a\nb",
        "a\x1b[m",
        "\u202ea",
        "x" * 256,
    ],
)
def test_names_that_leave_the_cache_or_steer_a_terminal_are_not_safe(name: str) -> None:
    assert not is_safe(name)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "onnx/model.onnx", "[a](b).json", "模型.json", ".hidden", "a..b"]
)
def test_names_that_are_only_odd_are_safe(name: str) -> None:
    assert is_safe(name)


def test_a_name_that_is_not_safe_is_never_chosen_by_itself() -> None:
    assert needed_files(["config.json", "a\nb.json", "..\\x.json", "model.safetensors"]) == (
        "config.json",
        "model.safetensors",
    )


def listing(**claims: Claim) -> Listing:
    return Listing("The hub", "a/b", "main", None, {name.replace("_", "."): claim for name, claim in claims.items()})


@pytest.mark.parametrize("size", [-1, 2**62, 2**80, 1.5, "12", None, True])
def test_a_size_that_no_file_has_is_not_believed(size: object) -> None:
    with pytest.raises(InvalidListing, match="size that no file has"):
        listing(a_json=Claim(size, "0" * 64, None)).file("a.json")


@pytest.mark.parametrize("sha256", ["0" * 63, "0" * 65, "g" * 64, "../" * 22, 7, ["0"]])
def test_a_hash_that_is_none_is_not_believed(sha256: object) -> None:
    with pytest.raises(InvalidListing, match="hash that is none"):
        listing(a_json=Claim(1, sha256, None)).file("a.json")


def test_a_file_without_a_hash_cannot_be_verified() -> None:
    with pytest.raises(InvalidListing, match="cannot be verified"):
        listing(a_json=Claim(1, None, "")).file("a.json")
    assert listing(a_json=Claim(1, None, "0" * 40)).file("a.json").key == "0" * 40


def test_the_order_of_the_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [hub.name for hub in hubs_to_ask("auto")] == ["modelscope", "huggingface"]
    assert [hub.name for hub in hubs_to_ask("huggingface")] == ["huggingface"]
    monkeypatch.setenv("NPU_ADAPT_SOURCES", "huggingface, modelscope,huggingface")
    assert [hub.name for hub in hubs_to_ask("auto")] == ["huggingface", "modelscope"]
    monkeypatch.setenv("NPU_ADAPT_SOURCES", "huggingface")
    assert [hub.name for hub in hubs_to_ask("auto")] == ["huggingface"]
    monkeypatch.setenv("NPU_ADAPT_SOURCES", "gitee")
    with pytest.raises(UsageError, match="gitee"):
        hubs_to_ask("auto")


def test_how_long_a_stall_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stall_seconds() == 30
    for text, seconds in {"2.5": 2.5, "soon": 30, "0": 30, "-1": 30}.items():
        monkeypatch.setenv("NPU_ADAPT_STALL_SECONDS", text)
        assert stall_seconds() == seconds


def test_another_process_that_brings_nothing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
    monkeypatch.setenv("NPU_ADAPT_STALL_SECONDS", "0.02")
    said: list[str] = []
    progress = Silent()
    monkeypatch.setattr(progress, "say", said.append, raising=False)
    claims = {"config.json": Claim(2, "0" * 64, None)}
    listing = Listing("ModelScope", "an-org/model", "master", None, claims)
    files = (listing.file("config.json"),)
    download = Download(ModelScope(), listing, files, Registry(tmp_path / "registry"), progress)
    download.layout.lock.parent.mkdir(parents=True)
    with FileLock(download.layout.lock), pytest.raises(ModelError, match=r"has brought nothing for 0\.4 s") as caught:
        download.run()
    assert "end that process" in caught.value.hint
    assert said == ["another process fetches an-org/model: waiting for it"]
