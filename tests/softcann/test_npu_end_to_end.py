"""The commands on `npu:0` as a user runs them: processes of the console script, Huawei's torch_npu, real models."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.records import Summary, decode
from tests.commands import Cli, Finished
from tests.models import tiny_models
from tests.softcann import build

pytestmark = pytest.mark.required

GIBIBYTE = 1 << 30


def record(done: Finished, code: int = 0) -> Summary:
    assert done.code == code, done.stderr
    return decode(done.stdout.encode(), origin="stdout")


def test_compare_and_report_name_the_device_its_stack_and_its_arithmetic(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("compare", "--device", "npu:0", "--json", environment=softcann)
    summary = record(done)
    assert "UserWarning" not in done.stderr  # torch_npu warns of its own default, which is in the record

    found = summary.environment
    assert found is not None and summary.run is not None and summary.compare is not None
    versions = (build.CANN_VERSION, build.DRIVER_VERSION, build.FIRMWARE_VERSION)
    assert (found.cann, found.driver, found.firmware) == versions
    device = found.devices[0]
    assert (device.index, device.name, device.memory_bytes) == (0, "Ascend910B4", 32 * GIBIBYTE)
    assert device.free_memory_bytes is not None and device.free_memory_bytes < 32 * GIBIBYTE
    assert device.health == "OK"

    assert (summary.run.status, summary.run.device, summary.run.cpu_fallbacks) == ("SUCCESS", "npu:0", ())
    assert summary.run.peak_memory_bytes is not None and summary.run.peak_memory_bytes > 586 * 1024  # the weights
    numerics = summary.run.numerics
    assert (numerics["matmul_hf32"], numerics["conv_hf32"], numerics["jit_compile"]) == (False, True, False)
    assert (numerics["ASCEND_LAUNCH_BLOCKING"], numerics["TASK_QUEUE_ENABLE"]) == ("1", None)
    assert summary.run.attention == "sdpa"
    arithmetic = summary.compare.arithmetic
    assert arithmetic is not None
    found_by_class = (arithmetic.found.matmul, arithmetic.found.conv, arithmetic.found.attention)
    assert found_by_class == ("float32", "hf32", "float32")
    assert summary.compare.verdict.passed

    report = cli("report", "--lang", "en")
    assert report.code == 0, report.stderr
    text = " ".join(report.stdout.split())
    assert "software stand-in" in text and build.CANN_VERSION in text and "Ascend910B4" in text


@pytest.mark.parametrize(("option", "expected"), [("--hf32", True), ("--no-hf32", False)])
def test_hf32_is_pinned_in_both_units(option: str, expected: bool, cli: Cli, softcann: dict[str, str]) -> None:
    summary = record(cli("compare", "--device", "npu:0", option, "--json", environment=softcann))
    assert summary.run is not None and summary.compare is not None and summary.compare.arithmetic is not None
    assert (summary.run.numerics["matmul_hf32"], summary.run.numerics["conv_hf32"]) == (expected, expected)
    wanted = "hf32" if expected else "float32"
    found = summary.compare.arithmetic.found
    assert (found.matmul, found.conv) == (wanted, wanted)
    assert summary.compare.verdict.passed


def test_bench(cli: Cli, softcann: dict[str, str]) -> None:
    summary = record(cli("bench", "--device", "npu:0", "--iters", "5", "--json", environment=softcann))
    assert summary.bench is not None
    assert summary.bench.device == "npu:0" and len(summary.bench.samples_ms) >= 5
    assert summary.bench.peak_memory_bytes is not None and summary.bench.peak_memory_bytes > 586 * 1024


def test_the_second_of_two_devices_writes_as_the_first(cli: Cli, softcann: dict[str, str], tmp_path: Path) -> None:
    two = softcann | {"SOFTCANN_DEVICES": "2"}
    model = str(tiny_models.llama(tmp_path / "llama"))
    options = ("--device", "npu:1", "--reference", "npu:0", "--generate", "4", "--offline", "--json")
    summary = record(cli("compare", model, *options, environment=two))
    assert summary.run is not None and summary.environment is not None and summary.compare is not None
    assert (summary.run.status, summary.run.device, summary.compare.reference) == ("SUCCESS", "npu:1", "npu:0")
    assert [device.index for device in summary.environment.devices] == [1]
    generation = summary.compare.generation
    assert generation is not None
    (text,) = generation.texts
    assert text.reference_tokens == text.candidate_tokens and generation.flips == ()
    assert all(error is not None and error < 3 for error in text.errors_over_floor)
    assert summary.compare.verdict.passed


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ASCEND_RT_VISIBLE_DEVICES": "0"}, "npu:1 is not visible to torch, only npu:0"),
        ({"ASCEND_RT_VISIBLE_DEVICES": "7"}, "torch sees no Ascend NPU"),
    ],
)
def test_hidden_devices(variables: dict[str, str], said: str, cli: Cli, softcann: dict[str, str]) -> None:
    environment = softcann | {"SOFTCANN_DEVICES": "2"} | variables
    done = cli("infer", "--device", "npu:1", environment=environment)
    assert done.code == 4
    assert said in " ".join(done.stderr.split())


def test_a_310p_refuses_bfloat16_before_anything_is_loaded(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("infer", "no/such-model", "--device", "npu:0", "--dtype", "bfloat16", "--offline",
               environment=softcann | {"SOFTCANN_SOC": "Ascend310P3"})  # fmt: skip
    assert done.code == 4  # and not 5: the model was not asked for
    assert "npu:0 (Ascend310P3) does not compute in bfloat16" in " ".join(done.stderr.split())


def test_env_finds_nothing_wrong_with_the_device(cli: Cli, softcann: dict[str, str]) -> None:
    done = cli("env", "--json", environment=softcann)
    summary = record(done)
    assert summary.environment is not None
    assert [(device.kind, device.name, device.usable) for device in summary.environment.devices] == [
        ("npu", "Ascend910B4", True)
    ]
    assert summary.environment.cann == build.CANN_VERSION


@pytest.mark.parametrize(
    ("model", "options"),
    [("minilm", ("--attention", "eager")), ("dinov2_small", ("--no-hf32",)), ("smollm2", ("--dtype", "float32"))],
)
def test_compare_passes_on_real_models(
    model: str, options: tuple[str, ...], cli: Cli, softcann: dict[str, str], request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(model)
    done = cli("compare", path, "--device", "npu:0", *options, "--json", environment=softcann, timeout=400)
    summary = record(done)
    assert summary.compare is not None and summary.run is not None and summary.weights is not None
    assert summary.weights.pretrained_used
    assert summary.run.status == "SUCCESS"
    assert summary.compare.verdict.passed and summary.compare.match_within_1_percent
    assert (summary.compare.relative_l2 or 0.0) < 1e-5


def test_a_bfloat16_checkpoint_runs_in_its_own_type(cli: Cli, smollm2: Path, softcann: dict[str, str]) -> None:
    summary = record(cli("infer", smollm2, "--device", "npu:0", "--json", environment=softcann))
    assert summary.run is not None
    assert (summary.run.dtype, summary.run.outputs[0].dtype) == ("bfloat16", "bfloat16")
