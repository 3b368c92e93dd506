"""What a report says in whole sentences, its conclusions among them."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

SENTENCES: dict[str, Phrase] = {
    "empty": Phrase("(empty)", "（空）"),
    "none": Phrase("none", "无"),
    "passed": Phrase("passed", "通过"),
    "not-passed": Phrase("failed", "未通过"),
    "not-applicable": Phrase("n/a", "不适用"),
    "with-reason": Phrase("{item}: {reason}", "{item}：{reason}"),
    "and-more": Phrase("and {number} more", "另有 {number} 项"),
    "rehearsal": Phrase(
        "REHEARSED: no device was used. The candidate is the CPU with the arithmetic {arithmetic} emulated; "
        "nothing here is evidence for a device.",
        "REHEARSED（预演）：未使用任何设备。适配端是在 CPU 上模拟 {arithmetic} 运算得到的，不构成任何设备的证据。",
    ),
    "stand-in": Phrase(
        "The device is a software stand-in: its CANN version ends in -soft. This is not a run on hardware.",
        "该设备是软件替身：其 CANN 版本以 -soft 结尾。本报告不是在真实硬件上得到的。",
    ),
    "install-comment": Phrase(
        "the versions of this run; npu-adapt itself from its source tree", "本次运行的版本；npu-adapt 从源码目录安装"
    ),
    "usable": Phrase("Usable: {devices}.", "可用：{devices}。"),
    "none-usable": Phrase("No accelerator is usable here; the CPU is.", "本机没有可用的加速器；CPU 可用。"),
    "npu-smi-not-understood": Phrase("npu-smi printed this, which is not understood:", "npu-smi 的以下输出无法解析："),
    "changed-since": Phrase("Changed since {since}, of {created}:", "自 {since}（{created}）以来的变化："),
    "nothing-changed": Phrase("Nothing changed since {since}, of {created}.", "自 {since}（{created}）以来没有变化。"),
    "no-commands": Phrase("No command line was recorded.", "没有记录命令行。"),
    "verified-hub": Phrase("the hub's checksum", "Hub 公布的校验值"),
    "verified-registry": Phrase("its own first hash: unverified", "本机首次计算的哈希：未校验"),
    "verified-nothing": Phrase("nothing: unverified", "无：未校验"),
    "unverified": Phrase("{files}: compared with no published checksum", "{files}：没有与任何公开的校验值比对"),
    "not-pretrained": Phrase(
        "These weights are not proven to be the pretrained ones.", "未能证明这些权重就是预训练权重。"
    ),
    "left-out-compared": Phrase("Not compared: {text}", "未参与对比：{text}"),
    "first-suspect": Phrase(
        "First suspect: {module} ({operator}), step {index}, test {test}: {over} × its floor.",
        "首个可疑算子：{module}（{operator}），第 {index} 步，检验 {test}：达到其噪声底的 {over} 倍。",
    ),
    "first-suspect-unbounded": Phrase(
        "First suspect: {module} ({operator}), step {index}, test {test}; error over floor: {reason}.",
        "首个可疑算子：{module}（{operator}），第 {index} 步，检验 {test}；误差与噪声底之比：{reason}。",
    ),
    "first-suspect-divergence": Phrase(
        "First suspect: {module} ({operator}), step {index}: from here on forwards of the same input differ.",
        "首个可疑算子：{module}（{operator}），第 {index} 步：同一输入的多次前向从这里开始不同。",
    ),
    "operators-sampled": Phrase(
        "{number} of them came so close to the CPU's result that a part was compared with float64.",
        "其中 {number} 次与 CPU 结果足够接近，只取一部分与 float64 比较。",
    ),
    "operators-judged": Phrase(
        "{number} operator calls were replayed on the device with the CPU's inputs and judged alone; {failed} failed.",
        "共有 {number} 次算子调用以 CPU 的输入在设备上重放并单独判定；未通过 {failed} 次。",
    ),
    "depth-legend": Phrase(
        "Error over depth, relative L2: o each operator alone, A accumulated; . and - their floors.",
        "误差随深度的变化（相对 L2）：o 为单个算子，A 为累积误差；. 与 - 为各自的噪声底。",
    ),
    "all-finite": Phrase("No NaN and no infinity stands on one side only.", "没有仅出现在一端的 NaN 或无穷大。"),
    "not-finite": Phrase(
        "{output}: {nan} NaN and {inf} infinities stand on one side only.",
        "{output}：仅出现在一端的 NaN 有 {nan} 个，无穷大有 {inf} 个。",
    ),
    "repeats-item": Phrase("Repeated forwards", "重复前向"),
    "repeats-equal": Phrase(
        "{forwards} forwards of each input gave the same bits.", "每个输入的 {forwards} 次前向结果逐位相同。"
    ),
    "repeats-differ": Phrase(
        "{forwards} forwards of the same input differ: on the reference in a share of {reference} of the elements, on "
        "the device in {candidate}.",
        "同一输入的 {forwards} 次前向结果不同：参考端不同元素的占比为 {reference}，设备端为 {candidate}。",
    ),
    "fits-item": Phrase("Arithmetics that explain the error end to end", "可解释端到端误差的运算精度"),
    "fits-none": Phrase(
        "The error end to end is that of no arithmetic of the table.", "端到端误差与表中任何运算精度都不相符。"
    ),
    "fits-one": Phrase("The error end to end is that of {names}.", "端到端误差与 {names} 相符。"),
    "fits-several": Phrase(
        "The error end to end cannot tell which of these it is: {names}.", "端到端误差无法区分以下运算精度：{names}。"
    ),
    "baseline-as-good": Phrase(
        "As good as the comparison in {path} ({created}).", "不差于 {path}（{created}）中的对比结果。"
    ),
    "baseline-worse": Phrase(
        "WORSE than the comparison in {path} ({created}):", "比 {path}（{created}）中的对比结果更差："
    ),
    "baseline-changes": Phrase("Changed in the environment since then:", "此后环境的变化："),
    "baseline-same-environment": Phrase("The environment is the same as then.", "环境与当时相同。"),
    "basis": Phrase("Basis of match_within_1_percent: {text}", "match_within_1_percent 的依据：{text}"),
    "all-outputs": Phrase("all outputs and samples", "全部输出与样本"),
    "deciding": Phrase("the rule of this verdict", "本次判定所用规则"),
    "latency-with-origin": Phrase("{latency}, {how}", "{latency}，{how}"),
    "latency-bench": Phrase(
        "median of {iterations} iterations of bench, batch size {batch}",
        "bench {iterations} 次迭代的中位数，批大小 {batch}",
    ),
    "latency-run": Phrase("median of the warm forwards of the run", "运行中预热后前向的中位数"),
    "latency-emulated": Phrase("does not apply: a rehearsal measures no device", "不适用：预演不测量任何设备"),
    "latency-pair": Phrase(
        "median of {iterations} warm forwards, both sides in one run of compare",
        "compare 同一次运行中两端各 {iterations} 次预热后前向的中位数",
    ),
    "latency-quotient": Phrase("the two medians of compare", "compare 的两个中位数之比"),
    "latency-load": Phrase("reading the weights and building the model", "读取权重并构建模型"),
    "latency-first": Phrase("cold: includes compilation and lazy reading", "冷启动：含编译与延迟读取"),
    "fallbacks-none": Phrase("No operator was seen to fall back to the CPU.", "没有发现算子回退到 CPU。"),
    "fallbacks-some": Phrase("These operators ran on the CPU instead:", "以下算子回退到 CPU 执行："),
    "fallbacks-unknown": Phrase("Not known: {reason}.", "未知：{reason}。"),
    "log-run": Phrase("the run on the device, one event a line", "设备运行过程，每行一个事件"),
    "log-pretrained": Phrase("every place tried for the weights, and their proof", "权重的每个查找位置及其核对过程"),
    "log-accuracy": Phrase("the comparison and its verdict", "精度对比与判定"),
    "log-summary": Phrase("the record that every figure here comes from", "本报告全部数字的唯一来源"),
    "log-history": Phrase("a copy of each run", "每次运行的副本"),
    "explain-pages": Phrase("Pages", "文档"),
    "explain-how": Phrase("One of them: npu-adapt explain ID", "查看其中一项：npu-adapt explain ID"),
}

CONCLUSIONS: dict[str, Phrase] = {
    "conclusion-no-run": Phrase(
        "Nothing was run, so nothing is concluded about a model.", "没有运行任何模型，因此不作结论。"
    ),
    "conclusion-run-failed": Phrase(
        "FAILED: the model did not run to its end on {device}: {failure}.",
        "失败：模型没有在 {device} 上运行到底：{failure}。",
    ),
    "conclusion-failed-unexplained": Phrase(
        "FAILED: the record says so and names no failure.", "失败：记录中状态为失败，但没有给出原因。"
    ),
    "conclusion-ran": Phrase("The model ran on {device}.", "模型在 {device} 上运行完成。"),
    "conclusion-not-compared": Phrase(
        "The model ran on {device}. It was not compared with a reference, so nothing is concluded about its accuracy.",
        "模型在 {device} 上运行完成，但没有与参考端对比，因此不对精度作结论。",
    ),
    "conclusion-rehearsed-only": Phrase(
        "REHEARSED: the arithmetic {arithmetic} was emulated on the CPU and no comparison is recorded.",
        "REHEARSED（预演）：在 CPU 上模拟了 {arithmetic} 运算，没有对比记录。",
    ),
    "conclusion-rehearsed-passed": Phrase(
        "REHEARSED: a device of the arithmetic {arithmetic} would pass the rule {rule}. No device was used.",
        "REHEARSED（预演）：按规则 {rule}，{arithmetic} 运算的设备预计通过。未使用任何设备。",
    ),
    "conclusion-rehearsed-failed": Phrase(
        "REHEARSED: a device of the arithmetic {arithmetic} would fail the rule {rule}. No device was used.",
        "REHEARSED（预演）：按规则 {rule}，{arithmetic} 运算的设备预计不通过。未使用任何设备。",
    ),
    "conclusion-passed": Phrase(
        "PASSED: {candidate} agrees with {reference} by the rule {rule}.",
        "通过：按规则 {rule}，{candidate} 与 {reference} 一致。",
    ),
    "conclusion-failed": Phrase(
        "FAILED: {candidate} does not agree with {reference} by the rule {rule}.",
        "未通过：按规则 {rule}，{candidate} 与 {reference} 不一致。",
    ),
    "conclusion-worse": Phrase(
        "FAILED: {candidate} agrees with {reference}, but is worse than it was in {path}.",
        "未通过：{candidate} 与 {reference} 一致，但比 {path} 中的结果更差。",
    ),
    "conclusion-bench-wrong": Phrase(
        "FAILED: what {device} computed in the benchmark is not what the reference computes.",
        "未通过：{device} 在性能测试中的计算结果与参考端不符。",
    ),
    "conclusion-bench-none": Phrase(
        "FAILED: no setting of the benchmark could be measured on {device}.",
        "失败：性能测试的任何设置都未能在 {device} 上测量。",
    ),
    "conclusion-bench-slower": Phrase(
        "FAILED: {device} is slower than in the baseline.", "未通过：{device} 比基线慢。"
    ),
    "conclusion-checked": Phrase(
        "The model ran on {device}, and the outputs of the benchmark were checked against the CPU's. "
        "A verdict takes npu-adapt compare.",
        "模型在 {device} 上运行完成，性能测试的输出已与 CPU 核对。精度判定需要 npu-adapt compare。",
    ),
    "conclusion-one-percent": Phrase("match_within_1_percent: {answer}.", "match_within_1_percent：{answer}。"),
    "conclusion-problem": Phrase(
        "The environment has an unresolved {severity}: {found}.", "环境存在未解决的问题（{severity}）：{found}。"
    ),
    "conclusion-reservations": Phrase("To be read with it:", "须一并注意："),
    "conclusion-fallbacks": Phrase(
        "Some operators ran on the CPU: {operators}.", "部分算子在 CPU 上执行：{operators}。"
    ),
}
