"""Which code wrote a record: the commit or the hash that the installer left."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from npu_adapt import __version__
from npu_adapt.evidence.tool import commit_of, source_of, this_tool

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Installed:
    """A distribution that has these files."""

    def __init__(self, **files: str) -> None:
        self._files = {name.replace("_json", ".json"): text for name, text in files.items()}

    def read_text(self, name: str) -> str | None:
        return self._files.get(name)


def told(**fields: object) -> Installed:
    return Installed(direct_url_json=json.dumps({"url": "https://example.org/npu-adapt", **fields}), RECORD="a,b,1\n")


@pytest.mark.parametrize(
    ("installed", "source"),
    [
        (told(vcs_info={"vcs": "git", "commit_id": COMMIT}), f"commit {COMMIT}"),
        (told(archive_info={"hashes": {"sha256": "ab12"}}), "wheel sha256:ab12"),
        (told(dir_info={}), f"files sha256:{sha256(b'a,b,1' + bytes([10])).hexdigest()}"),
        (Installed(RECORD="a,b,1\n"), f"files sha256:{sha256(b'a,b,1' + bytes([10])).hexdigest()}"),
        (Installed(direct_url_json="[", RECORD=""), None),
        (Installed(), None),
    ],
    ids=["a commit", "a wheel", "a folder", "an index", "a torn record", "nothing"],
)
def test_the_source_is_what_the_installer_wrote_down(installed: Installed, source: str | None) -> None:
    assert source_of(installed) == source  # type: ignore[arg-type]


def test_a_checkout_tells_its_commit_loose_packed_and_detached(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    assert commit_of(tmp_path) is None
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")
    assert commit_of(tmp_path) == COMMIT
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text("f" * 40 + "\n")
    assert commit_of(tmp_path) == "f" * 40
    (git / "HEAD").write_text(COMMIT + "\n")
    assert commit_of(tmp_path) == COMMIT


def test_this_tool_names_its_version() -> None:
    assert (this_tool().name, this_tool().version) == ("npu-adapt", __version__)
