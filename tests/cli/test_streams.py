"""Streams that were closed, are full, or have lost their reader: no traceback, and an exit code that tells."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from npu_adapt.cli import streams
from npu_adapt.cli.console import stdout_console
from npu_adapt.cli.streams import text_output
from tests.commands import CONSOLE_SCRIPT, run_process


@pytest.fixture(autouse=True)
def nothing_lost() -> Iterator[None]:
    streams.lost.clear()
    yield
    streams.lost.clear()


@pytest.mark.parametrize("holds_results", [True, False])
def test_a_full_disk_is_kept_for_results_only(holds_results: bool) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with text_output(descriptor, None, holds_results=holds_results) as stream:
        stream.write("figures\n" * 10_000)
    os.close(descriptor)
    assert [error.strerror for error in streams.lost] == ["No space left on device"] * holds_results


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("9" * 29, 10_000), ("72", 72)])
def test_any_number_of_columns_leaves_a_screen(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert stdout_console().width == width


def test_a_reader_that_has_gone_has_seen_enough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with text_output(writing, None, holds_results=True) as stream:
        stream.write("figures\n" * 100_000)
    os.close(writing)
    assert streams.lost == []


COMMANDS = {
    "models list >&-": (0, ""),
    "models list 2>&-": (0, ""),
    "models list <&- >&- 2>&-": (0, ""),
    "models list >/dev/full": (2, "cannot be written to stdout: No space left on device"),
    "models list --json >/dev/full": (2, "cannot be written to stdout: No space left on device"),
    "nonsense 2>/dev/full": (2, ""),
    "explain noise-floor | true": (0, ""),
}


def test_each_ends_with_a_code_of_the_contract(tmp_path: Path) -> None:
    program = shlex.quote(str(CONSOLE_SCRIPT))
    script = "\n".join(f"{program} {command}; echo $? >> codes" for command in COMMANDS)
    done = run_process(["bash", "-o", "pipefail", "-c", script], cwd=tmp_path)
    codes = [int(code) for code in (tmp_path / "codes").read_text().split()]
    assert codes == [code for code, _ in COMMANDS.values()]
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    for _, words in COMMANDS.values():
        assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(("errors", "written"), [("strict", b"\\u4e2d \\udcd0"), ("surrogateescape", b"\\u4e2d \xd0")])
def test_what_an_encoding_does_not_have_is_escaped(errors: str, written: bytes, tmp_path: Path) -> None:
    like = io.TextIOWrapper(io.BytesIO(), "ascii", errors)
    with (tmp_path / "out").open("wb") as file, text_output(file.fileno(), like, holds_results=True) as stream:
        stream.write("中 \udcd0")
    assert (tmp_path / "out").read_bytes() == written
