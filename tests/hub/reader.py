"""A hub with one reader: a user's machine, whose caches and registry are folders of their own, and what is in them."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands import CONSOLE_SCRIPT, Finished, run_process
from tests.hub.repositories import BRANCHES
from tests.hub.server import HubServer

# What the clients keep beside models: locks, their own notes of listings, marks of cache folders.
NOTES = ("*.lock", "*/trees/*.json", "*/refs/*", "CACHEDIR.TAG", "*/.no_exist/*", ".locks/*", ".lock/*")


class HubWithReader(HubServer):
    """A hub whose one reader keeps all that it gets below `home`."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home
        self.registry = home / "registry"
        self.logs = home / "logs"
        self.caches = {"huggingface": home / "huggingface" / "hub", "modelscope": home / "modelscope"}

    @property
    def settings(self) -> dict[str, str]:
        """The variables that lead the clients here."""
        return {
            "HF_ENDPOINT": self.url,
            "MODELSCOPE_ENDPOINT": self.url,
            "HF_HOME": str(self.home / "huggingface"),
            "MODELSCOPE_CACHE": str(self.caches["modelscope"]),
            "MODELSCOPE_HOME": str(self.home / "modelscope-settings"),
            "NPU_ADAPT_CACHE": str(self.registry),
            "NPU_ADAPT_LOGS": str(self.logs),
        }

    @property
    def environment(self) -> dict[str, str | None]:
        """`settings`, and nothing that would lead them elsewhere."""
        return {**super().environment, **self.settings}

    def start_again(self) -> None:
        """The reader has nothing."""
        shutil.rmtree(self.home, ignore_errors=True)

    def npu_adapt(
        self, *arguments: str, more: Mapping[str, str | None] | None = None, timeout: float = 180
    ) -> Finished:
        return run_process(
            [CONSOLE_SCRIPT, *arguments], environment={**self.environment, **(more or {})}, timeout=timeout
        )

    def timed(self, *arguments: str, more: Mapping[str, str | None] | None = None) -> tuple[Finished, float]:
        """`npu_adapt`, and its seconds."""
        started = time.monotonic()
        done = self.npu_adapt(*arguments, more=more)
        return done, time.monotonic() - started

    def fetched_path(self, model: str, source: str) -> Path:
        """Where a fetch that went well has put the model."""
        return Path(record(self.npu_adapt("fetch", model, "--source", source, "--json"))["path"])

    def run(self, script: str, *arguments: str) -> Finished:
        """Another command of this environment: `hf`, `modelscope`."""
        return run_process([CONSOLE_SCRIPT.with_name(script), *arguments], environment=self.environment)

    def on_terminal(self, *arguments: str, timeout: float = 60) -> str:
        """All that `npu-adapt ARGUMENTS` writes to a terminal of 100 columns, stdout and stderr in one."""
        environment = {name: value for name, value in {**os.environ, **self.environment}.items() if value is not None}
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [CONSOLE_SCRIPT, *arguments],
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "100"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            seen = bytearray()
            with suppress(OSError):  # Linux: EIO, when the last writer has gone
                while block := os.read(ours, 65536):
                    seen += block
            process.wait(timeout)
        os.close(ours)
        return seen.decode(errors="replace")

    def start(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """`npu-adapt ARGUMENTS`, left to run."""
        environment = {name: value for name, value in os.environ.items() if name not in self.environment}
        return subprocess.Popen(
            [CONSOLE_SCRIPT, *arguments],
            env={**environment, **self.settings, **(more or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def partial_files(self) -> list[str]:
        """Files of the caches that are neither a file of a model nor a client's note: what a download left over."""
        return [
            path.relative_to(self.home).as_posix()
            for source, cache in self.caches.items()
            for path in sorted(cache.rglob("*"))
            if path.is_file() and not path.is_symlink() and not self._belongs(source, path, cache)
        ]

    def _belongs(self, source: str, path: Path, cache: Path) -> bool:
        place = path.relative_to(cache)
        if any(place.match(pattern) for pattern in NOTES):
            return True
        if source == "huggingface":
            links = (link.resolve() for link in cache.glob("models--*/snapshots/**/*") if link.is_symlink())
            return path in links
        return any(place.as_posix().endswith(f"/{name}") for name in self.names())

    def names(self) -> set[str]:
        """The names of all files of all models on the hubs."""
        return {
            name
            for models in self.models.values()
            for repository in models.values()
            for files in repository.revisions.values()
            for name in files
        }


@dataclass(frozen=True)
class EndState:
    """Where a fetch, however it ended, has left the reader."""

    code: int
    says: str  # the last lines of what it printed on stderr
    accepted: bool  # npu-adapt now calls the model its own, offline
    corrupt: tuple[str, ...]  # files of an accepted model that are missing, or not the hub's
    registry: str | None  # what is wrong with the registry; None: nothing
    partial: tuple[str, ...]  # files that a download left over

    @property
    def is_sound(self) -> bool:
        """Either a verified model or a clear error, and a registry that all commands can read."""
        clear = self.code in (5, 130, -signal.SIGKILL) and (self.code != 5 or "next:" in self.says)
        verified = self.code == 0 and self.accepted and not self.partial
        return not self.corrupt and self.registry is None and (verified or clear)


def end_state(hub: HubWithReader, model: str, needed: tuple[str, ...], fetched: Finished) -> EndState:
    """What is true of the reader after `fetched`; `needed` are the files that make the model whole."""
    listing = hub.npu_adapt("models", "list", "--json")
    offline = hub.npu_adapt("fetch", model, "--offline", "--json")
    claims = [json.loads(offline.stdout)["path"]] if offline.code == 0 else []
    registry = None
    if listing.code:
        registry = f"models list ended with {listing.code}: {listing.stderr}"
    else:
        rows = json.loads(listing.stdout)
        claims += [row["path"] for row in rows if row["model"] == model and row["state"] == "ready"]
    if offline.code not in (0, 5):
        registry = f"fetch --offline ended with {offline.code}: {offline.stderr}"
    return EndState(
        code=fetched.code,
        says=fetched.stderr.strip()[-2000:],
        accepted=bool(claims),
        corrupt=tuple(sorted({name for path in claims for name in differing(hub, model, needed, Path(path))})),
        registry=registry,
        partial=tuple(hub.partial_files()),
    )


def differing(hub: HubWithReader, model: str, needed: tuple[str, ...], path: Path) -> list[str]:
    """The files of `needed` that are not, byte for byte, below `path` what the hub has."""
    source = "huggingface" if hub.caches["huggingface"] in path.parents else "modelscope"
    files = hub.models[source][model].revisions[BRANCHES[source]]
    return [name for name in needed if _sha256(path / name) != files[name].sums().sha256]


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def record(finished: Finished) -> Any:
    """The record that `--json` printed. Raises `AssertionError` with what went wrong."""
    assert finished.code == 0, finished.stderr + finished.stdout
    return json.loads(finished.stdout)
