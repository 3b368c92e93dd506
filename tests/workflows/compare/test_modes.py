"""`compare --mode`: correct compilers pass, and what is compiled or captured wrongly is named by its submodule."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from msgspec.structs import replace
from torch import Tensor, nn

import npu_adapt
from npu_adapt.consistency import contradictions
from npu_adapt.errors import RunFailed, UsageError
from npu_adapt.records import Compare, ModeOutcome, Summary, decode, encode
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.sections.modes import modes as section_of_modes
from tests.benchmarks.verdict_devices import Operation, SoftDevice, correct_forms
from tests.compilers import FAULTS, Captured, Replay, capturing_with, compiling_with, never_replayed, replayed

WIDTH = 32


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 64), nn.Linear(64, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(F.gelu(self.up(self.norm(x))))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.products = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (2, 16)).transpose(1, 2) for part in self.products(x).chunk(3, -1))
        return x + F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


class Scan(nn.Module):
    """A recurrence that needs float32, whatever the model's type."""

    def forward(self, x: Tensor) -> Tensor:
        wide = state = x.float()
        for _ in range(48):
            state = 0.99 * state + wide
        return (state / 48).to(x.dtype)


class Model(nn.Module):
    def __init__(self, *, scans: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.attention = nn.Embedding(50, WIDTH), Attention()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.scan, self.head = Scan() if scans else nn.Identity(), nn.Linear(WIDTH, 7)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.attention(self.embed(input_ids), attention_mask[:, None, None, :].bool())
        for block in self.blocks:
            x = block(x)
        return self.head(self.scan(x))


INPUTS = {"input_ids": torch.arange(12)[None], "attention_mask": torch.ones(1, 12, dtype=torch.long)}
# The submodule that is wrong, and the check that shows it.
NAMED = {
    "dropped-cast": ("scan", "Scan", "first"),
    "wrong-epsilon": ("blocks.0.norm", "LayerNorm", "first"),
    "reused-buffer": ("blocks.0", "Block", "first"),
    "ignored-mask": ("attention", "Attention", "other-values"),
    "gelu-by-tanh": ("blocks.0", "Block", "first"),
    "products-in-bfloat16": ("attention.products", "Linear", "first"),
    "kept-input": ("embed", "Embedding", "other-values"),
    "overwritten-result": ("embed", "Embedding", "first-kept"),
}


def compared(module: nn.Module, inputs: dict[str, Tensor] = INPUTS, **options: Any) -> Summary:
    return npu_adapt.compare(module, inputs, device="cpu", **options)


def of(summary: Summary) -> tuple[Compare, ModeOutcome]:
    assert summary.compare is not None
    return summary.compare, summary.compare.modes[0]


@pytest.mark.parametrize(("compiler", "dtype"), [("correct", "bfloat16"), ("aot_eager", "float32")])
def test_a_correct_compiler_passes_every_check(compiler: str, dtype: Any) -> None:
    with compiling_with(compiler):
        section, found = of(compared(Model(scans=dtype == "bfloat16"), mode="compile", dtype=dtype))
    assert section.verdict.passed
    assert (found.mode, found.status, found.compiler, found.suspect) == ("compile", "passed", compiler, None)
    assert [check.check for check in found.checks] == [
        "first", "other-values", "first-kept", "first-again", "other-shape",
    ]  # fmt: skip
    assert found.checks[-1].outputs[0].shape[0] == 2
    assert found.graphs == 2 and found.graph_breaks == ()
    assert [term.id for term in section.verdict.terms if term.id.startswith("mode")] == ["mode"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_miscompilation_fails_and_its_submodule_is_named(fault: str) -> None:
    with compiling_with(fault):
        casts = fault == "dropped-cast"
        dtype: Any = "bfloat16" if casts else "float32"
        summary = compared(Model(scans=casts), mode=("eager", "compile"), dtype=dtype)
    section, found = of(summary)
    assert not section.verdict.passed and section.first_suspect is None
    assert found.status == "failed" and found.suspect is not None
    assert (found.suspect.module, found.suspect.type, found.suspect.check) == NAMED[fault]
    assert [term.place for term in section.verdict.terms if not term.holds] == [found.suspect.module]
    assert list(contradictions(decode(encode(summary), origin="test"))) == []


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # inductor imports it
def test_inductor_passes() -> None:
    module, inputs = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)), {"input": torch.randn(1, 3, 8)}
    section, found = of(compared(module, inputs, mode="compile"))
    assert section.verdict.passed and (found.status, found.compiler) == ("passed", "inductor")


def test_a_model_that_does_not_compile_is_a_row_with_the_compilers_line() -> None:
    with compiling_with("refusing"):
        section, found = of(compared(Model(), mode="compile"))
    assert not section.verdict.passed
    assert [term.id for term in section.verdict.terms if not term.holds] == ["mode-failed-to-run"]
    assert found.status == "failed-to-run" and found.reason is not None and found.checks == ()
    assert str(found.reason.values["message"]).endswith("RuntimeError: error: no kernel for this graph")


class Broken(nn.Module):
    """Asks for a value in between, and for a shape that depends on the data."""

    def forward(self, x: Tensor) -> Tensor:
        scale = 2.0 if float(x.sum()) > 0 else 0.5
        positive = x[x > 0]
        return x * scale + positive.mean()


def test_graph_breaks_and_shapes_that_depend_on_data_are_told_and_pass() -> None:
    with compiling_with("correct"):
        section, found = of(compared(Broken(), {"x": torch.randn(1, 8)}, mode="compile"))
    assert section.verdict.passed and found.status == "passed"
    assert found.graph_breaks and all("\n" not in why for why in found.graph_breaks)


class Uncompiled(nn.Module):
    @torch.compiler.disable
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def test_a_model_of_which_nothing_is_compiled_is_not_said_to_pass() -> None:
    with compiling_with("correct"):
        section, found = of(compared(Uncompiled(), {"x": torch.randn(1, 8)}, mode="compile"))
    assert not section.verdict.passed
    assert found.status == "failed-to-run" and found.reason is not None and found.reason.id == "nothing-compiled"


def test_the_cpu_has_no_graphs_which_is_a_row_and_no_failure() -> None:
    section, found = of(compared(nn.Linear(4, 3), {"input": torch.randn(1, 4)}, mode=("eager", "graph")))
    assert section.verdict.passed
    assert (found.mode, found.status) == ("graph", "absent")
    assert found.reason is not None and found.reason.id == "no-graphs"


def test_a_right_graph_passes_with_other_values_and_another_shape() -> None:
    with capturing_with(replayed):
        section, found = of(compared(Model(), mode="graph"))
    assert section.verdict.passed and found.status == "passed" and found.compiler is None
    assert [check.check for check in found.checks] == [
        "first", "other-values", "first-again", "other-shape", "unwatched",
    ]  # fmt: skip
    assert found.divergence is None and found.left_out == ()


def test_a_graph_that_keeps_its_first_input_fails_with_other_values() -> None:
    with capturing_with(never_replayed):
        section, found = of(compared(Model(), mode="graph"))
    assert not section.verdict.passed and found.suspect is not None
    assert (found.suspect.module, found.suspect.check) == ("embed", "other-values")
    assert [check.check for check in found.checks if not check.passed] == ["other-values", "unwatched"]


def struck(replay: int) -> Captured:
    """Graphs of which one replay, of all, has one element wrong by less than any floor shows."""
    count = itertools.count()

    def flipped(operation: Operation) -> Tensor:
        result = operation.result.clone()
        result.view(-1)[0] = result.view(-1)[0].nextafter(torch.tensor(9.0, dtype=result.dtype))
        return result

    def captured(forward: Replay, _: object) -> Replay:
        form = next(iter(correct_forms()))
        wrong, right = SoftDevice(form, flipped, at=STRUCK), SoftDevice(form)
        results = forward()

        @torch.inference_mode()
        def replay_() -> Any:
            with (wrong if next(count) == replay else right).forward():
                for name, tensor in forward().items():
                    results[name].copy_(tensor)
            return results

        return replay_

    return captured


STRUCK = 18  # the call of the first block's second product


@pytest.mark.parametrize(
    ("replay", "dtype", "check"),
    [(0, "float32", "first"), (3, "bfloat16", "other-values"), (5, "float16", "other-shape")],
)
def test_a_transient_in_one_replay_is_named_by_its_operator(replay: int, dtype: Any, check: str) -> None:
    with capturing_with(struck(replay)):
        summary = compared(Model(), mode="graph", dtype=dtype)
    section, found = of(summary)
    assert not section.verdict.passed and (found.status, found.suspect) == ("failed", None)
    assert all(each.passed for each in found.checks)  # it is below every floor
    parted = found.divergence
    assert parted is not None and (parted.module, parted.operator, parted.check) == ("blocks.0.down", "linear", check)
    assert parted.output_shape == (2 if check == "other-shape" else 1, 12, 32)
    (term,) = [term for term in section.verdict.terms if not term.holds]
    assert (term.id, term.place) == ("mode-differs", "blocks.0.down")
    figures = Figures(summary, "en")
    shown = [line for line in first_compare(figures, None).lines if line.label == figures.say("label-mode")]
    assert "linear in blocks.0.down gives other bits" in str(shown[0].parts)
    assert "explain mode-differs" in str(first_compare(figures, None))
    assert "(step 18, " in str(section_of_modes(figures))
    assert list(contradictions(decode(encode(summary), origin="test"))) == []
    for edit in ({"divergence": None}, {"status": "passed"}):
        edited = replace(summary, compare=replace(section, modes=(replace(found, **edit),)))
        assert list(contradictions(edited))


def test_replays_are_checked_where_they_cannot_be_watched() -> None:
    def refuses_hashes(forward: Replay, device: object) -> Replay:
        if inspect.getclosurevars(forward).nonlocals["hashes"] is not None:
            raise RunFailed("no kernel for whole numbers", hint="", stage="capture", kind="mode-not-supported")
        return replayed(forward, device)

    with capturing_with(refuses_hashes):
        section, found = of(compared(Model(), mode="graph"))
    assert section.verdict.passed
    assert [check.check for check in found.checks] == ["first", "other-values", "first-again", "other-shape"]
    assert [(fact.id, fact.values["message"]) for fact in found.left_out] == [
        ("replays-not-watched", "no kernel for whole numbers")
    ]


@pytest.mark.parametrize("options", [{"fast": True}, {"rehearse": "hf32"}])
def test_modes_need_a_floor_and_a_device(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--mode compile and --mode graph need a noise floor"):
        compared(nn.Linear(4, 3), {"input": torch.randn(1, 4)}, mode="compile", **options)


@pytest.fixture(scope="module")
def failed() -> Summary:
    with compiling_with("wrong-epsilon"):
        return compared(Model(), mode=("compile", "graph"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_screens_name_mode_submodule_and_check(failed: Summary, language: Any) -> None:
    figures = Figures(failed, language)
    shown = [line for line in first_compare(figures, None).lines if line.label == figures.say("label-mode")]
    texts = ["".join(part if isinstance(part, str) else part.text for part in line.parts) for line in shown]
    assert len(texts) == 2 and "blocks.0.norm" in texts[0] and "first" in texts[0]
    assert figures.say("mode-reason-no-graphs", device="cpu") in texts[1]
    table, said = section_of_modes(figures)
    assert len(table.rows) == 6  # five checks of one output, and the mode that the device does not have
    assert "blocks.0.norm" in str(said)


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"status": "passed"}, "compare.modes.0.status"),
        ({"suspect": None}, "compare.verdict.terms"),
    ],
)
def test_an_edited_mode_is_seen(failed: Summary, edit: dict[str, Any], path: str) -> None:
    section, found = of(failed)
    edited = replace(failed, compare=replace(section, modes=(replace(found, **edit), *section.modes[1:])))
    assert path in [each.field for each in contradictions(edited)]
