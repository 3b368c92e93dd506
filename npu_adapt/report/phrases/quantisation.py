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
    "label-quantised-lost": Phrase("quantising", "量化损失"),
    "quantised-lost": Phrase(
        "lost relative L2 {loss} of {output} against {original}; the device adds {added}",
        "{output} 与 {original} 相比损失相对 L2 {loss}；设备另外带来 {added}",
    ),
    "quantised-lost-best": Phrase(
        "lost relative L2 {loss} of {output} against {original}, the best class stays in {best}; the device adds "
        "{added}",
        "{output} 与 {original} 相比损失相对 L2 {loss}，{best} 的最佳类别不变；设备另外带来 {added}",
    ),
    "quantised-from": Phrase(
        "What quantising lost, against {original}, and what the device's kernels add to it:",
        "量化本身（与 {original} 相比）的损失，以及设备算子另外带来的误差：",
    ),
    "caption-quantisation-loss": Phrase("Loss of the quantisation and error of the kernels", "量化损失与算子误差"),
    "column-loss": Phrase("lost", "损失"),
    "column-same-best": Phrase("best class stays", "最佳类别不变"),
    "column-device-adds": Phrase("device adds", "设备另外带来"),
    "absent-quantisation-loss": Phrase(
        "not asked for: npu-adapt compare --original MODEL", "没有要求测量：npu-adapt compare --original MODEL"
    ),
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
    "compare.quantisation_loss": "absent-quantisation-loss",
    "compare.quantisation_loss.outputs.relative_l2": "absent-not-finite",
    "compare.quantisation_loss.outputs.cosine_similarity": "absent-not-finite",
    "compare.quantisation_loss.outputs.same_best": "absent-class-scores",
    "compare.dequantised.worst_ulps": "absent-not-finite",
}
