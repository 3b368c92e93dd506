"""One file from a server that does what servers and proxies do; the hub is a stub, the connection is real."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from npu_adapt.errors import ModelCorrupt, ModelError
from npu_adapt.models.download.transfer import Transfer
from npu_adapt.models.hubs.hub import Address, Hub, Listing, RemoteFile
from npu_adapt.models.verification import Listed

CONTENT = bytes(range(256)) * 1000
FILE = RemoteFile("model.bin", len(CONTENT), Listed(hashlib.sha256(CONTENT).hexdigest(), None))
TOKEN = "a-secret-token"


@dataclass
class Server:
    """Answers every GET with `answer`; keeps the headers of each request."""

    answer: Callable[[BaseHTTPRequestHandler], None]
    port: int = 0
    seen: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(lambda handler: send(handler, CONTENT))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.seen.append({"Path": self.path, **dict(self.headers)})
            served.answer(self)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        served.port = http.server_address[1]
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield served
        http.shutdown()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


class StubHub:
    title = "The hub"

    def __init__(self, port: int) -> None:
        self.port = port

    def address(self, listing: Listing, file: RemoteFile) -> Address:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return Address(f"http://127.0.0.1:{self.port}/file", headers, {"m_session_id": TOKEN})

    def gated_hint(self, model: str) -> str:
        return "log in"


def bring(server: Server, partial: Path) -> bytes:
    hub = cast(Hub, StubHub(server.port))
    listing = Listing("The hub", "a/b", "main", None, {})
    with requests.Session() as session:
        transfer = Transfer(hub, listing, session, threading.Event(), lambda message: None)
        found = transfer.bring(FILE, partial, lambda amount: None)
    assert found.sha256 == FILE.listed.sha256
    return partial.read_bytes()


def test_a_token_is_not_carried_to_another_host(server: Server, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/file":
            send(handler, b"", 302, Location=f"http://localhost:{server.port}/signed")
        else:
            send(handler, CONTENT)

    server.answer = answer
    assert bring(server, tmp_path / "partial") == CONTENT
    first, second = server.seen
    assert first["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN in first["Cookie"]
    assert second["Path"] == "/signed"
    assert TOKEN not in str(second)


def test_netrc_does_not_replace_the_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    bring(server, tmp_path / "partial")
    assert server.seen[0]["Authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_that_compresses_is_no_obstacle(server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: send(handler, gzip.compress(CONTENT), Content_Encoding="gzip")
    assert bring(server, tmp_path / "partial") == CONTENT
    assert server.seen[0]["Accept-Encoding"] == "identity"


def test_what_is_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(CONTENT[:100_000])
    rest = CONTENT[100_000:]
    range_ = f"bytes 100000-{len(CONTENT) - 1}/{len(CONTENT)}"
    server.answer = lambda handler: send(handler, rest, 206, Content_Range=range_)
    assert bring(server, tmp_path / "partial") == CONTENT
    assert [request["Range"] for request in server.seen] == ["bytes=100000-"]


def test_a_whole_partial_file_is_verified_without_a_request(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(CONTENT)
    assert bring(server, tmp_path / "partial") == CONTENT
    assert server.seen == []


def test_a_wrong_beginning_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "partial").write_bytes(b"not the file")

    def answer(handler: BaseHTTPRequestHandler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        send(handler, CONTENT[start:], 206 if start else 200, Content_Range=span)

    server.answer = answer
    assert bring(server, tmp_path / "partial") == CONTENT
    assert [request.get("Range") for request in server.seen] == ["bytes=12-", None]


def more_than_listed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for piece in (CONTENT, b"and more"):
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


WRONG = {
    "more bytes": more_than_listed,
    "another part": lambda handler: send(handler, CONTENT[1:], 206, Content_Range=f"bytes 1-{len(CONTENT)}/*"),
    "no part": lambda handler: send(handler, CONTENT, 206),
    "a shorter file": lambda handler: send(handler, CONTENT[:-1]),
    "no such part": lambda handler: send(handler, b"", 416),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_differs_is_asked_for_three_times_and_then_named(server: Server, tmp_path: Path, kind: str) -> None:
    server.answer = WRONG[kind]
    with pytest.raises(ModelCorrupt, match=r"model\.bin came 3 times from The hub other than it is listed"):
        bring(server, tmp_path / "partial")
    assert len(server.seen) == 3
    assert not (tmp_path / "partial").exists()


@pytest.mark.parametrize(("status", "says"), [(403, "gated"), (401, "gated"), (404, "answers 404"), (410, "410")])
def test_what_is_refused_is_not_asked_for_again(server: Server, tmp_path: Path, status: int, says: str) -> None:
    server.answer = lambda handler: send(handler, b"", status)
    with pytest.raises(ModelError, match=says) as caught:
        bring(server, tmp_path / "partial")
    assert TOKEN not in str(caught.value) + caught.value.hint
    assert len(server.seen) == 1
