"""`bench` on Huawei's own torch_npu: its events, its memory statistics, its errors. Its speed means nothing here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Cli, Finished

pytestmark = pytest.mark.required

QUICK = ("builtin:digits-vit", "--device", "npu:0", "--iters", "20", "--warmup", "3", "--threads", "1", "--json")


def section(done: Finished) -> dict[str, Any]:
    assert done.code == 0, done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout)["bench"]
    return found


def test_events_time_the_device_and_its_statistics_count_the_memory(
    cli: Cli, softcann: Mapping[str, str], tmp_path: Path
) -> None:
    done = cli("bench", *QUICK, "--against", "cpu", "--logs", tmp_path, environment=softcann)
    bench = section(done)
    (row,) = bench["rows"]
    assert (bench["device"], bench["clock"], bench["memory_source"]) == ("npu:0", "device", "device-statistics")
    assert len(row["samples_ms"]) == len(row["host_samples_ms"]) == 20
    assert all(host >= device for host, device in zip(row["host_samples_ms"], row["samples_ms"], strict=True))
    assert row["launch_gap_ms"] > 0
    assert row["peak_memory_bytes"] >= row["weights_bytes"] + row["activations_bytes"] > row["weights_bytes"] > 0
    assert row["relative_l2"] < 1e-3
    assert row["roofline"]["flop"] > 0 and row["roofline"]["copy_bytes_per_s"] > 0
    race = row["speed_up"]
    assert race["reference"] == "cpu" and race["interval"]["low"] <= race["ratio"] <= race["interval"]["high"]
    run = json.loads(done.stdout)["run"]
    assert (run["status"], run["device"], run["peak_memory_bytes"]) == ("SUCCESS", "npu:0", row["peak_memory_bytes"])


def test_a_batch_too_large_for_the_device_fails_its_row_with_the_devices_words(
    cli: Cli, softcann: Mapping[str, str], tmp_path: Path
) -> None:
    small = {**softcann, "SOFTCANN_MEMORY_MIB": "512"}
    done = cli("bench", *QUICK, "--no-limits", "--batch-size", "1,1000000", "--logs", tmp_path, environment=small)
    rows = section(done)["rows"]
    assert [row["status"] for row in rows] == ["measured", "failed"]
    assert (
        "out of memory on npu:0" in rows[1]["reason"]["values"]["message"]
        and "asked for" in rows[1]["reason"]["values"]["message"]
    )


def test_a_dtype_that_the_device_lacks_is_said_before_anything_runs(
    cli: Cli, softcann: Mapping[str, str], tmp_path: Path
) -> None:
    old = {**softcann, "SOFTCANN_SOC": "Ascend310P3"}
    done = cli("bench", *QUICK, "--dtype", "bfloat16", "--logs", tmp_path, environment=old)
    assert done.code == 4
    assert "does not compute in bfloat16" in json.loads(done.stdout)["error"]["message"]


def test_modes_that_this_cann_lacks_fail_with_one_line_each(
    cli: Cli, softcann: Mapping[str, str], tmp_path: Path
) -> None:
    done = cli(
        "bench", *QUICK, "--no-limits", "--mode", "compile,graph,eager", "--logs", tmp_path, environment=softcann
    )
    rows = section(done)["rows"]
    assert [row["status"] for row in rows] == ["failed", "failed", "measured"]
    said = [row["reason"]["values"]["message"] for row in rows[:2]]
    assert "Failed to find function" in said[0]  # npugraph_ex asks CANN for what this one does not have
    assert "captured as a graph of npu:0" in said[1]
    assert all("\n" not in each for each in said)
