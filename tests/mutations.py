"""Odd content for the files of others: JSON with one thing changed, and texts that are damaged.

Everything is drawn from a `random.Random`: of a seed in benchmarks, of hypothesis (`st.randoms`) in tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

DEEP = 2000  # levels of nesting that a text holds; what a value holds is less, since `json` writes it
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 7, 64, 2**31, 2**63, 2**70, -(2**70), 0.0, -0.5, 0.5, 1e-320, 1e308, float("nan"),
    float("inf"), "", " ", "x", "0", "-1", "1e999", "auto", "None", "true", "float32", "torch.float16", "gelu",
    "../../etc/passwd", "/dev/zero", "\x00", "\ud800", "模型", "[bold]x[/bold]", "{x}", "%s", "(", "²", "9" * 5000,
    "a" * 10_000, "2026-99-99T99:99:99Z", [], [None], ["x"], [1, 2, 3], [[]], {}, {"": None}, {"x": 1}, {"0": "x"},
    {"id": "text", "values": {}}, {"schema_version": 99},
)  # fmt: skip


def odd(chosen: Random) -> Any:
    """Any odd value, or some in a list, a mapping, or deep below."""
    kind = chosen.randrange(8)
    if kind == 0:
        return [odd(chosen) for _ in range(chosen.randrange(4))]
    if kind == 1:
        return {str(odd(chosen))[:20]: odd(chosen) for _ in range(chosen.randrange(4))}
    if kind == 2:
        value: Any = chosen.choice(ODD)
        for _ in range(chosen.choice((2, 50, 600))):
            value = [value] if chosen.randrange(2) else {"x": value}
        return value
    return chosen.choice(ODD)


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value below `content`, in order."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    found = []
    for key, value in items:
        found += [(*path, key), *places(value, (*path, key))]
    return found


def mutated(content: Any, chosen: Random) -> Any:
    """A copy of the JSON value with one to three things changed: replaced, taken away, doubled, added or wrapped."""
    changed = json.loads(json.dumps(content))
    for _ in range(chosen.choice((1, 1, 1, 2, 3))):
        found = places(changed)
        if not found:
            return odd(chosen)
        path = chosen.choice(found)
        owner = changed
        for key in path[:-1]:
            owner = owner[key]
        _change(owner, path[-1], chosen)
    return changed


def _change(owner: Any, key: Any, chosen: Random) -> None:
    kind = chosen.randrange(7)
    old = owner[key]
    if kind == 0:
        del owner[key]
    elif kind == 1 and isinstance(owner, list):
        owner.append(old)
    elif kind == 1:
        owner[str(odd(chosen))[:30]] = odd(chosen)
    elif kind == 2:
        owner[key] = [old] if chosen.randrange(2) else {"x": old}
    elif kind == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
        owner[key] = chosen.choice((-old, old + 1, old * 1e6, str(old), bool(old), 2**64 + int(old)))
    elif kind == 4 and isinstance(old, str):
        owner[key] = chosen.choice((old * 200, old[: len(old) // 2], old.upper(), old.encode("utf-16").hex()))
    else:
        owner[key] = odd(chosen)


DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda data, chosen: data[: chosen.randrange(len(data) + 1)],  # cut
    lambda data, chosen: b"",
    lambda data, chosen: _replaced(data, chosen, bytes(chosen.randrange(256) for _ in range(4))),
    lambda data, chosen: _replaced(data, chosen, b"NaN"),
    lambda data, chosen: _replaced(data, chosen, b"9" * 5000),
    lambda data, chosen: _replaced(data, chosen, b"[" * DEEP),
    lambda data, chosen: _replaced(data, chosen, b'{"a":' * DEEP),
    lambda data, chosen: _replaced(data, chosen, b"\x00"),
    lambda data, chosen: b"[" * 100_000,
    lambda data, chosen: b"[" * DEEP + b"1" + b"]" * DEEP,
    lambda data, chosen: data + data,
    lambda data, chosen: b"\xef\xbb\xbf" + data,
    lambda data, chosen: data.decode("utf-8", "replace").encode("utf-16"),
    lambda data, chosen: data.decode("utf-8", "replace").encode("utf-32"),
    lambda data, chosen: data.decode("utf-8", "replace").encode("gb18030"),
    lambda data, chosen: data[::-1],
    lambda data, chosen: b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    lambda data, chosen: b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
    lambda data, chosen: bytes(chosen.randrange(256) for _ in range(64)),
)


def _replaced(data: bytes, chosen: Random, by: bytes) -> bytes:
    start = chosen.randrange(len(data) + 1)
    return data[:start] + by + data[start + chosen.randrange(4) :]


def damaged(data: bytes, chosen: Random) -> bytes:
    """The text cut, in another encoding, with bytes replaced, or another text altogether."""
    return chosen.choice(DAMAGES)(data, chosen)


def as_text(content: Any) -> bytes:
    """JSON as other programs write it: with NaN, and lone surrogates as escapes."""
    return json.dumps(content).encode()


def odd_file(data: bytes, chosen: Random) -> bytes:
    """A JSON file changed in its structure (three of four times) or in its bytes."""
    return as_text(mutated(json.loads(data), chosen)) if chosen.randrange(4) else damaged(data, chosen)
