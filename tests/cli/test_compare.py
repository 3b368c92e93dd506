"""`npu-adapt compare` as a process: rules, arithmetics, saved outputs judged again, baselines, and their exit codes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from npu_adapt.evidence import parse_log_line
from npu_adapt.records import Compare, Fact, Summary, decode
from tests.commands import Cli, Finished

PASSED, USAGE, VERDICT_FAILED, MODEL = 0, 2, 3, 5


def record(done: Finished) -> Summary:
    return decode(done.stdout.encode(), origin="stdout")


def section(done: Finished) -> Compare:
    found = record(done).compare
    assert found is not None, done.stderr
    return found


def outcomes(compare: Compare) -> Mapping[str, bool]:
    """Every rule's outcome, the deciding one's too."""
    return {compare.verdict.rule: compare.verdict.passed} | {each.rule: each.passed for each in compare.verdict.others}


@pytest.fixture(scope="module")
def saved(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a comparison CPU against CPU, two samples, with its own logs/ in `logs`."""
    folder = tmp_path_factory.mktemp("saved")
    options = ("--device", "cpu", "--samples", "2", "--save-outputs", folder / "outputs", "--logs", folder / "logs")
    done = cli("compare", "builtin:digits-vit", *options, "--json")
    assert done.code == PASSED, done.stderr
    return folder


def test_the_processor_against_itself_passes_every_rule(saved: Path) -> None:
    summary = decode((saved / "logs" / "summary.json").read_bytes(), origin="summary")
    compare = summary.compare
    assert compare is not None and compare.arithmetic is not None and compare.arithmetic.found is not None
    assert outcomes(compare) == dict.fromkeys(("noise-floor", "one-percent", "field", "tolerance"), True)
    assert compare.samples == 2 and compare.repeats is not None and compare.repeats.forwards == 3
    assert compare.arithmetic.found.matmul == compare.arithmetic.judged_at == "float32"
    assert all(output.error_over_floor is not None and output.error_over_floor < 3 for output in compare.outputs)
    log = (saved / "logs" / "accuracy_compare.log").read_text().splitlines()
    events = [parse_log_line(line)[2] for line in log]
    assert {"output", "flat", "probe", "arithmetic", "repeats", "other-rule", "verdict"} <= set(events)


def test_saved_outputs_are_safetensors_of_both_sides_and_the_truth(saved: Path) -> None:
    names = {"0/logits", "0/last_hidden_state", "1/logits", "1/last_hidden_state"}
    for side, dtype in {"reference": torch.float32, "candidate": torch.float32, "truth": torch.float64}.items():
        tensors = load_file(saved / "outputs" / f"{side}.safetensors")
        assert tensors.keys() == names
        assert {tensor.dtype for tensor in tensors.values()} == {dtype}


def test_another_rule_on_saved_outputs_gives_the_same_figures(cli: Cli, saved: Path) -> None:
    first = decode((saved / "outputs" / "summary.json").read_bytes(), origin="summary").compare
    again = section(cli("compare", "--rejudge", saved / "outputs", "--rule", "field", "--json"))
    assert first is not None
    assert (again.verdict.rule, again.verdict.passed) == ("field", True)
    assert outcomes(again) == outcomes(first)
    for figure in ("outputs", "max_abs_diff", "relative_l2", "cosine_similarity", "arithmetic", "repeats", "inputs"):
        assert getattr(again, figure) == getattr(first, figure)


def copied(saved: Path, to: Path) -> Path:
    to.mkdir()
    for file in (saved / "outputs").iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_a_changed_element_of_saved_outputs_is_found(cli: Cli, saved: Path, tmp_path: Path) -> None:
    folder = copied(saved, tmp_path / "changed")
    file = folder / "candidate.safetensors"
    with safe_open(file, framework="pt") as header:
        metadata = header.metadata()
    tensors = load_file(file)
    tensors["1/logits"][0, 4] += 1e-3
    save_file(tensors, file, metadata)
    done = cli("compare", "--rejudge", folder, "--json")
    compare = section(done)
    assert done.code == VERDICT_FAILED
    assert outcomes(compare) == {"noise-floor": False, "one-percent": True, "field": True, "tolerance": False}
    assert compare.outputs[0].worst_sample == 1 and compare.outputs[0].worst_index == (0, 4)


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_saved_outputs_that_are_not_whole_are_refused(cli: Cli, saved: Path, tmp_path: Path, damage: str) -> None:
    folder = copied(saved, tmp_path / damage)
    file = folder / "candidate.safetensors"
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:200])
    else:
        for side in ("reference", "candidate", "truth"):
            save_file({"0/logits": torch.ones(1)}, folder / f"{side}.safetensors")
    done = cli("compare", "--rejudge", folder)
    assert (done.code, done.stdout) == (USAGE, "")
    assert "next: make the folder again" in " ".join(done.stderr.split())


def test_a_folder_is_judged_without_a_model_or_a_device(cli: Cli, saved: Path) -> None:
    done = cli("compare", "builtin:digits-vit", "--rejudge", saved / "outputs")
    assert done.code == USAGE and "--rejudge runs nothing" in done.stderr


def test_a_rehearsal_is_judged_by_one_percent_and_says_why(cli: Cli) -> None:
    done = cli("compare", "builtin:digits-vit", "--rehearse", "hf32", "--samples", "2", "--json")
    assert done.code == PASSED, done.stderr
    compare = section(done)
    assert (compare.verdict.rule, compare.verdict.passed) == ("one-percent", True)
    floor = next(each for each in compare.verdict.others if each.rule == "noise-floor")
    assert [term.id for term in floor.terms] == ["met-by-construction"]
    assert compare.arithmetic is not None and compare.arithmetic.found is not None
    assert compare.arithmetic.found.matmul == "hf32"


@pytest.mark.parametrize(
    ("options", "code", "rule"),
    [
        (("--rule", "tolerance", "--rtol", "1e-2", "--atol", "1e-2"), PASSED, "tolerance"),
        (("--rule", "tolerance", "--rtol", "1e-7", "--atol", "1e-9"), VERDICT_FAILED, "tolerance"),
        (("--rule", "field"), PASSED, "field"),
        (("--arithmetic", "float32"), VERDICT_FAILED, "one-percent"),
        (("--arithmetic", "hf32"), PASSED, "one-percent"),
        (("--arithmetic", "bfloat16"), PASSED, "one-percent"),
    ],
)
def test_rules_and_arithmetics_decide(cli: Cli, options: tuple[str, ...], code: int, rule: str) -> None:
    done = cli("compare", "builtin:digits-vit", "--rehearse", "hf32", *options, "--json")
    assert done.code == code, done.stderr
    compare = section(done)
    assert (compare.verdict.rule, compare.verdict.passed) == (rule, code == PASSED)
    assert outcomes(compare).keys() == {"noise-floor", "one-percent", "field", "tolerance"}
    if options == ("--arithmetic", "float32"):
        first = compare.verdict.terms[0]
        assert (first.id, first.holds, first.value, first.limit) == ("arithmetic", False, "hf32", "float32")


def test_fast_takes_the_fields_rule_and_measures_no_floor(cli: Cli) -> None:
    done = cli("compare", "builtin:digits-vit", "--device", "cpu", "--fast", "--json")
    compare = section(done)
    assert done.code == PASSED and compare.verdict.rule == "field"
    assert compare.arithmetic is None and compare.repeats is None and compare.outputs[0].noise_floor is None
    assert record(done).reasons["compare.outputs.noise_floor"] == Fact("fast")


def test_a_baseline_that_was_better_fails_what_is_worse_now(cli: Cli, tmp_path: Path) -> None:
    """As after an upgrade: finer arithmetic then, coarser now."""
    before = tmp_path / "before"
    assert cli("compare", "builtin:digits-vit", "--rehearse", "hf32", "--logs", before).code == PASSED
    baseline = ("--baseline", before / "summary.json")

    same = cli("compare", "builtin:digits-vit", "--rehearse", "hf32", *baseline, "--json")
    assert same.code == PASSED, same.stderr
    as_good = section(same).baseline
    assert as_good is not None and (as_good.regressions, as_good.changes) == ((), ())

    worse = cli("compare", "builtin:digits-vit", "--rehearse", "bfloat16", *baseline, "--json")
    assert worse.code == VERDICT_FAILED
    found = section(worse).baseline
    assert found is not None
    coarser = [fact.values for fact in found.regressions if fact.id == "coarser-arithmetic"]
    assert coarser == [
        {"operators": operators, "before": "hf32", "after": "bfloat16"} for operators in ("matmul", "conv", "attention")
    ]
    assert {"larger-error"} <= {fact.id for fact in found.regressions}


def test_a_baseline_of_another_subject_is_refused(cli: Cli, saved: Path, tmp_path: Path) -> None:
    other = cli("compare", "builtin:digits-vit", "--device", "cpu", "--baseline", saved / "logs" / "summary.json")
    assert other.code == USAGE and "about other inputs" in " ".join(other.stderr.split())
    history = Path(os.environ["NPU_ADAPT_LOGS"]) / "history"
    assert list(history.iterdir()) == []  # nothing ran, so nothing is recorded
    nothing = cli("compare", "builtin:digits-vit", "--device", "cpu", "--baseline", tmp_path / "none.json")
    assert nothing.code == USAGE and "cannot be read" in " ".join(nothing.stderr.split())
