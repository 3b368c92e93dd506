"""Whatever goes wrong on the way, `npu-adapt fetch` ends with a verified model or a clear error; never in between."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands import CONSOLE_SCRIPT, Cli
from tests.hub import small_disk
from tests.hub.faults import LISTING, Fault, refusal, table
from tests.hub.reader import HubWithReader, end_state, record
from tests.hub.small_disk import PLENTY, Step, run_on_small_disk

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "preprocessor_config.json", WEIGHTS)
PART = 100_000  # bytes; the weights are six of them
HUBS = ("huggingface", "modelscope")
OVERCOME = {
    "cut",
    "cut once",
    "corrupt once",
    "500 twice",
    "429",
    "stall once",
    "no range",
    "no range, cut once",
    "listing 503 once",
}
FAULTS = table(PART)
SHORT_STALLS = {"NPU_ADAPT_STALL_SECONDS": "1"}


@pytest.fixture(params=HUBS)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def served(hub: HubWithReader, small_model: Path) -> HubWithReader:
    hub.serve(MODEL, small_model)
    return hub


def transfers(hub: HubWithReader, file: str = WEIGHTS) -> list[int]:
    """The bytes of each time the file was sent, or began to be."""
    return [each.sent for each in hub.requests if each.file == file and each.method == "GET" and each.status < 400]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_overcome_or_named_and_the_next_fetch_succeeds(
    served: HubWithReader, source: str, name: str
) -> None:
    served.inject(FAULTS[name])
    done = served.npu_adapt("fetch", MODEL, "--source", source, more=SHORT_STALLS)
    state = end_state(served, MODEL, NEEDED, done)
    assert state.is_sound, state
    if name in OVERCOME:
        assert state.code == 0, state.says
    elif name != "stall":  # each time a part arrives: both ends are right
        assert state.code == 5, state.says
    if state.code and FAULTS[name].on != LISTING:
        assert WEIGHTS in state.says
    served.heal()
    again = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--source", source))
    assert (again.code, again.is_sound) == (0, True), again


@pytest.mark.parametrize("name", ["corrupt", "wrong listed sum"])
def test_what_is_corrupt_is_tried_three_times_from_the_start_and_does_not_stay(
    served: HubWithReader, source: str, name: str
) -> None:
    served.inject(FAULTS[name])
    done = served.npu_adapt("fetch", MODEL, "--source", source)
    assert done.code == 5
    assert WEIGHTS in done.stderr
    whole = served.size_of(MODEL, WEIGHTS)
    assert transfers(served) == [whole] * 3
    kept = [path for cache in served.caches.values() for path in cache.rglob("*") if path.is_file()]
    assert not [path for path in kept if path.stat().st_size > whole / 2]


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_small_files_are_verified_too(served: HubWithReader, source: str, file: str) -> None:
    """Those that git keeps: Hugging Face lists their blob's sha1, ModelScope their sha256."""
    served.inject(Fault(on=file, flip_at=10))
    done = served.npu_adapt("fetch", MODEL, "--source", source)
    state = end_state(served, MODEL, NEEDED, done)
    assert state.is_sound, state
    assert (state.code, file in done.stderr) == (5, True)
    assert len(transfers(served, file)) == 3
    served.inject(Fault(on=file, flip_at=10, times=2))
    assert record(served.npu_adapt("fetch", MODEL, "--source", source, "--json"))["files"]


def test_bytes_that_arrived_are_not_fetched_again(served: HubWithReader, source: str) -> None:
    served.inject(FAULTS["cut"])
    assert served.npu_adapt("fetch", MODEL, "--source", source).code == 0
    whole = served.size_of(MODEL, WEIGHTS)
    assert sum(transfers(served)) == whole
    assert max(transfers(served)) == PART


def test_retry_after_is_heeded(served: HubWithReader, source: str) -> None:
    served.inject(refusal(429, times=1, Retry_After="3"))
    done, seconds = served.timed("fetch", MODEL, "--source", source)
    assert done.code == 0
    assert seconds >= 3


def test_a_stall_is_noticed(served: HubWithReader, source: str) -> None:
    served.inject(FAULTS["stall once"])
    done, seconds = served.timed("fetch", MODEL, "--source", source, more=SHORT_STALLS)
    assert done.code == 0, done.stderr
    assert 1 <= seconds < 15


def test_auto_goes_on_where_a_hub_fails(served: HubWithReader) -> None:
    """ModelScope lists and then gives nothing but errors; Hugging Face has the model too."""
    served.models["modelscope"][MODEL] = replace(served.models["modelscope"][MODEL], opened_by="somebody")
    done = served.npu_adapt("fetch", MODEL, "--json")
    assert record(done)["source"] == "huggingface"


# Damage on this disk, after a fetch that went well.


def flip(file: Path, *, keep_time: bool) -> None:
    file = file.resolve()
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    if keep_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(file: Path) -> None:
    os.truncate(file.resolve(), file.stat().st_size // 2)


def delete(file: Path) -> None:
    file.resolve().unlink()


DAMAGES = {
    "flipped": lambda file: flip(file, keep_time=False),
    "cut": cut,
    "deleted": delete,
    "link deleted": lambda file: file.unlink(),
    "emptied": lambda file: os.truncate(file.resolve(), 0),
}


@pytest.mark.parametrize("file", [WEIGHTS, "config.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_the_cache_is_noticed_and_mended(served: HubWithReader, source: str, damage: str, file: str) -> None:
    path = served.fetched_path(MODEL, source)
    DAMAGES[damage](path / file)
    assert served.npu_adapt("models", "verify", MODEL).code == 5
    offline = served.npu_adapt("fetch", MODEL, "--offline")
    state = end_state(served, MODEL, NEEDED, offline)
    assert state.is_sound, state
    assert state.code == 5
    served.forget()
    fixed = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--source", source))
    assert (fixed.code, fixed.is_sound) == (0, True), fixed
    assert {each.file for each in served.requests if each.sent} <= {file}
    assert served.npu_adapt("models", "verify", MODEL).code == 0


def test_a_bit_that_flips_without_a_trace_is_found_by_verify(served: HubWithReader, source: str) -> None:
    """Same size, same time: only reading it again tells."""
    path = served.fetched_path(MODEL, source)
    flip(path / WEIGHTS, keep_time=True)
    verified = served.npu_adapt("models", "verify", MODEL, "--json")
    assert verified.code == 5
    assert WEIGHTS in served.npu_adapt("models", "verify", MODEL).stdout
    fixed = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--source", source))
    assert (fixed.code, fixed.is_sound) == (0, True), fixed


def test_the_judge_of_end_states_is_not_blind(served: HubWithReader, source: str) -> None:
    """A bit that flips without a trace is the one damage that a fetch offline cannot see; the judge does."""
    path = served.fetched_path(MODEL, source)
    flip(path / WEIGHTS, keep_time=True)
    left_over = served.caches[source] / "left-over"
    left_over.write_bytes(b"half of something")
    state = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--offline"))
    assert (state.code, state.corrupt, state.is_sound) == (0, (WEIGHTS,), False)
    assert [Path(name).name for name in state.partial] == ["left-over"]
    (served.registry / "registry.json").write_text('{"schema_version": 99}')
    broken = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--offline"))
    assert broken.registry is not None
    assert not broken.is_sound


def test_a_damaged_model_does_not_run(served: HubWithReader, source: str) -> None:
    path = served.fetched_path(MODEL, source)
    flip(path / WEIGHTS, keep_time=False)
    done = served.npu_adapt("infer", MODEL, "--device", "cpu", "--offline")
    assert done.code == 5
    assert WEIGHTS in done.stderr


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema_version": 1, "entries": 3}', b"\0" * 500])
def test_a_damaged_index_is_no_obstacle(served: HubWithReader, source: str, content: bytes) -> None:
    served.fetched_path(MODEL, source)
    (served.registry / "registry.json").write_bytes(content)
    assert served.npu_adapt("models", "list").code == 0
    state = end_state(served, MODEL, NEEDED, served.npu_adapt("fetch", MODEL, "--source", source))
    assert (state.code, state.is_sound) == (0, True), state
    assert len(record(served.npu_adapt("models", "list", "--json"))) == 1


def test_removing_frees_the_disk_and_a_fetch_brings_it_back(served: HubWithReader, source: str) -> None:
    served.fetched_path(MODEL, source)
    nobody_answered = served.npu_adapt("models", "remove", MODEL)
    assert nobody_answered.code == 2
    removed = record(served.npu_adapt("models", "remove", MODEL, "--yes", "--json"))
    whole = served.size_of(MODEL)
    assert [each["kept"] for each in removed] == [None]
    assert whole <= removed[0]["freed_bytes"] < whole + 1000, "a reference and the notes of the client go too"
    assert record(served.npu_adapt("models", "list", "--json")) == []
    assert not list(served.caches[source].rglob(WEIGHTS))
    assert served.npu_adapt("models", "path", MODEL).code == 5
    path = served.fetched_path(MODEL, source)
    assert served.npu_adapt("models", "path", MODEL).stdout.strip() == str(path)


def test_removing_one_revision_leaves_what_the_other_shares(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(small_model, other)
    (other / "config.json").write_text((small_model / "config.json").read_text() + "\n")
    hub.serve(MODEL, small_model, revisions={"v2": other})
    hub.fetched_path(MODEL, source)
    record(hub.npu_adapt("fetch", MODEL, "--source", source, "--revision", "v2", "--json"))
    record(hub.npu_adapt("models", "remove", MODEL, "--revision", "v2", "--yes", "--json"))
    state = end_state(hub, MODEL, NEEDED, hub.npu_adapt("fetch", MODEL, "--source", source, "--offline"))
    assert (state.code, state.is_sound) == (0, True), state


# Disks.


def fetching(source: str) -> tuple[str, ...]:
    return (str(CONSOLE_SCRIPT), "fetch", MODEL, "--source", source)


def test_a_full_disk_is_said_with_what_is_needed_and_what_is_there(served: HubWithReader, source: str) -> None:
    steps = [Step(fetching(source), 400_000), Step(fetching(source)), Step((*fetching(source), "--offline"))]
    full, grown, offline = run_on_small_disk(served.home, steps, served.environment)
    assert full.code == 5, full.stderr
    assert "Traceback" not in full.stderr
    assert (grown.code, offline.code) == (0, 0), grown.stderr
    if small_disk.namespace():
        said = " ".join(full.stderr.split())
        assert "needed" in said or "needs" in said
        assert "free" in said
        assert served.bytes_sent(WEIGHTS) == served.size_of(MODEL, WEIGHTS), "it is known before the download"


@pytest.mark.skipif(small_disk.namespace() is None, reason="this machine gives no mount namespace (unshare --mount)")
def test_a_disk_that_fills_up_in_the_middle(served: HubWithReader, source: str) -> None:
    served.inject(Fault(bytes_per_second=300_000, times=1))
    steps = [Step(fetching(source), 40_000_000, filled_at=200_000), Step(fetching(source), PLENTY)]
    full, grown = run_on_small_disk(served.home, steps, served.environment)
    assert full.code == 5, full.stderr
    assert "Traceback" not in full.stderr
    assert "space" in full.stderr
    assert grown.code == 0, grown.stderr


@pytest.mark.parametrize("folder", ["cache", "registry"])
def test_a_read_only_cache(served: HubWithReader, source: str, folder: str, as_nobody: Cli) -> None:
    closed = {"cache": served.caches[source], "registry": served.registry}[folder]
    closed.mkdir(parents=True)
    closed.chmod(0o555)
    done = as_nobody("fetch", MODEL, "--source", source, environment=served.environment)
    assert done.code == 5
    assert str(closed) in "".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    closed.chmod(0o755)
    assert as_nobody("fetch", MODEL, "--source", source, environment=served.environment).code == 0
