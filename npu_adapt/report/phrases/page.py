"""What the HTML report says beside the report: its switch, its pictures and its folded parts."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "page-language": Phrase("Language", "语言"),
    "page-first": Phrase("At a glance", "一览"),
    "page-pictures": Phrase("Pictures", "图"),
    "page-sections": Phrase("The whole report", "完整报告"),
    "page-unfold": Phrase("Each title unfolds.", "点击标题展开。"),
    "page-explain": Phrase("What {word} means", "{word} 的含义"),
    "page-close": Phrase("Close", "关闭"),
    "page-scroll": Phrase("Lines to copy", "可复制的文本"),
    "page-legend": Phrase("Legend", "图例"),
    "page-said": Phrase("What the model said", "模型的预测"),
    "page-input": Phrase("The input of sample {sample}: {origin}", "样本 {sample} 的输入：{origin}"),
    "page-more-samples": Phrase("{number} more samples are in the table.", "另有 {number} 个样本见下方表格。"),
    "plot-depth": Phrase("Error over depth", "误差随深度的变化"),
    "plot-depth-x": Phrase("operators in the order of execution", "算子（按执行顺序）"),
    "plot-depth-y": Phrase("relative L2 error", "相对 L2 误差"),
    "plot-isolated": Phrase("each operator alone", "单个算子"),
    "plot-isolated-floor": Phrase("its floor", "单个算子的噪声底"),
    "plot-accumulated": Phrase("accumulated", "累积误差"),
    "plot-accumulated-floor": Phrase("floor of what accumulates", "累积误差的噪声底"),
    "plot-failed": Phrase("failed: {module} ({operator})", "未通过：{module}（{operator}）"),
    "plot-depth-says": Phrase(
        "{count} operators from {first} to {last}; the largest error of one alone is {isolated}.",
        "{count} 个算子，从 {first} 到 {last}；单个算子的最大误差为 {isolated}。",
    ),
    "plot-latency": Phrase("Latency samples", "时延样本"),
    "plot-latency-x": Phrase("sample, in the order of measurement", "样本（按测量顺序）"),
    "plot-latency-y": Phrase("latency, ms", "时延（ms）"),
    "plot-samples": Phrase("sample", "样本"),
    "plot-median": Phrase("median {value} ms", "中位数 {value} ms"),
    "plot-p99": Phrase("p99 {value} ms", "p99 {value} ms"),
    "plot-limit": Phrase("the device's limit {value} ms", "设备极限 {value} ms"),
    "plot-latency-says": Phrase(
        "{count} samples between {low} and {high} ms, median {median} ms.",
        "{count} 个样本，介于 {low} 与 {high} ms 之间，中位数 {median} ms。",
    ),
    "plot-sweep": Phrase("Latency against throughput", "时延与吞吐"),
    "plot-sweep-x": Phrase("median latency, ms", "时延中位数（ms）"),
    "plot-sweep-y": Phrase("throughput per second", "吞吐（每秒）"),
    "plot-batch": Phrase("b{size}", "b{size}"),
    "plot-setting": Phrase(
        "{dtype}, {attention}, {mode}, {threads} threads", "{dtype}，{attention}，{mode}，{threads} 线程"
    ),
    "plot-sweep-says": Phrase(
        "{count} settings; the best is {best} per second. bN is batch size N.",
        "{count} 种设置；最高 {best} 每秒。bN 表示批大小为 N。",
    ),
}
