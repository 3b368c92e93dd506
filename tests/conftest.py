"""The environment that every test runs in, and the fixtures that all folders share.

Set before anything imports torch or huggingface_hub, because both read the environment once: no token, endpoint,
cache or log of the user's reaches a test, and none of a test's reaches the user.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

pytest_plugins = [
    "pytester",
    "tests.required",
    "tests.commands",
    "tests.hub.fixtures",
    "tests.real_models.fixtures",
    "tests.softcann.fixtures",
    "tests.timm.packages",
    "tests.turns",
]

CLEARED = ("NPU_ADAPT_", "HF_", "HUGGING_FACE_", "MODELSCOPE_", "TRANSFORMERS_")  # the user's own settings
KEPT = {"NPU_ADAPT_TEST_CACHE"}
SCRATCH = Path(tempfile.mkdtemp(prefix="npu-adapt-tests-"))
ENVIRONMENT = {
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",  # torch_npu is installed, and without CANN `import torch` would die of it
    "COLUMNS": "80",
    "LINES": "40",
    "NPU_ADAPT_LANG": "en",  # whatever the locale of whoever runs the tests
    "HF_HOME": str(SCRATCH / "huggingface"),
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MODELSCOPE_CACHE": str(SCRATCH / "modelscope"),
    "NPU_ADAPT_CACHE": str(SCRATCH / "cache"),
    "NPU_ADAPT_LOGS": str(SCRATCH / "logs"),
}

for name in [*os.environ]:
    if name.startswith(CLEARED) and name not in KEPT:
        del os.environ[name]
for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"):
    os.environ.pop(name, None)
os.environ |= ENVIRONMENT
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs deaf to Ctrl-C, and what tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")

if "ASCEND_HOME_PATH" not in os.environ:
    # transformers imports torch_npu wherever it is installed, and without CANN that raises. The command line has its
    # own answer to that, which the tests that start a process show.
    sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]


def pytest_unconfigure() -> None:
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a registry and a logs folder of its own: `npu-adapt` without MODEL takes that of the last run."""
    monkeypatch.setenv("NPU_ADAPT_CACHE", str(tmp_path / "npu-adapt-cache"))
    monkeypatch.setenv("NPU_ADAPT_LOGS", str(tmp_path / "logs"))
