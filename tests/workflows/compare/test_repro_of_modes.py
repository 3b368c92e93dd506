"""A submodule that a compiler gets wrong as a case to hand on: a graph of torch's own functions and a script."""

from __future__ import annotations

import runpy
import subprocess
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from npu_adapt.consistency import contradictions
from npu_adapt.records import Fact, ReproCase, Summary
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.repro import repro as section_of_repro
from npu_adapt.workflows.compare.repro import write
from npu_adapt.workflows.compare.repro.expression import NotScriptable
from npu_adapt.workflows.compare.repro.mode_case import exported
from npu_adapt.workflows.compare.repro.script import MOST_LINES
from tests.compilers import capturing_with, compiling_with, never_replayed, registered
from tests.workflows.compare.test_modes import NAMED, Model, compared


def in_this_process(script: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs the script where the back ends of the tests are known to torch.compile."""
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, of how it reads its graphs
        patched.setattr("sys.argv", [str(script), *arguments])
        runpy.run_path(str(script), run_name="__main__")
    return subprocess.CompletedProcess([], int(ended.value.code or 0), "ran", "")


def written(fault: str, folder: Path) -> tuple[Summary, ReproCase]:
    with pytest.MonkeyPatch.context() as patched, compiling_with(fault):
        patched.setattr(write, "run_script", in_this_process)
        summary = compared(Model(scans=fault == "dropped-cast"), mode="compile", repro=folder / "cases")
    assert summary.compare is not None and summary.compare.repro is not None
    (case,) = summary.compare.repro.cases
    return summary, case


@pytest.mark.parametrize("fault", ["kept-input"])  # the others take as long and show no more
def test_the_script_compiles_the_submodule_again_and_fails_with_the_faulty_compiler(fault: str, tmp_path: Path) -> None:
    summary, case = written(fault, tmp_path)
    assert (case.module, case.operator, case.test) == NAMED[fault]
    assert (case.mode, case.status, case.index) == ("compile", "reproduced", None), case
    assert list(contradictions(summary)) == []
    folder = tmp_path / "cases" / str(case.folder)
    assert f"compiles {case.operator} wrongly" in (folder / "issue.en.md").read_text()
    script = folder / "repro.py"
    text = script.read_text()
    assert len(text.splitlines()) <= MOST_LINES and "npu_adapt" not in text
    script.write_text(text.replace(f'backend="{fault}"', f'backend="{registered("correct")}"'))
    assert in_this_process(script, "cpu", seconds=0.0).returncode == 0
    (table,) = section_of_repro(Figures(summary))
    assert len(table.rows) == 1  # type: ignore[union-attr]


def test_a_captured_graph_has_no_script_and_the_record_says_why(tmp_path: Path) -> None:
    with capturing_with(never_replayed):
        summary = compared(Model(), mode="graph", repro=tmp_path / "cases")
    assert summary.compare is not None and summary.compare.repro is not None
    (case,) = summary.compare.repro.cases
    assert (case.module, case.mode, case.status, case.folder) == ("embed", "graph", "no-script", None)
    assert case.reason == Fact("captured-graph", {"module": "embed"})
    assert list(contradictions(summary)) == [] and not (tmp_path / "cases").exists()
    for language, words in (("en", "scripts compile and do not capture graphs"), ("zh", "请单独捕获 embed")):
        assert words in str(section_of_repro(Figures(summary, language)))  # type: ignore[arg-type]


def test_what_dynamo_cannot_trace_has_no_script() -> None:
    class Untraced(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            torch._dynamo.graph_break()
            return x

    with pytest.raises(NotScriptable, match=r"torch.export: "):
        exported(Untraced(), (torch.ones(2),), {})
