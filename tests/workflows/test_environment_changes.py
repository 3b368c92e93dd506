"""What `env --diff` and `compare --baseline` say of two environments."""

from __future__ import annotations

from msgspec.structs import replace

from npu_adapt.records import DeviceInfo, Environment, Fact, Problem
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.env.changes import environment_changes

BEFORE = Environment(
    python="3.11.7",
    platform="Linux",
    torch="2.8.0+cpu",
    torch_npu="2.8.0",
    transformers="4.57.6",
    cann="8.3.RC1",
    driver="25.2.0",
    firmware=None,
    devices=(DeviceInfo(index=0, kind="npu", name="Ascend910B4", memory_bytes=1, free_memory_bytes=1, health="OK"),),
    packages={"numpy": "1.26.4", "timm": "1.0.9"},
    variables={"ASCEND_HOME_PATH": "/usr/local/Ascend/cann"},
)
PROBLEM = Problem(id="cann-too-old", severity="error", values={"cann": "8.1.RC1"})


def test_the_same_environment_has_no_changes_whatever_is_free() -> None:
    later = replace(BEFORE, devices=(replace(BEFORE.devices[0], free_memory_bytes=0, health="Alarm", usable=True),))
    assert environment_changes(BEFORE, later) == ()


def test_an_upgrade_is_told_field_by_field() -> None:
    after = replace(
        BEFORE,
        torch_npu="2.9.0",
        firmware="7.8",
        packages={"numpy": "2.1.0", "pillow": "11.0"},
        variables={},
        devices=(),
        problems=(PROBLEM,),
    )
    changes = environment_changes(BEFORE, after)
    assert changes[0] == Fact("value", {"name": "torch_npu", "before": "2.8.0", "after": "2.9.0"})
    assert [words("change", change, "en") for change in changes] == [
        "torch_npu: 2.8.0 -> 2.9.0",
        "firmware: none -> 7.8",
        "packages.numpy: 1.26.4 -> 2.1.0",
        "packages.timm: 1.0.9 -> none",
        "variables.ASCEND_HOME_PATH: /usr/local/Ascend/cann -> none",
        "devices: Ascend910B4 -> none",
        "packages.pillow: none -> 11.0",
        "problem cann-too-old: none -> error",
    ]
    assert words("change", changes[-1], "zh") == "问题 cann-too-old：无 -> 错误"


def test_a_problem_that_is_gone_is_told() -> None:
    (change,) = environment_changes(replace(BEFORE, problems=(PROBLEM,)), BEFORE)
    assert change == Fact("problem", {"name": "cann-too-old", "before": "error", "after": None})


def test_nothing_is_said_of_an_environment_that_was_not_recorded() -> None:
    assert environment_changes(None, BEFORE) == ()
    assert environment_changes(BEFORE, None) == ()
