"""Hubs behind what stands between: login pages, empty answers, caches that lie, archives that swell."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from random import Random

from tests.benchmarks.hostile.hubs import COMMIT, without_pauses
from tests.benchmarks.hostile.running import CPU, Input
from tests.hub.odd_server import Handler

LOGIN = b"<!DOCTYPE html><html><title>Sign in</title><form action='/login'><input type=password></form></html>"
LISTING = json.dumps(
    {
        "sha": COMMIT,
        "siblings": [{"rfilename": "config.json", "size": 3}, {"rfilename": "model.safetensors", "size": 9}],
    }
).encode()
TREE = json.dumps(
    [
        {"type": "file", "path": "config.json", "size": 3, "oid": COMMIT},
        {"type": "file", "path": "model.safetensors", "size": 9, "oid": COMMIT, "lfs": {"oid": "0" * 64, "size": 9}},
    ]
).encode()
SCOPE = json.dumps(
    {"Code": 200, "Data": {"Files": [{"Type": "blob", "Path": "config.json", "Size": 3, "Sha256": "0" * 64}]}}
).encode()


def _sound(handler: Handler) -> bytes:
    """The body that the path asks for, as a sound hub would answer."""
    if "/tree/" in handler.path:
        return TREE
    if "/repo/files" in handler.path or "Revision" in handler.path:
        return SCOPE
    return LISTING if "/api/" in handler.path else b"{} "


def _with(**headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.send(_sound(handler), **headers)


def _status(status: int) -> Callable[[Handler], None]:
    return lambda handler: handler.send(b"{}", status)


def _raw(data: bytes) -> Callable[[Handler], None]:
    """Bytes in the place of an answer."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(data)

    return answer


def _files(body: bytes, **headers: str) -> Callable[[Handler], None]:
    """A sound listing, and files that are not."""

    def answer(handler: Handler) -> None:
        if "/api/" in handler.path and "FilePath" not in handler.path:
            handler.send(_sound(handler))
        else:
            handler.send(body, **headers)

    return answer


BOMB = gzip.compress(b"[" * (200 << 20), 9)
SWOLLEN = zlib.compress(b" " * (200 << 20), 9)
STATUSES = (
    *(
        100,
        199,
        203,
        205,
        226,
        300,
        305,
        306,
        402,
        405,
        407,
        408,
        410,
        423,
        425,
        431,
        451,
        501,
        505,
        507,
        511,
        520,
        599,
    ),
)
ETAGS = (
    "unquoted",
    '"',
    '""',
    "W/",
    'W/"' + "f" * 64 + '"',
    '"\xfc\xf6"',
    '"' + "a" * 9000 + '"',
    '"../../x"',
    "*",
    "a, b",
)
ANSWERS: Mapping[str, Callable[[Handler], None]] = {
    "a login page": lambda handler: handler.send(LOGIN, Content_Type="text/html"),
    "a login page that claims JSON": lambda handler: handler.send(LOGIN, Content_Type="application/json"),
    "a login page elsewhere": lambda handler: handler.send(b"", 302, Location="/login?next=" + handler.path[-40:]),
    "a login page in the place of files": _files(LOGIN, Content_Type="text/html"),
    "nothing, with 200": lambda handler: handler.send(b""),
    "nothing in the place of files": _files(b""),
    "nothing, with 204": lambda handler: handler.send(b"", 204),
    "null": lambda handler: handler.send(b"null"),
    "true": lambda handler: handler.send(b"true"),
    "a list of lists": lambda handler: handler.send(b"[[], [[]]]"),
    "NaN": lambda handler: handler.send(b'{"sha": NaN, "siblings": [NaN]}'),
    "names twice": lambda handler: handler.send(b'{"sha": "x", "sha": "' + COMMIT.encode() + b'", "siblings": []}'),
    "files twice": lambda handler: handler.send(TREE.replace(b"model.safetensors", b"config.json")),
    "files of one name in two cases": lambda handler: handler.send(TREE.replace(b"model.safetensors", b"CONFIG.json")),
    "a file that is a folder too": lambda handler: handler.send(TREE.replace(b"model.safetensors", b"config.json/x")),
    "a swollen answer": lambda handler: handler.send(BOMB, Content_Encoding="gzip"),
    "a swollen answer of zlib": lambda handler: handler.send(SWOLLEN, Content_Encoding="deflate"),
    "swollen files": _files(BOMB, Content_Encoding="gzip"),
    "gzip that is none": _with(Content_Encoding="gzip"),
    "gzip within gzip": lambda handler: handler.send(
        gzip.compress(gzip.compress(_sound(handler))), Content_Encoding="gzip, gzip"
    ),
    "a length that is too long": _with(Content_Length="4000"),
    "a length that is too short": _with(Content_Length="3"),
    "a length twice": _with(Content_Length="3, 3"),
    "ranges of another file": _files(b"x", Content_Range="bytes 5-9/3"),
    "ranges without end": _files(b"x", Content_Range="bytes */*"),
    "a file of another kind": _files(b"x" * 9, Content_Type="multipart/byteranges; boundary=x"),
    "no status": _raw(b"hello\r\n\r\n"),
    "an old protocol": _raw(b"HTTP/0.9 200 OK\r\n\r\n{}"),
    "a newer protocol": _raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "TLS": _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)),
    "SSH": _raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a status without end": _raw(b"HTTP/1.1 200 " + b"O" * 200_000),
    "a thousand headers": _raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000 + b"\r\n{}"),
    "folded headers": _raw(b"HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nContent-Length: 2\r\n\r\n{}"),
    "headers of bytes": _raw(b"HTTP/1.1 200 OK\r\nX-\xff: \x00\xfe\r\nContent-Length: 2\r\n\r\n{}"),
    "chunks of odd sizes": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"),
    "chunks of a negative size": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n"),
    "chunks and a length": _raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    ),
    "continue for ever": _raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000),
    "a switch of protocols": _raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "an end at once": _raw(b""),
    "a date of 1601": _with(Date="Mon, 01 Jan 1601 00:00:00 GMT", Last_Modified="x", Expires="-1"),
    "cookies by the hundred": _with(Set_Cookie="a=" + "b" * 8000),
    "a security policy": _with(Strict_Transport_Security="max-age=x", Content_Security_Policy="default-src 'none'"),
    **{f"a tag of {tag!r:.20}": _with(ETag=tag) for tag in ETAGS},
    **{
        f"files with a tag of {tag!r:.20}": _files(b"{} ", ETag=tag, X_Linked_Etag=tag, X_Repo_Commit=COMMIT)
        for tag in ETAGS
    },
    **{f"status {status}": _status(status) for status in STATUSES},
}


def answer(handler: Handler) -> None:
    """The answer whose number is the path's first part."""
    number, _, rest = handler.path[1:].partition("/")
    handler.path = f"/{rest}"
    [*ANSWERS.values()][int(number)](handler)


def portals(url: str, chosen: Random) -> Iterator[Input]:
    """Each answer to a fetch from either hub."""
    for number, name in enumerate(ANSWERS):
        for source, variable in (("huggingface", "HF_ENDPOINT"), ("modelscope", "MODELSCOPE_ENDPOINT")):
            command = chosen.choice(
                (("fetch", "org/name"), ("fetch", "org/name", "--json"), ("infer", "org/name", *CPU))
            )
            yield Input(
                f"{source} answers with {name}",
                (*command, "--source", source),
                environment={variable: f"{url}/{number}", "NPU_ADAPT_STALL_SECONDS": "2"},
                before=without_pauses,
            )
