"""What a bundle's README says beside the report."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "title-bundle": Phrase("How to run this folder", "如何运行本目录"),
    "title-bundle-scores": Phrase("Scores at a glance", "评分一览"),
    "title-bundle-screens": Phrase("Terminal output", "终端输出"),
    "title-pairing": Phrase("Versions that ran together", "版本配套"),
    "caption-pairing": Phrase("Versions that ran together", "版本配套"),
    "caption-bundle-files": Phrase("Files", "文件"),
    "column-file": Phrase("File", "文件"),
    "bundle-options": Phrase(
        "Each script needs only the packages of requirements.txt, not npu-adapt. --device names another device, "
        "--input another input, --weights the checkpoint's folder. Each checks the SHA-256 of the weight files.",
        "各脚本只需要 requirements.txt 中的软件包，不需要 npu-adapt。--device 指定其他设备，--input 指定其他输入，"
        "--weights 指定权重目录。各脚本都会校验权重文件的 SHA-256。",
    ),
    "bundle-rehearsed": Phrase(
        "The report is a rehearsal: it emulates the device's arithmetic on the CPU. These scripts run the plain model, "
        "so their figures differ from the report's until --device names a real device.",
        "该报告是预演：在 CPU 上模拟设备的运算精度。这些脚本运行原始模型，"
        "因此在用 --device 指定真实设备之前，数值与报告不同。",
    ),
    "bundle-generation": Phrase(
        "The report also compares what both sides wrote, token by token, and its worst figures hold for that too. "
        "These scripts compare one forward on the prompt: their figures are those of its outputs in the report.",
        "该报告还逐 token 对比了两端生成的内容，其最差值也包含这一部分。"
        "这些脚本只对比提示词的一次前向，其数值与报告表格中对应输出的数值一致。",
    ),
    "bundle-modes": Phrase(
        "These scripts run the model in eager mode, as all figures of the report but those of its section on modes.",
        "这些脚本以单算子（eager）模式运行模型；报告中除“模式”一节外的数值均在该模式下得到。",
    ),
    "bundle-input-missing": Phrase(
        "The reported input is not in this folder: {origin}. Give it with --input.",
        "报告所用的输入不在本目录中：{origin}。请用 --input 给出。",
    ),
    "bundle-level": Phrase(
        "Level: function {function}, precision {precision}, performance {speed} (NA: not measured). Precision is the "
        "verdict of the comparison; performance is the benchmark's gate, else whether the device is faster than the "
        "reference.",
        "级别：功能 {function}，精度 {precision}，性能 {speed}（NA 表示未测）。精度取对比的结论；"
        "性能取基准测试的门限结果，没有门限时取设备是否快于参考端。",
    ),
    "bundle-file-inference": Phrase(
        "one run: prints the predictions and writes results/inference.json",
        "运行一次：打印预测结果，并写入 results/inference.json",
    ),
    "bundle-file-accuracy": Phrase(
        "the device's outputs against the CPU's in float32; writes results/accuracy.json",
        "设备输出与 CPU float32 输出的差异；写入 results/accuracy.json",
    ),
    "bundle-file-performance": Phrase(
        "latency of the device and of the CPU, in turns; writes results/performance.json",
        "设备与 CPU 交替测量的时延；写入 results/performance.json",
    ),
    "bundle-file-self-test": Phrase(
        "runs all scripts; its last line is SELF-TEST PASSED or FAILED",
        "运行全部脚本；最后一行是 SELF-TEST PASSED 或 FAILED",
    ),
    "bundle-file-level": Phrase("function, precision and performance status", "功能、精度、性能状态"),
    "bundle-file-adapter": Phrase(
        "the adapter as it ran, and the modules that lay beside it when this folder was written",
        "运行时的适配文件，以及写出本目录时与它同目录的模块",
    ),
    "bundle-file-inputs": Phrase("what the run took, as the scripts read it", "运行所用的输入，脚本由此读取"),
    "bundle-file-weights": Phrase("the checkpoint, where the scripts look for it first", "权重，脚本首先在此查找"),
    "bundle-file-requirements": Phrase("the versions that ran", "实际运行的版本"),
    "bundle-file-results": Phrase(
        "what was reported, as JSON; the scripts write theirs beside it", "报告的结果（JSON）；脚本的结果也写在这里"
    ),
    "bundle-file-logs": Phrase("the record and the logs of the runs", "运行的记录与日志"),
    "bundle-file-screens": Phrase("what the commands printed", "命令的终端输出"),
}
