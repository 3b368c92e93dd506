"""What becomes of single rows, on tiny models, in this process: it has paid for torch already."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import Result

from tests.models import tiny_models

QUICK = ("--device", "cpu", "--iters", "8", "--warmup", "1", "--no-limits", "--threads", "1", "--json")
Invoke = Callable[..., Result]


def rows(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["bench"]["rows"]
    return found


def test_a_batch_that_no_memory_holds_fails_its_row_and_the_sweep_goes_on(invoke: Invoke) -> None:
    done = invoke("bench", "builtin:digits-vit", *QUICK, "--batch-size", "1,100000000,2")
    found = rows(done)
    assert [row["status"] for row in found] == ["measured", "failed", "measured"]
    assert found[1]["reason"]["values"]["class"] == "out-of-memory"
    assert "free" in found[1]["reason"]["values"]["message"]


def test_a_single_row_that_no_memory_holds_is_a_failed_run_with_its_record(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("bench", "builtin:digits-vit", *QUICK, "--batch-size", "100000000", "--logs", tmp_path)
    assert done.exit_code == 6
    error = json.loads(done.stdout)["error"]
    assert error["class"] == "out-of-memory" and "--batch-size" in error["hint"]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["run"]["status"] == "FAILED" and summary["run"]["failure"]["stage"] == "measure"
    assert summary["bench"] is None
    assert summary["reasons"]["bench"]["values"] == {"stage": "measure", "class": "out-of-memory"}


def test_a_causal_language_model_has_its_tokens_a_second_read_and_written(invoke: Invoke, tmp_path: Path) -> None:
    (row,) = rows(invoke("bench", tiny_models.llama(tmp_path), *QUICK, "--batch-size", "2"))
    assert row["prefill_tokens_per_s"] > row["throughput_per_s"]
    assert len(row["decode_samples_ms"]) == 32
    middle = sorted(row["decode_samples_ms"])
    assert row["decode_tokens_per_s"] == pytest.approx(2e3 / ((middle[15] + middle[16]) / 2))
    assert row["decode_interval"]["low"] <= row["decode_tokens_per_s"] <= row["decode_interval"]["high"]


def test_a_cache_that_forgets_the_past_makes_the_row_wrong(invoke: Invoke, tmp_path: Path) -> None:
    from npu_adapt.models.tasks import text
    from npu_adapt.models.tasks.table import TASKS
    from npu_adapt.models.tasks.task import Generation

    def forgetful(module: torch.nn.Module, tokens: torch.Tensor, cache: Any) -> torch.Tensor:
        logits: torch.Tensor = module(input_ids=tokens).logits
        return logits[:, -1]

    object.__setattr__(TASKS["text-generation"], "generation", Generation(text.prefill, forgetful))
    try:
        done = invoke("bench", tiny_models.llama(tmp_path), *QUICK)
    finally:
        object.__setattr__(TASKS["text-generation"], "generation", Generation(text.prefill, text.decode))
    assert done.exit_code == 3
    (row,) = json.loads(done.stdout)["bench"]["rows"]
    assert row["status"] == "wrong" and row["reason"]["id"] == "wrong-tokens"


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
def test_a_sound_has_its_real_time_factor_in_any_batch(invoke: Invoke, tmp_path: Path, kind: str) -> None:
    model = getattr(tiny_models, kind)(tmp_path)
    for row in rows(invoke("bench", model, *QUICK, "--batch-size", "1,3")):
        seconds = 2.0 * row["batch_size"]  # the built-in sound
        assert row["real_time_factor"] == pytest.approx(row["latency_ms"]["median"] / 1e3 / seconds)


@pytest.mark.parametrize("kind", ["clip", "bert"])
def test_what_members_of_a_batch_share_is_not_repeated(invoke: Invoke, tmp_path: Path, kind: str) -> None:
    model = tiny_models.clip(tmp_path) if kind == "clip" else tiny_models.bert(tmp_path, "BertForMaskedLM")
    (row,) = rows(invoke("bench", model, *QUICK, "--batch-size", "3"))
    assert row["status"] == "measured" and row["relative_l2"] < 1e-5


def test_numbers_that_are_none_are_a_failed_run(invoke: Invoke, digits_copy: Path) -> None:
    weights = digits_copy / "model.safetensors"
    tensors = load_file(weights)
    for name in tensors:
        if name.endswith(("query.weight", "key.weight")):
            tensors[name] *= 1e30  # numbers themselves, whose products are none
    save_file(tensors, weights, metadata={"format": "pt"})
    done = invoke("bench", digits_copy, *QUICK)
    assert done.exit_code == 6, done.output
    assert json.loads(done.stdout)["error"]["class"] == "nan-output"


def test_a_wrong_row_cannot_win_however_fast(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from npu_adapt.workflows.bench import rows as bench_rows

    true_error = bench_rows.error_against

    def error_against(outputs: Any, reference: Any, batch_size: int) -> float | None:
        return 0.5 if batch_size == 4 else true_error(outputs, reference, batch_size)

    monkeypatch.setattr(bench_rows, "error_against", error_against)
    done = invoke("bench", "builtin:digits-vit", *QUICK, "--batch-size", "1,4")
    found = rows(done)
    assert [row["status"] for row in found] == ["measured", "wrong"]
    assert found[1]["throughput_per_s"] > found[0]["throughput_per_s"]
    assert json.loads(done.stdout)["bench"]["best_row"] == 0


def test_an_unknown_error_in_the_one_row_there_is_keeps_its_traceback(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    from npu_adapt.workflows.bench import rows as bench_rows

    def broken(*_: object) -> None:
        raise TypeError("a bug of ours")

    monkeypatch.setattr(bench_rows, "error_against", broken)
    for sizes in ("1", "1,2"):
        done = invoke("bench", "builtin:digits-vit", *QUICK, "--batch-size", sizes)
        assert done.exit_code == 1 and isinstance(done.exception, TypeError)


def test_a_benchmark_measures_one_input(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("bench", tiny_models.bert(tmp_path, "BertModel"), *QUICK, "--input", "one text", "--input", "another")
    assert done.exit_code == 2
    assert "2 inputs" in done.stdout


def test_an_interrupt_that_meets_the_garbage_collector_is_not_lost() -> None:
    from npu_adapt.workflows.bench import command as bench

    class Interrupted:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    Interrupted()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        bench._collect_garbage()
    assert signal.getsignal(signal.SIGINT) is before
