"""`npu-adapt env` on Huawei's own torch_npu and the software CANN: healthy, and broken in each way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from npu_adapt.records import decode
from npu_adapt.report.phrases.facts import finding_words
from tests.commands import Cli, Finished

pytestmark = pytest.mark.required

TWO = {"SOFTCANN_DEVICES": "2"}


def environment(done: Finished) -> dict[str, Any]:
    """The environment of `env --json`."""
    return dict(json.loads(done.stdout)["environment"])


def found(done: Finished) -> dict[str, dict[str, str]]:
    """The findings in words, by id."""
    seen = decode(done.stdout.encode(), origin="stdout").environment
    assert seen is not None
    return {each.id: {"severity": each.severity, **finding_words(each, "en")} for each in seen.problems}


def test_two_healthy_npus(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--check", "--json", environment={**softcann, **TWO})
    assert done.code == 0, done.stderr
    seen = environment(done)
    assert seen["cann"].endswith("-soft")
    assert (seen["torch_npu"], bool(seen["driver"]), bool(seen["firmware"])) == ("2.13.0", True, True)
    assert [(each["kind"], each["index"], each["name"], each["usable"]) for each in seen["devices"]] == [
        ("npu", 0, "Ascend910B4", True),
        ("npu", 1, "Ascend910B4", True),
    ]
    assert {each["memory_bytes"] for each in seen["devices"]} == {32 << 30}
    assert all(0 < each["free_memory_bytes"] <= 32 << 30 for each in seen["devices"])
    assert [problem for problem in seen["problems"] if problem["severity"] == "error"] == []


def test_the_screen_names_what_can_be_used(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", environment={**softcann, **TWO})
    assert done.code == 0
    assert "-soft" in done.stdout
    assert "USABLE: npu:0 · npu:1" in done.stdout


def test_a_device_that_is_hidden_is_not_there(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--json", environment={**softcann, **TWO, "ASCEND_RT_VISIBLE_DEVICES": "1"})
    assert [each["index"] for each in environment(done)["devices"]] == [0]


def test_every_device_hidden(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--check", "--json", environment={**softcann, **TWO, "ASCEND_RT_VISIBLE_DEVICES": "7"})
    assert done.code == 4
    assert environment(done)["devices"] == []
    assert found(done)["all-devices-hidden"]["fix"] == "unset ASCEND_RT_VISIBLE_DEVICES"


def test_a_driver_that_does_not_answer(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--check", "--json", environment={**softcann, "SOFTCANN_INIT_ERROR": "507008"})
    assert done.code == 4
    assert "aclInit, error code is 507008" in found(done)["device-fails"]["found"]


def test_a_cann_older_than_this_torch_npu_needs(cli: Cli, softcann: dict[str, str]) -> None:
    """Not known to fail, and it computes: a note, never an error beside "Usable"."""
    done = cli("env", "--json", environment={**softcann, "SOFTCANN_CANN_VERSION": "8.1.RC1"})
    problem = found(done)["cann-too-old"]
    assert (problem["severity"], problem["found"]) == ("note", "CANN 8.1.RC1 with torch_npu 2.13.0")
    assert problem["wanted"].startswith("CANN 9.0.0 or newer")


def test_a_cann_that_the_table_does_not_know_is_called_unknown_and_not_wrong(
    cli: Cli, softcann: dict[str, str]
) -> None:
    done = cli("env", "--json", environment={**softcann, "SOFTCANN_CANN_VERSION": "9.1.0"})
    assert found(done)["cann-pair-unknown"]["severity"] == "note"


def test_two_canns_at_once(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--json", environment={**softcann, "SOFTCANN_CANN_VERSION": "8.5.0"})
    assert found(done)["two-canns"]["found"].startswith("the CANN that runs is 8.5.0")


def test_variables_not_set_though_the_libraries_are_found(cli: Cli, softcann: dict[str, str]) -> None:
    unset = {"ASCEND_HOME_PATH": None, "ASCEND_TOOLKIT_HOME": None}
    done = cli("env", "--json", environment={**softcann, **unset})
    assert "ascend-home-path-unset" in found(done)


def test_libraries_not_found_though_the_variables_are_set(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--json", environment={**softcann, "LD_LIBRARY_PATH": None})
    assert "libhccl.so" in found(done)["cann-library-missing"]["found"]


def test_memory_that_others_hold_is_not_free(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--json", environment={**softcann, "SOFTCANN_FOREIGN_MEMORY_MIB": "30720"})
    (device,) = environment(done)["devices"]
    assert device["free_memory_bytes"] <= 2 << 30


def test_a_run_records_the_same_stack(cli: Cli, softcann: dict[str, str]) -> None:
    """One code path for both: what `env` reads, a run has in its record."""
    examined = environment(cli("env", "--json", environment=softcann))
    done = cli("infer", "builtin:digits-vit", "--device", "npu:0", "--json", environment=softcann)
    assert done.code == 0, done.stderr
    run = environment(done)
    for name in ("torch", "torch_npu", "transformers", "cann", "driver", "firmware", "packages", "variables"):
        assert run[name] == examined[name]
    (device,) = run["devices"]
    assert (device["kind"], device["index"], device["name"]) == ("npu", 0, "Ascend910B4")
    assert (device["memory_bytes"], device["usable"]) == (32 << 30, True)
