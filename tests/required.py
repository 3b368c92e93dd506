"""The marks `required` and `core`. With CI=true, a test that must not be skipped fails when it is.

A test of a real model, of timm or of the software NPU skips aloud on a machine that cannot run it. In CI the same skip
would pass for a success, so there a skipped test marked `required` is a failure, and so is a module that is skipped
as a whole, whose marks nobody can read.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

MARKERS = (
    "required: fails instead of being skipped when the environment has CI=true",
    "core: run again with the oldest transformers that is supported; every test in assets, models, real_models is",
)
CORE_FOLDERS = {Path(__file__).with_name(name) for name in ("assets", "models", "real_models")}


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What the skip said: the last part of (file, line, reason)."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.longrepr = f"required, so with CI=true a skip is a failure. It said: {reason(report)}"
    report.outcome = "failed"


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(tryfirst=True)  # before `-m core` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CORE_FOLDERS.intersection(item.path.parents):
            item.add_marker("core")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report: pytest.TestReport = yield
    expected = hasattr(report, "wasxfail")
    if in_ci() and report.skipped and not expected and item.get_closest_marker("required"):
        fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report: pytest.CollectReport = yield
    if in_ci() and report.skipped:
        fail(report)
    return report
