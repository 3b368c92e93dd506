"""What an exception of other people's code means is decided by the stage it was raised in."""

from __future__ import annotations

import pytest

from npu_adapt.errors import ExitCode, ModelError, NpuAdaptError, RunFailed, UsageError, first_line
from npu_adapt.models.strangers import STAGES, foreign_code, is_out_of_memory


class Panic(BaseException):
    """Like pyo3's: a Rust panic is no `Exception`."""


@pytest.mark.parametrize(
    "raised",
    [ValueError("bad"), GeneratorExit("bad"), KeyError("bad"), RecursionError("bad"), Panic("bad"), SystemExit("bad")],
)
@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("configuration", ExitCode.MODEL),
        ("tokenizer", ExitCode.MODEL),
        ("processor", ExitCode.MODEL),
        ("weights", ExitCode.MODEL),
        ("default input", ExitCode.MODEL),
        ("input", ExitCode.USAGE),
        ("template", ExitCode.MODEL),
        ("saved outputs", ExitCode.USAGE),
        ("predictions", ExitCode.RUN_FAILED),
    ],
)
def test_the_stage_decides_the_exit_code(stage: str, code: ExitCode, raised: BaseException) -> None:
    with pytest.raises(NpuAdaptError, match=r"there.*bad") as failed, foreign_code(stage, "there"):
        raise raised
    assert failed.value.exit_code == code
    assert failed.value.hint
    assert failed.value.__cause__ is raised


def test_every_stage_is_tested_above() -> None:
    assert len(STAGES) == 9


@pytest.mark.parametrize("ours", [UsageError("mine", hint="x"), KeyboardInterrupt()])
def test_our_own_errors_and_ctrl_c_pass(ours: BaseException) -> None:
    with pytest.raises(type(ours)) as passed, foreign_code("weights", "there"):
        raise ours
    assert passed.value is ours


@pytest.mark.parametrize(
    "raised", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_memory_that_ran_out_is_a_failed_run(raised: BaseException) -> None:
    assert is_out_of_memory(raised)
    with pytest.raises(RunFailed, match="out of memory") as failed, foreign_code("weights", "there"):
        raise raised
    assert (failed.value.stage, failed.value.kind) == ("load", "out-of-memory")


def test_a_missing_package_is_to_be_installed() -> None:
    with pytest.raises(ModelError) as failed, foreign_code("weights", "there"):
        raise ImportError("\nthis needs flash_attn\nas you see")
    assert failed.value.message.endswith("this needs flash_attn")
    assert "install the package" in failed.value.hint


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n\n  two"), "two"),
        (
            ValueError("Validation error for 'x':\n  ValueError: must be one of 1, 2\nthree"),
            "Validation error for 'x': ValueError: must be one of 1, 2",
        ),
        (ValueError(), "ValueError"),
        (KeyError("metadata"), "KeyError: 'metadata'"),
        (ValueError("x" * 1000), "x" * 300 + "…"),
    ],
)
def test_the_first_line_says_something(error: BaseException, line: str) -> None:
    assert first_line(error) == line


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_exception_that_cannot_be_shown_is_named_by_its_type() -> None:
    with pytest.raises(ModelError, match="Unspeakable"), foreign_code("weights", "there"):
        raise Unspeakable
    assert first_line(Unspeakable()) == "Unspeakable"


def test_a_folder_whose_name_is_not_utf_8_is_the_reason() -> None:
    with pytest.raises(ModelError) as failed, foreign_code("tokenizer", "model-\udcd0"):
        "\udcd0".encode()
    assert "not UTF-8" in failed.value.hint and "rename it" in failed.value.hint
