"""Hubs that answer what they like, and addresses and proxies that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

from tests.benchmarks.hostile.running import CPU, Input, some
from tests.hub.odd_server import Handler
from tests.mutations import odd_file

HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Length": ("-1", "²", "9" * 400, "x", "0", "1, 2"),
    "Content-Encoding": ("gzip", "br", "deflate", "zstd", "x", "gzip, gzip"),
    "Content-Type": ("text/html", "application/json; charset=klingon", ""),
    "Transfer-Encoding": ("chunked", "x"),
    "Retry-After": ("0", "-1", "x", "Mon, 99 Foo"),
    "Link": (
        '<http://[>; rel="next"',
        '<//x:99999/>; rel="next"',
        '<?cursor=1>; rel="next"',
        "<",
        '<file:///etc/passwd>; rel="next"',
    ),
    "Location": (
        "",
        "/",
        "http://[",
        "http://x:99999/",
        "file:///etc/passwd",
        "//",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1:1/",
    ),
    "ETag": ('""', 'W/"x"', "²", '"' + "0" * 64 + '"'),
    "X-Linked-Size": ("-1", "9" * 30, "x"),
    "X-Linked-Etag": ("x", '"' + "f" * 64 + '"'),
    "X-Repo-Commit": ("../../x", "", "main", "0" * 40),
    "X-Error-Code": ("GatedRepo", "RevisionNotFound", "x\ty"),
    "Set-Cookie": ("m_session_id=x; Domain=evil.example", "="),
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LISTINGS: tuple[Any, ...] = (
    {"sha": COMMIT, "siblings": [{"rfilename": "config.json", "size": 3, "lfs": {"sha256": "0" * 64}}]},
    [
        {"type": "file", "path": "config.json", "size": 3, "oid": COMMIT},
        {"type": "file", "path": "model.safetensors", "size": 9},
    ],
    {"Code": 200, "Data": {"Files": [{"Type": "blob", "Path": "config.json", "Size": 3, "Sha256": "0" * 64}]}},
)


def answer(handler: Handler) -> None:
    """What the path says: its first part is the seed of one hub's behaviour, the same for the same request."""
    _, seed, rest = handler.path.split("/", 2)
    mood = Random(seed)
    chosen = Random(f"{seed} {rest.partition('?')[0]}")
    status = chosen.choice(
        (200, 200, 200, 200, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 416, 418, 429, 500, 503, 999)
    )
    body = json.dumps(chosen.choice(LISTINGS)).encode()
    if mood.randrange(3):
        body = odd_file(body, chosen)
    headers = {
        name.replace("-", "_"): chosen.choice(HEADERS[name]) for name in mood.sample([*HEADERS], mood.randrange(4))
    }
    if 300 <= status < 400 and status != 304:
        headers.setdefault("Location", chosen.choice((handler.path, f"/{seed}/x", *HEADERS["Location"])))
    handler.send(body, status, **{name: value.encode().decode("latin-1") for name, value in headers.items()})


def without_pauses() -> None:
    """Asks again at once: how long it waits is not what is tried here."""
    from npu_adapt.models.hubs import retrying

    retrying.FIRST_PAUSE = retrying.LONGEST_WAIT = 0.0


def hubs(url: str, share: float, chosen: Random) -> Iterator[Input]:
    asked = partial(Input, before=without_pauses)
    for number in some(share, 100):
        endpoint = f"{url}/{chosen.randrange(2**32)}"
        command = chosen.choice(
            (("fetch", "org/name"), ("fetch", "org/name", "--dry-run"), ("infer", "org/name", *CPU))
        )
        source = ("--source", chosen.choice(("huggingface", "modelscope", "auto")))
        yield asked(f"hub {number}", (*command, *source), environment=_endpoints(endpoint))
    for endpoint in ENDPOINTS:
        for source in ("huggingface", "modelscope"):
            yield asked(
                f"endpoint {endpoint!r:.40}",
                ("fetch", "org/name", "--source", source),
                environment=_endpoints(endpoint),
            )
    for proxy in PROXIES:
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy)
        yield asked(
            f"proxy {proxy!r}",
            ("fetch", "org/name", "--source", "huggingface"),
            environment={**_endpoints("http://127.1.1.1:9"), **proxies, "NO_PROXY": "", "no_proxy": ""},
        )


def _endpoints(endpoint: str) -> dict[str, str]:
    return {"HF_ENDPOINT": endpoint, "MODELSCOPE_ENDPOINT": endpoint, "NPU_ADAPT_STALL_SECONDS": "2"}


ENDPOINTS = (
    "",
    " ",
    "x",
    "127.0.0.1:9",
    "http://",
    "http://[",
    "http://[::1",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:x",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "http://127.0.0.1:9/?a=b#c",
    "http://user:pass@127.0.0.1:9",
    "http://\u6a21:9",
    "http://" + "a" * 300,
    "http://a..b",
    "HTTP://127.0.0.1:9",
    "http:///x",
    "//127.0.0.1:9",
    "http://127.0.0.1:-1",
    "http://127.0.0.1:9\r\nX: y",
    "http://%00:9",
    "javascript:alert(1)",
)
PROXIES = (
    "",
    "x",
    "socks5://127.0.0.1:9",
    "socks://127.0.0.1:9",
    "socks4a://127.0.0.1:9",
    "http://",
    "http://127.0.0.1:99999",
    "http://[",
    "http://127.0.0.1:x",
    "127.0.0.1",
    "https://127.0.0.1:9",
    "ftp://127.0.0.1:9",
    "http://a:b:c@127.0.0.1:9",
    "://",
)
