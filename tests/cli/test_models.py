"""`npu-adapt models` as processes: what is listed, verified, found and removed, and what each prints where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import Cli
from tests.models.layouts import COMMIT, put_directory, put_huggingface, put_modelscope

MODEL = "someone/digits"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_an_empty_registry_is_listed_as_such(cli: Cli) -> None:
    assert cli("models", "list").stdout == "No model is registered. npu-adapt fetch MODEL brings one.\n"
    done = cli("models", "list", "--json")
    assert (done.code, json.loads(done.stdout), done.stderr) == (0, [], "")


def test_list_shows_what_was_fetched(cli: Cli, caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    assert cli("fetch", MODEL, "--offline").code == 0
    (row,) = json.loads(cli("models", "list", "--json").stdout)
    assert row.pop("verified_at") <= row.pop("last_used")
    assert row == {
        "model": MODEL,
        "source": "huggingface",
        "revision": "main",
        "path": str(snapshot),
        "bytes": sum(file.stat().st_size for file in snapshot.iterdir()),
        "state": "ready",
        "verified_against": "listing",
        "endpoint": None,
    }
    shown = cli("models", "list").stdout
    assert "someone/digits" in shown
    assert "cache 20" in shown
    (snapshot / "config.json").resolve().unlink()
    assert "changed" in cli("models", "list").stdout


def test_verify_hashes_everything_again_and_says_what_differs(cli: Cli, caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    folder = put_directory(caches / "mine")
    cli("fetch", MODEL, "--offline")
    cli("fetch", folder)
    done = cli("models", "verify")
    assert done.code == 0
    assert done.stdout.count("3 files the same, 0 of them as the hub lists them") == 2

    flip((snapshot / "model.safetensors").resolve())
    (folder / "preprocessor_config.json").unlink()
    done = cli("models", "verify", "--json")
    assert done.code == 5
    outcomes = {
        (check["model"], file["name"]): file["outcome"]
        for check in json.loads(done.stdout)["models"]
        for file in check["files"]
    }
    assert {key for key, outcome in outcomes.items() if outcome == "differs"} == {(MODEL, "model.safetensors")}
    assert {key[1] for key, outcome in outcomes.items() if outcome == "missing"} == {"preprocessor_config.json"}
    assert cli("models", "verify", str(folder)).code == 5
    assert cli("models", "verify", "nobody/nothing").code == 5


def test_a_directory_is_compared_with_its_first_hash_and_stays_unverified(cli: Cli, caches: Path) -> None:
    folder = put_directory(caches / "mine")
    cli("fetch", folder)
    assert "hashed only" in cli("models", "list").stdout
    assert cli("models", "verify", folder).code == 0
    (row,) = json.loads(cli("models", "list", "--json").stdout)
    assert row["verified_against"] == "nothing", "its own first hash is no proof"


def test_path_prints_the_folder_and_nothing_else(cli: Cli, caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    done = cli("models", "path", MODEL)
    assert (done.code, done.stdout, done.stderr) == (0, f"{snapshot}\n", "")
    assert json.loads(cli("models", "path", MODEL, "--json").stdout)["path"] == str(snapshot)
    done = cli("models", "path", "nobody/nothing")
    assert (done.code, done.stdout) == (5, "")


def test_remove_asks_first(cli: Cli, caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    cli("fetch", MODEL, "--offline")
    done = cli("models", "remove", MODEL, stdin="n\n")
    assert (done.code, done.stdout) == (0, "")
    assert "nothing was removed" in done.stderr
    done = cli("models", "remove", MODEL)
    assert done.code == 2
    assert "--yes" in done.stderr
    assert snapshot.is_dir()
    assert cli("models", "remove", MODEL, stdin="y\n").code == 0
    assert not (caches / "ms/models/someone--digits").exists()
    assert cli("models", "remove", MODEL, "--yes").code == 5


def test_remove_frees_only_what_no_other_revision_uses(cli: Cli, caches: Path) -> None:
    first = put_huggingface(caches / "hf", MODEL)
    second = put_huggingface(caches / "hf", MODEL, commit=OTHER, branch="v2")
    own = first.parents[1] / "blobs" / ("0" * 64)
    own.write_bytes(b"only the first revision has this")
    (first / "notes.md").symlink_to(own)
    cli("fetch", MODEL, "--offline")
    cli("fetch", MODEL, "--offline", "--revision", "v2")
    done = cli("models", "remove", MODEL, "--revision", COMMIT, "--yes", "--json")
    assert done.code == 0, done.stderr
    (removed,) = json.loads(done.stdout)
    assert removed["freed_bytes"] == 32 + 40, "its own blob, and the reference of 40 letters"
    assert not first.exists()
    assert cli("models", "verify", MODEL).code == 0
    assert (second / "model.safetensors").is_file()


def test_a_directory_is_forgotten_and_kept(cli: Cli, caches: Path) -> None:
    folder = put_directory(caches / "mine")
    cli("fetch", folder)
    (removed,) = json.loads(cli("models", "remove", folder, "--yes", "--json").stdout)
    assert removed["freed_bytes"] == 0
    assert removed["kept"]["id"] == "directory"
    assert (folder / "model.safetensors").is_file()
    assert json.loads(cli("models", "list", "--json").stdout) == []


def test_names_that_steer_a_terminal_are_shown_as_their_escapes(cli: Cli, caches: Path) -> None:
    folder = put_directory(caches / "mine")
    (folder / "\x1b[31mred\u202e.json").write_text("{}")
    done = cli("fetch", folder, "--include", "*")
    assert done.code == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert r"\x1b[31mred\u202e.json" in done.stdout
