"""ModelScope: its endpoint, its token, its routes, its cache of today and of before. All particular to it is here."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from npu_adapt import __version__
from npu_adapt.errors import Sentence
from npu_adapt.homes import expanded, home
from npu_adapt.models.hashing import Listed
from npu_adapt.models.hubs.connection import Answer, endpoint_of, new_session, origin_of, unexpected, without_secrets
from npu_adapt.models.hubs.hub import (
    Address,
    Claim,
    HubUnreachable,
    Listing,
    ModelGated,
    ModelMissing,
    Place,
    RemoteFile,
    Removal,
    RevisionMissing,
)
from npu_adapt.models.hubs.owned import OUTSIDE, owned_part
from npu_adapt.models.hubs.pages import Pages
from npu_adapt.models.hubs.retrying import host_of

OFFICIAL = "https://modelscope.cn"
OFFICIAL_ADDRESSES = (OFFICIAL, "https://www.modelscope.cn", "https://modelscope.ai", "https://www.modelscope.ai")
ENDPOINT_VARIABLE, DOMAIN_VARIABLE = "MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN"  # the second is the older name
TOKEN_VARIABLE = "MODELSCOPE_API_TOKEN"
SESSION_COOKIE = "m_session_id"
BRANCH = "master"
UNFINISHED = ".npu-adapt"  # the folder of partial files in a repository
CUT_AT = 3000  # entries: a recursive listing that has as many was cut off by the server


def cache_folder() -> Path:
    """Where modelscope keeps its repositories, by the same variable as it."""
    return expanded(os.environ.get("MODELSCOPE_CACHE") or home() / ".cache" / "modelscope").absolute()


def folder_name(model: str) -> str:
    """The folder of a repository in the cache."""
    return model.replace("/", "--")


def old_name(model: str) -> str:
    """The folder of a repository in the cache of modelscope before 1.37, which writes a dot as three underscores."""
    return model.replace(".", "___")


@dataclass(frozen=True)
class ModelScopeLayout:
    """One revision in the cache: plain files in a folder of its name."""

    folder: Path
    lock: Path
    snapshot: Path

    def partial(self, file: RemoteFile) -> Path:
        """Two files of the same content are two here: each has its own."""
        name = hashlib.sha256(file.name.encode()).hexdigest()[:8]
        return self.folder / UNFINISHED / f"{file.key}-{name}.incomplete"

    def partials(self) -> Iterable[Path]:
        return self.folder.glob(f"{UNFINISHED}/*.incomplete")

    def stored(self, file: RemoteFile) -> Path:
        return self.snapshot / file.name

    def place(self, file: RemoteFile) -> None:
        """It is stored where it belongs."""

    def finish(self) -> None:
        unfinished = self.folder / UNFINISHED
        if unfinished.is_dir() and not any(unfinished.iterdir()):
            unfinished.rmdir()


class ModelScope:
    """The hub at `MODELSCOPE_ENDPOINT`, with the token of `MODELSCOPE_API_TOKEN` or of `modelscope login`."""

    name = "modelscope"
    title = "ModelScope"
    default_branch = BRANCH
    cache_variable = "MODELSCOPE_CACHE"

    def __init__(self) -> None:
        self._token: str | None = None
        self._token_read = False

    def endpoint(self) -> str:
        variable = ENDPOINT_VARIABLE if os.environ.get(ENDPOINT_VARIABLE, "").strip() else DOMAIN_VARIABLE
        return endpoint_of(variable, OFFICIAL, scheme="https")

    def page(self, model: str, endpoint: str | None) -> str:
        return f"{endpoint or OFFICIAL}/models/{model}"

    def places(self, model: str, revision: str | None) -> Iterator[Place]:
        cache, branch = cache_folder(), revision or BRANCH
        for root in (cache, cache / "hub"):
            yield Place(root / "models" / folder_name(model) / "snapshots" / branch, self.name, branch, None)
        if revision not in (None, BRANCH):
            return  # the old layouts hold one revision and do not say which
        for folder in (cache / "models", cache / "hub" / "models", cache / "hub"):
            yield Place(folder / old_name(model), self.name, branch, None)

    def places_below(self, root: Path, model: str) -> Iterator[Path]:
        yield root / old_name(model)
        for folder in (root, root / "models"):
            yield folder / folder_name(model) / "snapshots" / BRANCH
        yield root / "models" / old_name(model)

    def listed_in_cache(self, file: Path) -> Listed:
        """Nothing: the cache keeps no hash where a file could be compared with it."""
        return Listed(None, None)

    def removal(self, model: str, path: Path) -> Removal:
        """The revision's folder, and the repository's when it was the last one."""
        cache = cache_folder()
        part = owned_part(path, cache)
        if part is None:
            return OUTSIDE
        repositories = [(*root, "models", folder_name(model), "snapshots") for root in ((), ("hub",))]
        old = [(*root, *old_name(model).split("/")) for root in (("models",), ("hub", "models"), ("hub",))]
        gone = (path,) if path.is_dir() else ()
        if part in old and "/" in model:
            return Removal(folders=gone)
        if part[:-1] not in repositories:
            return OUTSIDE
        repository = path.parents[1]
        unfinished = repository / UNFINISHED
        partials = sorted(file for file in unfinished.glob("*") if owned_part(file, cache) and file.is_file())
        return Removal(folders=gone, files=tuple(partials), emptied=(unfinished, path.parent, repository))

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        endpoint, branch = self.endpoint(), revision or BRANCH
        with new_session() as session:
            pages = Pages(session, lambda url: self._address(url, endpoint))
            entries = self._entries(pages, self._route(endpoint, model), model, branch, "", whole=whole)
        claims = {
            entry["Path"]: Claim(entry.get("Size"), entry.get("Sha256"), None)
            for entry in entries
            if isinstance(entry.get("Path"), str) and entry.get("Type") != "tree"
        }
        official = origin_of(endpoint) in map(origin_of, OFFICIAL_ADDRESSES)
        return Listing(self.title, model, branch, None, claims, without_secrets(endpoint), official)

    def _entries(
        self, pages: Pages, route: str, model: str, branch: str, root: str, *, whole: bool
    ) -> list[dict[str, Any]]:
        """The entries below `root`. A listing that the server cuts off is asked for folder by folder."""
        query = {"Revision": branch, "Recursive": str(whole), **({"Root": root} if root else {})}
        answer = pages.get(f"{route}/files?{urlencode(query)}")
        self._require_found(answer, pages, route, model, branch)
        entries = [entry for entry in self._files(answer) if isinstance(entry, dict)]
        if not whole or len(entries) < CUT_AT:
            return entries
        top = self._entries(pages, route, model, branch, root, whole=False)
        folders = [entry["Path"] for entry in top if entry.get("Type") == "tree" and isinstance(entry.get("Path"), str)]
        below = (self._entries(pages, route, model, branch, folder, whole=True) for folder in folders if folder != root)
        return top + [entry for found in below for entry in found]

    def address(self, listing: Listing, file: RemoteFile) -> Address:
        endpoint = self.endpoint()
        query = f"Revision={quote_plus(listing.revision)}&FilePath={quote_plus(file.name)}"
        return self._address(f"{self._route(endpoint, listing.model)}?{query}", endpoint)

    @staticmethod
    def _route(endpoint: str, model: str) -> str:
        return f"{endpoint}/api/v1/models/{quote(model)}/repo"

    def _address(self, url: str, endpoint: str) -> Address:
        headers = {"User-Agent": f"npu-adapt/{__version__}"}
        token = self._found_token() if origin_of(url) == origin_of(endpoint) else None
        if not token:
            return Address(url, headers)
        return Address(url, {**headers, "Authorization": f"Bearer {token}"}, {SESSION_COOKIE: token})

    def _found_token(self) -> str | None:
        """The user's token, as the client finds it. It is looked for once."""
        if not self._token_read:
            self._token, self._token_read = _token(), True
        return self._token

    def layout(self, listing: Listing) -> ModelScopeLayout:
        """A folder in an old layout is kept up where there is one, as the client does."""
        folder = cache_folder() / "models" / folder_name(listing.model)
        places = [place.path for place in self.places(listing.model, listing.revision)]
        snapshot = next((path for path in places if path.is_dir()), places[0])
        return ModelScopeLayout(folder, cache_folder() / ".lock" / f"{folder.name}.npu-adapt.lock", snapshot)

    def gated_hint(self, model: str) -> str:
        return Sentence(
            "ask for access at {address}, then give your token: {token_variable}, or modelscope login",
            address=f"{OFFICIAL}/models/{model}",
            token_variable=TOKEN_VARIABLE,
        )

    def _require_found(self, answer: Answer, pages: Pages, route: str, model: str, branch: str) -> None:
        """Raises what a status other than success means."""
        status = answer.status
        if status == 200:
            return
        values = {"hub": self.title, "status": status}
        if status in (401, 403):
            raise ModelGated(
                "gated",
                Sentence("{hub} has {model} gated", hub=self.title, model=model),
                hint=self.gated_hint(model),
                values=values,
            )
        if status == 404 and branch != BRANCH and pages.get(route.removesuffix("/repo")).status == 200:
            raise RevisionMissing(
                "no-revision",
                Sentence("{hub} has no revision {branch} of {model}", hub=self.title, branch=branch, model=model),
                hint=Sentence(
                    "{official}/models/{model}/files shows the branches; choose one with --revision",
                    official=OFFICIAL,
                    model=model,
                ),
                values={**values, "revision": branch},
            )
        if status in (400, 404):
            raise ModelMissing(
                "no-model",
                Sentence("{hub} has no {model}, or keeps it private", hub=self.title, model=model),
                hint=Sentence(
                    "check the spelling; a private one needs your token: {token_variable}, or modelscope login",
                    token_variable=TOKEN_VARIABLE,
                ),
                values=values,
            )
        raise unexpected(self.title, answer, ENDPOINT_VARIABLE)

    def _files(self, answer: Answer) -> list[Any]:
        """The entries in an answer. Raises `HubUnreachable` for one that is no listing."""
        try:
            content = answer.json()
        except ValueError:
            content = None
        data = content.get("Data") if isinstance(content, dict) else None
        files = data.get("Files") if isinstance(data, dict) else data
        if isinstance(files, list):
            return files
        raise HubUnreachable(
            "no-listing",
            Sentence("{hub} at {host} answers with no listing", hub=self.title, host=host_of(answer.url)),
            hint=Sentence(
                "something else may be there: look at {endpoint_variable} and the proxy",
                endpoint_variable=ENDPOINT_VARIABLE,
            ),
            values={"hub": self.title},
        )


def _token() -> str | None:
    """The user's token, as the client finds it; its faults mean that there is none.

    It keeps a login as a pickle in the user's own folder: what reading that raises is anybody's.
    """
    if token := os.environ.get(TOKEN_VARIABLE):
        return token
    try:
        from modelscope_hub.config import HubConfig

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return HubConfig(endpoint=OFFICIAL).token or None
    except Exception:  # noqa: BLE001 - a broken login keeps nobody from public models
        return None
