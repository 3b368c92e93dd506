"""What is said while a person waits: which model and device, and what is being done."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

DOING: dict[str, Phrase] = {
    "chosen": Phrase(
        "model {model} ({model_why:say:model}), device {device} ({device_why:say:why})",
        "模型 {model}（{model_why:say:model}），设备 {device}（{device_why:say:why}）",
    ),
    "examining": Phrase("asking npu-smi, torch and its devices", "正在询问 npu-smi、torch 及其设备"),
    "not-written": Phrase("nothing is written down: {message}", "没有写入记录：{message}"),
    "unwritten": Phrase("{message}; {hint}", "{message}；{hint}"),
    "verifying": Phrase("verifying {files:count} files", "正在校验 {files:count} 个文件"),
    "taken-as-it-is": Phrase("{message}: taken as it is on this disk", "{message}：按本机磁盘上的内容使用"),
    "hashing-model": Phrase("hashing {model}", "正在计算 {model} 的哈希"),
    "hashing-weights": Phrase("hashing the weights", "正在计算权重的哈希"),
    "writing": Phrase("writing on {device} and the reference", "正在 {device} 与参考端上生成"),
    "reading-otherwise": Phrase(
        "reading the prompt in batches and chunks on {device}", "正在 {device} 上以批与分段方式读入提示词"
    ),
    "memory-needed": Phrase(
        "needs about {needed:size} of memory; {free:size} is free", "约需内存 {needed:size}，可用 {free:size}"
    ),
    "memory-limited": Phrase(
        "needs about {needed:size} of memory more; {free:size} is free, and this process will hold at most "
        "{limit:size} in all: weights that do not fit are read from their files as the forwards come to them",
        "还需内存约 {needed:size}，可用 {free:size}，本进程最多占用 {limit:size}：放不下的权重在前向用到时从文件读取",
    ),
    "memory-short": Phrase(
        "needs about {needed:size} of memory and only {free:size} is free: the weights will be read from the disk "
        "again and again; close other programs, or take a machine with more memory",
        "约需内存 {needed:size}，仅有 {free:size} 可用：权重会反复从磁盘读取；请关闭其他程序，或换用内存更大的机器",
    ),
    "proving-weights": Phrase("proving the weights", "正在证明权重"),
    "loading": Phrase("loading {model}", "正在加载 {model}"),
    "moving-model": Phrase("moving the model to {device}", "正在把模型移到 {device}"),
    "running-model": Phrase("running the model on {device}", "正在 {device} 上运行模型"),
    "running-reference": Phrase("running the reference on {device}", "正在 {device} 上运行参考端"),
    "forward": Phrase("forward on {device}", "{device} 上的前向"),
    "comparing": Phrase("comparing the outputs", "正在比较输出"),
    "timing": Phrase("timing both sides in turns", "正在交替测量两端的时延"),
    "probing": Phrase("asking the device for its arithmetic", "正在探测设备的运算方式"),
    "measuring-loss": Phrase("running the original model {model}", "正在运行原始模型 {model}"),
    "measuring-floor": Phrase("measuring the noise floor on the CPU", "正在 CPU 上测量噪声底"),
    "judging-operators": Phrase("judging each operator alone on {device}", "正在 {device} 上逐个判定算子"),
    "running-in-step": Phrase("running both sides in step", "正在让两端同步运行"),
    "preparing-modes": Phrase("preparing the inputs of the other modes", "正在准备其他模式的输入"),
    "running-mode": Phrase("running the model on {device} in mode {mode}", "正在 {device} 上以 {mode} 模式运行模型"),
    "searching-mode": Phrase("looking for the wrong submodule in mode {mode}", "正在查找 {mode} 模式下出错的子模块"),
    "soaking": Phrase("forwards under load on {device}", "{device} 上的持续负载前向"),
    "writing-cases": Phrase("writing down what failed, and running each script", "正在写下出错的算子，并运行各脚本"),
    "measuring": Phrase("measuring", "正在测量"),
    "measuring-row": Phrase("measuring {number} of {rows}: {setting}", "正在测量第 {number} / {rows} 行：{setting}"),
    "measuring-in-processes": Phrase("measuring in fresh processes", "正在独立进程中测量"),
}

# Why it is this model.
MODELS: dict[str, Phrase] = {
    "asked": Phrase("as asked", "按要求"),
    "given": Phrase("as given", "由调用者给出"),
    "variable": Phrase("from NPU_ADAPT_MODEL", "来自 NPU_ADAPT_MODEL"),
    "summary": Phrase("the model of {summary}", "{summary} 中的模型"),
    "default": Phrase("the default", "默认"),
}

PHRASES: dict[str, Phrase] = {
    **{f"progress-{key}": phrase for key, phrase in DOING.items()},
    **{f"model-{key}": phrase for key, phrase in MODELS.items()},
}
