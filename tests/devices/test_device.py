"""The CPU as a device, and what every device promises."""

import dataclasses
import warnings

import pytest
import torch

from npu_adapt.devices.selection import open_device
from npu_adapt.errors import DeviceUnavailable, UsageError
from npu_adapt.report.phrases.facts import words


def test_the_cpu_is_complete() -> None:
    device = open_device("cpu", allow_cpu=True).device
    assert (device.name, device.torch_device) == ("cpu", torch.device("cpu"))
    assert device.display_name
    device.synchronize()
    device.reset_peak_memory()
    assert device.peak_memory_bytes() is None
    assert device.allocated_bytes() is None
    assert device.event_timer() is None
    assert device.cpu_fallbacks() == ()
    memory = device.free_and_total_memory()
    assert memory is not None
    assert 0 < memory[0] <= memory[1]


def test_the_cpus_numerics_name_flags_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    numerics = open_device("cpu", allow_cpu=True).device.numerics()
    assert numerics["ONEDNN_DEFAULT_FPMATH_MODE"] == "BF16"
    assert numerics["ATEN_CPU_CAPABILITY"] is None
    assert numerics["float32_matmul_precision"] == torch.get_float32_matmul_precision()
    assert numerics["mkldnn"] is torch.backends.mkldnn.enabled


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_cpu_takes_every_dtype_of_the_contract(dtype: torch.dtype) -> None:
    open_device("cpu", allow_cpu=True).device.require_dtype(dtype)


def test_hf32_on_the_cpu_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="neither HF32 nor TF32"):
        open_device("cpu", allow_cpu=True).device.pin_hf32(False)


def test_recording_fallbacks_lets_other_warnings_through() -> None:
    device = open_device("cpu", allow_cpu=True).device
    with warnings.catch_warnings(record=True) as seen, device.recording_fallbacks():
        warnings.simplefilter("always")
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in seen] == ["something else"]


def test_a_gpu_that_is_not_there_is_unavailable() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(DeviceUnavailable, match="CUDA"):
        open_device("cuda:7", allow_cpu=True)
    with pytest.raises(UsageError, match="banana"):
        open_device("banana", allow_cpu=True)


def test_auto_says_why_it_took_the_cpu_and_refuses_it_for_a_comparison() -> None:
    if torch.accelerator.is_available():
        pytest.skip("this machine has an accelerator")
    selection = open_device("auto", allow_cpu=True)
    assert selection.device.name == "cpu"
    assert selection.reason.id == "no-accelerator"
    assert words("why", selection.reason, "en").startswith("no accelerator works here")
    assert words("why", selection.reason, "zh").startswith("没有可用的加速设备")
    with pytest.raises(DeviceUnavailable, match="no accelerator") as raised:
        open_device("auto", allow_cpu=False)
    assert "--rehearse" in raised.value.hint


def test_a_fallback_is_noted_also_while_something_is_timed() -> None:
    device = open_device("cpu", allow_cpu=True).device
    falling = dataclasses.replace(device, backend=dataclasses.replace(device.backend, tells_fallbacks=True))
    always = torch.is_warn_always_enabled()
    with warnings.catch_warnings(record=True) as seen, falling.recording_fallbacks(every=False):
        assert torch.is_warn_always_enabled() == always  # each warning would cost the timed call time
        warnings.warn(
            "CAUTION: The operator 'aten::nonzero' is not currently supported on the NPU backend and will fall back to "
            "run on the CPU.",
            UserWarning,
            stacklevel=1,
        )
    assert falling.cpu_fallbacks() == ("aten::nonzero",)
    assert seen == []
