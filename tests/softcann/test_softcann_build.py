"""The build of the software CANN: what it needs, what it leaves out, and what it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import run_process, run_python
from tests.softcann import build, fixtures


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_a_compiler_its_tests_are_skipped_aloud_and_fail_in_ci(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "COMPILER", "no-such-compiler")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="the software NPU cannot be built: no-such-compiler is not installed"):
        fixtures.installation_or_skip()


@pytest.mark.required
def test_what_nobody_wrote_says_so_when_it_is_called(softcann: dict[str, str]) -> None:
    library = Path(softcann["ASCEND_HOME_PATH"]) / "lib64" / "libascendcl.so"
    done = run_python(f"import ctypes; print(ctypes.CDLL({str(library)!r}).rtGetC2cCtrlAddr())")
    assert done.stdout.split() == ["207000"]  # ACL_ERROR_RT_FEATURE_NOT_SUPPORT
    assert done.stderr == "software CANN: rtGetC2cCtrlAddr is not built here\n"


@pytest.mark.required
def test_npu_smi_lists_the_devices(softcann: dict[str, str]) -> None:
    from npu_adapt.devices.doctor.npu_smi import parse_board, parse_chips

    environment = softcann | {"SOFTCANN_DEVICES": "2", "SOFTCANN_FOREIGN_MEMORY_MIB": "26838"}
    chips = parse_chips(run_process(["npu-smi", "info"], environment=environment).stdout)
    assert [(chip.npu, chip.name, chip.health, chip.used_bytes >> 20) for chip in chips] == [
        (0, "910B4", "OK", 26838),
        (1, "910B4", "OK", 26838),
    ]
    board = dict(
        parse_board(run_process(["npu-smi", "info", "-t", "board", "-i", "0"], environment=environment).stdout)
    )
    assert board["Firmware Version"] == build.FIRMWARE_VERSION
