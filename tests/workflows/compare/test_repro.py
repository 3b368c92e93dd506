"""`compare --repro`: each kind of failing operator is written down so that a script of torch alone shows it again."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from msgspec.structs import replace
from torch import Tensor, nn

import npu_adapt
from npu_adapt.consistency import contradictions
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import UsageError
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.progress import Silent
from npu_adapt.records import OperatorFinding, Summary
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.sections.repro import repro as section_of_repro
from npu_adapt.workflows.compare import operators
from npu_adapt.workflows.compare.alone import judge_operators, replay_on
from npu_adapt.workflows.compare.repro import write
from npu_adapt.workflows.compare.repro.case import captured, case_of
from npu_adapt.workflows.compare.repro.expression import Expression, NotScriptable
from npu_adapt.workflows.compare.repro.script import MOST_LINES, TENSORS, script_of, tensors_of_case
from npu_adapt.workflows.run.forward import Side
from tests.workflows.compare.faulty_models import FLOAT32, IDS, Faulty, Model, OneTask

CPU = torch.device("cpu")
ON_CPU = open_device("cpu", allow_cpu=True).device
BFLOAT16 = ArithmeticByClass.uniform("bfloat16")


@dataclass(frozen=True)
class Script:
    """A case in a folder of its own."""

    finding: OperatorFinding
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    def code(self, device: Any = None) -> int:
        """Its exit code on the CPU, which `device` makes a wrong one."""
        with pytest.raises(SystemExit) as ended, device or nullcontext():
            runpy.run_path(str(self.path), run_name="__main__")
        return int(ended.value.code or 0)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Script]:
    """Writes the case of the first operator that fails on a device, as `compare` does."""
    monkeypatch.setattr("sys.argv", ["repro.py"])

    def made(device: Callable[[], Any], test: str, dtype: torch.dtype = torch.float32) -> Script:
        arithmetic, layers = (FLOAT32, 2) if dtype == torch.float32 else (BFLOAT16, 8)
        module, sample = Model(layers=layers).eval().to(dtype), Sample({"ids": IDS}, ())
        fault = device()
        found = judge_operators(
            module,
            ON_CPU,
            (sample,),
            OneTask(),  # type: ignore[arg-type]
            dtype=dtype,
            arithmetic=arithmetic,
            progress=Silent(),
            candidate_context=lambda: fault,
        )
        finding = next(each for each in found.findings if each.test == test)
        side = Side(module, ON_CPU, dtype, OneTask())  # type: ignore[arg-type]
        call = captured(side, sample.to(CPU, dtype), frozenset({finding.index}))[finding.index]
        assert call.operator == finding.operator
        fault = device()
        with torch.inference_mode():
            case = case_of(finding, call, replay_on(CPU, lambda: fault), arithmetic)
        assert case is not None
        expression = Expression(case.call, case.position)
        tensors = tensors_of_case(case, expression)
        (tmp_path / TENSORS).write_bytes(write._safetensors(tensors))
        (tmp_path / "repro.py").write_text(script_of(case, expression, ON_CPU, tensors))
        return Script(finding, tmp_path / "repro.py")

    return made


def not_doubled(wrong: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """What a device makes of its results; the float64 ones are the CPU's own."""
    return lambda result: result if result.dtype == torch.float64 else wrong(result)


def whole_numbers_only(result: Tensor) -> Tensor:
    """Wrong in a way that no margin sees: a last bit, but of whole numbers."""
    is_whole = result.dtype != torch.float64 and torch.equal(result, result.round())
    return result + is_whole * (result.abs() > 40)


def one_changed(result: Tensor) -> Tensor:
    changed = result.clone()
    changed[0, 3, 5] += 1e-3
    return changed


class Alternating:
    """Gives other bits every second time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, result: Tensor) -> Tensor:
        self.calls += 1
        return result.nextafter(result + 1) if self.calls % 2 else result


# What is wrong, the test that shows it, and how often it is: once where the CPU computes the same in the same type.
FAULTS: dict[str, tuple[Any, Callable[[], Callable[[Tensor], Tensor]], str, int]] = {
    "a scale": (F.linear, lambda: not_doubled(lambda y: y * 1.001), "rms", 1000),
    "one element": (F.gelu, lambda: not_doubled(one_changed), "element", 1000),
    "rows": (F.layer_norm, lambda: not_doubled(lambda y: y.flip(1)), "rms", 1000),
    "attention": (F.scaled_dot_product_attention, lambda: not_doubled(lambda y: y * 1.01), "rms", 1000),
    "in place": (Tensor.add_, lambda: not_doubled(lambda y: y.mul_(2.0)), "row", 1000),
    "a choice": (F.embedding, lambda: lambda y: y.nextafter(y + 1), "exact", 1),
    "a comparison": (Tensor.gt, lambda: lambda y: ~y, "exact", 1),
    "a layout": (Tensor.transpose, lambda: lambda y: y.flip(2), "exact", 1),
    "whole numbers": (F.linear, lambda: whole_numbers_only, "whole-numbers", 1000),
    "other bits": (F.linear, Alternating, "repeat", 1000),
    "NaN": (F.linear, lambda: not_doubled(lambda y: y.masked_fill(y == y.max(), torch.nan)), "element", 1000),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_script_fails_on_the_faulty_device_and_passes_on_a_right_one(
    name: str, written: Callable[..., Script]
) -> None:
    function, wrong, test, times = FAULTS[name]
    script = written(lambda: Faulty(function, wrong()), test)
    assert script.finding.test == test
    assert len(script.text.splitlines()) <= MOST_LINES
    assert script.code() == 0
    assert script.code(Faulty(function, wrong(), times=times)) == 1


def test_a_half_typed_operator_is_held_to_its_prediction(written: Callable[..., Script]) -> None:
    def once() -> Faulty:
        return Faulty(F.linear, not_doubled(lambda y: (y.float() * (1 + 2.0**-8)).bfloat16()), 0, 2)

    script = written(once, "residual", torch.bfloat16)
    assert "half = " in script.text and len(script.text.splitlines()) <= MOST_LINES
    assert (script.code(), script.code(once())) == (0, 1)


def test_a_call_without_a_name_in_torch_has_no_script() -> None:
    from npu_adapt.numerics.capture import Call

    call = Call(0, "", "mine", lambda x: x, (torch.ones(2),), {}, torch.ones(2))
    with pytest.raises(NotScriptable, match="mine"):
        Expression(call, 0)
    with pytest.raises(NotScriptable, match="complex64"):
        Expression(Call(0, "", "abs", torch.abs, (torch.ones(2, dtype=torch.complex64),), {}, torch.ones(2)), 0)


def test_every_kind_of_argument_is_written_as_python() -> None:
    from npu_adapt.numerics.capture import Call

    x = torch.arange(24.0).reshape(2, 3, 4)
    calls: tuple[tuple[Any, tuple[Any, ...], dict[str, Any]], ...] = (
        (Tensor.__getitem__, (x, (slice(1, None), ..., None, [0, 2])), {}),
        (Tensor.mT.__get__, (x,), {}),  # type: ignore[attr-defined]
        (torch.cat, ([x, x],), {"dim": -1}),
        (Tensor.to, (x, torch.float16), {}),
        (Tensor.to, (x, "cpu"), {}),
        (Tensor.contiguous, (x.transpose(1, 2),), {"memory_format": torch.contiguous_format}),
        (torch.clamp, (x, float("-inf"), 5.0), {}),
        (torch.ones, ((2, 3),), {"device": CPU, "dtype": torch.int64}),
    )
    for function, args, kwargs in calls:
        result = function(*args, **kwargs)
        expression = Expression(Call(0, "", "any", function, args, kwargs, result), 0)
        scope = {"torch": torch, "t": expression.tensors, "device": "cpu", "wide": None}
        (line,) = expression.lines
        assert torch.equal(eval(line.removeprefix("return "), scope), result), line


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.up, self.down = nn.Linear(16, 24), nn.Linear(24, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


def compared(folder: Path, **options: Any) -> Summary:
    return npu_adapt.compare(Tiny().eval(), inputs={"x": torch.randn(4, 16)}, device="cpu", repro=folder, **options)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    with pytest.MonkeyPatch.context() as patched:
        fault = Faulty(F.gelu, not_doubled(lambda y: y * 1.01))

        def judged(*args: Any, **kwargs: Any) -> Any:
            return judge_operators(*args, **{**kwargs, "candidate_context": lambda: fault})

        patched.setattr(operators, "judge_operators", judged)
        return compared(tmp_path_factory.mktemp("written") / "cases")


def test_a_case_is_a_folder_that_says_everything(failed: Summary) -> None:
    assert failed.compare is not None and failed.compare.repro is not None
    (case,) = failed.compare.repro.cases
    assert (case.operator, case.test, case.findings) == ("gelu", "rms", 1)
    assert case.status == "passes", "in a process of its own the CPU is right"
    folder = Path(failed.compare.repro.folder) / str(case.folder)
    assert sorted(each.name for each in folder.iterdir()) == [
        "case.safetensors", "environment.json", "issue.en.md", "issue.zh.md", "repro.py",
    ]  # fmt: skip
    about = json.loads((folder / "environment.json").read_text())
    assert about["device"] == "cpu" and about["environment"]["torch"] == torch.__version__
    english, chinese = ((folder / f"issue.{language}.md").read_text() for language in ("en", "zh"))
    assert english.startswith("# gelu gives a wrong result on ") and "结果错误" in chinese
    assert case.said in english and case.said in chinese
    assert list(contradictions(failed)) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_screen_and_the_report_show_the_cases(failed: Summary, language: Any) -> None:
    assert failed.compare is not None and failed.compare.repro is not None
    figures = Figures(failed, language)
    shown = [line for line in first_compare(figures, None).lines if line.label == figures.say("label-repro")]
    assert len(shown) == 1 and failed.compare.repro.folder in str(shown[0].parts)
    (table,) = section_of_repro(figures)
    assert len(table.rows) == 1 and figures.say("repro-status-passes") in table.rows[0]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"findings": 7}, "compare.repro.cases"),
        ({"operator": "linear"}, "compare.repro.cases"),
        ({"status": "no-script"}, "compare.repro.cases.0.status"),
        ({"status": "not-run"}, "compare.repro.cases.0.status"),
    ],
)
def test_an_edited_case_is_seen(failed: Summary, edit: dict[str, Any], path: str) -> None:
    assert failed.compare is not None and failed.compare.repro is not None
    cases = (replace(failed.compare.repro.cases[0], **edit),)
    section = replace(failed.compare, repro=replace(failed.compare.repro, cases=cases))
    assert path in [each.field for each in contradictions(replace(failed, compare=section))]


def test_nothing_is_written_where_nothing_fails(tmp_path: Path) -> None:
    summary = compared(tmp_path / "cases")
    assert summary.compare is not None and summary.compare.repro is not None
    assert summary.compare.repro.cases == () and not (tmp_path / "cases").exists()
    figures = Figures(summary)
    (line,) = (line for line in first_compare(figures, None).lines if line.label == "repro")
    assert "nothing was written" in str(line.parts)


@pytest.mark.parametrize("kind", ["file", "full folder", "link"])
def test_what_cannot_be_written_is_a_usage_error_before_the_run(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "cases"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        (place / "mine").write_text("mine")
    with pytest.raises(UsageError, match="is there already, and is no empty folder") as raised:
        compared(place)
    assert "--repro" in raised.value.hint and raised.value.exit_code == 2


@pytest.mark.parametrize("options", [{"fast": True}, {"rehearse": "hf32"}])
def test_operators_must_be_looked_at(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which --fast and --rehearse do not look for"):
        compared(tmp_path / "cases", **options)
