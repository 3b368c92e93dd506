"""Summaries of every kind, for the tests of what is made of them."""

from collections.abc import Callable

import pytest

from npu_adapt.records import Summary, decode, encode
from tests.report.summaries import SAMPLES


@pytest.fixture(params=sorted(SAMPLES))
def summary(request: pytest.FixtureRequest) -> Summary:
    """Each sample in turn, as it comes back from the disk."""
    return decode(encode(SAMPLES[request.param]()), origin=request.param)


@pytest.fixture
def sample() -> Callable[[str], Summary]:
    """The sample of a name."""
    return lambda name: SAMPLES[name]()
