"""Every operator, on the software NPU and on the CPU: torch_npu calls them unchecked, so drift must be seen."""

from __future__ import annotations

import json
import sys

import pytest

from tests.commands import Finished, run_process, run_python
from tests.softcann.operator_calls import CALLS

pytestmark = pytest.mark.required

DTYPES = ("float32", "float16", "bfloat16")

# Units of the last place that two correct ways to compute may be apart, where it is more than UNITS. The CPU's kernels
# of half types round between their steps, or sum in the half type. A convolution adds its bias to 54 products here
# at the end, on the CPU at the start.
UNITS = 4.0
WIDER = {"grid_sample": 16.0, "conv2d": 32.0, "var": 8.0, "pow_number": 8.0}

# torch_npu 2.13 hands F.gelu(approximate="tanh") and F.gelu(approximate="none") over as the same call, aclnnGelu.
SAME_AS_ERF = "gelu_tanh"


@pytest.fixture(scope="session")
def results(softcann: dict[str, str]) -> dict[str, dict[str, float | str]]:
    """dtype -> name of a call -> how far apart the two results are, or the error."""

    def run(dtype: str) -> dict[str, float | str]:
        command = [sys.executable, "-W", "ignore", "-m", "tests.softcann.operator_calls", dtype]
        done = run_process(command, environment=softcann)
        assert done.code == 0, done.stderr
        return dict(json.loads(done.stdout))

    return {dtype: run(dtype) for dtype in DTYPES}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in CALLS if name != SAME_AS_ERF])
def test_an_operator_agrees_with_the_cpu(name: str, dtype: str, results: dict[str, dict[str, float | str]]) -> None:
    found = results[dtype][name]
    assert isinstance(found, float), found
    assert found <= WIDER.get(name, UNITS)


def test_torch_npu_takes_both_forms_of_gelu_for_one(results: dict[str, dict[str, float | str]]) -> None:
    """Known of 2.13: a user who asks for the tanh form gets the other, up to 4.7e-4 away."""
    resolution = 2.0**-23
    assert results["float32"][SAME_AS_ERF] == pytest.approx(4.7e-4 / resolution, rel=0.05)


def run_on_npu(softcann: dict[str, str], code: str) -> Finished:
    return run_python(f"import torch, torch_npu\n{code}", environment=softcann)


@pytest.mark.parametrize(
    ("code", "operator"),
    [
        ("torch_npu.npu_swiglu(torch.ones(3, 4).npu())", "aclnnSwiGlu"),  # only in libopapi.so
        ("torch.special.erfinv(torch.zeros(3).npu())", "Erfinv"),  # the older way, for what libopapi.so lacks
    ],
)
def test_a_missing_operator_raises_and_gives_nothing(softcann: dict[str, str], code: str, operator: str) -> None:
    done = run_on_npu(softcann, f"result = {code}\nprint('garbage', result)")
    assert done.code == 1
    assert done.stdout == ""
    assert operator in done.stderr


def test_an_operator_that_fails_says_why(softcann: dict[str, str]) -> None:
    done = run_on_npu(softcann, "torch.ones(3).npu()[torch.tensor([7]).npu()]")
    assert done.code == 1
    assert "index 7 is out of bounds" in done.stderr
