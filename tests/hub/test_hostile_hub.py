"""A hub that means harm: no file leaves the cache, no name reaches the terminal raw, no size is believed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.hub.faults import Fault
from tests.hub.reader import HubWithReader, end_state

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
NEEDED = ("config.json", "preprocessor_config.json", WEIGHTS)
HUBS = ("huggingface", "modelscope")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
OUTSIDE = {
    "parent": "../{}.json",
    "parents": "../../../../../../../../{}.json",
    "hidden parent": "a/../../{}.json",
    "absolute": "/{}.json",
    "backslash": "..\\{}.json",
    "drive": "C:\\{}.json",
    "dot": "./{}.json",
    "nul": "{}\0.json",
    "empty part": "a//{}.json",
    "trailing": "{}.json/",
}
NASTY = {
    "escape": "\x1b[31m\x1b]0;owned\x07config-a.json",
    "line": "a\nerror: all is well.json",
    "return": "b\rall is well.json",
    "bidi": "c\u202egnp.json",
    "markup": "[bold red]d[bold].json",
    "markdown": "[e](http:example).json",
    "table": "f|g`h<script>.json",
    "long": "i" * 300 + ".json",
}


SHOWING = ("list", "verify")


@pytest.fixture(params=HUBS)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def everything_outside(hub: HubWithReader, tmp_path: Path) -> set[Path]:
    inside = (*hub.caches.values(), hub.registry, hub.logs, Path(hub.settings["MODELSCOPE_HOME"]))
    return {path for path in tmp_path.rglob("*") if path.is_file() and not any(each in path.parents for each in inside)}


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_path_from_a_hub_leaves_the_cache(
    hub: HubWithReader, source: str, small_model: Path, name: str, tmp_path: Path
) -> None:
    planted = OUTSIDE[name].format("npu-adapt-was-here")
    hub.serve(MODEL, small_model, more={planted: b'{"planted": true}'})
    before = everything_outside(hub, tmp_path)
    done = hub.npu_adapt("fetch", MODEL, "--source", source, "--include", "*")
    assert everything_outside(hub, tmp_path) == before
    assert not list(Path("/").glob("npu-adapt-was-here*"))
    assert not [path for path in tmp_path.rglob("*npu-adapt-was-here*") if not path.is_relative_to(hub.caches[source])]
    assert done.code in (0, 5), done.stderr
    assert "Traceback" not in done.stderr
    assert planted not in {each.file for each in hub.requests}


@pytest.mark.parametrize("arguments", [("--dry-run",), ()], ids=["planned", "fetched"])
def test_names_are_shown_escaped(
    hub: HubWithReader, source: str, small_model: Path, arguments: tuple[str, ...]
) -> None:
    hub.serve(MODEL, small_model, more=dict.fromkeys(NASTY.values(), b"{}"))
    done = hub.npu_adapt("fetch", MODEL, "--source", source, *arguments)
    assert done.code in (0, 5), done.stderr
    assert "Traceback" not in done.stderr
    for shown in (
        done,
        hub.npu_adapt("fetch", MODEL, "--offline"),
        *(hub.npu_adapt("models", each) for each in SHOWING),
    ):
        assert not CONTROL.search(shown.stdout + shown.stderr), shown.stdout + shown.stderr
        assert not re.search("^error: all is well", shown.stdout + shown.stderr, re.MULTILINE)
    if done.code == 0:
        assert "[bold red]d" in done.stdout


def test_messages_of_a_hub_are_shown_escaped(hub: HubWithReader, source: str) -> None:
    """What a server says of an error reaches the terminal through the client's exception."""
    hub.error_text = "\x1b[2J\x1b]0;owned\x07[bold]nothing here[/bold]\r\nerror: all is well"
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    assert done.code == 5
    assert not CONTROL.search(done.stderr)


@pytest.mark.parametrize("size", [2**62, 2**80, 10**15, -5, "a lot", 1.5])
def test_a_listing_that_claims_absurd_sizes_is_refused(
    hub: HubWithReader, source: str, small_model: Path, size: object
) -> None:
    hub.serve(MODEL, small_model)
    hub.inject(Fault(listed_size=size))  # type: ignore[arg-type]
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    state = end_state(hub, MODEL, NEEDED, done)
    assert state.is_sound, state
    assert (state.code, "Traceback" in done.stderr) == (5, False)
    assert hub.bytes_sent(WEIGHTS) == 0


@pytest.mark.parametrize(
    "index",
    [
        {"metadata": {"total_size": 2**70}, "weight_map": {"a": WEIGHTS}},
        {"metadata": {}, "weight_map": {"a": "../../../../etc/passwd"}},
        {"metadata": {}, "weight_map": {"a": "/etc/passwd"}},
        {"metadata": {}, "weight_map": {"a": "model-00001-of-00001.safetensors", "b": 3}},
        {"metadata": {}, "weight_map": []},
        [],
    ],
    ids=["size", "parent", "absolute", "number", "list", "no object"],
)
def test_an_index_that_lies_is_refused(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path, index: object
) -> None:
    """The index of shards comes from the hub as well."""
    folder = tmp_path / "sharded"
    folder.mkdir()
    shutil.copy(small_model / "config.json", folder)
    shutil.copy(small_model / WEIGHTS, folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    hub.serve(MODEL, folder)
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    assert (done.code, "Traceback" in done.stderr) == (5, False), done.stderr
    assert hub.npu_adapt("fetch", MODEL, "--offline").code == 5


@pytest.mark.parametrize("kind", ["a sum that is none", "two files of one name", "thousands of files"])
def test_listings_that_make_no_sense(hub: HubWithReader, source: str, small_model: Path, kind: str) -> None:
    more = {"thousands of files": {f"many/{number}.json": b"{}" for number in range(5000)}}
    hub.serve(MODEL, small_model, more=more.get(kind))
    if kind == "a sum that is none":
        hub.inject(Fault(listed_sum="../../../etc/passwd" + "z" * 45))
    if kind == "two files of one name":
        hub.serve(MODEL, small_model, more={"Config.json": b"{}", "MODEL.safetensors": b"x"})
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    state = end_state(hub, MODEL, NEEDED, done)
    assert state.is_sound, state


def test_a_link_in_the_cache_is_not_followed_out_of_it(
    hub: HubWithReader, source: str, small_model: Path, tmp_path: Path
) -> None:
    """Another's link in a shared cache, where a file is to be written, must not lead the bytes elsewhere."""
    hub.serve(MODEL, small_model)
    path = hub.fetched_path(MODEL, source)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = path / "config.json"
    target.unlink()
    target.symlink_to(victim)
    done = hub.npu_adapt("fetch", MODEL, "--source", source)
    assert done.code in (0, 5)
    assert victim.read_text() == "precious"
    state = end_state(hub, MODEL, NEEDED, done)
    assert not state.corrupt
