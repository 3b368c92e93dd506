"""Findings about torch, transformers and CUDA, about devices of any kind, and about machines without one."""

from __future__ import annotations

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.findings import ERROR, NOTE, WARNING, Finding, Values
from npu_adapt.devices.importing import release

TORCH_FROM, TORCH_BELOW = (2, 6), (2, 14)
TRANSFORMERS_FROM, TRANSFORMERS_BELOW = (4, 57), (6,)


def torch_missing(seen: Examination) -> Values | None:
    return {} if seen.machine.version("torch") is None else None


def torch_untested(seen: Examination) -> Values | None:
    version = seen.machine.version("torch")
    if version is None or TORCH_FROM <= release(version) < TORCH_BELOW:
        return None
    return {}


def limit_too_low(seen: Examination) -> Values | None:
    short = seen.machine.shortage
    if short is None:
        return None
    figures = {"allowed": short.allowed_bytes, "needed": short.needed_bytes, "kibibytes": short.needed_kibibytes}
    return {"limit": short.shell, **figures}


def torch_broken(seen: Examination) -> Values | None:
    ending = seen.probe.ending("import", "torch") or seen.probe.ending("start", "python")
    return None if ending is None or seen.machine.version("torch") is None else ending.values()


def transformers_missing(seen: Examination) -> Values | None:
    return {} if seen.machine.version("transformers") is None else None


def transformers_untested(seen: Examination) -> Values | None:
    version = seen.machine.version("transformers")
    if version is None or TRANSFORMERS_FROM <= release(version) < TRANSFORMERS_BELOW:
        return None
    return {}


def nvidia_without_torch_support(seen: Examination) -> Values | None:
    nvidia, torch = seen.machine.nvidia, seen.probe.torch
    if torch is None or torch.cuda is not None or not nvidia.present:
        return None
    return {"nvidia_driver": nvidia.driver or None, "cards": nvidia.cards}


def nvidia_driver_missing(seen: Examination) -> Values | None:
    nvidia, torch = seen.machine.nvidia, seen.probe.torch
    if torch is None or torch.cuda is None or nvidia.driver is not None or not nvidia.cards:
        return None
    return {"cards": nvidia.cards}


def cuda_hidden(seen: Examination) -> Values | None:
    count = seen.probe.count("cuda")
    value = seen.machine.variables.get("CUDA_VISIBLE_DEVICES")
    if value is None or count is None or count.devices or seen.machine.nvidia.driver is None:
        return None
    return {"value": value, "said": count.refusal}


def cuda_refuses(seen: Examination) -> Values | None:
    count = seen.probe.count("cuda")
    if count is None or count.devices or not count.refusal or seen.machine.nvidia.driver is None:
        return None
    return {"said": count.refusal, "nvidia_driver": seen.machine.nvidia.driver or None}


def device_fails(seen: Examination) -> Values | None:
    failing = [device for device in seen.probe.devices if not device.usable]
    if not failing:
        return None
    return {
        "devices": tuple(f"{device.kind}:{device.index}" for device in failing),
        "failures": tuple(device.failure or "other" for device in failing),
        "messages": tuple(device.said for device in failing),
        "said": "\n".join(dict.fromkeys(device.said for device in failing)),
    }


def using_a_device_ends_the_process(seen: Examination) -> Values | None:
    ending = next((each for each in seen.probe.endings if each.doing in {"use", "count"}), None)
    return None if ending is None else ending.values()


def other_extension_fails(seen: Examination) -> Values | None:
    others = (each for each in seen.probe.endings if each.doing == "import")
    ending = next((each for each in others if each.what not in {"torch", "torch_npu"}), None)
    return None if ending is None else ending.values()


def plugins_fail(seen: Examination) -> Values | None:
    failed = seen.failed_plugins
    if not failed:
        return None
    return {"said": "; ".join(f"{each.name}: {each.error}" for each in failed)}


def no_accelerator(seen: Examination) -> Values | None:
    nothing_there = not (seen.is_ascend or seen.machine.nvidia.present or seen.probe.devices or seen.probe.endings)
    return {} if nothing_there and seen.probe.torch is not None else None


TORCH_FINDINGS = (
    Finding("torch-missing", ERROR, torch_missing, backend=None),
    Finding("limit-too-low", ERROR, limit_too_low, backend=None),
    Finding("torch-broken", ERROR, torch_broken, backend=None, shared=("torch",)),
    Finding("torch-untested", WARNING, torch_untested, backend=None, shared=("torch",)),
    Finding("transformers-missing", ERROR, transformers_missing, backend=None),
    Finding("transformers-untested", ERROR, transformers_untested, backend=None, shared=("transformers",)),
    Finding("torch-without-cuda", ERROR, nvidia_without_torch_support, backend="cuda", shared=("torch",)),
    Finding("nvidia-driver-missing", ERROR, nvidia_driver_missing, backend="cuda"),
    Finding("cuda-devices-hidden", ERROR, cuda_hidden, backend="cuda"),
    Finding(
        "cuda-unavailable",
        ERROR,
        cuda_refuses,
        backend="cuda",
        shared=("torch",),
        explained_by=("cuda-devices-hidden",),
    ),
    Finding("extension-fails", WARNING, other_extension_fails, backend=None, shared=("torch",)),
)

# Read after the vendors' findings.
DEVICE_FINDINGS = (
    Finding("device-fails", ERROR, device_fails, backend=None),
    Finding("device-use-ends-process", ERROR, using_a_device_ends_the_process, backend=None),
    Finding("plugins-fail", WARNING, plugins_fail, backend=None),
    Finding("no-accelerator", NOTE, no_accelerator, backend=None, shared=("torch",)),
)
