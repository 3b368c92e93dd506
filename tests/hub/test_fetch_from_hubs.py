"""`npu-adapt fetch` from both hubs, as a user runs it: what arrives, from where, and what is said of it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.hub.faults import Fault
from tests.hub.reader import HubWithReader, differing, record

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "preprocessor_config.json", WEIGHTS)
HUBS = ("huggingface", "modelscope")
BRANCHES = {"huggingface": "main", "modelscope": "master"}


class Bomb:
    """Whoever unpickles it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(params=HUBS)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def whole_repository(small_model: Path, tmp_path: Path) -> Path:
    """What hubs usually hold: the model, and beside it what a run does not need."""
    folder = tmp_path / "whole-repository"
    shutil.copytree(small_model, folder)
    (folder / "onnx").mkdir()
    for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "README.md"):
        (folder / name).write_bytes(b"not needed " * 1000)
    return folder


def files_asked_for(hub: HubWithReader) -> set[str]:
    return {request.file for request in hub.requests if request.file}


def hubs_asked(hub: HubWithReader) -> set[str]:
    return {request.hub for request in hub.requests}


@pytest.mark.core
def test_only_what_a_run_needs_arrives_and_all_of_it_is_verified(
    hub: HubWithReader, source: str, whole_repository: Path
) -> None:
    hub.serve(MODEL, whole_repository)
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert (fetched["model"], fetched["source"], fetched["revision"]) == (MODEL, source, BRANCHES[source])
    assert {file["name"]: (file["verified_against"], file["downloaded"]) for file in fetched["files"]} == dict.fromkeys(
        NEEDED, ("mirror", True)
    )
    for file in fetched["files"]:
        sums = hub.models[source][MODEL].revisions[BRANCHES[source]][file["name"]].sums()
        assert (file["bytes"], file["sha256"]) == (sums.size, sums.sha256)
    assert differing(hub, MODEL, NEEDED, Path(fetched["path"])) == []
    assert files_asked_for(hub) == {*NEEDED}
    assert hubs_asked(hub) == {source}
    assert hub.bytes_sent() == fetched["downloaded_bytes"] == fetched["bytes"]
    assert hub.partial_files() == []


def test_the_clients_own_caches_are_used(hub: HubWithReader, source: str, small_model: Path) -> None:
    """What a hub's own command has brought is not brought again, and what fetch brings its client finds offline."""
    hub.serve(MODEL, small_model)
    script = {"huggingface": "hf", "modelscope": "modelscope"}[source]
    path = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))["path"]
    assert hub.caches[source] in Path(path).parents
    hub.forget()
    done = hub.run(script, "download", MODEL)
    assert done.code == 0, done.stderr
    assert hub.bytes_sent() == 0

    hub.start_again()
    assert hub.run(script, "download", MODEL).code == 0
    hub.forget()
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert hub.bytes_sent() == fetched["downloaded_bytes"] == 0
    assert {file["verified_against"] for file in fetched["files"]} == {"mirror"}


def test_auto_asks_modelscope_first(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    assert record(hub.npu_adapt("fetch", MODEL, "--json"))["source"] == "modelscope"
    assert hubs_asked(hub) == {"modelscope"}


def test_auto_goes_on_to_hugging_face_and_says_so(hub: HubWithReader, small_model: Path) -> None:
    hub.serve(MODEL, small_model, on=["huggingface"])
    done = hub.npu_adapt("fetch", MODEL, "--json")
    fetched = record(done)
    assert fetched["source"] == "huggingface"
    assert [attempt["place"] for attempt in fetched["attempts"]][-2:] == ["modelscope", "huggingface"] or any(
        "modelscope" in attempt["place"].lower() for attempt in fetched["attempts"]
    )


def test_a_branch_and_a_commit_can_be_named(hub: HubWithReader, source: str, small_model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(small_model, other)
    tensors = load_file(other / WEIGHTS)
    save_file({name: tensor * 2 for name, tensor in tensors.items()}, other / WEIGHTS)
    hub.serve(MODEL, small_model, revisions={"v2": other})
    first = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    second = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--revision", "v2", "--json"))
    assert (Path(first["path"]) / WEIGHTS).read_bytes() == (small_model / WEIGHTS).read_bytes()
    assert (Path(second["path"]) / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
    assert second["revision"] == "v2"
    hub.forget()
    again = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--revision", "v2", "--offline", "--json"))
    assert (again["path"], hub.requests) == (second["path"], ())


def test_a_branch_that_moved_is_followed(hub: HubWithReader, source: str, small_model: Path, tmp_path: Path) -> None:
    hub.serve(MODEL, small_model)
    record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    moved = tmp_path / "moved"
    shutil.copytree(small_model, moved)
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**config, "moved": True}))
    hub.serve(MODEL, moved)
    hub.forget()
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert json.loads((Path(fetched["path"]) / "config.json").read_text())["moved"] is True
    assert hub.bytes_sent(WEIGHTS) == 0  # the same bytes are on this disk


def test_a_second_fetch_downloads_nothing(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    first = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    hub.forget()
    second = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert second["path"] == first["path"]
    assert hub.bytes_sent() == second["downloaded_bytes"] == 0
    assert {file["verified_against"] for file in second["files"]} == {"mirror"}


@pytest.mark.parametrize("offline", ["--offline", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(hub: HubWithReader, source: str, small_model: Path, offline: str) -> None:
    hub.serve(MODEL, small_model)
    option = ["--offline"] if offline.startswith("--") else []
    more = {} if option else {offline: "1"}
    missing = hub.npu_adapt("fetch", MODEL, *option, more=more)
    assert (missing.code, "next:" in missing.stderr) == (5, True)
    assert hub.requests == ()
    record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    hub.forget()
    found = record(hub.npu_adapt("fetch", MODEL, *option, "--json", more=more))
    assert (found["source"], found["downloaded_bytes"]) == (source, 0)
    assert hub.requests == ()


def test_include_and_exclude(hub: HubWithReader, source: str, whole_repository: Path) -> None:
    hub.serve(MODEL, whole_repository)
    options = ("--include", "onnx/*", "--exclude", "preprocessor*")
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, *options, "--json"))
    assert {file["name"] for file in fetched["files"]} == {"config.json", WEIGHTS, "onnx/model.onnx"}
    assert files_asked_for(hub) == {"config.json", WEIGHTS, "onnx/model.onnx"}


def test_a_dry_run_prints_files_and_sizes_and_brings_none(
    hub: HubWithReader, source: str, whole_repository: Path
) -> None:
    hub.serve(MODEL, whole_repository)
    planned = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--dry-run", "--json"))
    assert planned["dry_run"] is True
    sizes = {name: (whole_repository / name).stat().st_size for name in NEEDED}
    assert {file["name"]: file["bytes"] for file in planned["files"]} == sizes
    assert planned["downloaded_bytes"] == sum(sizes.values())
    shown = hub.npu_adapt("fetch", MODEL, "--source", source, "--dry-run")
    assert shown.code == 0
    assert all(name in shown.stdout for name in NEEDED)
    assert hub.bytes_sent() == 0
    assert not [path for cache in hub.caches.values() for path in cache.rglob("*") if path.is_file()]


def test_shards_and_their_index_arrive(hub: HubWithReader, source: str, small_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    folder.mkdir()
    shutil.copy(small_model / "config.json", folder)
    names = tuple(f"model-{number:05}-of-00002.safetensors" for number in (1, 2))
    tensors = load_file(small_model / WEIGHTS)
    halves = [dict(list(tensors.items())[:9]), dict(list(tensors.items())[9:])]
    for name, half in zip(names, halves, strict=True):
        save_file(half, folder / name)
    weight_map = {tensor: name for name, half in zip(names, halves, strict=True) for tensor in half}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    hub.serve(MODEL, folder)
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert {file["name"] for file in fetched["files"]} == {"config.json", "model.safetensors.index.json", *names}
    assert {file["verified_against"] for file in fetched["files"]} == {"mirror"}


def test_files_of_the_same_content(hub: HubWithReader, source: str, small_model: Path) -> None:
    """One blob in the cache of Hugging Face, two files in ModelScope's; and files of nothing at all."""
    same = (small_model / "preprocessor_config.json").read_bytes()
    more = {"processor_config.json": same, "generation_config.json": b"", "tokenizer_config.json": b""}
    hub.serve(MODEL, small_model, more=more)
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert {file["name"] for file in fetched["files"]} == {*NEEDED, *more}
    assert differing(hub, MODEL, (*NEEDED, *more), Path(fetched["path"])) == []
    assert hub.partial_files() == []


def test_a_pickle_is_brought_only_when_allowed_and_never_opened(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path
) -> None:
    folder, made = tmp_path / "pickled", tmp_path / "made-by-a-pickle"
    folder.mkdir()
    shutil.copy(small_model / "config.json", folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(made)))
    hub.serve(MODEL, folder)
    refused = hub.npu_adapt("fetch", MODEL, "--source", source)
    assert refused.code == 5
    assert "--allow-pickle" in refused.stderr
    assert "pytorch_model.bin" not in files_asked_for(hub)
    fetched = record(hub.npu_adapt("fetch", MODEL, "--source", source, "--allow-pickle", "--json"))
    assert {file["name"] for file in fetched["files"]} == {"config.json", "pytorch_model.bin"}
    assert hub.npu_adapt("models", "verify", MODEL).code == 0
    assert hub.npu_adapt("models", "list").code == 0
    assert not made.exists()


def test_eight_at_once_make_one_download(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(bytes_per_second=600_000))
    running = [hub.start("fetch", MODEL, "--source", source, "--json") for _ in range(8)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 8, [stderr for (_, stderr), _ in ended]
    assert len({json.loads(stdout)["path"] for (stdout, _), _ in ended}) == 1
    assert hub.bytes_sent(WEIGHTS) == (small_model / WEIGHTS).stat().st_size
    rows = record(hub.npu_adapt("models", "list", "--json"))
    assert [(row["model"], row["state"], row["verified_against"]) for row in rows] == [(MODEL, "ready", "mirror")]
    assert hub.partial_files() == []


def test_progress_is_plain_lines_where_nobody_watches(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    assert done.code == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stderr
    assert WEIGHTS in done.stderr
    hub.start_again()
    quiet = hub.npu_adapt("fetch", MODEL, "--source", source, "--quiet", "--json")
    assert quiet.stderr == ""
    assert json.loads(quiet.stdout)["model"] == MODEL


def test_progress_on_a_terminal_shows_files_bytes_rate_and_time_left(
    hub: HubWithReader, source: str, small_model: Path
) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(bytes_per_second=400_000))
    seen = hub.on_terminal("fetch", MODEL, "--source", source)
    assert WEIGHTS in seen
    assert "/s" in seen
    assert "B/s" in seen
    assert "0:00:0" in seen


def test_a_model_that_a_run_misses_is_fetched(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model, on=[source])
    done = hub.npu_adapt("infer", MODEL, "--device", "cpu", "--json")
    summary = record(done)
    assert summary["model"]["source"] == source
    assert [file["verified_against"] for file in summary["weights"]["files"]] == ["mirror"]
    assert (
        summary["weights"]["files"][0]["sha256"]
        == hub.models[source][MODEL].revisions[BRANCHES[source]][WEIGHTS].sums().sha256
    )
    hub.forget()
    again = record(hub.npu_adapt("infer", MODEL, "--device", "cpu", "--json"))
    assert (again["weights"]["files"], hub.bytes_sent()) == (summary["weights"]["files"], 0)
    offline = hub.npu_adapt("infer", "an-org/another", "--device", "cpu", "--offline")
    assert offline.code == 5


def test_ctrl_c_ends_with_130_and_the_next_fetch_goes_on(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(bytes_per_second=300_000))
    process = hub.start("fetch", MODEL, "--source", source)
    hub.wait_until_sent(WEIGHTS, 300_000)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    hub.heal()
    hub.forget()
    record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert hub.bytes_sent(WEIGHTS) <= (small_model / WEIGHTS).stat().st_size - 200_000
    assert hub.partial_files() == []


def test_kill_9_loses_nothing_that_had_arrived(hub: HubWithReader, source: str, small_model: Path) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(bytes_per_second=300_000))
    process = hub.start("fetch", MODEL, "--source", source)
    hub.wait_until_sent(WEIGHTS, 300_000)
    process.kill()
    process.communicate(timeout=30)
    offline = hub.npu_adapt("fetch", MODEL, "--offline")
    assert offline.code == 5, "half a model is none"
    hub.heal()
    hub.forget()
    record(hub.npu_adapt("fetch", MODEL, "--source", source, "--json"))
    assert hub.bytes_sent(WEIGHTS) <= (small_model / WEIGHTS).stat().st_size - 200_000
    assert hub.bytes_sent("config.json") == 0
    assert hub.partial_files() == []
