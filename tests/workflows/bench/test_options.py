"""A sweep's rows from what was asked for."""

from __future__ import annotations

from pathlib import Path

from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses
from npu_adapt.workflows.bench.settings import rules_of


def test_each_row_has_one_value_of_each_option_the_batch_size_changing_first() -> None:
    rows = [*BenchOptions(dtypes=("float32", "bfloat16"), batch_sizes=(1, 8), iterations=5).each()]
    assert [(row.dtypes, row.batch_sizes) for row in rows] == [
        (("float32",), (1,)),
        (("float32",), (8,)),
        (("bfloat16",), (1,)),
        (("bfloat16",), (8,)),
    ]
    assert {(row.iterations, row.threads) for row in rows} == {(5, ())}
    assert [row.threads for row in BenchOptions(threads=(1, 2)).each()] == [(1,), (2,)]


def test_one_setting_is_itself() -> None:
    assert [*BenchOptions().each()] == [BenchOptions()]


def test_iterations_alone_are_exactly_that_many() -> None:
    rules = rules_of(BenchOptions(iterations=100))
    assert (rules.iterations, rules.precision, rules.max_seconds) == (100, None, None)
    rules = rules_of(BenchOptions(iterations=100, max_seconds=5.0))
    assert (rules.iterations, rules.precision, rules.max_seconds) == (100, None, 5.0)


def test_without_a_number_it_ends_when_precise_or_out_of_time() -> None:
    rules = rules_of(BenchOptions(warmup=0))
    assert (rules.iterations, rules.precision, rules.max_seconds, rules.warmup) == (None, 0.01, 30.0, 0)


def test_a_gate_or_several_processes_measure_one_setting_in_processes_of_their_own() -> None:
    assert not FreshProcesses().are_wanted
    assert FreshProcesses(isolate=True).are_wanted and not FreshProcesses(isolate=True).measure_one_setting
    for asked in (FreshProcesses(processes=5), FreshProcesses(baseline=Path("b.json"))):
        assert asked.are_wanted and asked.measure_one_setting
