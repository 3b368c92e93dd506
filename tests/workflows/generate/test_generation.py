"""Whole comparisons with `--generate` of a tiny language model on devices made on the CPU."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.consistency import contradictions
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.progress import Silent
from npu_adapt.records import Generation, Summary
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.sections.generation import marked
from npu_adapt.report.tables import render_compare
from npu_adapt.workflows.compare import sides
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.rejudge import rejudge
from npu_adapt.workflows.run.request import RunRequest
from tests.models import tiny_models
from tests.report.drawing import drawn

Device = Callable[[], AbstractContextManager[object]]
Run = Callable[..., Summary]
TOKENS = 6


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model whose end token is none of those that it likes, so that it writes on."""
    torch.manual_seed(0)
    folder = tiny_models.llama(tmp_path_factory.mktemp("llama") / "model")
    change(folder / "generation_config.json", {"eos_token_id": 1, "pad_token_id": None})
    return folder


def change(file: Path, fields: dict[str, Any]) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, **fields}))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, llama: Path) -> Run:
    def run(device: Device = nullcontext, *, request: dict[str, Any] | None = None, **options: Any) -> Summary:
        monkeypatch.setattr(sides, "candidate_context", lambda session: device)
        asked: dict[str, Any] = {
            "command": "compare",
            "command_line": "npu-adapt compare",
            "model": str(llama),
            "device": "cpu",
            "logs": tmp_path / "logs",
            **(request or {}),
        }
        return compare(RunRequest(**asked), CompareOptions(**{"generate": TOKENS, **options}), Silent())

    return run


def written(summary: Summary) -> Generation:
    assert summary.compare is not None and summary.compare.generation is not None
    return summary.compare.generation


def failed(summary: Summary) -> list[str]:
    assert summary.compare is not None
    return [term.id for term in summary.compare.verdict.terms if not term.holds]


class Decoding(TorchFunctionMode):
    """A device that is wrong only where one token is read, from the step `since` on."""

    def __init__(self, wrong: Callable[[Tensor, tuple[Any, ...]], Tensor], operator: str, since: int = 0) -> None:
        super().__init__()
        self._wrong, self._operator, self._since, self._steps = wrong, operator, since, 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name == "embedding":
            self._steps = self._steps + 1 if result.shape[1] == 1 else 0
        decodes = self._steps > self._since
        return self._wrong(result, args) if decodes and name == self._operator else result


def stale_cache(result: Tensor, args: tuple[Any, ...]) -> Tensor:
    """The newest entry of a cache is the one before it."""
    tensors = args[0]
    if result.dim() != 4 or tensors[0].dim() != 4 or not tensors[0].shape[-2] > tensors[-1].shape[-2] == 1:
        return result
    return torch.cat([result[..., :-1, :], result[..., -2:-1, :]], dim=-2)


def test_a_correct_device_writes_the_same_and_passes(run: Run) -> None:
    summary = run(lambda: emulate(Emulation(ArithmeticByClass.uniform("hf32"), True, True)), request={"samples": 2})
    found = written(summary)
    assert failed(summary) == []
    assert [len(text.reference_tokens) for text in found.texts] == [TOKENS, TOKENS]
    assert found.positions == 2 * TOKENS and found.suspect is None
    assert all(0 < (error or 9) < 3 for text in found.texts for error in text.errors_over_floor)
    assert all(error is not None and error < 3 for text in found.texts for error in text.cache_errors_over_floor)
    assert {each.variant for each in found.invariance} == {"batch-left", "batch-right", "chunks"}
    assert all((each.error_over_floor or 9) < 3 for each in found.invariance)
    assert {fact.id for fact in found.settings} == {"no-chat-template"}
    assert summary.compare is not None
    names = [output.name for output in summary.compare.outputs]
    assert names[2:] == ["generated_logits", "generated_logits_without_cache"]
    assert contradictions(summary) == ()
    for language in ("en", "zh"):
        lines = drawn(first_compare(Figures(summary, language), Path("logs")), 100)
        assert len(lines) <= 24
        drawn(render_compare(summary, language), 100)


def test_a_stale_cache_entry_fails_at_its_position_and_names_the_operator(run: Run) -> None:
    summary = run(lambda: Decoding(stale_cache, "cat", since=2))
    found = written(summary)
    assert {"position-error", "cache-error"} <= set(failed(summary))
    (text,) = found.texts
    assert [(error or 9) > 3 for error in text.errors_over_floor] == [False] * 3 + [True] * 3
    assert found.suspect is not None
    assert (found.suspect.position, found.suspect.operator) == (3, "cat")
    assert found.suspect.module.startswith("model.layers.0.self_attn")
    worst = (
        {output.name: output.error_over_floor or 0.0 for output in summary.compare.outputs} if summary.compare else {}
    )
    assert worst["generated_logits"] > 3 > worst["generated_logits_without_cache"]
    assert contradictions(summary) == ()
    lines = "\n".join(drawn(first_compare(Figures(summary), Path("logs")), 100))
    assert "cat" in lines


class Unmasked(TorchFunctionMode):
    """A device whose attention forgets the mask as soon as there is more than one prompt."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.scaled_dot_product_attention and args[0].shape[0] > 1:
            kwargs = {**kwargs, "attn_mask": None, "is_causal": True}
        return func(*args, **kwargs)


def test_a_mask_that_is_lost_in_batches_fails_where_padding_is_read(run: Run, tmp_path: Path) -> None:
    summary = run(Unmasked, save_outputs=tmp_path / "saved")
    found = written(summary)
    assert failed(summary) == ["invariance"]
    left = next(each for each in found.invariance if each.variant == "batch-left")
    assert (left.error_over_floor or 0) > 3 and not left.by_model
    assert left.operator == "scaled_dot_product_attention"
    assert (left.module or "").startswith("model.layers.0.self_attn")
    assert all((each.error_over_floor or 9) < 3 for each in found.invariance if each is not left)
    again = rejudge(
        tmp_path / "saved", RunRequest(command="compare", command_line="", logs=tmp_path / "again"), CompareOptions()
    )
    assert written(again) == found and failed(again) == ["invariance"]
    assert contradictions(again) == ()


def test_edited_texts_tokens_and_margins_are_seen(run: Run) -> None:
    summary = run()
    assert summary.compare is not None
    section, found = summary.compare, written(summary)
    (text,) = found.texts
    other = tuple(token + 1 for token in text.candidate_tokens)
    edits = (
        {"candidate_text": "something else"},
        {"candidate_tokens": other},
        {"margins_over_floor": (0.1, *text.margins_over_floor[1:])},
        {"errors_over_floor": (9.0, *text.errors_over_floor[1:])},
        {"cache_errors_over_floor": (9.0, *text.cache_errors_over_floor[1:])},
        {"cache_errors_over_floor": text.cache_errors_over_floor[1:]},
        {"parts_at": 3},
    )
    for edit in edits:
        edited = replace(found, texts=(replace(text, **edit),))
        assert contradictions(replace(summary, compare=replace(section, generation=edited))), edit


def test_the_words_that_differ_are_marked() -> None:
    assert marked("the cat sat on it", "the dog sat it") == ("the [-cat-] sat [-on-] it", "the {+dog+} sat it")
