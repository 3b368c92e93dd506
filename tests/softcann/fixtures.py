"""The fixture `softcann`: environment variables with which a process finds an Ascend NPU made of software.

`cli("infer", …, environment=softcann)` runs Huawei's own torch_npu on it. `softcann | {"SOFTCANN_DEVICES": "2"}` is
another device; README.md lists the variables. Where the software CANN cannot be built, a test that asks for it is
skipped with the reason, and fails in CI.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.required import in_ci
from tests.softcann import build


def environment(folder: Path) -> dict[str, str]:
    """The variables that CANN's `set_env.sh` would set for an installation in `folder`, and blocking launches.

    torch_npu queues an operator before it looks for it, so without `ASCEND_LAUNCH_BLOCKING` a missing one would give
    garbage before it raises.
    """
    libraries = [str(folder / "lib64"), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        "ASCEND_HOME_PATH": str(folder),
        "ASCEND_TOOLKIT_HOME": str(folder),
        "ASCEND_OPP_PATH": str(folder / "opp"),
        "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "ASCEND_LAUNCH_BLOCKING": "1",
    }


@pytest.fixture(scope="session")
def softcann() -> dict[str, str]:
    """Variables for a process that is to have `npu:0`, an Ascend910B4 of 32 GiB."""
    return environment(installation_or_skip())


def installation_or_skip() -> Path:
    try:
        return build.installation()
    except build.NoCompiler as error:
        message = f"the software NPU cannot be built: {error}"
        if in_ci():
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
