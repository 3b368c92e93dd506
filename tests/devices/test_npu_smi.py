"""`npu-smi info` in every shape that its versions print, and what is made of an answer that is none of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from npu_adapt.devices.doctor.npu_smi import (
    LARGEST_ANSWER,
    Asking,
    Chip,
    NpuSmi,
    Process,
    Vitals,
    parse_board,
    parse_chips,
    parse_vitals,
)

SAMPLES = Path(__file__).parents[1] / "data" / "npu-smi"
MB = 1 << 20


def sample(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_text(encoding="utf-8")


# (NPU, chip, name, health, used MB, total MB, processes) of every chip.
SHAPES = {
    "910b4": (
        (0, 0, "910B4", "OK", 26838, 32768, ((41027, "python3", 23950),)),
        (1, 0, "910B4", "OK", 2871, 32768, ()),
    ),
    "910b3-in-container": (
        (6, 0, "910B3", "OK", 8611, 65536, ((520118, "pt_main_thread", 5120), (520119, "pytest", 64))),
    ),
    "910-93-two-chips": (
        (0, 0, "Ascend910", "OK", 3143, 65536, ()),
        (0, 1, "Ascend910", "OK", 46084, 65536, ((845053, "VLLMWorker_TP", 43120),)),
        (1, 0, "Ascend910", "Warning", 3141, 65536, ()),
        (1, 1, "Ascend910", "OK", 2887, 65536, ()),
    ),
    "310p3": ((8, 0, "310P3", "OK", 1475, 44280, ()), (8, 1, "310P3", "OK", 1462, 43693, ())),
    "310b4-board": ((0, 0, "310B4", "Alarm", 3628, 15609, ()),),
    "910a": ((0, 0, "910A", "OK", 29421, 32768, ()),),
    "950": (
        (0, 0, "Ascend950DT", "OK", 4096, 131072, ((1001, "python", 256),)),
        (3, 0, "Ascend950DT", "Alarm", 2048, 131072, ()),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_known_shape_is_read_whole(name: str) -> None:
    expected = tuple(
        Chip(
            npu,
            chip,
            model,
            health,
            used * MB,
            total * MB,
            tuple(Process(pid, who, mb * MB) for pid, who, mb in processes),
        )
        for npu, chip, model, health, used, total, processes in SHAPES[name]
    )
    assert parse_chips(sample(name)) == expected


@pytest.mark.parametrize(
    "text", ["", sample("dcmi-failed"), sample("board-910b4"), "| 0 | x |\n| | | |\n||||\n", "\x00\xff|1 2|3|4|"]
)
def test_text_without_a_known_table_has_no_chips(text: str) -> None:
    assert parse_chips(text) == ()


@pytest.mark.parametrize("name", SHAPES)
def test_a_torn_table_never_raises(name: str) -> None:
    """Cut after every character: at worst chips are missing, none is invented."""
    text = sample(name)
    whole = {(chip.npu, chip.chip) for chip in parse_chips(text)}
    for length in range(len(text)):
        assert {(chip.npu, chip.chip) for chip in parse_chips(text[:length])} <= whole


def test_a_memory_that_reads_na_is_of_a_chip_all_the_same() -> None:
    """A sick card; it keeps its place, and the others their numbers."""
    text = sample("910b4").replace("0    / 0          26838/ 32768", "NA   / NA         NA   / NA   ")
    first, second = parse_chips(text)
    assert (first.npu, first.health, first.used_bytes, first.memory_bytes) == (0, "OK", None, None)
    assert (second.npu, second.memory_bytes) == (1, 32768 * MB)
    assert parse_chips(text.replace("NA   / NA   ", "-           ")) == (first, second)


def test_the_board_tells_driver_firmware_and_whether_they_fit() -> None:
    board = NpuSmi("npu-smi", board=parse_board(sample("board-910b4")))
    told = [board.board_value(name) for name in ("Software Version", "Firmware Version", "Compatibility", "Model")]
    assert told == ["24.1.1", "7.5.0.3.220", "OK", None]


def stub(folder: Path, script: str) -> str:
    """An `npu-smi` that runs `script`."""
    path = folder / "npu-smi"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_asking_reads_info_and_board(tmp_path: Path) -> None:
    path = stub(tmp_path, f'case "$*" in info) cat {SAMPLES}/910b4.txt;; *) cat {SAMPLES}/board-910b4.txt;; esac')
    with Asking(path) as asking:
        said = asking.answer(10)
    assert (said.code, said.version, len(said.chips)) == (0, "24.1.1", 2)
    assert said.board_value("Firmware Version") == "7.5.0.3.220"


def test_one_that_fails_is_quoted(tmp_path: Path) -> None:
    with Asking(stub(tmp_path, f"cat {SAMPLES}/dcmi-failed.txt >&2; exit 7")) as asking:
        said = asking.answer(10)
    assert (said.code, said.understood) == (7, False)
    assert said.text.endswith("dcmi module initialize failed. ret is -8005")


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    path = stub(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; echo so far; wait")
    began = time.monotonic()
    with Asking(path) as asking:
        said = asking.answer(0.5)
    assert time.monotonic() - began < 5
    assert (said.code, said.text) == (None, "so far")
    child = int((tmp_path / "child").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(50):  # until its new parent has collected it
            os.kill(child, 0)
            time.sleep(0.1)


def test_one_that_never_ends_its_answer_fills_no_disk(tmp_path: Path) -> None:
    began = time.monotonic()
    with Asking(stub(tmp_path, "yes no table")) as asking:  # not itself: a process that it starts
        said = asking.answer(30)
    assert len(said.text) <= LARGEST_ANSWER
    assert said.code is not None and said.code < 0
    assert time.monotonic() - began < 10


def test_what_one_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    """It holds the pipe open."""
    began = time.monotonic()
    with Asking(stub(tmp_path, f"cat {SAMPLES}/910b4.txt; sleep 600 & exit 0")) as asking:
        said = asking.answer(30)
    assert (said.code, len(said.chips)) == (0, 2)
    assert time.monotonic() - began < 10


def test_one_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    path = tmp_path / "npu-smi"
    path.write_bytes(b"\x7fELF of another machine")
    path.chmod(0o755)
    with Asking(str(path)) as asking:
        said = asking.answer(1)
    assert (said.code, said.text, said.refusal) == (None, "", "Exec format error")


def test_a_machine_without_it_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with Asking() as asking:
        assert asking.answer(1) == NpuSmi(None)


COMMON = """
	NPU ID                         : 2
	Chip Count                     : 2

	Chip ID                        : 0
	Aicore Usage Rate(%)           : 97
	Aicore Freq(MHZ)               : 1650
	Aicore curFreq(MHZ)            : 1200
	Temperature(C)                 : 61

	Chip ID                        : 1
	Aicore Freq(MHZ)               : 1650
	Temperature(C)                 : NA

	Chip Name                      : MCU
	Temperature(C)                 : 36
"""


@pytest.mark.parametrize(
    ("chip", "expected"), [(0, Vitals(61.0, 1200.0)), (1, Vitals(None, 1650.0)), (2, Vitals(None, None))]
)
def test_each_chip_tells_its_own_temperature_and_clock(chip: int, expected: Vitals) -> None:
    assert parse_vitals(COMMON, chip) == expected


def test_a_chip_that_tells_nothing() -> None:
    assert parse_vitals("dcmi module initialize failed. ret is -8005", 0) == Vitals(None, None)
