"""ModelScope through `modelscope_hub`, the client that does without torch: its endpoint, its token, its cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from npu_adapt import __version__
from npu_adapt.models.hubs.hub import (
    Address,
    Claim,
    HubUnreachable,
    Interrupted,
    Listing,
    ModelGated,
    ModelMissing,
    RemoteFile,
    RevisionMissing,
)
from npu_adapt.models.hubs.retrying import host_of
from npu_adapt.models.places import DEFAULT_BRANCHES, UNFINISHED, modelscope_cache, modelscope_folder, modelscope_places


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
    cache_variable = "MODELSCOPE_CACHE"

    @cached_property
    def _api(self) -> Any:
        import logging

        # Before its first import: it would ask four times by itself, for each time that we ask.
        os.environ.setdefault("MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS", "1")
        from modelscope_hub import HubApi
        from modelscope_hub.config import HubConfig

        logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)  # what it would say is in our own messages
        return HubApi(HubConfig(), user_agent=f"npu-adapt/{__version__}")

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        branch = revision or DEFAULT_BRANCHES[self.name]
        api = self._api
        with self._translated(model, branch):
            entries = api.legacy.list_repo_files(model, "model", revision=branch, recursive=whole)
        claims = {
            entry["Path"]: Claim(entry.get("Size"), entry.get("Sha256"), None)
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("Path"), str) and entry.get("Type") != "tree"
        }
        return Listing(self.title, model, branch, None, claims)

    def address(self, listing: Listing, file: RemoteFile) -> Address:
        url = self._api.legacy.get_download_url(listing.model, "model", file.name, listing.revision)
        token = self._api.legacy.token
        headers = {"User-Agent": f"npu-adapt/{__version__}"}
        if not token:
            return Address(url, headers)
        return Address(url, {**headers, "Authorization": f"Bearer {token}"}, {"m_session_id": token})

    def layout(self, listing: Listing) -> ModelScopeLayout:
        """A folder in an old layout is kept up where there is one, as the client does."""
        folder = modelscope_folder(listing.model)
        places = [place.path for place in modelscope_places(listing.model, listing.revision)]
        snapshot = next((path for path in places if path.is_dir()), places[0])
        return ModelScopeLayout(folder, modelscope_cache() / ".lock" / f"{folder.name}.npu-adapt.lock", snapshot)

    def gated_hint(self, model: str) -> str:
        return (
            f"ask for access at https://modelscope.cn/models/{model}, then give your token: MODELSCOPE_API_TOKEN, "
            "or modelscope login"
        )

    @contextmanager
    def _translated(self, model: str, branch: str) -> Iterator[None]:
        """Failures of the client as ours, by their types."""
        from modelscope_hub import errors

        try:
            yield
        except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
            raise ModelGated(f"{self.title} has {model} gated", hint=self.gated_hint(model)) from error
        except errors.NotExistError as error:
            if branch != DEFAULT_BRANCHES[self.name] and self._exists(model):
                raise RevisionMissing(
                    f"{self.title} has no revision {branch} of {model}",
                    hint=f"https://modelscope.cn/models/{model}/files shows the branches; choose one with --revision",
                ) from error
            raise self._missing(model) from error
        except errors.InvalidParameter as error:  # a name without its owner
            raise self._missing(model) from error
        except (errors.NetworkError, errors.ServerError, errors.RateLimitError, OSError) as error:
            raise Interrupted(
                f"{self.title} at {self._host()} cannot be reached ({type(error).__name__})",
                retry_after=getattr(error, "retry_after", None),
            ) from error
        except (errors.HubError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise HubUnreachable(
                f"{self.title} at {self._host()} answers with no listing ({type(error).__name__})",
                hint="something else may be there: look at MODELSCOPE_ENDPOINT and the proxy",
            ) from error

    def _exists(self, model: str) -> bool:
        from modelscope_hub import errors

        try:
            return bool(self._api.repo_exists(model, "model"))
        except (errors.HubError, OSError, ValueError):
            return False  # nobody knows: then the model is called missing

    def _host(self) -> str:
        return host_of(self._api.legacy.endpoint)

    def _missing(self, model: str) -> ModelMissing:
        return ModelMissing(
            f"{self.title} has no {model}, or keeps it private",
            hint="check the spelling; a private one needs your token: MODELSCOPE_API_TOKEN, or modelscope login",
        )
