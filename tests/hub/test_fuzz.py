"""Whatever a hub, a header or a registry holds, only failures of the contract come of it. Bounded, and repeatable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npu_adapt.errors import ModelError, NpuAdaptError, UsageError
from npu_adapt.models.download.hubs import find_on_hubs
from npu_adapt.models.hubs import HUBS
from npu_adapt.models.hubs.connection import Answer, new_session
from npu_adapt.models.hubs.hub import Address, HubFailure, Interrupted
from npu_adapt.models.hubs.huggingface import ClaimsByHead
from npu_adapt.models.hubs.retrying import seconds_to_wait, whole_number
from npu_adapt.models.local import locate
from npu_adapt.models.registry import Registry, listed
from npu_adapt.models.removal import plan_removal
from npu_adapt.models.request import ModelRequest
from npu_adapt.progress import Silent
from npu_adapt.records import Fact
from npu_adapt.records.registry import INDEX_SCHEMA_VERSION
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.models.verify import verify_models

MODEL = "an-org/model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "0123456789abcdef" * 4
BOUNDED = settings(
    max_examples=150,
    deadline=10_000,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "config.json",
            "model.safetensors",
            "../x",
            "/etc/passwd",
            "a/../b",
            "pytorch_model.bin",
            "\x00",
            "",
            "a" * 300,
        ]
    ),
    st.text(max_size=20),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([COMMIT, SHA256, "file", "blob", "tree", "²", "9" * 5000]),
    st.text(max_size=10),
)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=8,
)
SIZES = st.one_of(st.integers(0, 10_000), VALUES)
HASHES = st.one_of(st.just(SHA256), VALUES)
HF_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(st.just("file"), VALUES),
        "path": st.one_of(NAMES, VALUES),
        "rfilename": st.one_of(NAMES, VALUES),
        "size": SIZES,
        "oid": st.one_of(st.just(COMMIT), VALUES),
        "lfs": st.one_of(st.fixed_dictionaries({"oid": HASHES, "sha256": HASHES}), VALUES),
    },
)
MS_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "Type": st.one_of(st.just("blob"), VALUES),
        "Path": st.one_of(NAMES, VALUES),
        "Size": SIZES,
        "Sha256": HASHES,
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(["Link", "Retry-After", "ETag", "X-Linked-Size", "Content-Length", "X-Error-Code", "Location"]),
    st.one_of(
        st.sampled_from(
            [
                "²",
                "-1",
                "9" * 5000,
                "599",
                "Mon, 99 Foo 0000 99:99:99 GMT",
                '<http://[>; rel="next"',
                '<x>; rel="next"',
                f'"{SHA256}"',
                'W/""',
                "RevisionNotFound",
                "GatedRepo",
            ]
        ),
        st.text(max_size=15),
    ),
)
STATUSES = st.sampled_from([200] * 6 + [201, 204, 304, 400, 401, 403, 404, 405, 416, 418, 429, 500, 503, 999])
TEXTS = st.one_of(st.binary(max_size=30), st.sampled_from([b"[" * 100_000, b"<html>", b'{"a":' * 5000, b"\xff\xfe"]))


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setattr("npu_adapt.models.hubs.retrying.FIRST_PAUSE", 0.0)
    monkeypatch.setattr("npu_adapt.models.hubs.retrying.LONGEST_WAIT", 0.0)


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], Answer]) -> None:
    """Every request is answered so, without a network."""

    def read(session: object, address: Address, **options: object) -> Answer:
        return answer(address.url)

    monkeypatch.setattr("npu_adapt.models.hubs.pages.read_answer", read)
    monkeypatch.setattr("npu_adapt.models.hubs.huggingface.read_answer", read)


def only_the_contract(source: str) -> None:
    """Asks the hub as `fetch` does: a listing whose files are sound, or a failure with words in both languages."""
    attempts: list[Any] = []
    try:
        _, _, files = find_on_hubs(ModelRequest(MODEL, source=source), lambda message: None, attempts)  # type: ignore[arg-type]
        assert all(0 <= file.size <= 1 << 44 and file.key for file in files)
    except ModelError as error:
        assert error.hint
    for attempt in attempts:
        for language in ("en", "zh"):
            assert words("attempt", Fact(attempt.id, dict(attempt.values)), language)  # type: ignore[arg-type]


@BOUNDED
@given(
    statuses=st.lists(STATUSES, min_size=3, max_size=3),
    sha=st.one_of(st.just(COMMIT), VALUES),
    entries=st.one_of(st.lists(st.one_of(HF_ENTRIES, VALUES), max_size=6), VALUES),
    headers=HEADERS,
)
def test_listings_of_hugging_face(
    statuses: list[int], sha: object, entries: object, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(url: str) -> Answer:
        tree = "/tree/" in url
        body = entries if tree else {"sha": sha, "siblings": entries}
        return Answer(statuses[1 if tree else 0], headers, json.dumps(body).encode(), url)

    answering(monkeypatch, answer)
    only_the_contract("huggingface")


@BOUNDED
@given(
    status=STATUSES,
    data=st.one_of(
        st.fixed_dictionaries({"Files": st.lists(st.one_of(MS_ENTRIES, VALUES), max_size=6)}),
        st.lists(MS_ENTRIES, max_size=3),
        VALUES,
    ),
    headers=HEADERS,
)
def test_listings_of_modelscope(
    status: int, data: object, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"Code": 200, "Data": data}).encode()
    answering(monkeypatch, lambda url: Answer(status, headers, body, url))
    only_the_contract("modelscope")


@BOUNDED
@given(body=TEXTS, headers=HEADERS, status=STATUSES)
def test_what_is_no_listing_at_all(
    body: bytes, headers: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, lambda url: Answer(status, headers, body, url))
    for source in HUBS:
        only_the_contract(source)


@BOUNDED
@given(text=st.one_of(st.text(max_size=40), st.sampled_from(["²", "9" * 400, "599", "1e999", " 7 "])), headers=HEADERS)
def test_headers(text: str, headers: dict[str, str]) -> None:
    number = whole_number(text)
    assert number is None or 0 <= number < 10**18
    wait = seconds_to_wait({"Retry-After": text})
    assert wait is None or wait >= 0
    claims = ClaimsByHead({}, lambda name: Address("http://127.0.0.1"))
    assert len(claims) == 0


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "registry").mkdir()
    yield Registry(tmp_path / "registry")


PATHS = st.one_of(
    st.sampled_from(["/", "relative", "/tmp/x\x00y", "/no/../such", "/dev", "/proc/self", "", "~", "/no/such/folder"]),
    st.text(max_size=12),
    VALUES,
)
FILES = st.fixed_dictionaries(
    {
        "name": st.one_of(NAMES, VALUES),
        "bytes": SIZES,
        "modified_ns": st.one_of(st.integers(-1, 2**62), VALUES),
        "sha256": HASHES,
        "verified_against": st.sampled_from(["hub", "mirror", "listing", "nothing", "registry", "package", "me"]),
        "verified_at": st.text(max_size=5),
    }
)
ENTRIES = st.fixed_dictionaries(
    {
        "model": st.one_of(st.just(MODEL), st.just("../.."), VALUES),
        "source": st.sampled_from(["huggingface", "modelscope", "directory", "builtin", "elsewhere", ""]),
        "revision": st.one_of(st.none(), st.just("main"), VALUES),
        "commit": st.one_of(st.none(), st.just(COMMIT), VALUES),
        "url": st.none(),
        "path": PATHS,
        "files": st.one_of(st.lists(FILES, max_size=2), VALUES),
        "registered_at": st.text(max_size=5),
        "last_used": st.text(max_size=5),
    },
    optional={"missing": st.one_of(st.lists(NAMES, max_size=2), VALUES), "endpoint": VALUES, "more": VALUES},
)


@BOUNDED
@given(
    content=st.one_of(
        st.fixed_dictionaries(
            {
                "schema_version": st.sampled_from([0, 1, INDEX_SCHEMA_VERSION]),
                "entries": st.one_of(st.lists(ENTRIES, max_size=3), VALUES),
            }
        ),
        VALUES,
    )
)
def test_the_registry_file(content: object, registry: Registry) -> None:
    """Nothing but what this package could have written is taken from it, and nothing that it names is deleted."""
    registry.path.write_text(json.dumps(content))
    try:
        entries = registry.entries()
        for entry in entries:
            assert Path(entry.path).is_absolute()
            listed(entry)
            assert plan_removal(entry).record.removed == ()
        verify_models(entries, registry, Silent())
        locate(ModelRequest(MODEL), registry)
    except NpuAdaptError as error:
        assert error.hint
    finally:
        for file in registry.folder.iterdir():
            file.unlink()


@BOUNDED
@given(content=TEXTS)
def test_what_is_no_registry_at_all(content: bytes, registry: Registry) -> None:
    registry.path.write_bytes(content)
    try:
        assert registry.entries() == ()
    except UsageError as error:
        assert error.hint


def test_interruptions_have_words_too() -> None:
    assert issubclass(Interrupted, HubFailure)
    with new_session() as session:
        assert not session.cookies
