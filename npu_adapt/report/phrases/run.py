"""What is said of a run on a device."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "reason-not-loaded": Phrase("not loaded", "未加载"),
    "reason-device-failed-first": Phrase("the device failed before anything was loaded", "设备在加载之前已失败"),
    "reason-run-failed": Phrase(
        "the run failed: {message} (stage {stage}, class {class})", "运行失败：{message}（阶段 {stage}，类别 {class}）"
    ),
    "reason-scores-not-finite": Phrase("the scores are not finite", "得分不是有限值"),
    "reason-no-predictions": Phrase("the task {task} predicts no classes or tokens", "任务 {task} 不预测类别或 token"),
    "reason-no-memory-statistics": Phrase("{device} keeps no memory statistics", "{device} 不提供内存统计"),
    "reason-no-fallbacks-noted": Phrase(
        "{device} does not tell which operators fall back to the CPU", "{device} 不提供算子回退到 CPU 的信息"
    ),
    "reason-one-forward": Phrase("only one forward was run", "只运行了一次前向"),
}
