"""Figures: by path, by name, or by their reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from npu_adapt import records
from npu_adapt.records import Fact, Record, Summary, Term
from npu_adapt.report.figures import Figures
from npu_adapt.report.hardware import HARDWARE
from npu_adapt.report.phrases import ABSENT, PHRASES

Sample = Callable[[str], Summary]
OLD_SUMMARY = Path(__file__).parents[1] / "data" / "summary-v1.json"


def text(words: str) -> Fact:
    return Fact("text", {"text": words})


def test_a_summary_of_the_first_schema_still_loads() -> None:
    summary = records.decode(OLD_SUMMARY.read_bytes(), origin=OLD_SUMMARY.name)
    assert summary.compare is not None
    assert Figures(summary)("compare.max_abs_diff") == "1.219e-02"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("model.parameters", "86,567,656"),
        ("weights.files.0.bytes", "330.3 MiB"),
        ("environment.devices.0.memory_bytes", "32.00 GiB"),
        ("run.device", "npu:0"),
        ("run.seed", "0"),
        ("run.predictions.0.index", "698"),
        ("run.predictions.0.score", "0.8346"),
        ("run.timings_ms.first_forward", "3413"),
        ("run.inputs.0.shape", "[1, 3, 224, 224]"),
        ("compare.relative_l2", "2.711e-03"),
        ("compare.cosine_similarity", "0.99999610"),
        ("compare.outputs.0.reference_value", "1.2345678"),
        ("compare.outputs.0.error_over_floor", "1.348"),
        ("compare.top1_match", "true"),
        ("bench.latency_ms.median", "5.988"),
        ("bench.throughput_per_s", "167.0"),
    ],
)
def test_a_figure_is_written_by_the_rule_of_its_name(sample: Sample, path: str, text: str) -> None:
    assert Figures(sample("success"))(path) == text


def test_units_follow_in_running_text(sample: Sample) -> None:
    figures = Figures(sample("success"))
    assert figures("bench.latency_ms.median", unit=True) == "5.988 ms"
    assert figures("bench.throughput_per_s", unit=True) == "167.0 /s"


def test_a_section_is_no_figure(sample: Sample) -> None:
    with pytest.raises(TypeError, match=r"bench\.latency_ms is a section"):
        Figures(sample("success"))("bench.latency_ms")


def test_the_nearest_reason_of_the_summary_comes_first(sample: Sample) -> None:
    reasons = {"compare": text("the run failed"), "compare.top1_match": text("no classes")}
    figures = Figures(replace(sample("infer-only"), reasons=reasons))
    assert figures("compare.top1_match") == "no classes"
    assert figures("compare.max_abs_diff") == "the run failed"


def test_a_reason_may_name_all_elements_of_a_list_or_one(sample: Sample) -> None:
    nulls = sample("nulls")
    path = "compare.outputs.0.noise_floor"
    assert Figures(replace(nulls, reasons={"compare.outputs.noise_floor": text("all")}))(path) == "all"
    assert Figures(replace(nulls, reasons={"compare.outputs.0.noise_floor": text("one")}))(path) == "one"


def test_the_default_reason_is_that_of_the_outermost_part_missing(sample: Sample) -> None:
    assert Figures(sample("infer-only"))("compare.latency.speed_up") == "not compared: npu-adapt compare MODEL"
    assert Figures(sample("nulls"))("compare.latency.speed_up") == "not measured warm on both sides in one run"


def optional_fields(kind: Any, path: str) -> Iterator[str]:
    """The paths, without positions, of every field that may be None. Facts and terms are told by words, not by path."""
    if isinstance(kind, msgspec.inspect.StructType) and kind.cls in (Fact, Term):
        return
    if isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            yield from optional_fields(field.type, f"{path}.{field.name}".lstrip("."))
    elif isinstance(kind, msgspec.inspect.UnionType):
        if any(isinstance(each, msgspec.inspect.NoneType) for each in kind.types) and path:
            yield path
        for each in kind.types:
            yield from optional_fields(each, path)
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        yield from optional_fields(kind.item_type, path)


def test_every_field_that_may_be_none_has_a_default_reason() -> None:
    paths = set(optional_fields(msgspec.inspect.type_info(Summary), ""))
    assert paths - ABSENT.keys() == set()
    assert {name for name in ABSENT.values() if name not in PHRASES} == set()


def test_both_columns_of_every_phrase_are_filled_and_have_the_same_places() -> None:
    for key, phrase in PHRASES.items():
        places = [sorted(name for _, name, _, _ in Formatter().parse(text) if name) for text in phrase]
        assert all(text.strip() for text in phrase), key
        assert places[0] == places[1], key


def test_every_record_can_be_walked_by_path(sample: Sample) -> None:
    figures = Figures(sample("success"))
    assert isinstance(figures.value("compare.latency"), Record)
    assert figures.value("run.numerics.conv_hf32") is True
    assert figures.value("bench.latency_ms.p99") == pytest.approx(6.51021)


def test_hardware_rows_are_keyed_by_device_type() -> None:
    assert HARDWARE["npu"].tags == ("NPU", "Ascend", "ascend-npu")
    assert all(":" not in kind for kind in HARDWARE)
