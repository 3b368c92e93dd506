"""`summary.json`: strict reading, plain writing, one message for everything that is not a summary."""

from __future__ import annotations

import json

import msgspec
import pytest

from npu_adapt import records
from npu_adapt.errors import ExitCode, SummaryUnreadable
from npu_adapt.evidence import new_summary


def test_a_summary_survives_writing_and_reading() -> None:
    summary = new_summary("npu-adapt infer", reasons={"model": records.Fact("not-loaded")})
    assert records.decode(records.encode(summary), origin="summary.json") == summary


def test_failure_class_is_spelled_as_the_contract_says() -> None:
    failure = records.Failure(stage="forward", kind="out-of-memory", message="…")
    assert json.loads(msgspec.json.encode(failure))["class"] == "out-of-memory"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema_version": 1, "tool"', "not complete JSON"),
        ("[" * 100_000, "not complete JSON"),
        ("[]", "not written by npu-adapt"),
        ('{"schema_version": 1, "tool": {"name": "other"}}', "not written by npu-adapt"),
        ('{"schema_version": 99, "tool": {"name": "npu-adapt"}}', "schema version 99"),
        ('{"schema_version": 1, "tool": {"name": "npu-adapt", "version": 3}}', "does not follow schema 1"),
        ('{"schema_version": true, "tool": {"name": "npu-adapt", "version": "1"}}', "not written by npu-adapt"),
    ],
    ids=["torn", "deep", "a list", "another tool's", "newer", "a wrong type", "a boolean version"],
)
def test_what_is_not_a_summary_is_refused_with_a_hint(text: str, says: str) -> None:
    with pytest.raises(SummaryUnreadable, match=says) as caught:
        records.decode(text.encode(), origin="summary.json")
    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


def test_unknown_fields_are_not_passed_over() -> None:
    content = json.loads(records.encode(new_summary("npu-adapt infer")))
    content["verdict"] = "trust me"
    with pytest.raises(SummaryUnreadable, match="verdict"):
        records.decode(json.dumps(content).encode(), origin="summary.json")


def test_the_json_schema_names_every_flat_metric_of_the_field() -> None:
    properties = records.json_schema()["$defs"]["Compare"]["properties"]
    flat = {"max_abs_diff", "mean_abs_diff", "cosine_similarity", "top1_match", "top5_match", "match_within_1_percent"}
    assert flat <= set(properties)
