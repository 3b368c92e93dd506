"""`models` and `fetch` within one screen, however many models and files there are."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from npu_adapt.records.registry import Fetched, FetchedFile, FileCheck, ListedModel, ModelCheck, Verification
from npu_adapt.report.fetched_lines import fetched_lines
from npu_adapt.report.phrases import Language
from npu_adapt.report.registry_tables import render_list, render_verification
from tests.report.drawing import drawn

SHA = "5b2ee5fc829488a90f4225d645024d566ba64fd45ef1a26093164c821b765344"
LISTED = ListedModel(
    model="an-organisation/a-model-with-a-long-name",
    source="huggingface",
    revision="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    path="/models/a",
    bytes=346293852,
    state="ready",
    verified_against="hub",
    endpoint=None,
    verified_at="2026-01-31T12:00:00.000Z",
    last_used="2026-01-31T12:00:00.000Z",
)
FILE = FileCheck(
    name="model.safetensors",
    bytes=1,
    outcome="differs",
    expected_sha256=SHA,
    found_sha256=SHA[::-1],
    verified_against="hub",
)
FETCHED = Fetched(
    model="org/large",
    source="modelscope",
    revision="master",
    commit=None,
    url=None,
    endpoint=None,
    path="/models/large",
    dry_run=False,
    bytes=160 << 30,
    downloaded_bytes=160 << 30,
    files=tuple(
        FetchedFile(
            name=f"model-{at:05}-of-00163.safetensors",
            bytes=1 << 30,
            sha256=SHA,
            verified_against="hub",
            downloaded=True,
        )
        for at in range(163)
    ),
    attempts=(),
)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_list_of_hundreds_is_one_screen(width: int, language: Language) -> None:
    lines = drawn(render_list([LISTED] * 300, language, details=False), width)
    assert len(lines) <= 24
    assert max(map(cell_len, lines)) <= width
    assert "300" in lines[-1] and "--details" in lines[-2]
    assert len(drawn(render_list([LISTED] * 300, language), width)) > 300


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_verification_is_one_screen_and_failures_come_first(width: int, count: int) -> None:
    good = ModelCheck(model=LISTED.model, source="huggingface", path="/models/a", passed=True, files=(FILE,))
    bad = ModelCheck(model="org/broken", source="huggingface", path="/models/b", passed=False, files=(FILE,) * 30)
    found = Verification(passed=False, bytes=1 << 30, seconds=1.0, models=(*[good] * count, bad))
    lines = drawn(render_verification(found, details=False), width)
    assert len(lines) <= 24
    assert lines[0].startswith("org/broken")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_many_files_fetch_names_the_first_and_the_folder_last(language: Language) -> None:
    lines = fetched_lines(FETCHED, language, details=False).splitlines()
    assert len(lines) <= 24
    assert lines[-1] == "/models/large"
    assert len(fetched_lines(FETCHED, language).splitlines()) > 160
