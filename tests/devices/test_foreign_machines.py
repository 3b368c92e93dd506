"""Fuzzing of what a machine says of itself: npu-smi's text, CANN's files, and variables of any content.

Whatever they hold, an examination ends with a record that can be written, read back and shown in both languages.
Bounded: the same examples every time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Group

from npu_adapt.devices.doctor.events import Count, Torch
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.npu_smi import NpuSmi, parse_board, parse_chips
from npu_adapt.devices.doctor.probing import Probe
from npu_adapt.devices.environment import environment_of, environment_reasons, problems_of
from npu_adapt.evidence import new_summary
from npu_adapt.records import decode, encode
from npu_adapt.report.screens import EnvironmentScreens
from tests.devices.machines import machine
from tests.report.drawing import drawn

SAMPLES = [file.read_text(encoding="utf-8") for file in sorted((Path(__file__).parents[1] / "data/npu-smi").glob("*"))]
BOUNDED = settings(max_examples=100, deadline=None, derandomize=True, database=None)
PROBE = Probe((Torch(version="2.9.0+cpu", cuda=None), Count(kind="npu", devices=0, refusal="no")))
PACKAGES = {"torch": "2.9.0+cpu", "torch_npu": "2.9.0", "transformers": "4.57.6"}
# A file's name or a variable's value may hold bytes that are no UTF-8, which Python shows as lone surrogates.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=30)
TEXTS = st.one_of(st.text(max_size=200), NAMES)


def examine(smi: NpuSmi, variables: Mapping[str, str], root: Path) -> None:
    """Examines such a machine, writes and reads its record, and shows it."""
    seen = Examination(machine(root, PACKAGES, variables), smi, PROBE)
    record = new_summary(
        "npu-adapt env", environment=environment_of(seen, problems_of(seen)), reasons=environment_reasons(seen)
    )
    read = decode(encode(record), origin="a fuzzed machine")
    assert read.environment is not None
    for language in ("en", "zh"):
        for summary in (record, read):
            for everything in (True, False):
                screens = EnvironmentScreens(language, Path("logs"), details=everything)
                assert drawn(Group(screens.at_once(summary), screens.answers(summary, summary)), 100)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real answer of npu-smi with cells of its lines replaced, lines left out or repeated, and an end cut off."""
    lines = draw(st.sampled_from(SAMPLES)).splitlines()
    for _ in range(draw(st.integers(0, 6))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        cells = lines[at].split("|")
        cell = draw(st.integers(0, len(cells) - 1))
        what = draw(st.sampled_from(["cell", "digits", "drop", "repeat"]))
        if what == "drop":
            del lines[at]
            continue
        if what == "repeat":
            lines.insert(at, lines[at])
            continue
        other = (
            draw(TEXTS) if what == "cell" else draw(st.sampled_from(["NA", "²", "9" * 5000, "-1", "0 / 0", "NA / NA"]))
        )
        cells[cell] = other
        lines[at] = "|".join(cells)
    text = "\n".join(lines)
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@BOUNDED
@given(
    text=st.one_of(mutated(), st.text(max_size=300)),
    board=st.text(max_size=100),
    code=st.none() | st.integers(-300, 300),
)
def test_any_answer_of_npu_smi_can_be_recorded_and_shown(text: str, board: str, code: int | None) -> None:
    smi = NpuSmi("/usr/local/bin/npu-smi", text, code=code, chips=parse_chips(text), board=parse_board(board))
    with tempfile.TemporaryDirectory() as folder:
        examine(smi, {"HOME": "/root"}, Path(folder))


FILES = (
    *("etc/ascend_install.info", "etc/Ascend/ascend_cann_install.info", "root/Ascend/ascend_cann_install.info"),
    *("usr/local/Ascend/driver/version.info", "usr/local/Ascend/firmware/version.info"),
    "usr/local/Ascend/ascend-toolkit/latest/x86_64-linux/ascend_toolkit_install.info",
    *("usr/local/Ascend/ascend-toolkit/latest/version.cfg", "usr/local/Ascend/cann/compiler/version.info"),
    *("usr/local/Ascend/nnae/latest/ascend_nnae_install.info", "usr/local/Ascend/cann/set_env.sh"),
    *("proc/cpuinfo", "proc/driver/nvidia/version", "sys/bus/pci/devices/0000:c1:00.0/vendor", "dev/davinci0"),
)
LINES = st.sampled_from(
    [
        *(b"version=8.2.RC1\n", b"version=\xff\n", b"version=" + b"9" * 5000 + b"\n", b"Version=24.1.rc3\n"),
        *(b"Install_Path_Param=/data\n", b"Install_Path_Param=/a\0b\n", b"Install_Path_Param=../../..\n"),
        *(b"Driver_Install_Path_Param=/usr/local/Ascend\n", b"Driver_Install_Path_Param=/\xff\n"),
        *(b"toolkit_running_version=[7.7:8.2.RC1]\n", b"version_dir=8.5.0\n", b"0x19e5\n", b"\r\n", b"\0"),
    ]
)
CONTENTS = st.one_of(st.binary(max_size=64), st.lists(LINES, max_size=4).map(b"".join))
KINDS = st.sampled_from(["file", "file", "file", "folder", "pipe", "loop", "endless", "nowhere", "huge"])
VARIABLES = ("HOME", "USER", "ASCEND_HOME_PATH", "ASCEND_OPP_PATH", "ASCEND_RT_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
VALUES = st.one_of(
    NAMES,
    st.sampled_from(
        ["", "~nobody", "/usr/local/Ascend/cann", "/usr/local/Ascend/cann/opp", "1,0", "0,,1", "0,1,2", "²"]
    ),
)


def put(file: Path, kind: str, content: bytes) -> None:
    """Something of that kind at the path, unless something else is in the way."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "file":
            file.write_bytes(content)
        elif kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        elif kind == "huge":
            with file.open("wb") as stream:
                stream.truncate(1 << 40)
        else:
            file.symlink_to({"loop": file.name, "endless": "/dev/zero", "nowhere": "/gone"}[kind])
    except OSError:
        return


@BOUNDED
@given(
    files=st.dictionaries(st.sampled_from(FILES), st.tuples(KINDS, CONTENTS), max_size=8),
    variables=st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=4),
)
def test_any_tree_of_files_and_any_variables_can_be_recorded_and_shown(
    files: Mapping[str, tuple[str, bytes]], variables: Mapping[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, (kind, content) in files.items():
            put(root / path, kind, content)
        examine(NpuSmi(None), variables, root)
