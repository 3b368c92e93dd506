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

REASONS: dict[str, Phrase] = {
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
