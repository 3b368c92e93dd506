"""Hugging Face's side of the hub for tests: the routes that `huggingface_hub` asks when it downloads a model."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tests.hub.answers import Answer, CacheLayout, Query, as_json, directories
from tests.hub.repositories import BRANCHES, HubFile, Repository, commit

NAME = "huggingface"


def answer(query: Query, layout: CacheLayout) -> Answer | None:
    """What Hugging Face would say; None: this is no request to it."""
    match query.path:
        case ("api", "models", owner, name, *rest):
            return _about(f"{owner}/{name}", tuple(rest), query, layout)
        case (owner, name, "resolve", revision, *path) if path:
            return _resolve(f"{owner}/{name}", revision, "/".join(path), query, layout)
    return None


def _about(model: str, rest: tuple[str, ...], query: Query, layout: CacheLayout) -> Answer:
    """`/api/models/MODEL`, and below it `revision/REV`, `tree/REV` and `paths-info/REV`."""
    repository = layout.models.get(model)
    if repository is None:
        return _missing(query)
    what, revision, *folder = rest if len(rest) > 1 else ("", BRANCHES[NAME])
    files = repository.trees.get(revision)
    if files is None:
        return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}", model)
    if what in ("tree", "paths-info"):
        wanted = _paths_asked(query) if what == "paths-info" else None
        below = "/".join(folder)
        entries: list[dict[str, Any]] = [] if wanted else _folders(files, below)
        entries += [
            _entry(file, layout)
            for name, file in files.items()
            if (name in wanted if wanted is not None else name.startswith(f"{below}/" if below else ""))
        ]
        return replace(as_json(entries), model=model, is_listing=True)
    return replace(as_json(_information(model, repository, revision, query, layout)), model=model, is_listing=True)


def _information(
    model: str, repository: Repository, revision: str, query: Query, layout: CacheLayout
) -> dict[str, Any]:
    files = repository.trees[revision]
    entries = [_entry(file, layout) for file in files.values()]
    siblings: Iterable[dict[str, Any]] = ({"rfilename": entry["path"]} for entry in entries)
    if "blobs" in query.parameters:
        siblings = (
            {"rfilename": each["path"], "size": each["size"], "blobId": each["oid"]}
            | ({"lfs": {**each["lfs"], "sha256": each["lfs"]["oid"]}} if "lfs" in each else {})
            for each in entries
        )
    return {
        "_id": "0",
        "id": model,
        "modelId": model,
        "sha": commit(files),
        "private": False,
        "gated": "manual" if repository.opened_by else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": list(siblings),
    }


def _entry(file: HubFile, layout: CacheLayout) -> dict[str, Any]:
    sums = layout.listed(file)
    entry: dict[str, Any] = {"type": "file", "path": file.name, "size": sums.size, "oid": sums.git_sha1}
    if file.is_lfs:
        entry["lfs"] = {"oid": sums.sha256, "size": sums.size, "pointerSize": 135}
    return entry


def _folders(files: Mapping[str, HubFile], below: str) -> list[dict[str, Any]]:
    return [
        {"type": "directory", "path": folder, "size": 0, "oid": "0" * 40}
        for folder in directories(files)
        if folder.startswith(f"{below}/" if below else "")
    ]


def _paths_asked(query: Query) -> list[str]:
    text = query.body.decode()
    if text.lstrip().startswith("{"):
        asked = json.loads(text)["paths"]
        return [asked] if isinstance(asked, str) else list(asked)
    return urllib.parse.parse_qs(text).get("paths", [])


def _resolve(model: str, revision: str, name: str, query: Query, layout: CacheLayout) -> Answer:
    """`/MODEL/resolve/REV/PATH`: the file itself."""
    repository = layout.models.get(model)
    if repository is None:
        return _missing(query)
    files = repository.trees.get(revision)
    if files is None:
        return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}", model)
    if not repository.opens_to(query.token):
        status = repository.gate if query.token else 401
        return _error(status, "GatedRepo", f"Access to model {model} is restricted", model)
    file = files.get(name)
    if file is None:
        return _error(404, "EntryNotFound", "Entry not found", model)
    listed = layout.listed(file)
    headers = {"ETag": f'"{listed.sha256 if file.is_lfs else listed.git_sha1}"', "X-Repo-Commit": commit(files)}
    if file.is_lfs:
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(listed.size)}
    return Answer(headers=headers, model=model, file=file)


def _missing(query: Query) -> Answer:
    """A reader without a token learns nothing of what there is: the real hub says 401 then."""
    return _error(404 if query.token else 401, "RepoNotFound", "Repository not found", None)


def _error(status: int, code: str, message: str, model: str | None) -> Answer:
    answered = as_json({"error": message}, status, X_Error_Code=code, X_Error_Message=message)
    return replace(answered, model=model)
