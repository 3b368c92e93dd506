"""Hugging Face: its endpoint and mirrors, its token, its routes, its cache. All that is particular to it is here."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from npu_adapt import __version__
from npu_adapt.errors import Sentence
from npu_adapt.evidence import write_atomically
from npu_adapt.files import read_regular
from npu_adapt.homes import expanded, home
from npu_adapt.models.hashing import Listed
from npu_adapt.models.hubs.connection import (
    Answer,
    endpoint_of,
    new_session,
    origin_of,
    read_answer,
    unexpected,
    without_secrets,
)
from npu_adapt.models.hubs.hub import (
    Address,
    Claim,
    HubUnreachable,
    Interrupted,
    InvalidListing,
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
from npu_adapt.models.hubs.retrying import host_of, is_temporary, seconds_to_wait, whole_number

if TYPE_CHECKING:
    from requests import Session

OFFICIAL = "https://huggingface.co"
ENDPOINT_VARIABLE = "HF_ENDPOINT"
TOKEN_VARIABLE = "HF_TOKEN"
BRANCH = "main"
PARTIAL = ".npu-adapt.incomplete"  # the ending of a partial blob in the cache
_COMMIT = re.compile("[0-9a-f]{40}")
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


def cache_folder() -> Path:
    """Where huggingface_hub keeps its repositories, by the same variables as it."""
    root = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache", "huggingface")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return expanded(named or Path(root, "hub")).absolute()


def folder_name(model: str) -> str:
    """The folder of a repository in the cache."""
    return f"models--{model.replace('/', '--')}"


@dataclass(frozen=True)
class HuggingFaceLayout:
    """One revision in the cache: blobs named for their content, a snapshot of links to them, a reference.

    On a file system without symbolic links the snapshot holds the files themselves, as the client leaves them there.
    """

    folder: Path
    lock: Path
    listing: Listing
    _copied: list[Path] = field(default_factory=list)

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshots" / str(self.listing.commit)

    def partial(self, file: RemoteFile) -> Path:
        return self.folder / "blobs" / (file.key + PARTIAL)

    def partials(self) -> Iterable[Path]:
        return self.folder.glob(f"blobs/*{PARTIAL}")

    def stored(self, file: RemoteFile) -> Path:
        placed = self.snapshot / file.name
        return placed if placed.is_file() and not placed.is_symlink() else self.folder / "blobs" / file.key

    def place(self, file: RemoteFile) -> None:
        """Links to the blob. Whatever else stood there, another's link included, is replaced and not followed."""
        link, blob = self.snapshot / file.name, self.stored(file)
        target = os.path.relpath(blob, link.parent)
        if blob == link or (link.is_symlink() and link.readlink() == Path(target)):
            return
        link.parent.mkdir(parents=True, exist_ok=True)
        made = link.with_name(f".{os.getpid()}.link")
        made.unlink(missing_ok=True)
        try:
            made.symlink_to(target)
        except OSError:  # exFAT, SMB, Windows without the right to
            shutil.copyfile(blob, made)
            self._copied.append(blob)
        made.replace(link)

    def finish(self) -> None:
        for blob in self._copied:
            blob.unlink(missing_ok=True)
        reference = self.folder / "refs" / self.listing.revision
        known = _reference(reference) or self.listing.revision
        if known != self.listing.commit:
            reference.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(reference, str(self.listing.commit).encode(), durable=False)


def _reference(file: Path) -> str | None:
    """The commit that a reference of the cache names; None: there is none that can be read."""
    try:
        commit = read_regular(file).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if _COMMIT.fullmatch(commit) else None


class HuggingFace:
    """The hub at `HF_ENDPOINT`, with the token of `HF_TOKEN` or of `hf auth login`."""

    name = "huggingface"
    title = "Hugging Face"
    default_branch = BRANCH
    cache_variable = "HF_HOME"

    def endpoint(self) -> str:
        return endpoint_of(ENDPOINT_VARIABLE, OFFICIAL)

    def page(self, model: str, endpoint: str | None) -> str:
        return f"{endpoint or OFFICIAL}/{model}"

    def places(self, model: str, revision: str | None) -> Iterator[Place]:
        folder, branch = cache_folder() / folder_name(model), revision or BRANCH
        commit = _reference(folder / "refs" / branch) or branch
        yield Place(folder / "snapshots" / commit, self.name, branch, commit)

    def places_below(self, root: Path, model: str) -> Iterator[Path]:
        folder = root / folder_name(model)
        if commit := _reference(folder / "refs" / BRANCH):
            yield folder / "snapshots" / commit

    def listed_in_cache(self, file: Path) -> Listed:
        """The name of the blob behind a file is its content's hash: sha256 of a large file, git's sha1 of a small."""
        target = file.resolve()
        name = target.name if file.is_symlink() and target.parent.name == "blobs" else ""
        return Listed(
            sha256=name if re.fullmatch("[0-9a-f]{64}", name) else None,
            git_sha1=name if _COMMIT.fullmatch(name) else None,
        )

    def removal(self, model: str, path: Path) -> Removal:
        """Blobs that another revision links to stay; with the last revision the repository's folder goes."""
        cache = cache_folder()
        part = owned_part(path, cache)
        if part is None or len(part) != 3 or part[:2] != (folder_name(model), "snapshots"):
            return OUTSIDE
        repository = path.parents[1]
        others = [each for each in _folders(path.parent) if each.name != path.name]
        if not others:
            return Removal(folders=(repository,)) if repository.is_dir() else Removal()
        shared = {blob for other in others for blob in _blobs(other, cache)}
        blobs = sorted(_blobs(path, cache) - shared)
        partials = sorted(file for file in repository.glob(f"blobs/*{PARTIAL}") if owned_part(file, cache))
        references = sorted(
            file
            for file in (repository / "refs").rglob("*")
            if owned_part(file, cache) and _reference(file) == path.name
        )
        gone = tuple(each for each in (path, repository / ".no_exist" / path.name) if each.is_dir())
        return Removal(folders=gone, files=(*blobs, *partials, *references))

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        endpoint, branch = self.endpoint(), revision or BRANCH
        with new_session() as session:
            pages = Pages(session, lambda url: self._address(url, endpoint))
            about = f"{endpoint}/api/models/{quote(model)}"
            answer = pages.get(f"{about}/revision/{quote(branch, safe='')}")
            self._require_found(answer, model, branch)
            commit = self._content(answer, dict).get("sha")
            if not isinstance(commit, str) or _COMMIT.fullmatch(commit) is None:
                raise InvalidListing(
                    "no-commit",
                    Sentence(
                        "{hub} gives {model} a commit that is none: {commit!r:.80}",
                        hub=self.title,
                        model=model,
                        commit=commit,
                    ),
                    hint="try later",
                )
            claims = self._tree(pages, f"{about}/tree/{commit}", model, branch, whole=whole)
            if claims is None:
                claims = self._older(pages, f"{about}/revision/{commit}?blobs=true", model, commit, endpoint)
        official = origin_of(endpoint) == origin_of(OFFICIAL)
        return Listing(self.title, model, branch, commit, claims, without_secrets(endpoint), official)

    def _tree(self, pages: Pages, url: str, model: str, branch: str, *, whole: bool) -> Mapping[str, Claim] | None:
        """The files by the route of today; None: this server has no such route."""
        claims: dict[str, Claim] = {}
        following: str | None = f"{url}?recursive={str(whole).lower()}&expand=false"
        while following:
            answer = pages.get(following)
            if answer.status in (404, 405, 501) and not answer.headers.get("X-Error-Code"):
                return None
            self._require_found(answer, model, branch)
            for entry in self._content(answer, list):
                if isinstance(entry, dict) and entry.get("type") == "file" and isinstance(entry.get("path"), str):
                    claims[entry["path"]] = _claim(entry, "oid", "oid")
            found = _NEXT.search(answer.headers.get("Link", ""))
            following = pages.next_address(answer.url, found[1]) if found else None
        return claims

    def _older(self, pages: Pages, url: str, model: str, commit: str, endpoint: str) -> Mapping[str, Claim]:
        """The files by the model's own record; sizes and hashes that it leaves out are asked for file by file."""
        answer = pages.get(url)
        self._require_found(answer, model, commit)
        siblings = self._content(answer, dict).get("siblings")
        claims = {
            entry["rfilename"]: _claim(entry, "blobId", "sha256")
            for entry in (siblings if isinstance(siblings, list) else [])
            if isinstance(entry, dict) and isinstance(entry.get("rfilename"), str)
        }
        return ClaimsByHead(claims, lambda name: self._address(_file_url(endpoint, model, commit, name), endpoint))

    def address(self, listing: Listing, file: RemoteFile) -> Address:
        endpoint = self.endpoint()
        return self._address(_file_url(endpoint, listing.model, str(listing.commit), file.name), endpoint)

    def _address(self, url: str, endpoint: str) -> Address:
        headers = {"User-Agent": f"npu-adapt/{__version__}"}
        token = _token() if origin_of(url) == origin_of(endpoint) else None
        return Address(url, {**headers, "Authorization": f"Bearer {token}"} if token else headers)

    def layout(self, listing: Listing) -> HuggingFaceLayout:
        folder = cache_folder() / folder_name(listing.model)
        return HuggingFaceLayout(folder, cache_folder() / ".locks" / folder.name / "npu-adapt.lock", listing)

    def gated_hint(self, model: str) -> str:
        return Sentence(
            "ask for access at {address}, then give your token: {token_variable}, or hf auth login",
            address=f"{OFFICIAL}/{model}",
            token_variable=TOKEN_VARIABLE,
        )

    def _require_found(self, answer: Answer, model: str, branch: str) -> None:
        """Raises what a status other than success means: the hub names the reason in a header."""
        status, code = answer.status, answer.headers.get("X-Error-Code", "")
        if status == 200:
            return
        values = {"hub": self.title, "status": status}
        if code == "RevisionNotFound":
            raise RevisionMissing(
                "no-revision",
                Sentence("{hub} has no revision {branch} of {model}", hub=self.title, branch=branch, model=model),
                hint=Sentence(
                    "{official}/{model}/tree/main shows the branches; choose one with --revision",
                    official=OFFICIAL,
                    model=model,
                ),
                values={**values, "revision": branch},
            )
        if code == "GatedRepo" or (status == 403 and code != "RepoNotFound"):
            raise ModelGated(
                "gated",
                Sentence("{hub} has {model} gated", hub=self.title, model=model),
                hint=self.gated_hint(model),
                values=values,
            )
        if status in (400, 401, 404):
            raise ModelMissing(
                "no-model",
                Sentence("{hub} has no {model}, or keeps it private", hub=self.title, model=model),
                hint=Sentence(
                    "check the spelling; a private one needs your token: {token_variable}, or hf auth login",
                    token_variable=TOKEN_VARIABLE,
                ),
                values=values,
            )
        raise unexpected(self.title, answer, ENDPOINT_VARIABLE)

    def _content(self, answer: Answer, kind: type) -> Any:
        """The answer's JSON, which is a `kind`. Raises `HubUnreachable`."""
        try:
            content = answer.json()
        except ValueError:
            content = None
        if isinstance(content, kind):
            return content
        raise HubUnreachable(
            "no-listing",
            Sentence("{hub} at {host} answers with no listing", hub=self.title, host=host_of(answer.url)),
            hint=Sentence(
                "something else may be there: look at {endpoint_variable} and the proxy",
                endpoint_variable=ENDPOINT_VARIABLE,
            ),
            values={"hub": self.title},
        )


class ClaimsByHead(Mapping[str, Claim]):
    """What a server says of files, asked file by file where its listing says nothing: mirrors of older kinds."""

    def __init__(self, claims: Mapping[str, Claim], address: Any) -> None:
        self._claims = dict(claims)
        self._address = address
        self._session: Session | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __getitem__(self, name: str) -> Claim:
        claim = self._claims[name]
        if claim.size is None or (claim.sha256 is None and claim.git_sha1 is None):
            claim = self._claims[name] = self._asked(name)
        return claim

    def _asked(self, name: str) -> Claim:
        self._session = self._session or new_session()
        answer = read_answer(self._session, self._address(name), method="HEAD")
        if is_temporary(answer.status):
            raise Interrupted(
                "status",
                Sentence(
                    "{host} answers {status} when it is asked for {name}",
                    host=host_of(answer.url),
                    status=answer.status,
                    name=name,
                ),
                retry_after=seconds_to_wait(answer.headers),
                values={"status": answer.status},
            )
        headers = answer.headers
        etag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
        size = whole_number(headers.get("X-Linked-Size") or headers.get("Content-Length"))
        is_git = _COMMIT.fullmatch(etag) is not None
        return Claim(size, etag if len(etag) == 64 else None, etag if is_git else None)


def _claim(entry: Mapping[str, Any], git: str, sha256: str) -> Claim:
    lfs = entry.get("lfs")
    return Claim(entry.get("size"), lfs.get(sha256) if isinstance(lfs, dict) else None, entry.get(git))


def _file_url(endpoint: str, model: str, commit: str, name: str) -> str:
    return f"{endpoint}/{quote(model)}/resolve/{quote(commit, safe='')}/{quote(name)}"


def _token() -> str | None:
    """The user's token, as the client finds it; its faults mean that there is none."""
    try:
        from huggingface_hub import constants, get_token
    except Exception:  # noqa: BLE001 - a broken client keeps nobody from public models
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        return None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    except (OSError, ValueError):  # a token file that cannot be read
        return None


def _folders(path: Path) -> list[Path]:
    """The folders in `path`, links left out."""
    if not path.is_dir():
        return []
    return [each for each in path.iterdir() if each.is_dir() and not each.is_symlink()]


def _blobs(snapshot: Path, cache: Path) -> set[Path]:
    """The blobs of the same repository that a snapshot's links lead to."""
    blobs = snapshot.parents[1] / "blobs"
    if owned_part(blobs, cache) is None:
        return set()
    links = (each for each in snapshot.rglob("*") if each.is_symlink())
    targets = {Path(os.path.normpath(link.parent / link.readlink())) for link in links}
    return {each for each in targets if each.parent == blobs and each.is_file() and not each.is_symlink()}
