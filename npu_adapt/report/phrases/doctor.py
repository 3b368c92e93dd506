"""What is said of a machine: findings about torch and devices of any kind, changes, and why a device was chosen."""

from __future__ import annotations

from npu_adapt.report.phrases import doctor_hardware, doctor_software
from npu_adapt.report.phrases.phrase import Phrase
from npu_adapt.report.phrases.told import Told, finding_phrases, same

_TORCH = same("pip install 'torch>=2.6,<2.14'")
_TRANSFORMERS = same("pip install 'transformers>=4.57,<6'")
_COMPUTED = Phrase("1 + 1 computed on every visible device", "每个可见设备都能计算 1 + 1")

FINDINGS: dict[str, Told] = {
    "text": Told(*(same(f"{{text_{part}}}") for part in Told._fields)),  # of schema 1
    "torch-missing": Told(
        found=Phrase("torch is not installed", "没有安装 torch"),
        wanted=Phrase("torch 2.6 to 2.13", "torch 2.6 至 2.13"),
        why=Phrase("every model runs on torch", "所有模型都在 torch 上运行"),
        fix=_TORCH,
    ),
    "limit-too-low": Told(
        found=Phrase("{limit} allows a process {allowed:size}", "{limit} 只允许一个进程使用 {allowed:size}"),
        wanted=Phrase("{needed:size} or more", "至少 {needed:size}"),
        why=Phrase(
            "torch takes as much before it computes, and some of its libraries end the process without a message",
            "torch 在计算之前就需要这么多，否则它的某些库会不加说明地结束进程",
        ),
        fix=same("{limit} {kibibytes}"),
    ),
    "torch-broken": Told(
        found=Phrase(
            "torch {torch} is installed and its import {how:say:ending}", "已安装 torch {torch}，但导入{how:say:ending}"
        ),
        wanted=Phrase("import torch works", "import torch 成功"),
        why=Phrase("every model runs on torch", "所有模型都在 torch 上运行"),
        fix=same("pip install --force-reinstall --no-deps 'torch=={torch}'"),
    ),
    "torch-untested": Told(
        found=same("torch {torch}"),
        wanted=Phrase("torch 2.6 to 2.13", "torch 2.6 至 2.13"),
        why=Phrase(
            "npu-adapt is tested with these; others may lack what it calls",
            "npu-adapt 在这些版本上测试；其他版本可能缺少所需功能",
        ),
        fix=_TORCH,
    ),
    "transformers-missing": Told(
        found=Phrase("transformers is not installed", "没有安装 transformers"),
        wanted=Phrase("transformers 4.57 to 5.x", "transformers 4.57 至 5.x"),
        why=Phrase("models are loaded and their inputs prepared by it", "模型由它加载，输入由它准备"),
        fix=_TRANSFORMERS,
    ),
    "transformers-untested": Told(
        found=same("transformers {transformers}"),
        wanted=Phrase("transformers 4.57 to 5.x", "transformers 4.57 至 5.x"),
        why=Phrase(
            "other versions load weights under other names, so that the proof of pretrained weights does not hold",
            "其他版本以不同的名称加载权重，预训练权重的核对因此不成立",
        ),
        fix=_TRANSFORMERS,
    ),
    "torch-without-cuda": Told(
        found=Phrase(
            "an NVIDIA GPU is here (driver {nvidia_driver}, PCI: {cards:count}), and torch {torch} has no CUDA",
            "本机有 NVIDIA GPU（驱动 {nvidia_driver}，PCI：{cards:count}），但 torch {torch} 不含 CUDA",
        ),
        wanted=Phrase("a torch built for CUDA", "为 CUDA 构建的 torch"),
        why=Phrase("this torch cannot see the GPU, whatever the driver", "无论驱动如何，此 torch 都无法发现 GPU"),
        fix=same("pip install --force-reinstall 'torch=={torch}' --index-url https://download.pytorch.org/whl/cu126"),
    ),
    "nvidia-driver-missing": Told(
        found=Phrase(
            "{cards:count} NVIDIA card(s) on the PCI bus, and no NVIDIA driver is loaded",
            "PCI 总线上有 {cards:count} 块 NVIDIA 卡，但没有加载 NVIDIA 驱动",
        ),
        wanted=Phrase("a loaded driver: /proc/driver/nvidia/version", "已加载的驱动：/proc/driver/nvidia/version"),
        why=Phrase(
            "without the kernel driver the GPU cannot be reached; a container gets it from its host",
            "没有内核驱动就无法访问 GPU；容器使用主机的驱动",
        ),
        fix=Phrase(
            "on the host: sudo apt-get install nvidia-driver-550 && sudo modprobe nvidia; "
            "in a container: docker run --gpus all …",
            "在主机上：sudo apt-get install nvidia-driver-550 && sudo modprobe nvidia；"
            "在容器中：docker run --gpus all …",
        ),
    ),
    "cuda-devices-hidden": Told(
        found=Phrase(
            "CUDA_VISIBLE_DEVICES={value} leaves no GPU visible{said:if:doctor-said}",
            "CUDA_VISIBLE_DEVICES={value} 使所有 GPU 不可见{said:if:doctor-said}",
        ),
        wanted=Phrase("the numbers of GPUs that nvidia-smi -L lists", "nvidia-smi -L 所列 GPU 的编号"),
        why=Phrase("torch sees only what the variable names", "torch 只能发现该变量列出的设备"),
        fix=same("unset CUDA_VISIBLE_DEVICES"),
    ),
    "cuda-unavailable": Told(
        found=Phrase(
            "torch {torch} finds no GPU{said:if:doctor-said}", "torch {torch} 没有发现 GPU{said:if:doctor-said}"
        ),
        wanted=Phrase("a driver at least as new as torch's CUDA", "不旧于 torch 所用 CUDA 的驱动"),
        why=Phrase(
            "driver {nvidia_driver} is loaded, and CUDA still refuses", "已加载驱动 {nvidia_driver}，但 CUDA 仍然拒绝"
        ),
        fix=Phrase(
            "nvidia-smi; then upgrade the driver, or install a torch built for an older CUDA",
            "nvidia-smi；然后升级驱动，或安装为更旧的 CUDA 构建的 torch",
        ),
    ),
    "extension-fails": Told(
        found=same("import {what} {how:say:ending}"),
        wanted=Phrase("an extension that imports, or none", "可以导入的扩展，或不安装扩展"),
        why=Phrase("its devices cannot be used", "无法使用其设备"),
        fix=Phrase(
            "install the version that its vendor publishes for torch {torch}", "安装其厂商为 torch {torch} 发布的版本"
        ),
    ),
    "device-fails": Told(
        found=same("{devices:each:doctor-failing-device}"),
        wanted=_COMPUTED,
        why=Phrase(
            "a device that is listed and cannot compute fails at a model's first operator",
            "列出但无法计算的设备会在模型的第一个算子处失败",
        ),
        fix=Phrase(
            "see who uses it: npu-smi info; read the newest file in ~/ascend/log/debug/plog (dmesg for a GPU)",
            "查看占用者：npu-smi info；查看 ~/ascend/log/debug/plog 中最新的文件（GPU 则用 dmesg）",
        ),
    ),
    "device-use-ends-process": Told(
        found=Phrase(
            "the attempt to {doing:say:doing} {what} {how:say:ending}",
            "尝试{doing:say:doing} {what} 时{how:say:ending}",
        ),
        wanted=_COMPUTED,
        why=Phrase(
            "a run would end the same way, without a word of its own", "运行会以同样的方式结束，而且没有任何提示"
        ),
        fix=Phrase(
            "read the newest file in ~/ascend/log (dmesg for a GPU); a reset of the device or a reboot may be needed",
            "查看 ~/ascend/log 中最新的文件（GPU 则用 dmesg）；可能需要复位设备或重启",
        ),
    ),
    "plugins-fail": Told(
        found=Phrase("plug-ins that add tasks fail: {said}", "添加任务的插件无法使用：{said}"),
        wanted=Phrase("plug-ins that import, or none", "可以导入的插件，或不安装插件"),
        why=Phrase("the tasks that they add cannot be run", "无法运行它们添加的任务"),
        fix=Phrase("fix the package, or uninstall it", "修复或卸载该软件包"),
    ),
    "no-accelerator": Told(
        found=Phrase(
            "no accelerator and no part of an accelerator's software is on this machine",
            "本机没有加速设备，也没有其软件的任何部分",
        ),
        wanted=Phrase(
            "nothing, for runs on the CPU and rehearsals; for an Ascend NPU: its driver, CANN and torch_npu",
            "在 CPU 上运行与预演无需处理；使用昇腾 NPU 则需要驱动、CANN 与 torch_npu",
        ),
        why=Phrase(
            "npu-adapt compare --rehearse hf32 shows what an NPU would compute, without one",
            "npu-adapt compare --rehearse hf32 无需 NPU 即可展示其计算结果",
        ),
        fix=Phrase(
            "on a machine with an NPU: install driver and CANN, pip install 'torch_npu=={torch}', "
            "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
            "在有 NPU 的机器上：安装驱动与 CANN，pip install 'torch_npu=={torch}'，"
            "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
        ),
    ),
}

_PARTS: dict[str, Phrase] = {
    "doctor-said": Phrase(": {said}", "：{said}"),
    "doctor-import-said": Phrase("; import torch_npu: {said}", "；import torch_npu：{said}"),
    "doctor-failing-device": Phrase("{devices} ({failures}): {messages}", "{devices}（{failures}）：{messages}"),
    "doing-use": Phrase("use", "使用"),
    "doing-count": Phrase("count the devices of", "统计设备数量"),
    "ending-raised": Phrase("raised{said:if:doctor-said}", "抛出异常{said:if:doctor-said}"),
    "ending-killed": Phrase("was killed by {signal}{said:if:doctor-said}", "被 {signal} 终止{said:if:doctor-said}"),
    "ending-exited": Phrase(
        "ended the process with {code}{said:if:doctor-said}", "使进程以 {code} 退出{said:if:doctor-said}"
    ),
    "ending-silent": Phrase("stopped without a word and did not end", "无声停止且没有结束"),
    "ending-hung": Phrase("hung: it was not over after {seconds:g} s", "没有结束：{seconds:g} s 后仍未完成"),
    "label-error": Phrase("error", "错误"),
    "label-warning": Phrase("warning", "警告"),
    "label-note": Phrase("note", "提示"),
    "word-error": Phrase("error", "错误"),
    "word-warning": Phrase("warning", "警告"),
    "word-note": Phrase("note", "提示"),
    "check-failed": Phrase(
        "exit code 4: no accelerator is usable on this machine, which --check asks for",
        "退出码 4：本机没有可用的加速设备，而 --check 要求至少一个",
    ),
    "check-because": Phrase("{text}: {id}: {found}", "{text}：{id}：{found}"),
}

CHANGES: dict[str, Phrase] = {
    "change-value": same("{name}: {before} -> {after}"),
    "change-problem": Phrase(
        "problem {name}: {before:word} -> {after:word}", "问题 {name}：{before:word} -> {after:word}"
    ),
}

REASONS: dict[str, Phrase] = {
    "reason-cann-without-version": Phrase(
        "CANN is in {path}, and none of its files says its version", "CANN 位于 {path}，但其文件没有给出版本"
    ),
    "reason-driver-without-version": Phrase(
        "the driver is in {path}, and its file says no version", "驱动位于 {path}，但其文件没有给出版本"
    ),
    "reason-firmware-unknown-to-container": Phrase(
        "neither a file nor npu-smi tells; in a container only the host knows it",
        "没有文件给出，npu-smi 也未提供；在容器中只有主机知道",
    ),
    "reason-device-memory-unread": Phrase("npu-smi reads NA: the card is sick", "npu-smi 读数为 NA：该卡异常"),
}

# Why a device was chosen, after the first line's name of it.
SELECTION: dict[str, Phrase] = {
    "why-asked": Phrase("asked for", "按要求"),
    "why-first": Phrase(
        "the first accelerator that works{refused:if:why-refused}", "第一个可用的加速设备{refused:if:why-refused}"
    ),
    "why-no-accelerator": Phrase(
        "no accelerator works here{refused:if:why-refused}", "没有可用的加速设备{refused:if:why-refused}"
    ),
    "why-rehearsal": Phrase("the CPU with {arithmetic} arithmetic emulated", "在 CPU 上模拟 {arithmetic} 运算"),
    "why-refused": Phrase("; {refused:each:why-refusal}", "；{refused:each:why-refusal}"),
    "why-refusal": same("{refused:say:refusal}"),
    "refusal-not-installed": Phrase("{names} is not installed", "没有安装 {names}"),
    "refusal-none-seen": Phrase("torch sees no {names}", "torch 没有发现 {names}"),
    "refusal-failed": Phrase("{names} fails{said:if:doctor-said}", "{names} 失败{said:if:doctor-said}"),
}

PHRASES: dict[str, Phrase] = {
    **finding_phrases(FINDINGS | doctor_hardware.FINDINGS | doctor_software.FINDINGS),
    **doctor_hardware.PARTS,
    **doctor_software.PARTS,
    **_PARTS,
    **CHANGES,
    **REASONS,
    **SELECTION,
}
