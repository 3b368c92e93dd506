"""ModelScope's side of the hub for tests: the routes that `modelscope_hub` asks when it downloads a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.hub.answers import Answer, CacheLayout, Query, as_json, directories
from tests.hub.repositories import BRANCHES, HubFile, Repository, commit

NAME = "modelscope"
NO_SUCH_MODEL = 10010205001
NO_SUCH_REVISION = 10010205002


def answer(query: Query, layout: CacheLayout) -> Answer | None:
    """What ModelScope would say; None: this is no request to it."""
    match query.path:
        case ("api", "v1", "repos", "internalAccelerationInfo"):
            return _data({"InternalRegionQueryAddress": ""})
        case ("api" | "openapi", "v1", "models", owner, name, *rest):
            return _about(f"{owner}/{name}", tuple(rest), query, layout)
    return None


def _about(model: str, rest: tuple[str, ...], query: Query, layout: CacheLayout) -> Answer:
    repository = layout.models.get(model)
    if repository is None:
        return _error(404, NO_SUCH_MODEL, "record not found", None)
    if not repository.opens_to(query.token):
        status = repository.gate if query.token else 401
        return _error(status, status, "no permission to access this model", model)
    return _inside(model, repository, rest, query, layout)


def _inside(model: str, repository: Repository, rest: tuple[str, ...], query: Query, layout: CacheLayout) -> Answer:
    """`revisions`, `repo/files?Revision=`, `repo?Revision=&FilePath=` and the model itself."""
    if rest == ("revisions",):
        return replace(_data({"RevisionMap": _revisions(repository)}), model=model, is_listing=True)
    revision = query.parameters.get("Revision") or BRANCHES[NAME]
    files = repository.trees.get(revision)
    if files is None:
        return _error(404, NO_SUCH_REVISION, f"the revision {revision} does not exist", model)
    match rest:
        case ("repo", "files"):
            listing = _listing(files, query.parameters.get("Root", "").strip("/"), layout)
            return replace(_data({"Files": listing}), model=model, is_listing=True)
        case ("repo",):
            return _file(model, files, query.parameters.get("FilePath", ""), layout)
    owner, name = model.split("/")
    about = {"Id": 1, "Path": owner, "Name": name, "Revision": BRANCHES[NAME], "Visibility": 5}
    return replace(_data(about), model=model, is_listing=True)


def _revisions(repository: Repository) -> dict[str, list[dict[str, Any]]]:
    rows = [{"Revision": name, "CommitId": commit(files)} for name, files in repository.revisions.items()]
    return {
        "Branches": [row for row in rows if row["Revision"] == BRANCHES[NAME]],
        "Tags": [row for row in rows if row["Revision"] != BRANCHES[NAME]],
    }


def _listing(files: Mapping[str, HubFile], root: str, layout: CacheLayout) -> list[dict[str, Any]]:
    below, last_commit = f"{root}/" if root else "", commit(files)
    folders = [{"Name": path.split("/")[-1], "Path": path, "Type": "tree", "Size": 0} for path in directories(files)]
    return [entry for entry in folders if entry["Path"].startswith(below)] + [
        {
            "Name": name.split("/")[-1],
            "Path": name,
            "Type": "blob",
            "Size": layout.listed(file).size,
            "Sha256": layout.listed(file).sha256,
            "Revision": last_commit,
            "IsLFS": file.is_lfs,
            "Mode": "33188",
        }
        for name, file in files.items()
        if name.startswith(below)
    ]


def _file(model: str, files: Mapping[str, HubFile], name: str, layout: CacheLayout) -> Answer:
    file = files.get(name)
    if file is None:
        return _error(404, 404, "file not found", model)
    sha256 = layout.listed(file).sha256
    return Answer(headers={"ETag": f'"{sha256}"', "X-Linked-ETag": sha256}, model=model, file=file)


def _data(data: Any) -> Answer:
    return as_json({"Code": 200, "Success": True, "Message": "success", "RequestId": "test", "Data": data})


def _error(status: int, code: int, message: str, model: str | None) -> Answer:
    answered = as_json({"Code": code, "Success": False, "Message": message, "RequestId": "test"}, status)
    return replace(answered, model=model)
