"""Hugging Face through `huggingface_hub`: its endpoint, its token, its cache."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npu_adapt import __version__
from npu_adapt.evidence import write_atomically
from npu_adapt.models.hubs.hub import (
    Address,
    Claim,
    HubUnreachable,
    Interrupted,
    InvalidListing,
    Listing,
    ModelGated,
    ModelMissing,
    RemoteFile,
    RevisionMissing,
)
from npu_adapt.models.hubs.retrying import host_of, is_temporary, seconds_to_wait
from npu_adapt.models.places import DEFAULT_BRANCHES, PARTIAL, huggingface_cache, huggingface_folder


@dataclass(frozen=True)
class HuggingFaceLayout:
    """One revision in the cache: blobs named for their content, a snapshot of links to them, a reference."""

    folder: Path
    lock: Path
    listing: Listing

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshots" / str(self.listing.commit)

    def partial(self, file: RemoteFile) -> Path:
        return self.folder / "blobs" / (file.key + PARTIAL)

    def partials(self) -> Iterable[Path]:
        return self.folder.glob(f"blobs/*{PARTIAL}")

    def stored(self, file: RemoteFile) -> Path:
        return self.folder / "blobs" / file.key

    def place(self, file: RemoteFile) -> None:
        """Links to the blob. Whatever else stood there, another's link included, is replaced and not followed."""
        link, blob = self.snapshot / file.name, self.stored(file)
        target = os.path.relpath(blob, link.parent)
        if link.is_symlink() and link.readlink() == Path(target):
            return
        link.parent.mkdir(parents=True, exist_ok=True)
        made = link.with_name(f".{os.getpid()}.link")
        made.unlink(missing_ok=True)
        made.symlink_to(target)
        made.replace(link)

    def finish(self) -> None:
        reference = self.folder / "refs" / self.listing.revision
        known = reference.read_text() if reference.is_file() else self.listing.revision
        if known != self.listing.commit:
            reference.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(reference, str(self.listing.commit).encode(), durable=False)


class HuggingFace:
    """The hub at `HF_ENDPOINT`, with the token of `HF_TOKEN` or of `hf auth login`."""

    name = "huggingface"
    title = "Hugging Face"
    cache_variable = "HF_HOME"

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        from huggingface_hub.hf_api import HfApi, RepoFile  # the package itself exports RepoFile only since 1.0

        branch = revision or DEFAULT_BRANCHES[self.name]
        with self._translated(model, branch):
            api = HfApi(library_name="npu-adapt", library_version=__version__)
            commit = api.model_info(model, revision=branch).sha
            if commit is None or re.fullmatch("[0-9a-f]{40}", commit) is None:
                raise InvalidListing(
                    f"{self.title} gives {model} a commit that is none: {commit!r}", hint="ask again later"
                )
            entries = [
                entry
                for entry in api.list_repo_tree(model, recursive=whole, revision=commit)
                if isinstance(entry, RepoFile)
            ]
        claims = {
            entry.path: Claim(entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id) for entry in entries
        }
        return Listing(self.title, model, branch, commit, claims)

    def address(self, listing: Listing, file: RemoteFile) -> Address:
        from huggingface_hub import constants, get_token, hf_hub_url

        url = hf_hub_url(listing.model, file.name, revision=listing.commit)
        headers = {"User-Agent": f"npu-adapt/{__version__}"}
        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        return Address(url, {**headers, "Authorization": f"Bearer {token}"} if token else headers)

    def layout(self, listing: Listing) -> HuggingFaceLayout:
        folder = huggingface_folder(listing.model)
        return HuggingFaceLayout(folder, huggingface_cache() / ".locks" / folder.name / "npu-adapt.lock", listing)

    def gated_hint(self, model: str) -> str:
        return f"ask for access at https://huggingface.co/{model}, then give your token: HF_TOKEN, or hf auth login"

    @contextmanager
    def _translated(self, model: str, branch: str) -> Iterator[None]:
        """Failures of the client as ours, by their types."""
        from huggingface_hub import errors

        try:
            yield
        except errors.GatedRepoError as error:
            raise ModelGated(f"{self.title} has {model} gated", hint=self.gated_hint(model)) from error
        except errors.RevisionNotFoundError as error:
            raise RevisionMissing(
                f"{self.title} has no revision {branch} of {model}",
                hint=f"https://huggingface.co/{model}/tree/main shows the branches; choose one with --revision",
            ) from error
        except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
            raise ModelMissing(
                f"{self.title} has no {model}, or keeps it private",
                hint="check the spelling; a private one needs your token: HF_TOKEN, or hf auth login",
            ) from error
        except errors.HfHubHTTPError as error:
            raise self._refusal(error.response) from error
        except _network_errors() as error:
            raise Interrupted(f"{self.title} at {self._host()} cannot be reached ({type(error).__name__})") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # what its answer is made of
            raise HubUnreachable(
                f"{self.title} at {self._host()} answers with no listing ({type(error).__name__})",
                hint="something else may be there: look at HF_ENDPOINT and the proxy",
            ) from error

    def _refusal(self, response: Any) -> Exception:
        status = response.status_code
        if is_temporary(status):
            return Interrupted(f"{self.title} answers {status}", retry_after=seconds_to_wait(response.headers))
        return HubUnreachable(f"{self.title} at {self._host()} answers {status}", hint="look at HF_ENDPOINT")

    def _host(self) -> str:
        from huggingface_hub import constants

        return host_of(constants.ENDPOINT)


def _network_errors() -> tuple[type[Exception], ...]:
    """What the client raises without an answer: its HTTP library is another one in each of its major versions."""
    found: list[type[Exception]] = [OSError]  # requests' errors are of it
    for library in ("httpx", "httpx2"):
        with suppress(ImportError):
            found.append(importlib.import_module(library).TransportError)
    return tuple(found)
