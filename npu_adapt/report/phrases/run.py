"""What is said of a run: why a field of it is null."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "reason-not-loaded": Phrase("the model was not loaded", "模型没有加载"),
    "reason-device-failed-before": Phrase("the device failed before the model was loaded", "设备在加载模型之前已失败"),
    "reason-failed-in-stage": Phrase(
        "the run failed in the stage {stage} ({class})", "运行在 {stage} 阶段失败（{class}）"
    ),
    "reason-made-in-python": Phrase(
        "the module was made in Python, not loaded from a checkpoint", "该模块由 Python 代码创建，不是从权重文件加载"
    ),
    "reason-scores-not-finite": Phrase("the scores are not finite", "得分不是有限数"),
    "reason-predicts-nothing": Phrase("the task {task} predicts nothing", "任务 {task} 不产生预测"),
    "reason-no-memory-statistics": Phrase("{device} keeps no memory statistics", "{device} 不提供内存统计"),
    "reason-fallbacks-not-told": Phrase(
        "{device} does not tell which operators ran on the CPU", "{device} 不提供哪些算子回退到 CPU 上运行"
    ),
    "reason-one-forward": Phrase("only one forward was run", "只运行了一次前向"),
}
