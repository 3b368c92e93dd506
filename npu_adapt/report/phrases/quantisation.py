"""What is said of quantised weights."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

PHRASES: dict[str, Phrase] = {
    "term-dequantised": Phrase(
        "weights dequantised on the device at most {value:ratio} units in the last place from the exact ones, limit "
        "{limit:g}",
        "设备反量化得到的权重与精确值相差不超过 {value:ratio} 个末位单位，上限 {limit:g}",
    ),
    "term-dequantised-not": Phrase(
        "the weight of {place}, dequantised on the device, is {value:ratio} units in the last place from the exact "
        "one, limit {limit:g}",
        "设备反量化得到的 {place} 的权重与精确值相差 {value:ratio} 个末位单位，上限 {limit:g}",
    ),
    "label-quantised": Phrase("quantised", "量化"),
    "quantised-way": Phrase(
        "{modules} weights as {method} {format}: {type} by {strategy}{group}{inputs}",
        "{modules} 个权重为 {method} {format}：{type}，按 {strategy}{group}{inputs}",
    ),
    "quantised-group": Phrase(" of {size}", "（每组 {size} 个）"),
    "quantised-inputs": Phrase(", their inputs {activations}", "，输入为 {activations}"),
    "quantised-size": Phrase("{stored} for {whole}", "以 {stored} 存储 {whole}"),
    "dequantised-equal": Phrase(
        "dequantised on the device to the exact ones, rounded once", "设备反量化的结果等于精确值舍入一次"
    ),
    "dequantised-off": Phrase(
        "dequantised on the device: {share} of the elements have other bits, by {ulps} units in the last place at "
        "most ({module})",
        "设备反量化：{share} 的元素位不同，最多相差 {ulps} 个末位单位（{module}）",
    ),
    "dequantised-sentence": Phrase("Quantised weights: {text}.", "量化权重：{text}。"),
    "absent-quantisation": Phrase("the weights are not quantised", "权重没有量化"),
    "absent-group-size": Phrase("no groups share a scale", "没有按组共用缩放因子"),
    "absent-activations": Phrase("the inputs are not quantised", "输入没有量化"),
    "absent-dequantised": Phrase(
        "the weights are not quantised, or no device dequantised them", "权重没有量化，或没有在设备上反量化"
    ),
}

# Why a field is None, by its path.
ABSENT: dict[str, str] = {
    "weights.quantisation": "absent-quantisation",
    "weights.quantisation.weights.group_size": "absent-group-size",
    "weights.quantisation.weights.activations": "absent-activations",
    "compare.dequantised": "absent-dequantised",
    "compare.dequantised.worst_ulps": "absent-not-finite",
}
