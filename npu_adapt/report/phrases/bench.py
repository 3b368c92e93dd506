"""What is said of a benchmark."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

CAPTIONS: dict[str, Phrase] = {
    "benchmark": Phrase("Benchmark", "性能测试"),
    "sweep": Phrase("Sweep", "参数扫描"),
}

COLUMNS: dict[str, Phrase] = {
    "row": Phrase("Row", "行"),
    "attention": Phrase("attention", "attention"),
    "mode": Phrase("mode", "mode"),
    "threads": Phrase("threads", "线程"),
    "batch": Phrase("batch", "批"),
    "median-ms": Phrase("median ms", "中位数 ms"),
    "per-s": Phrase("per s", "每秒"),
    "status": Phrase("status", "状态"),
}

ITEMS: dict[str, Phrase] = {
    "mode": Phrase("Mode", "执行模式"),
    "clock": Phrase("Clock of the samples", "计时时钟"),
    "cold-forward": Phrase("First forward, with compilation", "首次前向（含编译）"),
    "warmup-calls": Phrase("Warm-up", "预热"),
    "median-interval": Phrase("Interval of the median", "中位数置信区间"),
    "launch-gap": Phrase("Launch gap: host - device", "下发开销：主机 - 设备"),
    "real-time-factor": Phrase("Real-time factor", "实时率 (RTF)"),
    "prefill": Phrase("Prompt tokens read", "预填充 tokens"),
    "decode": Phrase("Tokens written", "解码 tokens"),
    "bench-memory": Phrase("Peak memory", "峰值内存"),
    "memory-source": Phrase("Peak memory is", "峰值内存来源"),
    "weights-memory": Phrase("Weights", "权重内存"),
    "activations-memory": Phrase("Activations", "激活内存"),
    "matmul-rate": Phrase("Matrix product, this device", "本设备矩阵乘速率"),
    "copy-rate": Phrase("Copy, this device", "本设备拷贝带宽"),
    "launch-time": Phrase("Launch, this device", "本设备下发耗时"),
    "bound": Phrase("Bound by", "瓶颈"),
    "bound-ms": Phrase("Least time by that bound", "该瓶颈的理论最短时间"),
    "achieved": Phrase("Share of the limit reached", "达到上限的比例"),
    "bench-speed-up": Phrase("Speed-up", "加速比"),
    "process-medians": Phrase("Medians of fresh processes", "各独立进程的中位数"),
    "pinned-cores": Phrase("Pinned to cores", "绑定的 CPU 核"),
}

SENTENCES: dict[str, Phrase] = {
    "bench-warning": Phrase("(!) {id}: {message}", "(!) {id}：{message}"),
    "bench-interval": Phrase("{low} to {high} ms, confidence {confidence}", "{low} 至 {high} ms，置信度 {confidence}"),
    "bench-warmup": Phrase("{calls} calls, {ms} ms", "{calls} 次，{ms} ms"),
    "bench-speed-up": Phrase(
        "{ratio} × {reference} in {dtype}, {threads} threads, {median} ms",
        "{ratio} × {reference}（{dtype}，{threads} 线程，{median} ms）",
    ),
    "bench-spread": Phrase("{ratio} ({low} to {high})", "{ratio}（{low} 至 {high}）"),
    "bench-processes": Phrase("{count}: {low} to {high} ms", "{count} 个：{low} 至 {high} ms"),
    "bench-row-reason": Phrase("Row {row}, {status}: {reason}", "第 {row} 行，{status}：{reason}"),
    "latency-wrong": Phrase("{how}; its output is wrong", "{how}；该设置的输出错误"),
    "conclusion-wrong-rows": Phrase(
        "Settings of the benchmark whose output is wrong, and which count for nothing: {rows}.",
        "性能测试中输出错误、不计入结果的设置：{rows}。",
    ),
    "bench-best": Phrase("best", "最佳"),
    "bench-measured": Phrase("measured", "已测"),
    "bench-wrong": Phrase("wrong", "结果错误"),
    "bench-failed": Phrase("failed", "失败"),
    "bench-gate-passed": Phrase(
        "Gate passed: {ratio} × the time of {baseline} ({low} to {high}); {allowed} more is allowed",
        "回归门禁通过：为 {baseline} 用时的 {ratio} 倍（{low} 至 {high}），允许增加 {allowed}",
    ),
    "bench-gate-paced": Phrase(
        "Compared are latencies over the processor's pace beside them: a slower machine is not a slower model.",
        "比较的是时延与同时测得的处理器速度基准之比：机器变慢不等于模型变慢。",
    ),
    "bench-gate-undecided": Phrase(
        "Gate passed, undecided: {ratio} × the time of {baseline} ({low} to {high}); {allowed} more is allowed",
        "回归门禁通过，但未能判定：为 {baseline} 用时的 {ratio} 倍（{low} 至 {high}），允许增加 {allowed}",
    ),
    "bench-gate-failed": Phrase(
        "Gate FAILED: {ratio} × the time of {baseline} ({low} to {high}); {allowed} more is allowed",
        "回归门禁未通过：为 {baseline} 用时的 {ratio} 倍（{low} 至 {high}），允许增加 {allowed}",
    ),
}

# Why a row is wrong, which is a warning as well where no row is right.
_WRONG: dict[str, Phrase] = {
    "wrong-output": Phrase(
        "relative L2 against the CPU's float32 is {relative_l2:error}, above {limit:g}",
        "与 CPU float32 结果的相对 L2 误差为 {relative_l2:error}，超过 {limit:g}",
    ),
    "wrong-tokens": Phrase(
        "relative L2 of the tokens written with the cache against the CPU's float32 is {relative_l2:error}, "
        "above {limit:g}",
        "使用缓存解码的 tokens 与 CPU float32 结果的相对 L2 误差为 {relative_l2:error}，超过 {limit:g}",
    ),
    "output-not-finite": Phrase(
        "relative L2 against the CPU's float32 is not finite; the limit is {limit:g}",
        "与 CPU float32 结果的相对 L2 误差不是有限值，上限为 {limit:g}",
    ),
    "tokens-not-finite": Phrase(
        "relative L2 of the tokens written with the cache against the CPU's float32 is not finite; the limit is "
        "{limit:g}",
        "使用缓存解码的 tokens 与 CPU float32 结果的相对 L2 误差不是有限值，上限为 {limit:g}",
    ),
}
_WARNINGS: dict[str, Phrase] = {
    "text": Phrase("{text}", "{text}"),
    **_WRONG,
    "foreign-load": Phrase(
        "other processes kept {busy_cores:number} of {cores:count} cores busy while measuring",
        "测量期间，其他进程占用了 {cores:count} 个核中的 {busy_cores:number} 个",
    ),
    "cpu-throttled": Phrase(
        "the CPU quota of the container (cgroup) stopped this process in {throttled:count} of {periods:count} periods",
        "容器（cgroup）的 CPU 配额使本进程在 {periods:count} 个周期中的 {throttled:count} 个周期内被暂停",
    ),
    "device-shared": Phrase(
        "other processes kept the device {utilization:percent} busy before this run used it",
        "本次运行使用设备之前，其他进程已使设备处于 {utilization:percent} 的占用率",
    ),
    "device-memory-rose": Phrase(
        "other processes took {bytes:size} of the device's memory while measuring",
        "测量期间，其他进程占用了 {bytes:size} 设备内存",
    ),
    "device-memory-fell": Phrase(
        "other processes freed {bytes:size} of the device's memory while measuring",
        "测量期间，其他进程释放了 {bytes:size} 设备内存",
    ),
    "thermal": Phrase(
        "the processor was slowed down for its heat {times:count} times while measuring",
        "测量期间，处理器因过热降速 {times:count} 次",
    ),
    "frequency": Phrase(
        "the processor's clock went from {before_mhz:number} to {after_mhz:number} MHz while measuring",
        "测量期间，处理器频率从 {before_mhz:number} MHz 变为 {after_mhz:number} MHz",
    ),
    "device-frequency": Phrase(
        "the device's clock went from {before_mhz:number} to {after_mhz:number} MHz while measuring",
        "测量期间，设备频率从 {before_mhz:number} MHz 变为 {after_mhz:number} MHz",
    ),
    "drift": Phrase(
        "latency changed by {change:percent} from the first third of the samples to the last",
        "从前三分之一样本到后三分之一样本，时延变化了 {change:percent}",
    ),
    "outliers": Phrase(
        "{outliers:count} of {samples:count} samples are far outside the rest; the furthest: {furthest_ms:ms} ms",
        "{samples:count} 个样本中有 {outliers:count} 个远离其余样本，最远的为 {furthest_ms:ms} ms",
    ),
    "bimodal": Phrase(
        "two levels, {low_ms:ms} ms and {high_ms:ms} ms ({upper_share:percent} of the samples); the median hides one",
        "样本集中在两个水平：{low_ms:ms} ms 与 {high_ms:ms} ms（后者占 {upper_share:percent}），中位数只反映其一",
    ),
    "clock-resolution": Phrase(
        "the clock ticks every {resolution_ms:ms} ms, over {allowed_share:percent} of the median of {median_ms:ms} ms",
        "时钟分辨率为 {resolution_ms:ms} ms，超过中位数 {median_ms:ms} ms 的 {allowed_share:percent}",
    ),
    "not-steady": Phrase(
        "calls were still getting faster when warm-up ran out of time", "预热时间用尽时，调用仍在变快"
    ),
    "time-limit": Phrase(
        "the time limit ended it after {samples:count} samples; asked for: iterations {iterations:count}, "
        "precision {precision:percent}",
        "达到时间上限，测得 {samples:count} 个样本后结束；要求：迭代次数 {iterations:count}，精度 {precision:percent}",
    ),
    "few-samples": Phrase(
        "{samples:count} samples are too few for a p99, which takes {needed:count}",
        "{samples:count} 个样本不足以给出 p99，至少需要 {needed:count} 个",
    ),
    "above-limit": Phrase(
        "{achieved:percent} of the {bound:word} limit: the limit was measured too low",
        "达到{bound:word}上限的 {achieved:percent}：该上限测得过低",
    ),
    "gate-undecided": Phrase(
        "{processes:count} processes do not tell whether it is over the limit; more or a quieter machine would",
        "{processes:count} 个进程不足以判定是否超过上限；需要更多进程或更安静的机器",
    ),
}
WARNINGS = {f"warning-{key}": phrase for key, phrase in _WARNINGS.items()}

# Words for what the record keeps as a name.
WORDS: dict[str, Phrase] = {
    "word-samples": Phrase("samples", "个样本"),
    "word-compute": Phrase("compute", "计算"),
    "word-memory": Phrase("memory", "访存"),
    "word-launch": Phrase("launch", "下发"),
    "word-host": Phrase("host", "主机"),
    "word-device": Phrase("device", "设备"),
    "word-device-statistics": Phrase("the device's own statistics", "设备自身的统计"),
    "word-resident-in-first-forward": Phrase(
        "resident memory of the process during the first forward", "首次前向期间进程的常驻内存"
    ),
    "word-resident-since-start": Phrase("resident memory of the process since it began", "进程启动以来的常驻内存"),
}

REASONS: dict[str, Phrase] = {
    **{f"reason-{key}": phrase for key, phrase in _WRONG.items()},
    "reason-row-failed": Phrase("{message} (stage {stage}, class {class})", "{message}（阶段 {stage}，类别 {class}）"),
    "reason-row-refused": Phrase("not run: {message}", "未运行：{message}"),
    "reason-process-killed": Phrase("the fresh process was ended by {signal}", "独立进程被 {signal} 终止"),
    "reason-process-ended": Phrase(
        "the fresh process ended with exit code {exit_code}", "独立进程以退出码 {exit_code} 结束"
    ),
    "reason-too-few-samples": Phrase(
        "{samples:count} samples are too few; it takes {needed:count}",
        "{samples:count} 个样本太少，至少需要 {needed:count} 个",
    ),
    "absent-right": Phrase("the row's output is right", "该行输出正确"),
    "absent-bench": Phrase("not benchmarked: npu-adapt bench MODEL", "没有性能测试：npu-adapt bench MODEL"),
    "absent-p99": Phrase("too few samples for a p99", "样本太少，无法给出 p99"),
    "absent-p90": Phrase("too few samples for a p90", "样本太少，无法给出 p90"),
    "absent-interval": Phrase("too few samples for an interval", "样本太少，无法给出置信区间"),
    "absent-row": Phrase("the row failed before", "该行在此之前已失败"),
    "absent-one-clock": Phrase("the device has no clock of its own", "设备没有自己的时钟"),
    "absent-pinned-warmup": Phrase("the warm-up was pinned", "预热次数已固定"),
    "absent-sound": Phrase("the input is no sound", "输入不是音频"),
    "absent-generation": Phrase("not a causal language model", "不是因果语言模型"),
    "absent-decode": Phrase(
        "not a causal language model, or no cache of its past, or not in eager mode",
        "不是因果语言模型，或没有缓存，或不是 eager 模式",
    ),
    "absent-limits": Phrase("not measured: --no-limits", "未测量：--no-limits"),
    "absent-against": Phrase("not measured: --against cpu", "未测量：--against cpu"),
    "absent-gate": Phrase("no baseline was given: --baseline FILE", "没有给出基线：--baseline FILE"),
    "absent-pace": Phrase("not both sides measured a processor's pace", "并非双方都测得处理器速度基准"),
}

_ROW = {
    "reason": "absent-right",
    "relative_l2": "absent-not-finite",
    "steady": "absent-pinned-warmup",
    "latency_ms": "absent-row",
    "latency_ms.p90": "absent-p90",
    "latency_ms.p99": "absent-p99",
    "median_interval_ms": "absent-interval",
    "launch_gap_ms": "absent-one-clock",
    "first_forward_ms": "absent-row",
    "warmup_ms": "absent-row",
    "throughput_per_s": "absent-row",
    "peak_memory_bytes": "absent-backend",
    "weights_bytes": "absent-row",
    "activations_bytes": "absent-backend",
    "real_time_factor": "absent-sound",
    "prefill_tokens_per_s": "absent-generation",
    "decode_tokens_per_s": "absent-decode",
    "decode_interval": "absent-decode",
    "roofline": "absent-limits",
    "speed_up": "absent-against",
    "speed_up.interval": "absent-interval",
}
ABSENT: dict[str, str] = {
    "bench": "absent-bench",
    "bench.latency_ms.p90": "absent-p90",
    "bench.latency_ms.p99": "absent-p99",
    "bench.median_interval_ms": "absent-interval",
    "bench.peak_memory_bytes": "absent-backend",
    "bench.real_time_factor": "absent-sound",
    "bench.prefill_tokens_per_s": "absent-generation",
    "bench.decode_tokens_per_s": "absent-decode",
    "bench.gate": "absent-gate",
    "bench.gate.reading_share": "absent-pace",
    **{f"bench.rows.{field}": reason for field, reason in _ROW.items()},
}
