"""`npu-adapt fetch` of what is on this disk, as processes; downloads are in tests/hub."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.commands import Cli
from tests.models.layouts import put_directory, put_huggingface, put_modelscope

MODEL = "someone/digits"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


def test_a_model_on_this_disk_is_registered(cli: Cli, caches: Path) -> None:
    snapshot = put_modelscope(caches / "ms", MODEL)
    done = cli("fetch", MODEL, "--offline", "--json")
    assert done.code == 0, done.stderr
    fetched = json.loads(done.stdout)
    assert (fetched["path"], fetched["source"], fetched["revision"]) == (str(snapshot), "modelscope", "master")
    assert fetched["downloaded_bytes"] == 0
    assert fetched["attempts"] == [{"place": str(snapshot), "outcome": {"id": "found", "values": {}}}]
    assert {file["verified_against"] for file in fetched["files"]} == {"nothing"}
    assert all(len(file["sha256"]) == 64 for file in fetched["files"])


def test_a_damaged_file_of_a_cache_is_exit_5_and_names_the_file(cli: Cli, caches: Path) -> None:
    snapshot = put_huggingface(caches / "hf", MODEL)
    blob = (snapshot / "model.safetensors").resolve()
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data)
    done = cli("fetch", MODEL, "--offline")
    assert (done.code, done.stdout) == (5, "")
    assert "model.safetensors is not the file that the hub lists" in " ".join(done.stderr.split())
    assert json.loads(cli("models", "list", "--json").stdout) == []


def test_offline_a_model_that_is_nowhere_is_exit_5_with_every_place(cli: Cli) -> None:
    done = cli("fetch", MODEL, "--offline", "--json")
    assert done.code == 5
    error = json.loads(done.stdout)["error"]
    assert "someone--digits" in error["message"]


def test_a_registry_that_cannot_be_written_is_exit_5(as_nobody: Cli, caches: Path) -> None:
    folder = put_directory(caches / "mine")
    readonly = caches / "read-only"
    readonly.mkdir(mode=0o555)
    done = as_nobody("fetch", folder, "--cache-dir", readonly / "registry")
    assert done.code == 5
    assert "--cache-dir" in done.stderr


def test_a_registry_that_cannot_be_written_is_no_obstacle_to_a_run(as_nobody: Cli, caches: Path) -> None:
    readonly = caches / "read-only"
    readonly.mkdir(mode=0o555)
    done = as_nobody("infer", "builtin:digits-vit", "--device", "cpu", "--cache-dir", readonly / "registry")
    assert done.code == 0, done.stderr
    assert "cannot be written" in done.stderr


def test_a_run_records_what_stands_behind_its_weights(cli: Cli, caches: Path) -> None:
    put_huggingface(caches / "hf", MODEL)
    summary = json.loads(cli("infer", MODEL, "--device", "cpu", "--json", "--offline").stdout)
    assert [file["verified_against"] for file in summary["weights"]["files"]] == ["listing"]
    assert summary["model"]["source"] == "huggingface"
    (row,) = json.loads(cli("models", "list", "--json").stdout)
    assert row["model"] == MODEL


def test_a_run_on_a_damaged_cache_is_exit_5(cli: Cli, caches: Path, tmp_path: Path) -> None:
    blob = (put_huggingface(caches / "hf", MODEL) / "model.safetensors").resolve()
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    done = cli("infer", MODEL, "--device", "cpu", "--offline")
    assert done.code == 5, done.stderr
    assert "npu-adapt fetch" in done.stderr
    assert not (tmp_path / "logs" / "summary.json").exists()


@pytest.mark.parametrize("source", ["huggingface", "modelscope"])
@pytest.mark.parametrize("body", [b"<html>log in to this network first</html>", b"[]", b"{}", b"null"])
def test_something_else_at_the_hubs_address_is_exit_5(cli: Cli, source: str, body: bytes) -> None:
    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        endpoints: dict[str, str | None] = {"HF_ENDPOINT": url, "MODELSCOPE_ENDPOINT": url}
        done = cli("fetch", MODEL, "--source", source, environment=endpoints)
        server.shutdown()
    assert (done.code, done.stdout) == (5, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert "next:" in done.stderr
