"""A request and an answer, as both protocols see them: no sockets here."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.hub.repositories import HubFile, Repository, Sums


@dataclass(frozen=True)
class Query:
    """A request: its path in unquoted parts (a quoted slash stays inside its part), its parameters, its token."""

    path: tuple[str, ...]
    parameters: Mapping[str, str]
    token: str | None
    body: bytes = b""

    @classmethod
    def parse(cls, target: str, headers: Mapping[str, str], body: bytes) -> Query:
        url = urllib.parse.urlsplit(target)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return cls(
            path=tuple(urllib.parse.unquote(part) for part in url.path.split("/")[1:]),
            parameters=dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
            token=token if scheme == "Bearer" and token else None,
            body=body,
        )


@dataclass(frozen=True)
class Answer:
    """`file` is sent where there is one, else `body`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    model: str | None = None  # None: about no model
    file: HubFile | None = None  # None: no file of a repository
    is_listing: bool = False  # tells which files there are, or which commit is meant


@dataclass(frozen=True)
class CacheLayout:
    """What one hub has to give: its models, and what its listings say of a file, which a fault may have changed."""

    models: Mapping[str, Repository]
    listed: Callable[[HubFile], Sums]


def as_json(content: Any, status: int = 200, **headers: str) -> Answer:
    """`content` as JSON; `headers` with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **named}, json.dumps(content).encode())


def directories(names: Mapping[str, HubFile]) -> list[str]:
    """The folders that hold the files, for listings that name them too."""
    parts = (name.split("/")[:-1] for name in names)
    return sorted({"/".join(folders[: depth + 1]) for folders in parts for depth in range(len(folders))} - {""})
