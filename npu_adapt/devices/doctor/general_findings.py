"""Findings about torch, transformers and CUDA, about devices of any kind, and about machines without one."""

from __future__ import annotations

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.findings import ERROR, NOTE, WARNING, Finding, Places
from npu_adapt.devices.doctor.probing import Ending
from npu_adapt.devices.importing import release

TORCH_FROM, TORCH_BELOW = (2, 6), (2, 14)
TRANSFORMERS_FROM, TRANSFORMERS_BELOW = (4, 57), (6,)


def torch_missing(seen: Examination) -> Places | None:
    return {} if seen.machine.version("torch") is None else None


def torch_untested(seen: Examination) -> Places | None:
    version = seen.machine.version("torch")
    if version is None or TORCH_FROM <= release(version) < TORCH_BELOW:
        return None
    return {}


def torch_broken(seen: Examination) -> Places | None:
    ending = seen.probe.ending("import torch") or seen.probe.ending("start Python")
    return None if ending is None or seen.machine.version("torch") is None else how_it_ended(ending)


def transformers_missing(seen: Examination) -> Places | None:
    return {} if seen.machine.version("transformers") is None else None


def transformers_untested(seen: Examination) -> Places | None:
    version = seen.machine.version("transformers")
    if version is None or TRANSFORMERS_FROM <= release(version) < TRANSFORMERS_BELOW:
        return None
    return {}


def nvidia_without_torch_support(seen: Examination) -> Places | None:
    nvidia, torch = seen.machine.nvidia, seen.probe.torch
    if torch is None or torch.cuda is not None or not (nvidia.driver or nvidia.cards):
        return None
    return {"nvidia": f"driver {nvidia.driver}" if nvidia.driver else f"{nvidia.cards} on the PCI bus"}


def nvidia_driver_missing(seen: Examination) -> Places | None:
    nvidia, torch = seen.machine.nvidia, seen.probe.torch
    if torch is None or torch.cuda is None or nvidia.driver is not None or not nvidia.cards:
        return None
    return {"cards": str(nvidia.cards)}


def cuda_hidden(seen: Examination) -> Places | None:
    count = seen.probe.count("cuda")
    value = seen.machine.variables.get("CUDA_VISIBLE_DEVICES")
    if value is None or count is None or count.devices or not seen.machine.nvidia.driver:
        return None
    return {"value": value}


def cuda_refuses(seen: Examination) -> Places | None:
    count = seen.probe.count("cuda")
    if count is None or count.devices or not count.refusal or not seen.machine.nvidia.driver:
        return None
    return {"refusal": count.refusal, "driver": str(seen.machine.nvidia.driver)}


def device_fails(seen: Examination) -> Places | None:
    failing = [device for device in seen.probe.devices if not device.usable]
    if not failing:
        return None
    return {"failures": "; ".join(dict.fromkeys(device.message for device in failing))}


def using_a_device_ends_the_process(seen: Examination) -> Places | None:
    ending = next((each for each in seen.probe.endings if each.doing.startswith(("use ", "count "))), None)
    return None if ending is None else how_it_ended(ending)


def other_extension_fails(seen: Examination) -> Places | None:
    others = (each for each in seen.probe.endings if each.doing.startswith("import "))
    ending = next((each for each in others if each.doing not in {"import torch", "import torch_npu"}), None)
    return None if ending is None else how_it_ended(ending)


def no_accelerator(seen: Examination) -> Places | None:
    nvidia = seen.machine.nvidia
    nothing_there = not (seen.is_ascend or nvidia.driver or nvidia.cards or seen.probe.devices or seen.probe.endings)
    return {} if nothing_there and seen.probe.torch is not None else None


def how_it_ended(ending: Ending) -> Places:
    """The places that tell of an unfinished step."""
    return {"doing": ending.doing, "how": ending.how, "message": ending.message}


TORCH_FINDINGS = (
    Finding(
        id="torch-missing",
        severity=ERROR,
        backend=None,
        look=torch_missing,
        found="torch is not installed",
        wanted="torch 2.6 to 2.13",
        why="every model runs on torch",
        fix="pip install 'torch>=2.6,<2.14'",
    ),
    Finding(
        id="torch-broken",
        severity=ERROR,
        backend=None,
        look=torch_broken,
        found="torch {torch} is installed and its import {how}: {message}",
        wanted="import torch works",
        why="every model runs on torch",
        fix="pip install --force-reinstall --no-deps 'torch=={torch}'",
    ),
    Finding(
        id="torch-untested",
        severity=WARNING,
        backend=None,
        look=torch_untested,
        found="torch {torch}",
        wanted="torch 2.6 to 2.13",
        why="npu-adapt is tested with these; others may lack what it calls",
        fix="pip install 'torch>=2.6,<2.14'",
    ),
    Finding(
        id="transformers-missing",
        severity=ERROR,
        backend=None,
        look=transformers_missing,
        found="transformers is not installed",
        wanted="transformers 4.57 to 5.x",
        why="models are loaded and their inputs prepared by it",
        fix="pip install 'transformers>=4.57,<6'",
    ),
    Finding(
        id="transformers-untested",
        severity=ERROR,
        backend=None,
        look=transformers_untested,
        found="transformers {transformers}",
        wanted="transformers 4.57 to 5.x",
        why="other versions load weights under other names, so that the proof of pretrained weights does not hold",
        fix="pip install 'transformers>=4.57,<6'",
    ),
    Finding(
        id="torch-without-cuda",
        severity=ERROR,
        backend="cuda",
        look=nvidia_without_torch_support,
        found="an NVIDIA GPU is here ({nvidia}), and torch {torch} was built without CUDA",
        wanted="a torch built for CUDA",
        why="this torch cannot see the GPU, whatever the driver",
        fix="pip install --force-reinstall 'torch=={torch}' --index-url https://download.pytorch.org/whl/cu126",
    ),
    Finding(
        id="nvidia-driver-missing",
        severity=ERROR,
        backend="cuda",
        look=nvidia_driver_missing,
        found="{cards} NVIDIA card(s) on the PCI bus, and no NVIDIA driver is loaded",
        wanted="a loaded driver: /proc/driver/nvidia/version",
        why="without the kernel driver the GPU cannot be reached; a container gets it from its host",
        fix="on the host: sudo apt-get install nvidia-driver-550 && sudo modprobe nvidia; "
        "in a container: docker run --gpus all …",
    ),
    Finding(
        id="cuda-devices-hidden",
        severity=ERROR,
        backend="cuda",
        look=cuda_hidden,
        found="CUDA_VISIBLE_DEVICES={value} leaves no GPU visible",
        wanted="the numbers of GPUs that nvidia-smi -L lists",
        why="torch sees only what the variable names",
        fix="unset CUDA_VISIBLE_DEVICES",
    ),
    Finding(
        id="cuda-unavailable",
        severity=ERROR,
        backend="cuda",
        look=cuda_refuses,
        found="torch {torch} finds no GPU: {refusal}",
        wanted="a driver at least as new as torch's CUDA",
        why="driver {driver} is loaded, and CUDA still refuses",
        fix="nvidia-smi; then upgrade the driver, or install a torch built for an older CUDA",
        explained_by=("cuda-devices-hidden",),
    ),
    Finding(
        id="extension-fails",
        severity=WARNING,
        backend=None,
        look=other_extension_fails,
        found="{doing} {how}: {message}",
        wanted="an extension that imports, or none",
        why="its devices cannot be used",
        fix="install the version that its vendor publishes for torch {torch}",
    ),
)

# Read after the vendors' findings, which explain them.
DEVICE_FINDINGS = (
    Finding(
        id="device-fails",
        severity=ERROR,
        backend=None,
        look=device_fails,
        found="{failures}",
        wanted="1 + 1 computed on every visible device",
        why="a device that is listed and cannot compute fails at a model's first operator",
        fix="see who uses it: npu-smi info; read the newest file in ~/ascend/log/debug/plog (dmesg for a GPU)",
        explained_by=("driver-missing", "device-nodes-denied"),
    ),
    Finding(
        id="device-use-ends-process",
        severity=ERROR,
        backend=None,
        look=using_a_device_ends_the_process,
        found="the attempt to {doing} {how}: {message}",
        wanted="1 + 1 computed on every visible device",
        why="a run would end the same way, without a word of its own",
        fix="read the newest file in ~/ascend/log (dmesg for a GPU); a reset of the device or a reboot may be needed",
    ),
    Finding(
        id="no-accelerator",
        severity=NOTE,
        backend=None,
        look=no_accelerator,
        found="no accelerator and no part of an accelerator's software is on this machine",
        wanted="nothing, for runs on the CPU and rehearsals; for an Ascend NPU: its driver, CANN and torch_npu",
        why="npu-adapt compare --rehearse hf32 shows what an NPU would compute, without one",
        fix="on a machine with an NPU: install driver and CANN, pip install 'torch_npu=={torch}', "
        "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
    ),
)
