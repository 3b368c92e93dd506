"""The one way to a server: bounded in time and in size, redirections followed by hand, credentials for one origin only.

Nothing here belongs to one hub. An answer that never ends, a redirection in a circle and a proxy that cannot be used
are told apart by the exception: `Interrupted` where asking again may help, `HubUnreachable` where it will not.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from npu_adapt.errors import Sentence
from npu_adapt.models.hubs.hub import Address, HubUnreachable, Interrupted, InvalidListing
from npu_adapt.models.hubs.retrying import host_of, is_temporary, seconds_to_wait
from npu_adapt.threads import Work

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

CONNECT_SECONDS = 10.0
STALL_VARIABLE, STALL_SECONDS = "NPU_ADAPT_STALL_SECONDS", 30.0
LONGEST_LISTING = 32 << 20  # bytes: a listing of 100,000 files has fewer
MOST_REDIRECTIONS = 10
REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
PUBLIC_HEADERS = frozenset({"user-agent"})  # what any server may see; everything else is for the endpoint's origin
DEFAULT_PORTS = {"http": 80, "https": 443}
Result = TypeVar("Result")


def stall_seconds() -> float:
    """Stall timeout: seconds without data before a request counts as cut; $NPU_ADAPT_STALL_SECONDS, else 30."""
    try:
        seconds = float(os.environ.get(STALL_VARIABLE, ""))
    except ValueError:
        return STALL_SECONDS
    return seconds if 0 < seconds < float("inf") else STALL_SECONDS


def listing_seconds() -> float:
    """How long one hub may take to list a model, all its pages together."""
    return 2 * stall_seconds()


def endpoint_of(variable: str, default: str, *, scheme: str | None = None) -> str:
    """The address that `variable` names, else `default`, without a slash at its end.

    `scheme` is put before a bare host, where the hub's own client does so. Raises `HubUnreachable` for what is no
    address.
    """
    address = os.environ.get(variable, "").strip().rstrip("/") or default
    if scheme and "://" not in address:
        address = f"{scheme}://{address}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets without an end
        usable = False
    if not usable:
        raise HubUnreachable(
            "address",
            Sentence("{variable} is not the address of a server: {address!r}", variable=variable, address=address),
            hint=Sentence(
                "write it as https://HOST or https://HOST:PORT, or unset {variable}: the default is {default}",
                variable=variable,
                default=default,
            ),
            values={"variable": variable},
        )
    return address


def without_secrets(address: str) -> str:
    """The address as it may be recorded: no user, no password, no query."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else str(parts.hostname)
    return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/")


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: two addresses of one origin are one server to a browser. Raises `ValueError`."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme.lower())


@dataclass(frozen=True)
class Answer:
    """A whole answer, its body decoded and of a bounded size."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError`."""
        try:
            return msgspec.json.decode(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def unexpected(title: str, answer: Answer, endpoint_variable: str) -> Interrupted | HubUnreachable:
    """What a status means that tells nothing about the model: a failure that may pass, or one that will not."""
    values = {"hub": title, "status": answer.status}
    if is_temporary(answer.status):
        wait = seconds_to_wait(answer.headers)
        return Interrupted(
            "status",
            Sentence("{hub} answers {status}", hub=title, status=answer.status),
            retry_after=wait,
            values=values,
        )
    return HubUnreachable(
        "status",
        Sentence("{hub} at {host} answers {status}", hub=title, host=host_of(answer.url), status=answer.status),
        hint=Sentence("look at {endpoint_variable}", endpoint_variable=endpoint_variable),
        values=values,
    )


def new_session(connections: int = 1) -> Session:
    """A session that keeps no cookie of a server, asks once, and holds so many connections."""
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=connections, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read_answer(session: Session, address: Address, *, method: str = "GET", seconds: float | None = None) -> Answer:
    """The whole answer, within `seconds` from the question to the last byte; the stall timeout by default.

    A HEAD follows redirections within its origin only: what lies behind another is somebody else's word.
    Raises `Interrupted`, `HubUnreachable` and, for an answer larger than any listing, `InvalidListing`.
    """

    def work() -> Answer:
        with _follow(session, address, method, {}) as response:
            body = b"" if method == "HEAD" else _body(response)
            return Answer(response.status_code, response.headers, body, str(response.url))

    waited = stall_seconds() if seconds is None else seconds
    return within(waited, work, f"{host_of(address.url)} sends no whole answer within {waited:g} s")


@contextmanager
def open_answer(session: Session, address: Address, headers: Mapping[str, str]) -> Iterator[Response]:
    """The answer to a GET, its headers read within the stall timeout and its body not yet.

    Raises `Interrupted` and `HubUnreachable`.
    """
    seconds = stall_seconds()
    response = within(
        seconds,
        lambda: _follow(session, address, "GET", headers),
        f"{host_of(address.url)} does not answer within {seconds:g} s",
        discard=lambda late: late.close(),
    )
    with response:
        yield response


def within(
    seconds: float,
    work: Callable[[], Result],
    too_late: str,
    *,
    discard: Callable[[Result], object] = lambda late: None,
) -> Result:
    """What `work` returns or raises; raises `Interrupted` where it has done neither after `seconds`.

    Timeouts of a socket are for each read: a server that sends a byte at a time outlives them all. What comes too late
    is given to `discard`.
    """
    abandoned = Event()

    def run() -> Result:
        result = work()
        if abandoned.is_set():
            discard(result)
        return result

    request = Work(run)
    if not request.wait(seconds):
        abandoned.set()
        raise Interrupted("timeout", too_late, values={"seconds": seconds})
    return request.result()


def _follow(session: Session, address: Address, method: str, headers: Mapping[str, str]) -> Response:
    """The first answer that is no redirection."""
    own, url = origin_of(address.url), address.url
    for _ in range(MOST_REDIRECTIONS):
        trusted = origin_of(url) == own
        response = _ask(session, method, url, {**_sent(address, trusted), **headers}, trusted)
        target = response.headers.get("Location")
        if response.status_code not in REDIRECTIONS or not target:
            return response
        url = _target(url, target)
        if method == "HEAD" and origin_of(url) != own:
            return response
        response.close()
    raise HubUnreachable(
        "redirections",
        Sentence(
            "{host} redirects more than {most_redirections} times",
            host=host_of(address.url),
            most_redirections=MOST_REDIRECTIONS,
        ),
        hint="something is wrong with the server, or with the proxy before it: try again later, or another endpoint",
        values={"host": host_of(address.url)},
    )


def _sent(address: Address, trusted: bool) -> dict[str, str]:
    """The headers for one server: tokens and cookies only for the endpoint's own origin."""
    sent = {name: value for name, value in address.headers.items() if trusted or name.lower() in PUBLIC_HEADERS}
    if trusted and address.cookies:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in address.cookies.items())
    return {**sent, "Accept-Encoding": "identity"}


def _target(url: str, location: str) -> str:
    """Where a redirection leads. Raises `HubUnreachable` for what is no address on the web."""
    try:
        target = urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
        if origin_of(target)[0] in DEFAULT_PORTS and origin_of(target)[1]:
            return target
    except ValueError:
        pass
    raise HubUnreachable(
        "redirections",
        Sentence("{host} redirects to what is no address on the web", host=host_of(url)),
        hint="something is wrong with the server, or with the proxy before it: try again later, or another endpoint",
        values={"host": host_of(url)},
    )


def _ask(session: Session, method: str, url: str, headers: Mapping[str, str], trusted: bool) -> Response:
    """One request, one answer. Raises `Interrupted` and `HubUnreachable`."""
    import requests
    from urllib3.exceptions import HTTPError

    require_proxy(url)
    # Without an auth of its own requests would put what .netrc has for the host in place of the token.
    auth = None if trusted and "Authorization" not in headers else _as_it_is
    timeout = (CONNECT_SECONDS, stall_seconds())
    host = host_of(url)
    try:
        return session.request(
            method, url, headers=dict(headers), auth=auth, stream=True, timeout=timeout, allow_redirects=False
        )
    except requests.Timeout as error:
        raise Interrupted("no-answer", Sentence("{host} does not answer", host=host), values={"host": host}) from error
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, http.client.HTTPException) as error:
        values = {"host": host, "error": type(error).__name__}
        raise Interrupted(
            "unreachable",
            Sentence("{host} cannot be reached ({type})", host=host, type=type(error).__name__),
            values=values,
        ) from error
    except (
        OSError,
        HTTPError,
        ValueError,
    ) as error:  # an address, a header or a proxy that cannot be: not to be retried
        raise HubUnreachable(
            "unreachable",
            Sentence("{host} cannot be asked ({type}: {error})", host=host, type=type(error).__name__, error=error),
            hint="look at the endpoint, the token and the proxy: the variables HTTPS_PROXY, ALL_PROXY and NO_PROXY",
            values={"host": host, "error": type(error).__name__},
        ) from error


def require_proxy(url: str) -> None:
    """Raises `HubUnreachable` where the proxy that the environment names for `url` cannot be used here."""
    from requests.utils import get_environ_proxies, select_proxy

    try:
        proxy = select_proxy(url, get_environ_proxies(url))
        parts = urlsplit(proxy if not proxy or "://" in proxy else f"http://{proxy}")
        usable = not proxy or (bool(parts.hostname) and parts.port != 0)
    except ValueError:
        proxy, parts, usable = "", urlsplit(""), False
    scheme = str(parts.scheme).lower()
    if usable and (not proxy or scheme in ("http", "https")):
        return
    if usable and scheme in ("socks4", "socks4a", "socks5", "socks5h") and find_spec("socks") is not None:
        return
    known = scheme.startswith("socks") and scheme != "socks"
    shown = without_secrets(str(parts.geturl())) if usable else "in the environment"
    raise HubUnreachable(
        "proxy",
        Sentence(
            "the proxy {shown} cannot be used: SOCKS needs a package that is not installed"
            if known
            else "the proxy {shown} cannot be used",
            shown=shown,
        ),
        hint="pip install pysocks, or name an HTTP proxy: HTTPS_PROXY=http://HOST:PORT"
        if known
        else "write it as http://HOST:PORT or socks5h://HOST:PORT: look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
        values={"proxy": shown},
    )


def _body(response: Response) -> bytes:
    """All of the body, decoded."""
    from urllib3.exceptions import DecodeError, HTTPError

    data = bytearray()
    host = host_of(str(response.url))
    try:
        while piece := response.raw.read(1 << 16, decode_content=True):
            data += piece
            if len(data) > LONGEST_LISTING:
                raise InvalidListing(
                    "too-long",
                    Sentence("{host} answers with more than {mib} MiB", host=host, mib=LONGEST_LISTING >> 20),
                    hint="no listing is so long: look at the endpoint and the proxy",
                    values={"host": host},
                )
    except DecodeError as error:
        raise HubUnreachable(
            "encoding",
            Sentence("{host} names an encoding of its answer that is another", host=host),
            hint="a proxy on the way may change what it passes on: try without it, or another endpoint",
            values={"host": host},
        ) from error
    except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
        raise Interrupted(
            "cut", Sentence("the connection to {host} was cut", host=host), values={"host": host}
        ) from error
    return bytes(data)


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request
