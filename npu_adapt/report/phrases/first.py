"""What the first screens say: the labels of their facts, the verdict in words, where to read on."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

LABELS: dict[str, Phrase] = {
    "device": Phrase("device", "设备"),
    "prediction": Phrase("prediction", "预测"),
    "latency": Phrase("latency", "时延"),
    "worst-output": Phrase("worst output", "最差输出"),
    "one-percent": Phrase("within 1 %", "1 % 以内"),
    "rules": Phrase("other rules", "其他规则"),
    "operators": Phrase("operators", "算子"),
    "repeats": Phrase("repeats", "重复前向"),
    "weights": Phrase("weights", "权重"),
    "weight-path": Phrase("read from", "权重路径"),
    "outputs": Phrase("outputs", "输出"),
    "memory": Phrase("memory", "内存"),
    "why": Phrase("why", "原因"),
    "suspect": Phrase("suspect", "可疑算子"),
    "next": Phrase("next", "下一步"),
    "doubt": Phrase("doubt", "存疑"),
    "warning": Phrase("warning", "警告"),
    "baseline": Phrase("baseline", "基线"),
    "gate": Phrase("gate", "回归门禁"),
    "rows": Phrase("rows", "各行"),
    "limit": Phrase("limit", "性能上限"),
    "speed-up": Phrase("speed-up", "加速比"),
    "throughput": Phrase("throughput", "吞吐"),
    "tokens": Phrase("tokens", "tokens"),
    "setting": Phrase("setting", "设置"),
    "software": Phrase("software", "软件"),
    "stack": Phrase("driver, CANN", "驱动与 CANN"),
    "machine": Phrase("machine", "主机"),
    "error": Phrase("error", "错误"),
    "note": Phrase("note", "提示"),
    "fix": Phrase("fix", "修复"),
    "changed": Phrase("changed", "变化"),
    "failure": Phrase("failure", "失败"),
    "evidence": Phrase("evidence", "证据"),
    "more": Phrase("more", "更多"),
}

# What a rule asks, in words.
RULES: dict[str, Phrase] = {
    "noise-floor": Phrase("no error above what rounding explains", "误差不超过舍入噪声"),
    "one-percent": Phrase(
        "relative L2 at most 1 %, top-1 and top-5 the same", "相对 L2 不超过 1 %，top-1 与 top-5 相同"
    ),
    "field": Phrase("cosine > 0.99, mean_abs_diff < 0.005", "余弦 > 0.99，mean_abs_diff < 0.005"),
    "tolerance": Phrase("every element within rtol and atol", "每个元素都在 rtol 与 atol 之内"),
}

SENTENCES: dict[str, Phrase] = {
    "first-passed": Phrase("PASSED: ", "通过："),
    "first-failed": Phrase("FAILED: ", "未通过："),
    "first-rehearsed": Phrase("REHEARSED: ", "REHEARSED（预演）："),
    "first-ran": Phrase("RAN: ", "运行完成："),
    "first-measured": Phrase("MEASURED: ", "测量完成："),
    "first-agrees": Phrase(
        " on {candidate} agrees with {reference} by the rule ", " 在 {candidate} 上与 {reference} 一致，规则 "
    ),
    "first-disagrees": Phrase(
        " on {candidate} does not agree with {reference} by the rule ", " 在 {candidate} 上与 {reference} 不一致，规则 "
    ),
    "first-would-pass": Phrase(
        " would pass on a device that computes in {arithmetic}, by the rule ",
        " 在按 {arithmetic} 运算的设备上预计通过，规则 ",
    ),
    "first-would-fail": Phrase(
        " would fail on a device that computes in {arithmetic}, by the rule ",
        " 在按 {arithmetic} 运算的设备上预计不通过，规则 ",
    ),
    "first-rule": Phrase(" ({meaning})", "（{meaning}）"),
    "first-no-device": Phrase("; no device was used", "；未使用任何设备"),
    "first-on": Phrase(" on {device}", " 在 {device} 上"),
    "first-not-compared": Phrase("; not compared with a reference", "；没有与参考端对比"),
    "first-wrong": Phrase(": the outputs are not the reference's", "：输出与参考端不符"),
    "first-slower": Phrase(": slower than the baseline", "：比基线慢"),
    "first-no-row": Phrase(": no setting could be measured", "：没有任何设置可以测量"),
    "first-worse": Phrase("; worse than the baseline", "；比基线差"),
    "first-same-prediction": Phrase("the same on {reference}", "{reference} 上相同"),
    "first-other-prediction": Phrase("another on {reference}", "{reference} 上不同"),
    "first-sample-of": Phrase("first of {number} samples", "{number} 个样本中的第一个"),
    "first-no-prediction": Phrase("none: {reason}", "无：{reason}"),
    "first-sides": Phrase(
        "{candidate_ms} ms on {candidate}, {reference_ms} ms on {reference}",
        "{candidate} 上 {candidate_ms} ms，{reference} 上 {reference_ms} ms",
    ),
    "first-speed-up": Phrase("speed-up {ratio}", "加速比 {ratio}"),
    "first-no-speed-up": Phrase("no speed-up: {reason}", "没有加速比：{reason}"),
    "first-median": Phrase("median {median}", "中位数 {median}"),
    "first-interval": Phrase("{low} to {high} ms at {confidence}", "{low} 至 {high} ms（置信度 {confidence}）"),
    "first-iterations": Phrase("{number} iterations", "{number} 次迭代"),
    "first-batch": Phrase("batch size {number}", "批大小 {number}"),
    "first-threads": Phrase("CPU threads {number}", "CPU 线程数 {number}"),
    "first-load": Phrase("load {value}", "加载 {value}"),
    "first-first": Phrase("first forward {value}", "首次前向 {value}"),
    "first-output-l2": Phrase(": relative L2 {value}", "：相对 L2 {value}"),
    "first-output-floors": Phrase(
        "{over} noise floors from float64, limit {limit}", "与 float64 相差 {over} 倍噪声底，上限 {limit} 倍"
    ),
    "first-output-over": Phrase("{over} noise floors from float64", "与 float64 相差 {over} 倍噪声底"),
    "first-not-finite": Phrase(
        ": {nan} NaN and {inf} infinities appear on only one side", "：{nan} 个 NaN、{inf} 个无穷大仅出现在一端"
    ),
    "first-operators": Phrase(
        "{number} calls judged alone, {failed} failed", "单独判定 {number} 次调用，{failed} 次未通过"
    ),
    "first-bits-equal": Phrase("{forwards} forwards equal to the bit", "{forwards} 次前向逐位相同"),
    "first-bits-differ": Phrase(
        "{forwards} forwards differ: {reference} of the elements on the reference, {candidate} on the device",
        "{forwards} 次前向结果不同：参考端不同元素占比 {reference}，设备端 {candidate}",
    ),
    "first-proven": Phrase("pretrained: {number} tensors equal to the files", "预训练权重：{number} 个张量与文件一致"),
    "first-not-proven": Phrase("NOT proven to be the pretrained ones", "未能证明是预训练权重"),
    "first-verified": Phrase("verified against {what}", "校验依据：{what}"),
    "first-rule-passed": Phrase(" passed", " 通过"),
    "first-rule-failed": Phrase(" failed", " 未通过"),
    "first-as-good": Phrase("as good as ", "不差于 "),
    "first-worse-than": Phrase("WORSE than ", "更差于 "),
    "first-bound": Phrase("bound by {bound}", "瓶颈：{bound}"),
    "first-achieved": Phrase("reached {share} of this device's own limit", "达到本设备自身上限的 {share}"),
    "first-weights-bytes": Phrase("weights {value}", "权重 {value}"),
    "first-activations": Phrase("activations {value}", "激活 {value}"),
    "first-peak": Phrase("peak {value}", "峰值 {value}"),
    "first-per-s": Phrase("{value} {unit}/s", "每秒 {value} {unit}"),
    "first-prefill": Phrase("prefill {value}", "预填充 {value}"),
    "first-decode": Phrase("decode {value}", "解码 {value}"),
    "first-and-more": Phrase("and {number} more: --details", "另有 {number} 项：--details"),
    "first-history": Phrase("each run in {folder} beside it", "每次运行见同目录的 {folder}"),
    "first-free": Phrase("{free} of {memory} free", "空闲 {free}，共 {memory}"),
    "first-usable": Phrase("usable", "可用"),
    "first-unusable": Phrase("NOT usable", "不可用"),
    "first-cores": Phrase("{number} cores", "{number} 核"),
    "first-hosts-memory": Phrase("{value} of memory", "内存 {value}"),
    "first-not-installed": Phrase("not installed", "未安装"),
    "first-cpu-only": Phrase("only the CPU is usable on this machine", "本机只有 CPU 可用"),
    "first-environment-ok": Phrase("USABLE: ", "可用："),
    "first-environment-none": Phrase("NO ACCELERATOR: ", "没有加速器："),
    "first-since": Phrase("since {created} ({since})", "自 {created}（{since}）以来"),
    "first-nothing-changed": Phrase("nothing", "无变化"),
    "first-compare-next": Phrase("compare it with the CPU: ", "与 CPU 对比："),
    "first-suspect-next": Phrase(
        "look at {module} ({operator}) first, step {step}; what its test means: ",
        "先检查 {module}（{operator}），第 {step} 步；检验的含义：",
    ),
    "first-failed-next": Phrase("what it means and what to do: ", "含义与处理方法："),
}

PHRASES: dict[str, Phrase] = {
    **{f"label-{key}": phrase for key, phrase in LABELS.items()},
    **{f"rule-{key}": phrase for key, phrase in RULES.items()},
    **SENTENCES,
}
