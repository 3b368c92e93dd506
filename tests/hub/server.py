"""A hub on 127.0.0.1 that the real clients of Hugging Face and ModelScope download from, with faults to order.

with HubServer() as hub:
    hub.serve("org/name", directory)
    hub.inject(Fault(cut_after=100_000))
    …                                  # a client with `hub.environment`
    hub.heal()

python -m tests.hub.server ROOT        # serves every ROOT/ORG/NAME until it is interrupted
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from tests.hub import huggingface, modelscope
from tests.hub.answers import Answer, CacheLayout, Query, as_json
from tests.hub.faults import LISTING, Fault
from tests.hub.repositories import BRANCHES, HubFile, Repository, Sums, files_of

PROTOCOLS = {protocol.NAME: protocol for protocol in (modelscope, huggingface)}
SOUND = Fault()
CHUNK = 64 << 10  # bytes sent at once where a fault watches them
SOUND_CHUNK = 4 << 20  # and where none does: the kernel copies them
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Request:
    """One request that arrived, and what it got."""

    hub: str  # modelscope | huggingface | neither
    method: str
    target: str
    token: str | None  # None: it came without one
    has_cookie: bool = False
    model: str | None = None  # None: it was about no model that is here
    file: str | None = None  # None: it was not for a file
    is_listing: bool = False
    range: str | None = None  # None: it asked for the whole
    status: int = 0
    sent: int = 0  # bytes of a file's body that were handed to the socket


class HubServer:
    """Both hubs at one address. Starts when entered; everything below may be called from the test's thread."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Repository]] = {name: {} for name in PROTOCOLS}
        self.keeps_files_elsewhere = False  # files come by a redirection to another host, as from a hub's storage
        self._storage: dict[str, Answer] = {}  # by path
        self.error_text: str | None = None  # what errors say; None: what the real hub would
        self._faults: dict[Fault, int] = {}  # how often each has struck
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str | None]:
        """Leads both clients here, past every proxy."""
        proxies = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        return {
            "HF_ENDPOINT": self.url,
            "MODELSCOPE_ENDPOINT": self.url,
            "HF_HUB_OFFLINE": None,
            **dict.fromkeys(proxies),
        }

    def serve(
        self,
        model: str,
        directory: Path,
        *,
        on: Iterable[str] = tuple(PROTOCOLS),
        revisions: Mapping[str, Path] | None = None,
        more: Mapping[str, bytes] | None = None,
        opened_by: str | None = None,
        gate: int = 403,
    ) -> None:
        """Put `directory` on the hubs `on` as `model`, in place of what was there.

        `revisions` are further branches or tags. `more` are files under names that no disk would have. With
        `opened_by`, only the reader with that token may download; others get `gate`, and 401 without a token.
        """
        for hub in on:
            contents = {BRANCHES[hub]: directory, **(revisions or {})}
            trees = {revision: files_of(folder, more) for revision, folder in contents.items()}
            self.models[hub][model] = Repository(trees, opened_by=opened_by, gate=gate)

    def withdraw(self, model: str) -> None:
        """From now on neither hub knows `model`."""
        for models in self.models.values():
            models.pop(model, None)

    def inject(self, *faults: Fault) -> None:
        """From now on these faults strike, and no other."""
        with self._changed:
            self._faults = dict.fromkeys(faults, 0)

    def heal(self) -> None:
        """From now on all is well; what stalls goes on stalling."""
        self.inject()

    @property
    def requests(self) -> tuple[Request, ...]:
        """What arrived since the start or the last `forget`, in order."""
        with self._changed:
            return tuple(replace(request) for request in self._requests)

    def forget(self) -> None:
        """Empty the list of requests."""
        with self._changed:
            self._requests = []

    def bytes_sent(self, file: str | None = None) -> int:
        """Bytes of `file`, or of all files, handed to sockets: a client that was killed has read up to 4 MB fewer."""
        return sum(request.sent for request in self.requests if request.file and file in (None, request.file))

    def size_of(self, model: str, file: str | None = None) -> int:
        """Bytes of one file of the model, or of all."""
        repository = next(models[model] for models in self.models.values() if model in models)
        files = next(iter(repository.revisions.values()))
        return sum(each.sums().size for each in files.values() if file in (None, each.name))

    def wait_until_sent(self, file: str, count: int, timeout: float = 60) -> None:
        """Return when `count` bytes of `file` have been sent. Raises `TimeoutError`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._sent(file) >= count, timeout):
                raise TimeoutError(f"{self._sent(file)} of {count} bytes of {file} were asked for in {timeout} s")

    def _sent(self, file: str) -> int:
        return sum(request.sent for request in self._requests if request.file == file)

    # What the handlers' threads ask.

    def answer(self, query: Query, request: Request) -> Answer:
        """What the protocol that the request speaks says to it, the faults of listings among it."""
        stored = self._storage.get(request.target)
        if stored is not None:
            return stored
        for name, protocol in PROTOCOLS.items():
            answered = protocol.answer(query, CacheLayout(self.models[name], self._listed))
            if answered is not None:
                request.hub = name
                answered = self._elsewhere(answered) if self.keeps_files_elsewhere else answered
                return answered if self.error_text is None else _saying(self.error_text, answered)
        return as_json({"error": "no such route"}, 404)

    def _elsewhere(self, answer: Answer) -> Answer:
        """Where the file is: on the same server, which has another name there."""
        if answer.file is None:
            return answer
        path = f"/storage/{answer.file.sums().sha256}"
        self._storage[path] = replace(answer, headers={})
        headers = {**answer.headers, "Location": f"http://localhost:{self._server.server_address[1]}{path}"}
        return replace(answer, status=302, headers=headers, file=None)

    def _listed(self, file: HubFile) -> Sums:
        sums = file.sums()
        for fault in self._faults:
            if fault.concerns(file.name):
                listed_sum = fault.listed_sum or sums.sha256
                sums = Sums(
                    size=fault.listed_size if fault.listed_size is not None else sums.size,
                    sha256=listed_sum,
                    git_sha1=fault.listed_sum[:40] if fault.listed_sum else sums.git_sha1,
                )
        return sums

    def strike(self, answer: Answer, method: str) -> Fault:
        """The fault that hits this answer. Counts it, unless it spoils a body and the answer has none."""
        subject = answer.file.name if answer.file else LISTING if answer.is_listing else None
        with self._changed:
            for fault, struck in self._faults.items():
                if subject is not None and fault.concerns(subject) and (fault.times is None or struck < fault.times):
                    self._faults[fault] += method != "HEAD" or fault.status is not None
                    return fault
        return SOUND

    def note(self, request: Request) -> None:
        with self._changed:
            self._requests.append(request)

    def note_sent(self, request: Request, count: int) -> None:
        with self._changed:
            request.sent += count
            self._changed.notify_all()

    def stall(self) -> None:
        """Returns when the server ends."""
        self._closing.wait()


def _saying(text: str, answer: Answer) -> Answer:
    """An error in other words than the hub's own."""
    if answer.status < 400:
        return answer
    header = {"X-Error-Message": re.sub("[\r\n]", " ", text)} if "X-Error-Message" in answer.headers else {}
    body = json.dumps(json.loads(answer.body) | {"error": text, "Message": text}).encode()
    return replace(answer, headers={**answer.headers, **header}, body=body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    hub: HubServer

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Wake the threads that wait for a client's next request."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 << 10  # a header in one packet
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """The list of requests is the log."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = Query.parse(self.path, self.headers, body)
        request = Request(
            "neither",
            self.command,
            self.path,
            query.token,
            has_cookie="Cookie" in self.headers,
            range=self.headers.get("Range"),
        )
        hub = self.server.hub
        answer = hub.answer(query, request)
        fault = hub.strike(answer, self.command)
        if fault.status is not None:
            answer = replace(answer, status=fault.status, headers=dict(fault.headers), body=b"", file=None)
        request.model, request.is_listing = answer.model, answer.is_listing
        hub.note(request)
        if answer.file is None:
            self._begin(request, answer.status, {**answer.headers, "Content-Length": str(len(answer.body))})
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        else:
            request.file = answer.file.name
            self._send_file(request, answer, answer.file, fault)

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _begin(self, request: Request, status: int, headers: Mapping[str, str]) -> None:
        request.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def _send_file(self, request: Request, answer: Answer, file: HubFile, fault: Fault) -> None:
        size = max(0, file.sums().size - fault.short_by)
        part = None if fault.ignores_range else _RANGE.fullmatch(request.range or "")
        start = int(part[1]) if part else 0
        end = min(int(part[2] or size - 1), size - 1) if part else size - 1
        headers = {**answer.headers, "Content-Type": "application/octet-stream"}
        if part and start >= size:
            self._begin(request, 416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
            return
        if part:
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        if not fault.ignores_range:
            headers["Accept-Ranges"] = "bytes"
        headers["Content-Length"] = str(end - start + 1)
        self._begin(request, 206 if part else 200, headers)
        if self.command != "HEAD":
            with file.open() as source:
                self._send_body(request, source, start, end + 1, fault)

    def _send_body(self, request: Request, source: BinaryIO, start: int, stop: int, fault: Fault) -> None:
        """Bytes `start` to `stop` of `source`, as far as `fault` lets them."""
        limit = min((end for end in (fault.cut_after, fault.stall_after) if end is not None), default=stop - start)
        until = min(stop, start + limit)
        watched = fault.flip_at is not None or fault.bytes_per_second is not None
        send = self._watched(fault) if watched else self._copy
        for count in send(source, start, until):
            self.server.hub.note_sent(request, count)
        if until < stop:
            if fault.stall_after is not None:
                self.server.hub.stall()
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _copy(self, source: BinaryIO, start: int, stop: int) -> Iterator[int]:
        for position in range(start, stop, SOUND_CHUNK):
            yield self.connection.sendfile(source, position, min(SOUND_CHUNK, stop - position))

    def _watched(self, fault: Fault) -> Any:
        def send(source: BinaryIO, start: int, stop: int) -> Iterator[int]:
            source.seek(start)
            rate = fault.bytes_per_second
            step = CHUNK if rate is None else max(1, min(CHUNK, rate // 20))
            for position in range(start, stop, step):
                block = bytearray(source.read(min(step, stop - position)))
                if fault.flip_at is not None and position <= fault.flip_at < position + len(block):
                    block[fault.flip_at - position] ^= 1
                self.connection.sendall(block)
                yield len(block)
                if rate is not None:
                    time.sleep(len(block) / rate)

        return send


@contextmanager
def serving(root: Path) -> Iterator[HubServer]:
    """A hub that has every `root/ORG/NAME`."""
    with HubServer() as hub:
        for folder in sorted(path for path in root.glob("*/*") if path.is_dir()):
            hub.serve(folder.relative_to(root).as_posix(), folder)
        yield hub


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    with serving(parser.parse_args().root) as hub:
        print(f"export HF_ENDPOINT={hub.url} MODELSCOPE_ENDPOINT={hub.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
