"""A server whose every answer a test writes itself, byte by byte where it likes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """One request. `send` is a whole answer, `drip` one that never ends."""

    protocol_version = "HTTP/1.1"

    def send(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """`headers` with `_` for `-`."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drip(self, beginning: bytes, byte: bytes = b"x", pause: float = 0.05) -> None:
        """`beginning`, and then a byte at a time until the client goes away."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(beginning)
            while True:
                self.wfile.write(byte)
                self.wfile.flush()
                time.sleep(pause)

    def log_message(self, *arguments: Any) -> None:
        pass


@dataclass
class OddServer:
    """Where it is, and the path and headers of each request that came."""

    url: str
    port: int
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Handler], None]) -> Iterator[OddServer]:
    """A server that answers every GET and HEAD with `answer`."""

    class Answering(Handler):
        def do_GET(self) -> None:
            served.seen.append({"Path": self.path, "Method": self.command, **dict(self.headers)})
            with suppress(OSError):
                answer(self)

        do_HEAD = do_GET  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Server(("127.0.0.1", 0), Answering) as http:
        port = int(http.server_address[1])
        served = OddServer(f"http://127.0.0.1:{port}", port)
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield served
        http.shutdown()
