"""`compare --soak`: forwards under load, of which one that has other bits is counted and named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from msgspec.structs import replace
from torch import Tensor, nn

import npu_adapt
from npu_adapt.consistency import contradictions
from npu_adapt.devices import telemetry
from npu_adapt.devices.backends import NPU
from npu_adapt.devices.doctor.npu_smi import Vitals
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import UsageError
from npu_adapt.models.tasks import Sample
from npu_adapt.progress import Silent
from npu_adapt.records import Fact, Soak, Summary
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.sections.soak import soak as section_of_soak
from npu_adapt.workflows.compare import soak
from npu_adapt.workflows.compare.soak import LEAST_FORWARDS, run_soak
from npu_adapt.workflows.run.forward import Side
from tests.workflows.compare.faulty_models import IDS, Faulty, Model, OneTask

ON_CPU = open_device("cpu", allow_cpu=True).device


def soaked(fault: Faulty | None = None, seconds: float = 0.2, model: nn.Module | None = None) -> Soak:
    context: dict[str, Any] = {} if fault is None else {"context": lambda: fault}
    side = Side(model or Model(layers=1).eval(), ON_CPU, torch.float32, OneTask(), **context)  # type: ignore[arg-type]
    return run_soak(side, Sample({"ids": IDS}, ()), seconds, Silent())


def last_bit(result: Tensor) -> Tensor:
    changed = result.clone()
    changed.view(-1)[7] = changed.view(-1)[7].nextafter(torch.tensor(9.0))
    return changed


def test_a_right_device_has_the_same_bits_in_every_forward() -> None:
    found = soaked()
    assert found.forwards >= LEAST_FORWARDS and found.seconds >= found.asked_seconds == 0.2
    assert (found.changed, found.places, found.on_device, found.readings) == (0, (), True, ())
    assert found.operators > 10


@pytest.mark.parametrize("struck", [1, 2, 3])
def test_one_forward_with_another_bit_is_counted_and_named(struck: int) -> None:
    found = soaked(Faulty(F.gelu, last_bit, struck - 1, 1), seconds=0.3)
    assert found.changed == 1
    (place,) = found.places
    assert (place.module, place.operator, place.forwards, place.first_forward) == ("layers.0", "gelu", 1, struck)
    assert place.output_shape == (1, 16, 64)


def test_a_fault_in_one_forward_of_some_is_counted_each_time() -> None:
    class Sometimes(Faulty):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is F.gelu and self.seen % 3 != 2:
                self.seen += 1
                return func(*args, **(kwargs or {}))
            self.first, self.times = self.seen, 1
            return super().__torch_function__(func, types, args, kwargs)

    found = soaked(Sometimes(F.gelu, last_bit), seconds=0.4)
    assert found.changed == found.forwards // 3
    assert [place.operator for place in found.places] == ["gelu"]


def test_the_bits_are_copied_where_the_device_does_not_count_as_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "hashes_there", lambda device, dtype: False)
    found = soaked(Faulty(F.gelu, last_bit, 1, 1))
    assert not found.on_device and found.changed == 1


def test_forwards_of_two_lengths_part_where_one_ends() -> None:
    class Growing(Model):
        forwards = 0

        def forward(self, ids: Tensor) -> Tensor:
            self.forwards += 1
            result = super().forward(ids)
            return result + 0.0 if self.forwards == 2 else result

    found = soaked(model=Growing(layers=1).eval())
    assert found.changed == 1 and found.places[0].first_forward == 2


def test_what_the_device_tells_is_read_beside_the_forwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "vitals_of", lambda device: lambda: Vitals(61.5, None))
    (reading,) = soaked().readings
    assert (reading.temperature_celsius, reading.clock_megahertz) == (61.5, None) and reading.seconds < 0.2


@pytest.mark.parametrize(
    ("visible", "index", "expected"),
    [("", 0, 40.0), ("", 1, 41.0), ("1", 0, 41.0), ("0", 1, None), ("all", 0, None), ("", 5, None)],
)
def test_the_tool_is_asked_for_the_chip_that_the_process_sees(
    visible: str, index: int, expected: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Path(__file__).parents[2] / "data" / "npu-smi" / "910b4.txt"
    tool = tmp_path / "npu-smi"
    tool.write_text(
        f'#!/bin/sh\nif [ "$2" = -t ]; then printf \'Chip ID : 0\\nTemperature(C) : 4%s\\n\' "$5"; exit; fi\n'
        f"cat {listing}\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(telemetry.VISIBLE, visible)
    device = type(ON_CPU)(f"npu:{index}", torch.device("cpu", index), "", NPU, object())
    assert telemetry.vitals_of(device)() == Vitals(expected, None)


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.up = nn.Linear(16, 24)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.up(x))


def compared(model: nn.Module | None = None, **options: Any) -> Summary:
    return npu_adapt.compare(model or Tiny().eval(), inputs={"x": torch.randn(4, 16)}, device="cpu", **options)


@pytest.fixture(scope="module")
def failed() -> Summary:
    """A comparison whose soak found one forward with other bits, in a device that told its temperature."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(soak, "vitals_of", lambda device: lambda: Vitals(61.5, 1200.0))

        def run(side: Side, sample: Sample, *others: Any) -> Soak:
            fault = Faulty(F.gelu, last_bit, 2, 1)
            return run_soak(Side(side.module, side.device, side.dtype, side.task, lambda: fault), sample, *others)

        patched.setattr("npu_adapt.workflows.compare.examination.run_soak", run)
        return compared(soak=0.2)


def test_other_bits_under_load_fail_the_verdict_by_every_rule(failed: Summary) -> None:
    assert failed.compare is not None and failed.compare.soak is not None
    assert not failed.compare.verdict.passed
    (term,) = (term for term in failed.compare.verdict.terms if term.id == "soak")
    assert (term.holds, term.place, term.value, term.values["operator"]) == (False, "Tiny", 1, "gelu")
    assert list(contradictions(failed)) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_screen_and_the_report_say_how_often_and_where(failed: Summary, language: Any) -> None:
    figures = Figures(failed, language)
    (line,) = (line for line in first_compare(figures, None).lines if line.label == figures.say("label-soak"))
    told = figures.say("soak-temperature", least="61.50", most="61.50")
    assert line.tone == "bad" and told in str(line.parts)
    said, watched, table = section_of_soak(figures)
    assert figures.say("soak-changed", changed="1") in str(said) and len(table.rows) == 1
    assert figures.say("soak-watched", operators="2") in str(watched)


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"changed": 0}, "compare.soak.changed"),
        ({"changed": 0, "places": ()}, "compare.verdict.terms"),
        ({"forwards": 1}, "compare.soak.changed"),
        ({"seconds": 600.0}, "compare.verdict.terms"),
    ],
)
def test_an_edited_soak_is_seen(failed: Summary, edit: dict[str, Any], path: str) -> None:
    assert failed.compare is not None and failed.compare.soak is not None
    section = replace(failed.compare, soak=replace(failed.compare.soak, **edit))
    assert path in [each.field for each in contradictions(replace(failed, compare=section))]


def test_a_model_that_draws_is_not_soaked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Drawing(Tiny):
        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(super().forward(x), 0.5, training=True)

    summary = compared(Drawing().eval(), soak=0.1)
    assert summary.compare is not None and summary.compare.soak is None
    assert summary.reasons["compare.soak"] == Fact("random-model")


@pytest.mark.parametrize("options", [{"fast": True}, {"rehearse": "hf32"}])
def test_operators_must_be_watched(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="which --fast and --rehearse do not"):
        compared(soak=1.0, **options)


@pytest.mark.parametrize(("value", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400)])
def test_a_time_is_written_in_seconds_minutes_or_hours(value: str, seconds: float) -> None:
    from npu_adapt.cli.parameters import duration

    read: Callable[[str, str], float] = duration
    assert read("--soak", value) == seconds
