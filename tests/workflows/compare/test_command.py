"""Whole comparisons of builtin:digits-vit with devices made on the CPU: arithmetics, faults, misleading models."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.devices.backends import BACKENDS
from npu_adapt.errors import RunFailed, UsageError
from npu_adapt.models import loading
from npu_adapt.models.tasks import TASKS, LoadedModel
from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.progress import Silent
from npu_adapt.records import Compare, Fact, Summary, Term, Verdict, WorstOutput
from npu_adapt.workflows.compare import latency as latency_module
from npu_adapt.workflows.compare import sides
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest

DEFAULT_910B = ArithmeticByClass(ARITHMETICS["float32"], ARITHMETICS["hf32"], ARITHMETICS["float32"])

Device = Callable[[], AbstractContextManager[object]]
Run = Callable[..., Summary]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Compares the model on `device`, a context around the CPU's operators, with the CPU. Other names are options."""

    def run(device: Device = nullcontext, *, request: dict[str, Any] | None = None, **options: Any) -> Summary:
        monkeypatch.setattr(sides, "candidate_context", lambda session: device)
        asked = RunRequest(
            **{
                "command": "compare",
                "command_line": "npu-adapt compare",
                "model": "builtin:digits-vit",
                "device": "cpu",
                "logs": tmp_path / "logs",
                **(request or {}),
            }
        )
        return compare(asked, CompareOptions(**options), Silent())

    return run


def section_of(summary: Summary) -> Compare:
    assert summary.compare is not None
    return summary.compare


def failed(verdict: Verdict) -> list[str]:
    """The ids of the terms that do not hold."""
    return [term.id for term in verdict.terms if not term.holds]


def device_of(arithmetic: ArithmeticByClass, *, fused: bool = True, blocks: bool = True) -> Device:
    return lambda: emulate(Emulation(arithmetic, fused, blocks))


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[LoadedModel], LoadedModel]], None]:
    """Changes the model as it is loaded."""

    def spoil(change: Callable[[LoadedModel], LoadedModel]) -> None:
        load = loading.load_model
        monkeypatch.setattr(loading, "load_model", lambda *args, **kwargs: change(load(*args, **kwargs)))

    return spoil


def after_the_encoder(change: Callable[[Tensor], Tensor]) -> Callable[[LoadedModel], LoadedModel]:
    """A change of what the model's last norm gives, on every side alike."""

    def spoiled(loaded: LoadedModel) -> LoadedModel:
        norm = loaded.module.get_submodule("vit.layernorm")
        norm.register_forward_hook(lambda _module, _arguments, result: change(result))
        return loaded

    return spoiled


def test_a_default_910b_convolves_in_hf32_and_passes(run: Run) -> None:
    section = section_of(run(device_of(DEFAULT_910B)))
    arithmetic = section.arithmetic
    assert section.verdict.passed and section.verdict.rule == "noise-floor"
    assert arithmetic is not None and arithmetic.found is not None
    assert (arithmetic.found.matmul, arithmetic.found.conv, arithmetic.found.attention) == (
        "float32",
        "hf32",
        "float32",
    )
    assert arithmetic.judged_at == "matmul float32, conv hf32, attention float32"
    conv = next(term for term in section.verdict.terms if (term.id, term.place) == ("arithmetic", "conv"))
    assert (conv.holds, conv.value, conv.values["bits"], conv.values["rounding"]) == (True, "hf32", 11, "nearest-even")
    assert arithmetic.fits is not None and arithmetic.judged_at in arithmetic.fits
    for output in section.outputs:
        assert output.error_over_floor is not None and output.error_over_floor <= 3
        assert output.noise_floor is not None and 1e-6 < output.noise_floor < 1e-3


def test_a_default_910b_fails_when_float32_is_asked_for(run: Run) -> None:
    verdict = section_of(run(device_of(DEFAULT_910B), arithmetic="float32")).verdict
    assert not verdict.passed
    assert verdict.terms[0] == Term(
        id="arithmetic",
        holds=False,
        place="conv",
        value="hf32",
        limit="float32",
        values={
            "bits": 11,
            "rounding": "nearest-even",
            "limit_from": "asked",
            "hint": "onednn-fpmath-mode",  # on an NPU: no-hf32
        },
    )


def test_what_was_asked_for_holds_under_every_rule(run: Run) -> None:
    verdict = section_of(run(device_of(DEFAULT_910B), arithmetic="float32", rule="field")).verdict
    assert (verdict.passed, verdict.rule) == (False, "field")
    assert failed(verdict) == ["arithmetic"]


@pytest.mark.parametrize("name", ["float32", "bf16x3", "hf32", "tf32", "float16"])
def test_arithmetics_that_a_float32_model_may_get_pass(run: Run, name: str) -> None:
    section = section_of(run(device_of(ArithmeticByClass.uniform(name))))
    assert section.verdict.passed, section.verdict.terms
    assert section.arithmetic is not None and section.arithmetic.judged_at == name


def test_bfloat16_operands_fail_unless_asked_for(run: Run) -> None:
    device = device_of(ArithmeticByClass.uniform("bfloat16"))
    unasked, asked = section_of(run(device)).verdict, section_of(run(device, arithmetic="bfloat16")).verdict
    assert not unasked.passed and failed(unasked)[:3] == ["arithmetic"] * 3
    assert (unasked.terms[0].limit, unasked.terms[0].values["limit_from"]) == ("float16", "unasked")
    assert asked.passed, asked.terms


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_half_typed_model_is_held_to_its_own_type(run: Run, dtype: str) -> None:
    section = section_of(run(request={"dtype": dtype}))
    assert section.verdict.passed, section.verdict.terms
    assert section.arithmetic is not None and section.arithmetic.judged_at == dtype


class Faulty(TorchFunctionMode):
    """A device whose linear layers are off by a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        return result * self.factor if func is F.linear else result


def test_a_fault_that_the_fields_rule_passes_is_caught(run: Run) -> None:
    section = section_of(run(lambda: Faulty(1.0001)))
    verdict, suspect = section.verdict, section.first_suspect
    others = {outcome.rule: outcome.passed for outcome in verdict.others}
    assert not verdict.passed
    assert others == {"one-percent": True, "field": True, "tolerance": False}
    assert failed(verdict) == [*["operator-failed"] * 3, "operators-failed", "noise-floor", "noise-floor"]
    first, floor = verdict.terms[0], verdict.terms[4]
    assert (first.place, first.values["operator"]) == ("vit.layers.0.attention.q_proj", "linear")
    assert isinstance(floor.value, float) and floor.value > floor.limit == 3
    assert suspect is not None and (suspect.operator, suspect.test) == ("linear", "rms")
    assert {finding.operator for finding in section.operators} == {"linear"}
    assert section.depth is not None and section.depth.accumulated is not None


def test_an_error_that_fits_no_arithmetic_is_said(run: Run) -> None:
    arithmetic = section_of(run(lambda: Faulty(1.5))).arithmetic
    assert arithmetic is not None and arithmetic.fits == ()


class Restless(TorchFunctionMode):
    """A device that gives a logit another last bit each time."""

    calls = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.linear and result.shape == (1, 10):
            Restless.calls += 1
            result = result.clone()
            result[0, 3] *= 1 + 2.0**-23 * (Restless.calls % 2)
        return result


def test_a_device_that_is_not_deterministic_fails_with_its_share(run: Run) -> None:
    section = section_of(run(Restless))
    assert not section.verdict.passed
    differing = next(term for term in section.verdict.terms if term.id == "differs-from")
    assert (differing.place, differing.value) == ("classifier", pytest.approx(0.1))
    assert differing.values == {"forwards": 3, "operator": "linear"}
    suspect = section.first_suspect  # whose replays may be the right ones by chance, but not its forwards too
    assert suspect is not None and (suspect.module, suspect.operator, suspect.differs) == ("classifier", "linear", True)
    assert section.repeats is not None
    assert (section.repeats.reference_differing, section.repeats.candidate_differing) == (0.0, pytest.approx(0.1))


class Struck(TorchFunctionMode):
    """A device on which one call of one operator, of all that it ever runs, is wrong by a last bit."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.calls = at, 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.gelu:
            self.calls += 1
            if self.calls == self.at:
                result = result.clone()
                first = result.view(-1)[:1]
                first.copy_(first.nextafter(torch.full_like(first, 9.0)))
        return result


# The model has four layers. Three forwards are watched, the first of them compared; then each call is replayed, and
# what has not the CPU's bits once more.
@pytest.mark.parametrize(("dtype", "forward"), [("float16", 0), ("bfloat16", 1), ("float16", 2), ("bfloat16", None)])
def test_a_transient_in_a_half_type_is_named_wherever_it_strikes(run: Run, dtype: str, forward: int | None) -> None:
    layer, layers = 1, 4
    if forward is not None:
        at = layers * forward + layer + 1
    else:
        counted = Struck(0)
        run(lambda: counted, request={"dtype": dtype})
        at = counted.calls - layers + layer + 1
    device = Struck(at)
    section = section_of(run(lambda: device, request={"dtype": dtype}))
    suspect = section.first_suspect
    assert not section.verdict.passed and suspect is not None
    assert (suspect.module, suspect.operator) == (f"vit.layers.{layer}.mlp.activation_fn", "gelu")
    assert suspect.output_shape == (1, 17, 128) and [each.module for each in section.operators] == [suspect.module]


def test_a_model_with_dropout_left_on_is_found_and_said(run: Run, spoil: Any) -> None:
    spoil(after_the_encoder(lambda state: F.dropout(state, 0.1, training=True)))
    summary = run()
    section = section_of(summary)
    assert not section.verdict.passed
    assert section.verdict.terms[0].id == "random-forward"
    assert section.verdict.terms[0].values["operators"] == ("vit.layernorm (dropout)",)
    assert section.outputs[0].noise_floor is None
    assert summary.reasons["compare.outputs.noise_floor"] == Fact("random-model")


def test_noise_that_a_model_draws_is_given_to_both_sides(run: Run, spoil: Any) -> None:
    spoil(after_the_encoder(lambda state: state + 0.1 * torch.randn_like(state)))
    summary = run()
    section = section_of(summary)
    assert section.verdict.passed and section.repeats is not None and section.repeats.candidate_differing == 0
    assert summary.run is not None and Fact("noise-given", {"seed": 0}) in summary.run.notes
    assert [each.name for each in summary.run.inputs] == ["pixel_values", "noise_seed"]


def test_nan_in_the_reference_itself_is_no_agreement(run: Run, spoil: Any) -> None:
    spoil(after_the_encoder(lambda state: state.masked_fill(state > state.max() * 0.99, float("nan"))))
    section = section_of(run())
    assert not section.verdict.passed
    assert section.verdict.terms[0].id == "reference-nan"
    assert section.outputs[0].nan_mismatches == 0


def test_nan_on_the_device_alone_fails(run: Run) -> None:
    class FailedTest(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            return result.masked_fill(result == result.max(), float("nan")) if func is F.linear else result

    section = section_of(run(FailedTest))
    assert not section.verdict.passed
    assert section.max_abs_diff is None and section.outputs[0].nan_mismatches > 0
    assert "nan-mismatches" in failed(section.verdict)


def with_forward(
    change: Callable[[Any, torch.nn.Module, dict[str, Tensor]], dict[str, Tensor]],
) -> Callable[[LoadedModel], LoadedModel]:
    """A model whose forward is `change` of the plain one."""

    def changed(loaded: LoadedModel) -> LoadedModel:
        plain = loaded.task.forward
        task = dataclasses.replace(loaded.task, forward=lambda module, tensors: change(plain, module, dict(tensors)))
        return dataclasses.replace(loaded, task=task)

    return changed


def test_a_forward_that_writes_into_its_inputs_is_right_and_deterministic(run: Run, spoil: Any) -> None:
    def in_place(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        tensors["pixel_values"].mul_(0.5).add_(0.25)
        return {**plain(module, tensors), "inputs": tensors["pixel_values"]}

    expected = section_of(run())
    spoil(with_forward(in_place))
    section = section_of(run(request={"samples": 2}))
    assert section.verdict.passed, section.verdict.terms
    assert section.repeats is not None
    # The device's forwards were equal, so the reference's need not be repeated.
    assert (section.repeats.reference_differing, section.repeats.candidate_differing) == (None, 0.0)
    assert section.inputs[0].sha256 == expected.inputs[0].sha256


def test_a_result_that_the_model_keeps_and_changes_is_not_changed_with_it(run: Run, spoil: Any) -> None:
    kept = torch.empty(1, 10)

    def keeping(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs = plain(module, tensors)
        if outputs["logits"].dtype == kept.dtype:
            outputs["logits"] = kept.copy_(outputs["logits"])
        return outputs

    spoil(with_forward(keeping))
    section = section_of(run(device_of(ArithmeticByClass.uniform("hf32"))))
    assert section.verdict.passed, section.verdict.terms
    assert section.outputs[0].max_abs_diff is not None and section.outputs[0].max_abs_diff > 0


def test_outputs_of_another_shape_in_float64_are_compared_with_the_next_best(run: Run, spoil: Any) -> None:
    def by_type(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs = plain(module, tensors)
        wide = tensors["pixel_values"].dtype == torch.float64
        return {"logits": outputs["logits"][:, :7] if wide else outputs["logits"]}

    spoil(with_forward(by_type))
    section = section_of(run())
    assert section.verdict.passed, section.verdict.terms
    assert [fact.id for fact in section.left_out] == ["other-shapes-in-float64"]


def test_whole_numbers_must_be_equal_under_every_rule_that_judges_errors(run: Run, spoil: Any) -> None:
    def with_ids(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs = plain(module, tensors)
        return {**outputs, "ids": outputs["logits"].argsort(-1), "positive": outputs["logits"] > 0}

    spoil(with_forward(with_ids))
    summary = run()
    assert {output.name: output.unequal for output in section_of(summary).outputs} == {
        "logits": None,
        "last_hidden_state": None,
        "ids": 0,
        "positive": 0,
    }

    assert section_of(summary).outputs[2].noise_floor is None
    assert summary.reasons["compare.outputs.2.noise_floor"] == Fact("compared-exactly")

    class OtherIds(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            return result.flip(-1) if func is Tensor.argsort else result

    verdict = section_of(run(OtherIds)).verdict
    assert not verdict.passed
    assert Term(id="equal", holds=False, place="ids", value=10, limit=0) in verdict.terms


def test_a_model_of_whole_numbers_alone_is_compared(run: Run, spoil: Any) -> None:
    def ids(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"ids": plain(module, tensors)["logits"].argsort(-1)}

    spoil(with_forward(ids))
    summary = run()
    section = section_of(summary)
    assert section.verdict.passed and section.verdict.terms[0] == Term(
        id="equal", holds=True, place="ids", value=0, limit=0
    )
    assert (section.top1_match, summary.reasons["compare.top1_match"]) == (None, Fact("no-class-scores"))


def test_a_cpu_is_as_fast_as_itself_or_the_speed_up_is_left_out_with_its_reason(run: Run) -> None:
    summary = run()
    latency = section_of(summary).latency
    if latency is None:  # other processes disturbed it
        assert summary.reasons["compare.latency"].id == "latency-unsteady"
    else:
        assert 0.8 < latency.speed_up < 1.25 and latency.iterations >= 6
        assert summary.run is not None and summary.run.timings_ms is not None
        assert summary.run.timings_ms.warm_forward == latency.candidate_ms


def test_a_forward_that_takes_too_long_gets_no_speed_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_module, "LONGEST_SECONDS", 1e-6)
    summary = run()
    assert section_of(summary).latency is None
    assert summary.reasons["compare.latency"].id == "latency-too-long"
    assert summary.run is not None and summary.run.timings_ms is not None
    assert summary.run.timings_ms.warm_forward is not None


def test_a_fallback_in_any_stage_is_recorded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(BACKENDS["cpu"], tells_fallbacks=True)
    monkeypatch.setitem(BACKENDS, "cpu", row)
    timed = sides.measure_latency

    def falling_back(*args: Any) -> Any:
        warnings.warn("The operator 'aten::nonzero' will fall back to run on the CPU.", UserWarning, stacklevel=1)
        return timed(*args)

    monkeypatch.setattr(sides, "measure_latency", falling_back)
    summary = run()
    assert summary.run is not None and summary.run.cpu_fallbacks == ("aten::nonzero",)


@pytest.mark.parametrize("rehearsed", ["hf32", "bfloat16"])
def test_a_bfloat16_model_is_rehearsed_at_the_floor_of_its_type(run: Run, spoil: Any, rehearsed: str) -> None:
    """1 % is less than what bfloat16 may err by here: layers that add up to a small difference of large values."""
    spoil(with_forward(cancelling))
    device = device_of(ArithmeticByClass.uniform(rehearsed))
    request = {"rehearse": rehearsed, "device": "auto", "dtype": "bfloat16"}
    section = section_of(run(device, request=request))
    assert not section.match_within_1_percent
    assert (section.verdict.rule, section.verdict.passed) == ("noise-floor", True)
    (about,) = (term for term in section.verdict.terms if term.id == "type-floor")
    assert isinstance(about.value, float) and about.value > about.limit == 0.01
    assert about.values == {"dtype": "bfloat16"}
    fast = section_of(run(device, request=request, fast=True)).verdict
    assert (fast.rule, fast.passed, fast.terms[-1].id) == ("one-percent", False, "type-floor-unknown")


@pytest.mark.parametrize(("dtype", "rehearsed"), [("float32", "bfloat16"), ("float16", "bfloat16")])
def test_an_arithmetic_coarser_than_the_type_is_rehearsed_by_one_percent(
    run: Run, spoil: Any, dtype: str, rehearsed: str
) -> None:
    spoil(with_forward(cancelling))
    device = device_of(ArithmeticByClass.uniform(rehearsed))
    request = {"rehearse": rehearsed, "device": "auto", "dtype": dtype}
    verdict = section_of(run(device, request=request)).verdict
    assert (verdict.rule, verdict.passed) == ("one-percent", False)


def cancelling(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What little the logits change with the picture: errors of whole logits are large beside it."""
    logits = plain(module, tensors)["logits"]
    tensors["pixel_values"] = tensors["pixel_values"] * 0.96875
    return {"logits": logits - plain(module, tensors)["logits"]}


def test_an_empty_output_is_nothing_to_compare(run: Run, spoil: Any) -> None:
    def emptied(loaded: LoadedModel) -> LoadedModel:
        task = dataclasses.replace(loaded.task, forward=lambda module, tensors: {"logits": torch.empty(1, 0)})
        return dataclasses.replace(loaded, task=task)

    spoil(emptied)
    with pytest.raises(RunFailed, match="nothing to compare: logits has no element") as caught:
        run()
    assert caught.value.kind == "no-output"


@torch.library.custom_op("npu_adapt_tests::kept", mutates_args=())
def kept(x: Tensor) -> Tensor:
    if x.dtype == torch.float64:
        raise NotImplementedError("\"kept\" not implemented for 'Double'")
    return x.clone()


def test_an_operator_without_a_float64_kernel_is_named(run: Run, spoil: Any) -> None:
    spoil(after_the_encoder(torch.ops.npu_adapt_tests.kept))
    section = section_of(run())
    assert section.verdict.passed, section.verdict.terms
    (fact,) = section.left_out
    assert fact.id == "truth-in-float32" and "kept" in str(fact.values["operators"])


def test_a_part_that_insists_on_its_type_gets_a_float64_copy(run: Run, spoil: Any) -> None:
    def forward(module: torch.nn.Module, tensors: Any) -> dict[str, Tensor]:
        if tensors["pixel_values"].dtype == torch.float64 and module.dtype != torch.float64:
            raise RuntimeError("expected scalar type Float but found Double")
        return plain(module, tensors)

    plain = TASKS["image-classification"].forward
    spoil(lambda loaded: dataclasses.replace(loaded, task=dataclasses.replace(loaded.task, forward=forward)))
    section = section_of(run())
    assert section.verdict.passed, section.verdict.terms
    assert [fact.id for fact in section.left_out] == ["own-type-only"]


def _refused(outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    raise AttributeError("'tuple' object has no attribute 'numel'")


@pytest.mark.parametrize("wide", [_refused, lambda outputs: {**outputs, "logits": outputs["logits"] * torch.nan}])
def test_code_that_does_not_bear_float64_gets_its_own_type(wide: Any, run: Run, spoil: Any) -> None:
    def by_type(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs = plain(module, tensors)
        return dict(wide(outputs)) if tensors["pixel_values"].dtype == torch.float64 else dict(outputs)

    spoil(with_forward(by_type))
    section = section_of(run())
    assert section.verdict.passed, section.verdict.terms
    assert [fact.id for fact in section.left_out] == ["no-float64"]


def test_scores_masked_by_the_least_number_of_the_type_hide_no_others(run: Run, spoil: Any) -> None:
    def masked(plain: Any, module: torch.nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs = plain(module, tensors)
        logits = outputs["logits"].clone()
        logits[:, 7:] = torch.finfo(tensors["pixel_values"].dtype).min
        return {**outputs, "logits": logits}

    spoil(with_forward(masked))
    section = section_of(run(device_of(ArithmeticByClass.uniform("hf32"))))
    assert section.verdict.passed, section.verdict.terms
    logits = section.outputs[0]
    assert logits.relative_l2 is not None and logits.relative_l2 > 1e-6
    assert logits.noise_floor is not None and logits.noise_floor > 1e-6


def test_a_fault_on_one_of_several_samples_is_found(run: Run) -> None:
    class OnTheThird(TorchFunctionMode):
        forwards = 0

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if func is F.linear and result.shape == (1, 10):
                OnTheThird.forwards += 1
                # Three forwards of each sample, and one more of the first for the latency.
                return result * 1.01 if OnTheThird.forwards > 7 else result
            return result

    section = section_of(run(OnTheThird, request={"samples": 3}))
    assert section.samples == 3 and not section.verdict.passed
    assert section.worst_outputs["relative_l2"] == WorstOutput(output="logits", sample=2)
    assert section.first_suspect is not None and section.first_suspect.module == "classifier"
    clean = section_of(run(request={"samples": 3}))
    assert clean.verdict.passed and len({entry.sha256 for entry in clean.inputs}) == 3


def test_a_rehearsal_predicts_what_the_device_shows(run: Run) -> None:
    device = device_of(ArithmeticByClass.uniform("hf32"))
    measured = section_of(run(device))
    rehearsed = section_of(run(device, request={"rehearse": "hf32", "device": "auto"}))
    for figure in ("max_abs_diff", "mean_abs_diff", "relative_l2"):
        assert 0.5 < getattr(rehearsed, figure) / getattr(measured, figure) < 2
    assert rehearsed.verdict.rule == "one-percent"
    floor = next(outcome for outcome in rehearsed.verdict.others if outcome.rule == "noise-floor")
    assert floor.terms == (Term(id="met-by-construction", holds=True),)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rule": "tolerance"}, "needs --rtol and --atol"),
        ({"rtol": 1e-3}, "belong together"),
        ({"fast": True, "arithmetic": "hf32"}, "does not probe"),
    ],
)
def test_options_that_mean_nothing_are_refused(run: Run, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(**options)
