"""What is said of a run: why a field of it is null."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

NOTES: dict[str, Phrase] = {
    "output-is-input": Phrase(
        "the output {output} lies in the memory of the input {input}: the model may hand it back",
        "输出 {output} 位于输入 {input} 的内存中：模型可能只是把它原样返回",
    ),
    "stateful-forward": Phrase(
        "the model keeps something from one forward to the next: further ones differ in {differing:percent} of the "
        "elements",
        "模型在两次前向之间保留状态：后续前向有 {differing:percent} 的元素不同",
    ),
    "random-forward": Phrase(
        "the model's forward is random: further ones differ in {differing:percent} of the elements",
        "模型的前向是随机的：后续前向有 {differing:percent} 的元素不同",
    ),
    "noise-given": Phrase(
        "the model's forward draws random numbers: every forward gets the same ones, drawn on the CPU from the seed "
        "{seed}",
        "模型的前向使用随机数：每次前向都使用同一组随机数，由种子 {seed} 在 CPU 上生成",
    ),
    "plugin-failed": Phrase(
        "the plug-in {name} of {group} was left out: {error}", "{group} 的插件 {name} 未能使用：{error}"
    ),
}
PHRASES: dict[str, Phrase] = {
    **{f"run-note-{key}": phrase for key, phrase in NOTES.items()},
    "reason-not-loaded": Phrase("the model was not loaded", "模型没有加载"),
    "reason-device-failed-before": Phrase("the device failed before the model was loaded", "设备在加载模型之前已失败"),
    "reason-failed-in-stage": Phrase(
        "the run failed in the stage {stage} ({class})", "运行在 {stage} 阶段失败（{class}）"
    ),
    "reason-not-hashed": Phrase(
        "the process ended before the files of the weights were hashed", "进程在算完权重文件的哈希之前已结束"
    ),
    "reason-made-in-python": Phrase(
        "the module was made in Python, not loaded from a checkpoint", "该模块由 Python 代码创建，不是从权重文件加载"
    ),
    "reason-adapter-without-weights": Phrase(
        "the adapter was given no --weights, so nothing is proven of them", "没有给适配文件提供权重，因此权重未经证明"
    ),
    "reason-scores-not-finite": Phrase("the scores are not finite", "得分不是有限数"),
    "reason-predicts-nothing": Phrase("the task {task} predicts nothing", "任务 {task} 不产生预测"),
    "reason-no-memory-statistics": Phrase("{device} keeps no memory statistics", "{device} 不提供内存统计"),
    "reason-fallbacks-not-told": Phrase(
        "{device} does not tell which operators ran on the CPU", "{device} 不提供哪些算子回退到 CPU 上运行"
    ),
    "reason-one-forward": Phrase("only one forward was run", "只运行了一次前向"),
}
