"""What is written of runs of this tool contradicts nothing. All kinds: `python -m tests.claims.own_runs`."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.claims.audit import CONTRADICTIONS, audit_text
from npu_adapt.report.markdown import markdown
from npu_adapt.report.sweep.matrix import matrix_report
from npu_adapt.report.sweep.page import render as render_page
from tests.claims.own_runs import audited
from tests.report.sweeps import many


@pytest.mark.parametrize("kind", ["detection", "samples", "adapter"])
def test_nothing_is_found_in_what_is_written_of_a_run(kind: str, tmp_path: Path) -> None:
    found, files = audited(tmp_path, kind)
    assert [(each.id, each.places) for each in found] == []
    assert files > 20


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_found_in_a_matrix_of_many_models(language: str) -> None:
    sweep = many(30)
    for text in (markdown(matrix_report(sweep, language)), render_page(sweep, language)):  # type: ignore[arg-type]
        assert audit_text(text, CONTRADICTIONS) == ()
