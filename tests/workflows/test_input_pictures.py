"""The pictures that a page shows beside what was said of them."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from npu_adapt import records as r
from npu_adapt.records import Summary
from npu_adapt.workflows.input_pictures import input_pictures
from tests.report.summaries import SAMPLES


def ran_on(path: Path, size: tuple[int, int]) -> Summary:
    """A run whose input is a picture of that size in `path`."""
    Image.new("RGB", size, "red").save(path)
    summary = SAMPLES["success"]()
    assert summary.run is not None
    origin = f"file {path.name} sha256:{sha256(path.read_bytes()).hexdigest()}"
    inputs = (replace(summary.run.inputs[0], origin=origin),)
    return replace(summary, command=f"npu-adapt infer m --input {path}", run=replace(summary.run, inputs=inputs))


@pytest.mark.parametrize(("size", "shown"), [((1280, 640), (320, 160)), ((8, 8), (320, 320)), ((200, 100), (200, 100))])
def test_a_picture_is_shown_as_large_as_a_page_has_room(tmp_path: Path, size, shown) -> None:
    summary = ran_on(tmp_path / "a.png", size)
    ((origin, data),) = input_pictures(summary).items()
    assert summary.run is not None and origin == summary.run.inputs[0].origin
    assert Image.open(io.BytesIO(data)).size == shown


def test_another_picture_is_not_shown_as_the_input(tmp_path: Path) -> None:
    summary = ran_on(tmp_path / "a.png", (64, 64))
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "a.png")
    assert input_pictures(summary) == {}
    (tmp_path / "a.png").unlink()
    assert input_pictures(summary) == {}


def test_a_text_has_no_picture() -> None:
    summary = SAMPLES["success"]()
    assert summary.run is not None
    inputs = (r.InputInfo(name="input_ids", shape=(1, 8), sha256="0" * 64, origin="text: a picture of a cat"),)
    assert input_pictures(replace(summary, run=replace(summary.run, inputs=inputs))) == {}
