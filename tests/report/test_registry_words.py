"""Every fact of fetching and of the registry has words, and the Chinese screens hold no English but names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from npu_adapt.records import Fact
from npu_adapt.records.registry import (
    Fetched,
    FetchedFile,
    FileCheck,
    ListedModel,
    ModelCheck,
    RemovedModel,
    Verification,
)
from npu_adapt.report.fetched_lines import fetched_lines
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.registry_tables import removal_lines, render_list, render_removed, render_verification

PACKAGE = Path(__file__).parents[2] / "npu_adapt"
RAISED = re.compile(
    r'\b(?:Fault|ListingFailed|ModelMissing|ModelGated|RevisionMissing|HubUnreachable|InvalidListing|Interrupted)\(\s*"([a-z0-9-]+)"'
)
# Names, units and what a user types stay as they are in every language.
KEPT = re.compile(
    r"npu-adapt fetch MODEL|npu-adapt|--[a-z-]+|sha256|Hub|Git LFS|KiB|MiB|B\b| s\b|[a-z]+://\S+|/\S+|[\w./-]*(model|org)[\w./-]*"
)
NAMES = ("an-org/a-model", "huggingface", "modelscope", "main", "0123456789abcdef", "a.safetensors", "config.json")
AGAINST = ("hub", "mirror", "listing", "package", "nothing")
OUTCOMES = ("same", "differs", "missing", "unreadable", "pointer")
STATES = ("ready", "changed", "unfinished", "gone", "unreadable")


def test_every_outcome_of_a_place_has_words() -> None:
    ids = {id for path in (PACKAGE / "models").rglob("*.py") for id in RAISED.findall(path.read_text())}
    assert len(ids) > 20
    ids |= {"found", "failed", "own-format", "checkpoint", "gguf", "tensorflow"}
    ids |= {"adapter", "pipeline", "sentence-transformers"}
    assert {id for id in ids if f"attempt-{id}" not in PHRASES and id not in ("stall",)} == set()


@pytest.mark.parametrize("name", [*AGAINST, *OUTCOMES, *STATES, "directory", "builtin"])
def test_every_name_of_a_record_has_a_word(name: str) -> None:
    assert f"word-{name}" in PHRASES or name == "ready"


def shown(renderable: RenderableType) -> str:
    console = Console(width=200, file=None, record=True, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def listed(state: str, against: str, source: str) -> ListedModel:
    return ListedModel(
        model="an-org/a-model",
        source=source,
        revision="main" if source != "directory" else None,
        path="/cache/an-org",
        bytes=2048,
        state=state,
        verified_against=against,
        endpoint=None,
        verified_at="2026-01-01T00:00:00.000Z",
        last_used="2026-01-01T00:00:00.000Z",
    )


def checked(outcome: str, against: str) -> ModelCheck:
    file = FileCheck(
        name="a.safetensors",
        bytes=2048,
        outcome=outcome,
        expected_sha256="0123456789abcdef" * 4,
        found_sha256=None,
        verified_against=against,
    )
    return ModelCheck(
        model="an-org/a-model", source="directory", path="/cache", passed=outcome == "same", files=(file,)
    )


def removed(kept: str | None) -> RemovedModel:
    return RemovedModel(
        model="an-org/a-model",
        source="huggingface",
        path="/cache/an-org",
        freed_bytes=2048,
        removed=() if kept else ("/cache/an-org",),
        kept=Fact(kept) if kept else None,
    )


def fetched(*, dry_run: bool, source: str) -> Fetched:
    files = tuple(
        FetchedFile(name="config.json", bytes=2048, sha256=None, verified_against=against, downloaded=against == "hub")
        for against in AGAINST
    )
    return Fetched(
        model="an-org/a-model",
        source=source,
        revision=None if source == "directory" else "main",
        commit=None,
        url=None,
        endpoint="https://mirror.example",
        path="/cache/an-org",
        dry_run=dry_run,
        bytes=4096,
        downloaded_bytes=2048,
        files=files,
        attempts=(),
    )


def test_the_chinese_screens_hold_no_english_but_names() -> None:
    models = [listed(state, against, source) for state in STATES for against in AGAINST for source in ("directory",)]
    models.append(listed("ready", "hub", "huggingface"))
    checks = tuple(checked(outcome, against) for outcome in OUTCOMES for against in AGAINST)
    gone = [removed(kept) for kept in (None, "directory", "builtin", "outside-cache")]
    texts = [
        shown(render_list(models, "zh")),
        shown(render_list([], "zh")),
        shown(render_verification(Verification(passed=False, bytes=2048, seconds=1.5, models=checks), "zh")),
        shown(render_removed(gone, "zh")),
        *removal_lines(gone, "zh"),
        *(
            fetched_lines(fetched(dry_run=dry, source=source), "zh")
            for dry in (True, False)
            for source in ("directory", "builtin")
        ),
    ]
    for text in texts:
        left = KEPT.sub("", text)
        for name in NAMES:
            left = left.replace(name, "")
        assert not re.findall("[A-Za-z]{2,}", left), left


def test_what_would_be_removed_is_shown_with_full_paths() -> None:
    assert removal_lines([removed(None), removed("outside-cache")]) == (
        "an-org/a-model · huggingface: 2.000 KiB go with:",
        "  /cache/an-org",
        "an-org/a-model · huggingface: is forgotten, its files stay (the path is not this model's in the hub's cache, "
        "or a link leads there; delete it by hand if it should go)",
    )


def test_the_screen_names_the_address_that_was_asked() -> None:
    first = fetched_lines(fetched(dry_run=False, source="huggingface")).splitlines()[0]
    assert first == "an-org/a-model · huggingface · main · https://mirror.example"
