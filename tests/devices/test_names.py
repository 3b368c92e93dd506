"""Device names are told apart without torch."""

import subprocess
import sys

import pytest

from npu_adapt.devices.names import parse_device_name
from npu_adapt.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "understood"),
    [("auto", "auto"), ("cpu", "cpu"), ("cpu:0", "cpu:0"), ("npu", "npu"), ("npu:1", "npu:1"), ("CUDA:7", "cuda:7")],
)
def test_names_of_the_table_are_understood(typed: str, understood: str) -> None:
    assert str(parse_device_name(typed)) == understood


@pytest.mark.parametrize("typed", ["banana", "", "npu:", "npu:x", "npu:-1", "auto:0", "cpu:1", "mps:2", "npu:0:0"])
def test_other_names_are_usage_errors_that_say_what_there_is(typed: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_device_name(typed)
    assert raised.value.hint


def test_parsing_does_not_import_torch() -> None:
    script = (
        "import sys; from npu_adapt.devices.names import parse_device_name; parse_device_name('npu:1');"
        "print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
