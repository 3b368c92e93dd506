"""The way to a hub's server: who gets credentials, how long anything may take, and what is believed of headers."""

from __future__ import annotations

import gc
import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest

from npu_adapt.errors import Attempt, ModelError, ModelNotFound
from npu_adapt.models.download.hubs import find_on_hubs
from npu_adapt.models.download.transfer import Transfer
from npu_adapt.models.hashing import Listed
from npu_adapt.models.hubs import HUBS
from npu_adapt.models.hubs.connection import Answer, endpoint_of, new_session, require_proxy, within
from npu_adapt.models.hubs.hub import (
    Address,
    Hub,
    HubUnreachable,
    Interrupted,
    InvalidListing,
    Listing,
    ListingFailed,
    ModelMissing,
    RemoteFile,
)
from npu_adapt.models.request import ModelRequest, Source
from tests.hub.odd_server import Handler, OddServer, serving

MODEL = "an-org/model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = bytes(range(256)) * 300
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TOKEN = "a-secret-token"
ENDPOINTS = {"huggingface": "HF_ENDPOINT", "modelscope": "MODELSCOPE_ENDPOINT"}
TOKENS = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN"}
REDIRECTIONS = (301, 302, 303, 307, 308)
Answering = Callable[[Handler], None]


@pytest.fixture(params=list(HUBS))
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPU_ADAPT_STALL_SECONDS", "0.5")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def sound(handler: Handler) -> None:
    """What either hub would say of the one model there is."""
    path = handler.path
    if "/tree/" in path:
        entry = {"type": "file", "path": "a.safetensors", "size": len(CONTENT), "oid": "0" * 40, "lfs": {"oid": SHA256}}
        handler.send(json.dumps([entry]).encode())
    elif path.startswith("/api/models/"):
        handler.send(json.dumps({"sha": COMMIT}).encode())
    elif "/repo/files" in path:
        files = [{"Path": "a.safetensors", "Type": "blob", "Size": len(CONTENT), "Sha256": SHA256}]
        handler.send(json.dumps({"Code": 200, "Data": {"Files": files}}).encode())
    else:
        handler.send(CONTENT)


def listed(source: str, server: OddServer, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setenv(ENDPOINTS[source], server.url)
    return HUBS[source]().listing(MODEL, None, whole=False)


def brought(source: str, server: OddServer, monkeypatch: pytest.MonkeyPatch, partial: Path) -> bytes:
    monkeypatch.setenv(ENDPOINTS[source], server.url)
    hub: Hub = HUBS[source]()
    listing = Listing(hub.title, MODEL, "main", COMMIT, {}, server.url)
    file = RemoteFile("a.safetensors", len(CONTENT), Listed(SHA256, None))
    with new_session() as session:
        Transfer(hub, listing, session, threading.Event(), lambda message: None).bring(
            file, partial, lambda count: None
        )
    return partial.read_bytes()


# Credentials.


@pytest.mark.parametrize("status", REDIRECTIONS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_credentials_go_to_the_endpoints_origin_only(
    source: str, status: int, host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another port is another server; a cookie of requests' own jar would be sent to every port of the host."""
    monkeypatch.setenv(TOKENS[source], TOKEN)

    def elsewhere(handler: Handler) -> None:
        handler.send(status=status, Location=f"http://{host}:{other.port}{handler.path}", Set_Cookie="session=theirs")

    with serving(sound) as other, serving(elsewhere) as hub:
        assert [*listed(source, hub, monkeypatch).claims] == ["a.safetensors"]
        assert brought(source, hub, monkeypatch, tmp_path / "partial") == CONTENT
    assert all(request["Authorization"] == f"Bearer {TOKEN}" for request in hub.seen)
    assert all((TOKEN in request.get("Cookie", "")) == (source == "modelscope") for request in hub.seen)
    assert len(other.seen) >= 2
    assert not any("Authorization" in request or "Cookie" in request for request in other.seen)
    assert TOKEN not in str(other.seen)


def test_credentials_stay_with_a_redirection_inside_the_origin(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As for a model that was renamed."""
    monkeypatch.setenv(TOKENS[source], TOKEN)

    def renamed(handler: Handler) -> None:
        if "an-org" in handler.path:
            handler.send(status=307, Location=handler.path.replace("an-org", "new-org"))
        else:
            sound(handler)

    with serving(renamed) as hub:
        assert brought(source, hub, monkeypatch, tmp_path / "partial") == CONTENT
        assert listed(source, hub, monkeypatch).claims
    assert all(request["Authorization"] == f"Bearer {TOKEN}" for request in hub.seen)


def test_the_next_page_of_a_listing_at_another_origin_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def paged(handler: Handler) -> None:
        if "/tree/" in handler.path:
            handler.send(b"[]", Link=f'<http://127.0.0.1:{other.port}/next>; rel="next"')
        else:
            sound(handler)

    with serving(sound) as other, serving(paged) as hub:
        assert listed("huggingface", hub, monkeypatch).claims == {}
    assert other.seen == []


def test_netrc_is_for_the_endpoint_and_for_nobody_a_redirection_names(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login someone password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(sound) as other:
        target = f"http://localhost:{other.port}"
        with serving(lambda handler: handler.send(status=302, Location=target + handler.path)) as hub:
            brought(source, hub, monkeypatch, tmp_path / "partial")
    assert not any("Authorization" in request for request in other.seen)


# Time.


DRIPS: dict[str, Answering] = {
    "headers": lambda handler: handler.drip(b"HTTP/1.1 200 OK\r\nX-Endless: "),
    "status line": lambda handler: handler.drip(b"HTTP/1.1 2"),
    "body": lambda handler: handler.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 76800\r\n\r\n"),
    "chunk size": lambda handler: handler.drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "nothing": lambda handler: time.sleep(3),
}


@pytest.mark.parametrize("kind", DRIPS)
def test_an_answer_a_byte_at_a_time_has_an_end(source: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with serving(DRIPS[kind]) as hub:
        monkeypatch.setenv(ENDPOINTS[source], hub.url)
        attempts: list[Attempt] = []
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"within 0\.5 s|does not answer|cut"):
            find_on_hubs(ModelRequest(MODEL, source=source), said.append, attempts)  # type: ignore[arg-type]
        assert time.monotonic() - started < 5
        assert [attempt.id for attempt in attempts] <= ["timeout"] or attempts[0].id in ("no-answer", "cut")


@pytest.mark.parametrize("kind", DRIPS)
def test_a_file_a_byte_at_a_time_has_an_end(
    source: str, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("npu_adapt.models.hubs.retrying.FIRST_PAUSE", 0.0)
    with serving(DRIPS[kind]) as hub:
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"a\.safetensors cannot be had"):
            brought(source, hub, monkeypatch, tmp_path / "partial")
        assert time.monotonic() - started < 12


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving(lambda handler: handler.send(status=429, Retry_After="599")) as hub:
        started = time.monotonic()
        with pytest.raises(ModelError, match="asks to wait for 599 s"):
            brought(source, hub, monkeypatch, tmp_path / "partial")
        monkeypatch.setenv(ENDPOINTS[source], hub.url)
        with pytest.raises(ModelError, match="asks to wait for 599 s"):
            find_on_hubs(ModelRequest(MODEL, source=source), print, [])  # type: ignore[arg-type]
        assert time.monotonic() - started < 5
        assert len(hub.seen) == 2


def test_what_comes_too_late_is_given_up() -> None:
    gone = threading.Event()
    late: list[int] = []

    def work() -> int:
        gone.wait(5)
        return 7

    with pytest.raises(Interrupted, match="too late"):
        within(0.05, work, "too late", discard=late.append)
    gone.set()
    for _ in range(100):
        if late:
            break
        time.sleep(0.01)
    assert late == [7]


# What servers do.


def test_redirections_in_a_circle_end(source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving(lambda handler: handler.send(status=302, Location=handler.path)) as hub:
        with pytest.raises(HubUnreachable, match="redirects more than 10 times"):
            listed(source, hub, monkeypatch)
        with pytest.raises(ModelError, match="redirects more than 10 times"):
            brought(source, hub, monkeypatch, tmp_path / "partial")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "http://[::1", "gopher:x"])
def test_redirections_to_no_address_on_the_web_are_refused(
    source: str, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        serving(lambda handler: handler.send(status=302, Location=location)) as hub,
        pytest.raises(HubUnreachable, match=r"no address on the web|redirects more than 10|cannot be asked"),
    ):
        listed(source, hub, monkeypatch)


# urllib3 drops the socket of an answer whose header it refuses; it is closed when the garbage is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "deflate"},
        {"Content_Encoding": "gzip, gzip"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "none-such"},
        {"Content_Length": "-1"},
        {"Content_Length": "²"},
        {"Content_Length": "9" * 5000},
        {"Content_Length": "12, 13"},
        {"Content_Length": "many"},
        {"Content_Type": "text/html"},
        {"Content_Range": "bytes ¹-2/²"},
        {"Retry_After": "²"},
        {"Link": "<<>>; rel=next, <http://[>; rel=next"},
    ],
    ids=str,
)
def test_odd_headers_are_no_traceback(
    source: str, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("npu_adapt.models.hubs.retrying.FIRST_PAUSE", 0.0)
    for status in (200, 206, 429):

        def odd(handler: Handler, status: int = status) -> None:
            handler.close_connection = True
            handler.send(CONTENT, status, **headers)

        with serving(odd) as hub:
            with suppress(ModelError):
                assert brought(source, hub, monkeypatch, tmp_path / "partial") == CONTENT
            with pytest.raises((ListingFailed, Interrupted)):
                listed(source, hub, monkeypatch)
    gc.collect()


def test_a_listing_without_end_is_cut_off(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("npu_adapt.models.hubs.connection.LONGEST_LISTING", 100_000)
    with (
        serving(lambda handler: handler.send(b"[" * 200_000)) as hub,
        pytest.raises(InvalidListing, match="answers with more than"),
    ):
        listed(source, hub, monkeypatch)


def test_pages_in_a_circle_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def circle(handler: Handler) -> None:
        if "/tree/" in handler.path:
            handler.send(b"[]", Link=f'<{handler.path}>; rel="next"')
        else:
            sound(handler)

    with serving(circle) as hub, pytest.raises(InvalidListing, match="lists without end"):
        listed("huggingface", hub, monkeypatch)


# Mirrors of older kinds.


def older(handler: Handler, *, hashes: bool) -> None:
    """A mirror that knows no tree route."""
    if "/tree/" in handler.path:
        handler.send(b"Not Found", 404)
    elif handler.path.startswith("/api/models/"):
        file = {"rfilename": "a.safetensors"}
        blobs = {"size": len(CONTENT), "blobId": "0" * 40, "lfs": {"sha256": SHA256, "size": len(CONTENT)}}
        handler.send(json.dumps({"sha": COMMIT, "siblings": [file | blobs if hashes else file]}).encode())
    else:
        handler.send(CONTENT, ETag=f'"{SHA256}"')


@pytest.mark.parametrize("hashes", [True, False], ids=["in the record", "asked for file by file"])
def test_a_mirror_without_a_tree_listing_is_asked_the_older_way(hashes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda handler: older(handler, hashes=hashes)) as hub:
        listing = listed("huggingface", hub, monkeypatch)
        assert listing.file("a.safetensors") == RemoteFile(
            "a.safetensors", len(CONTENT), Listed(SHA256, "0" * 40 if hashes else None)
        )
    assert ("HEAD" in {request["Method"] for request in hub.seen}) == (not hashes)


# Endpoints and proxies.


def test_who_is_asked_is_told_and_only_the_hubs_own_address_is_the_hub(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(sound) as hub:
        listing = listed(source, hub, monkeypatch)
    assert (listing.endpoint, listing.is_official, listing.vouches) == (hub.url, False, "mirror")
    monkeypatch.delenv(ENDPOINTS[source])
    address = HUBS[source]().endpoint()
    assert HUBS[source]().page(MODEL, None).startswith(address)
    assert HUBS[source]().page(MODEL, hub.url).startswith(hub.url)


@pytest.mark.parametrize("address", [None, "mirror"])
def test_a_published_checksum_is_that_of_the_hub_at_its_own_address(
    source: str, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = HUBS[source]().endpoint()
    if address:
        monkeypatch.setenv(ENDPOINTS[source], own.replace("https:", "http:"))

    def read(session: object, address: Address, **options: object) -> Answer:
        files: object = [{"type": "file", "path": "a", "size": 1, "oid": COMMIT}]
        if "/revision/" in address.url:
            files = {"sha": COMMIT}
        if source == "modelscope":
            files = {"Data": {"Files": [{"Path": "a", "Size": 1, "Sha256": SHA256}]}}
        return Answer(200, {}, json.dumps(files).encode(), address.url)

    monkeypatch.setattr("npu_adapt.models.hubs.pages.read_answer", read)
    listing = HUBS[source]().listing(MODEL, None, whole=False)
    assert listing.vouches == ("mirror" if address else "hub")
    assert listing.endpoint == HUBS[source]().endpoint()


def test_a_hub_is_a_row_and_a_name_on_the_command_line() -> None:
    assert get_args(Source) == ("auto", *HUBS)
    assert [HUBS[name]().name for name in HUBS] == [*HUBS]


def test_secrets_in_an_endpoint_are_not_recorded(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(sound) as hub:
        monkeypatch.setenv(ENDPOINTS[source], hub.url.replace("//", "//me:my-secret@"))
        listing = HUBS[source]().listing(MODEL, None, whole=False)
    assert listing.endpoint == hub.url


@pytest.mark.parametrize(
    "endpoint",
    ["hub.example", "http://", "ftp://hub", "http://hub:port", "http://hub:99999", "http://[::1", "://"],
)
def test_an_endpoint_that_is_no_address_is_named_with_its_variable(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(HubUnreachable, match="HF_ENDPOINT") as caught:
        HUBS["huggingface"]().listing(MODEL, None, whole=False)
    assert "https://HOST" in caught.value.hint


def test_a_bare_host_is_taken_where_the_hubs_own_client_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "www.modelscope.cn/")
    assert HUBS["modelscope"]().endpoint() == "https://www.modelscope.cn"
    monkeypatch.delenv("MODELSCOPE_ENDPOINT")
    monkeypatch.setenv("MODELSCOPE_DOMAIN", "modelscope.ai")
    assert HUBS["modelscope"]().endpoint() == "https://modelscope.ai"
    assert endpoint_of("NO_SUCH_VARIABLE", "https://hub.example") == "https://hub.example"


@pytest.mark.parametrize(
    ("proxy", "hint"),
    [
        ("socks5://127.0.0.1:9", "pysocks"),
        ("socks5h://127.0.0.1:9", "pysocks"),
        ("socks://127.0.0.1:9", "HTTPS_PROXY"),
        ("http://127.0.0.1:port", "HTTPS_PROXY"),
        ("http://", "HTTPS_PROXY"),
        ("http://[::1", "HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_before_anything_is_asked(
    source: str, proxy: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npu_adapt.models.hubs.connection.find_spec", lambda name: None)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(HubUnreachable, match="proxy") as caught:
        HUBS[source]().listing(MODEL, None, whole=False)
    assert hint in caught.value.hint


def test_a_proxy_as_host_and_port_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,[::1]")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:9")
    require_proxy("https://hub.example/x")


def test_a_missing_model_is_told_from_what_is_not_there(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda handler: handler.send(b"{}", 404, X_Error_Code="RepoNotFound")) as hub:
        with pytest.raises(ModelMissing):
            listed(source, hub, monkeypatch)
        with pytest.raises(ModelNotFound):
            find_on_hubs(ModelRequest(MODEL, source=source), print, [])  # type: ignore[arg-type]
