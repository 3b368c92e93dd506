"""A failed run in the reader's language: what npu-adapt says of it is kept as a template with its values."""

from __future__ import annotations

import msgspec

from npu_adapt.consistency import contradictions
from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.evidence import failure_of
from npu_adapt.records import Failure, Summary, decode, encode
from npu_adapt.report.language import recorded
from tests.report.summaries import failed_run


def _failed(failure: Failure) -> Summary:
    summary = failed_run()
    assert summary.run is not None
    return msgspec.structs.replace(summary, run=msgspec.structs.replace(summary.run, failure=failure))


ERROR = RunFailed(
    Sentence("{model} cannot generate: {architecture} writes no tokens", model="a", architecture="B"),
    hint="…",
    stage="forward",
    kind="other",
)


def test_a_message_of_ours_is_said_in_both_languages_after_it_was_written_and_read() -> None:
    summary = decode(encode(_failed(failure_of(ERROR))), origin="summary.json")
    assert summary.run is not None and summary.run.failure is not None
    failure = summary.run.failure
    assert recorded(failure.message, failure.said, "en") == "a cannot generate: B writes no tokens" == failure.message
    assert recorded(failure.message, failure.said, "zh").startswith("a 不能生成：B ")
    assert not [each for each in contradictions(summary) if "failure" in each.field]


def test_a_message_of_somebody_else_stays_as_it_is() -> None:
    failure = failure_of(RunFailed("aclnnFoo failed", hint="…", stage="forward", kind="other"))
    assert failure.said is None and recorded(failure.message, failure.said, "zh") == "aclnnFoo failed"


def test_a_template_that_is_not_known_is_not_filled() -> None:
    failure = failure_of(ERROR)
    assert failure.said is not None
    hostile = msgspec.structs.replace(failure, said=msgspec.structs.replace(failure.said, id="{model:>99999999999}"))
    assert recorded(hostile.message, hostile.said, "zh") == failure.message


def test_an_edited_message_is_seen() -> None:
    edited = msgspec.structs.replace(failure_of(ERROR), message="all went well")
    assert "run.failure.message" in [each.field for each in contradictions(_failed(edited))]
