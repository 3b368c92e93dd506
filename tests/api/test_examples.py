"""The API as its documentation shows it, and as type checkers and newcomers meet it."""

from __future__ import annotations

import dataclasses
import doctest
import subprocess
import sys
from importlib import import_module

import pytest

import npu_adapt
from npu_adapt.api import assertion, calls
from npu_adapt.api.options import BenchCall, FetchOptions, JudgeOptions, RunOptions
from npu_adapt.models.request import ModelRequest
from npu_adapt.workflows.bench.options import BenchOptions
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest


@pytest.mark.parametrize("module", [assertion, calls], ids=lambda module: module.__name__)
def test_the_examples_do_what_they_show(module, tmp_path, monkeypatch):
    monkeypatch.setenv("NPU_ADAPT_CACHE", str(tmp_path))
    found = doctest.testmod(module)
    assert found.failed == 0 and found.attempted > 0


@pytest.mark.parametrize("name", [name for name in npu_adapt.__all__ if name != "__version__"])
def test_every_function_is_documented_with_an_example(name):
    function = getattr(import_module("npu_adapt.api"), name)
    assert ">>> " in function.__doc__


def names(kind):
    return {field.name for field in dataclasses.fields(kind)}


@pytest.mark.parametrize(
    ("options", "requests"),
    [
        (RunOptions, [RunRequest]),
        (JudgeOptions, [CompareOptions]),
        (BenchCall, [RunRequest, BenchOptions]),
        (FetchOptions, [ModelRequest]),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_options_are_fields_of_the_workflows_requests(options, requests):
    assert set(options.__annotations__) <= set().union(*map(names, requests))


def test_every_field_of_a_comparison_can_be_given():
    assert names(CompareOptions) - {"reference"} == set(JudgeOptions.__annotations__)


def test_the_import_loads_no_torch_and_the_report_stays_a_function():
    code = (
        "import sys, npu_adapt, npu_adapt.report.figures\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)\n"
        "assert callable(npu_adapt.report) and npu_adapt.report.figures\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = npu_adapt.nothing
