"""What is said of a comparison: the terms of its verdict, why a field is null, what limits it, what got worse."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

_TEXT = Phrase("{text}", "{text}")  # a sentence of schema 1

TERMS: dict[str, Phrase] = {
    "text": _TEXT,
    "relative-l2": Phrase(
        "relative L2 of {place} {value:error} <= {limit:g}", "{place} 的相对 L2 为 {value:error} ≤ {limit:g}"
    ),
    "relative-l2-not": Phrase(
        "relative L2 of {place} {value:error} > {limit:g}", "{place} 的相对 L2 为 {value:error} > {limit:g}"
    ),
    "cosine": Phrase(
        "cosine_similarity of {place} {value:cosine} > {limit:g}",
        "{place} 的 cosine_similarity 为 {value:cosine} > {limit:g}",
    ),
    "cosine-not": Phrase(
        "cosine_similarity of {place} {value:cosine} <= {limit:g}",
        "{place} 的 cosine_similarity 为 {value:cosine} ≤ {limit:g}",
    ),
    "mean-abs-diff": Phrase(
        "mean_abs_diff of {place} {value:error} < {limit:g}", "{place} 的 mean_abs_diff 为 {value:error} < {limit:g}"
    ),
    "mean-abs-diff-not": Phrase(
        "mean_abs_diff of {place} {value:error} >= {limit:g}", "{place} 的 mean_abs_diff 为 {value:error} ≥ {limit:g}"
    ),
    "noise-floor": Phrase(
        "{place} is {value:ratio} noise floors from float64 (relative L2 {error:error}), at most {limit:g}",
        "{place} 与 float64 相差 {value:ratio} 倍噪声底（相对 L2 {error:error}），不超过 {limit:g} 倍",
    ),
    "noise-floor-not": Phrase(
        "{place} is {value:ratio} noise floors from float64 (relative L2 {error:error}), more than {limit:g}",
        "{place} 与 float64 相差 {value:ratio} 倍噪声底（相对 L2 {error:error}），超过 {limit:g} 倍",
    ),
    "outside-tolerance": Phrase(
        "{value:count} elements of {place} outside rtol {rtol:g}, atol {atol:g}",
        "{place} 有 {value:count} 个元素超出 rtol {rtol:g}、atol {atol:g}",
    ),
    "no-figure": Phrase(
        "{metric} of {place} does not exist: a value is not finite",
        "{place} 的 {metric} 不存在：有数值不是有限数",
    ),
    "nan-mismatches": Phrase(
        "{value:count} NaN of {place} appear on only one side", "{place} 有 {value:count} 个 NaN 仅出现在一端"
    ),
    "inf-mismatches": Phrase(
        "{value:count} infinities of {place} appear on only one side",
        "{place} 有 {value:count} 个无穷大仅出现在一端",
    ),
    "equal": Phrase("all elements of {place} are equal", "{place} 的全部元素相等"),
    "equal-not": Phrase(
        "{value:count} elements of {place} are not equal: whole numbers and booleans must be",
        "{place} 有 {value:count} 个元素不相等：整数与布尔值必须相等",
    ),
    "top-1": Phrase("top-1 the same", "top-1 相同"),
    "top-1-not": Phrase("top-1 differs", "top-1 不同"),
    "top-5": Phrase("top-5 the same", "top-5 相同"),
    "top-5-not": Phrase("top-5 differs", "top-5 不同"),
    "met-by-construction": Phrase(
        "met by construction: the rehearsal is one of the emulations that the noise floor is made of",
        "必然满足：预演本身就是构成噪声底的模拟之一",
    ),
    "type-floor": Phrase(
        "a correct device may be {value:percent} off in {place} in {dtype}, so 1 % does not decide; "
        "for the 1 % rule give --dtype float32",
        "{dtype} 下正确的设备在 {place} 上也可能相差 {value:percent}，因此不以 1 % 判定；"
        "如需按 1 % 判定，请使用 --dtype float32",
    ),
    "type-floor-unknown": Phrase(
        "no noise floor was measured, so it is not known whether {dtype} can meet 1 %: leave --fast out, "
        "or give --dtype float32",
        "没有测量噪声底，无法得知 {dtype} 能否达到 1 %：请去掉 --fast，或使用 --dtype float32",
    ),
    "reference-nan": Phrase(
        "the reference itself holds {value:count} NaN in {place}: there is nothing to compare",
        "参考端自身的 {place} 中有 {value:count} 个 NaN：无法对比",
    ),
    "random-forward": Phrase(
        "the model's forward is random: {forwards} forwards of the same input on the reference differ in "
        "{value:percent} of the elements ({operators})",
        "模型的前向是随机的：参考端同一输入的 {forwards} 次前向有 {value:percent} 的元素不同（{operators}）",
    ),
    "random-forward-unexplained": Phrase(
        "the model's forward is random: {forwards} forwards of the same input on the reference differ in "
        "{value:percent} of the elements; is dropout left on, does it sample, "
        "or keep something from call to call?",
        "模型的前向是随机的：参考端同一输入的 {forwards} 次前向有 {value:percent} 的元素不同；"
        "是否没有关闭 dropout、带有采样，或者在多次调用之间保留状态？",
    ),
    "stateful-forward": Phrase(
        "the model keeps something from one forward to the next: {forwards} forwards of the same input on the "
        "reference differ in {value:percent} of the elements, and fresh copies of the model agree",
        "模型在两次前向之间保留状态：参考端同一输入的 {forwards} 次前向有 {value:percent} 的元素不同，"
        "而模型的新副本彼此一致",
    ),
    "arithmetic": Phrase(
        "{place} computes in {value}{rounding:say:rounding}", "{place} 以 {value} 计算{rounding:say:rounding}"
    ),
    "arithmetic-not": Phrase(
        "{place} computes in {value}{rounding:say:rounding}, coarser than the {limit} "
        "{limit_from:say:limit}{hint:say:hint}",
        "{place} 以 {value} 计算{rounding:say:rounding}，比{limit_from:say:limit} {limit} 粗{hint:say:hint}",
    ),
    "deterministic": Phrase("{forwards} forwards equal to the bit", "{forwards} 次前向逐位相同"),
    "deterministic-not": Phrase(
        "not deterministic: {forwards} forwards differ in {value:percent} of the elements",
        "结果不确定：{forwards} 次前向有 {value:percent} 的元素不同",
    ),
    "differs-from": Phrase(
        "not deterministic: {forwards} forwards differ in {value:percent} of the elements, "
        "first in {place} ({operator})",
        "结果不确定：{forwards} 次前向有 {value:percent} 的元素不同，最先出现在 {place}（{operator}）",
    ),
    "differs-inside": Phrase(
        "not deterministic: {forwards} forwards give the same result and differ inside, first in {place} ({operator})",
        "结果不确定：{forwards} 次前向结果相同，但中间结果不同，最先出现在 {place}（{operator}）",
    ),
    "operator-failed": Phrase(
        "operator that fails: {place} ({operator}, {test} at {value:ratio} floors)",
        "未通过的算子：{place}（{operator}，{test} 达到噪声底的 {value:ratio} 倍）",
    ),
    "operator-wrong": Phrase(
        "operator that fails: {place} ({operator}, {test})", "未通过的算子：{place}（{operator}，{test}）"
    ),
    "operators-failed": Phrase("{value:count} more operators fail", "另有 {value:count} 个算子未通过"),
}

# Parts of terms: how operands are rounded, whose limit it is, what makes a device compute in float32.
PARTS: dict[str, Phrase] = {
    "rounding-nearest-even": Phrase(" ({bits} bits, nearest-even)", "（尾数 {bits} 位，nearest-even）"),
    "rounding-nearest-away": Phrase(" ({bits} bits, nearest-away)", "（尾数 {bits} 位，nearest-away）"),
    "rounding-truncated": Phrase(" ({bits} bits, truncated)", "（尾数 {bits} 位，截断）"),
    "rounding-other": Phrase(" ({bits} bits, rounded in another way)", "（尾数 {bits} 位，其他舍入方式）"),
    "limit-asked": Phrase("asked for", "所要求的"),
    "limit-unasked": Phrase("that a model of its type may get unasked", "该类型模型在未指定时允许的"),
    "hint-no-hf32": Phrase(": run with --no-hf32", "：请使用 --no-hf32"),
    "hint-onednn-fpmath-mode": Phrase(": unset ONEDNN_DEFAULT_FPMATH_MODE", "：请取消设置 ONEDNN_DEFAULT_FPMATH_MODE"),
}

REASONS: dict[str, Phrase] = {
    "no-class-scores": Phrase("no output holds class scores", "没有输出包含类别得分"),
    "fewer-than-five-classes": Phrase("fewer than five classes", "类别少于五个"),
    "fast": Phrase("not measured: --fast", "未测量：使用了 --fast"),
    "random-model": Phrase("the model is random, so it has no noise floor", "模型是随机的，因此没有噪声底"),
    "no-operator-failed": Phrase("no operator failed", "没有算子未通过"),
    "rehearsal-judges-no-operators": Phrase(
        "a rehearsal judges no operators: they are the emulation itself", "预演不判定算子：算子就是模拟本身"
    ),
    "operators-not-judged": Phrase("no operator could be judged alone", "没有算子可以单独判定"),
    "rehearsal-times-no-device": Phrase(
        "a rehearsal times the CPU, not a device", "预演测得的是 CPU 的时间，不是设备的"
    ),
    "rehearsal-arithmetic-known": Phrase(
        "known beforehand: it is the arithmetic that the rehearsal emulates", "事先已知：就是预演所模拟的运算精度"
    ),
    "fits-only-float32": Phrase("worked out for float32 models only", "仅对 float32 模型推算"),
    "not-finite": Phrase(
        "does not exist: a NaN or an infinity appears on only one side", "不存在：有 NaN 或无穷大仅出现在一端"
    ),
    "compared-exactly": Phrase(
        "whole numbers and booleans have no noise floor: they must be equal", "整数与布尔值没有噪声底：必须相等"
    ),
    "two-forwards-differ": Phrase(
        "two forwards of the same input differ here; their values are not kept",
        "同一输入的两次前向在此处不同；其数值没有保留",
    ),
    "latency-too-long": Phrase(
        "one forward of both sides takes {round_ms:ms} ms, too long for a steady speed-up within {seconds:g} s: "
        "npu-adapt bench --against cpu",
        "两端各一次前向共需 {round_ms:ms} ms，无法在 {seconds:g} s 内测得稳定的加速比：npu-adapt bench --against cpu",
    ),
    "reference-widened": Phrase(
        "the reference widens the weights of a half typed model as it runs, so its time is no latency: "
        "npu-adapt bench --against cpu",
        "参考端在运行时逐算子把半精度权重展宽，其耗时不是时延：npu-adapt bench --against cpu",
    ),
    "latency-unsteady": Phrase(
        "the speed-up was not steady over {iterations} forwards in turns ({low:ratio} to {high:ratio}): "
        "npu-adapt bench --against cpu",
        "交替 {iterations} 次前向后加速比仍不稳定（{low:ratio} 至 {high:ratio}）：npu-adapt bench --against cpu",
    ),
}

NOTES: dict[str, Phrase] = {
    "text": _TEXT,
    "random-numbers": Phrase(
        "the reference draws random numbers, which cannot be judged: {operators}",
        "参考端使用随机数的算子无法判定：{operators}",
    ),
    "reference-nan": Phrase(
        "the reference itself has a NaN, first from {module} ({operator})",
        "参考端自身出现 NaN，最先来自 {module}（{operator}）",
    ),
    "judged-by-float32": Phrase(
        "without a float64 kernel, judged by float32: {operators}", "没有 float64 内核，以 float32 判定：{operators}"
    ),
    "judged-by-own-result": Phrase(
        "without a float64 kernel, judged by the CPU's own result: {operators}",
        "没有 float64 内核，以 CPU 自身的结果判定：{operators}",
    ),
    "too-large-for-whole-numbers": Phrase(
        "too large to be replayed with whole numbers as well: {operators}", "过大，未再以整数重放：{operators}"
    ),
    "convolutions-too-large": Phrase(
        "too large to be asked for their algorithm, held to sums of products: {convolutions}",
        "过大，未探测其算法，按乘积求和判定：{convolutions}",
    ),
    "convolutions-not-told": Phrase(
        "the device gave an error when asked for their algorithm, held to sums of products: {convolutions}",
        "探测其算法时设备报错，按乘积求和判定：{convolutions}",
    ),
    "not-judged-alone": Phrase(
        "the operators could not be judged alone: {error} (see accuracy_compare.log)",
        "无法单独判定算子：{error}（见 accuracy_compare.log）",
    ),
    "another-path": Phrase(
        "the device takes another path from operator {index} on: {module} ({operator}), "
        "where the reference has {reference_module} ({reference_operator})",
        "设备从第 {index} 个算子起走了另一条路径：{module}（{operator}），"
        "而参考端是 {reference_module}（{reference_operator}）",
    ),
    "path-ends": Phrase(
        "the device takes another path from operator {index} on: {module} ({operator}), "
        "where the reference has nothing more",
        "设备从第 {index} 个算子起走了另一条路径：{module}（{operator}），而参考端已经结束",
    ),
}

LEFT_OUT: dict[str, Phrase] = {
    "text": _TEXT,
    "truth-in-float32": Phrase(
        "the float64 result of {operators}, which have no float64 kernel on the CPU: float32 stands for it",
        "{operators} 的 float64 结果：CPU 上没有对应的 float64 内核，以 float32 代替",
    ),
    "half-type-in-float32": Phrase(
        "the float64 result of a half typed model: float32 stands for it, whose own error is thousands of times "
        "smaller than the type's",
        "半精度模型的 float64 结果：以 float32 代替，其自身误差比该类型的误差小数千倍",
    ),
    "own-type-only": Phrase(
        "the float64 result of parts that compute in no other type than their own: a float64 copy stands for it",
        "只能以自身类型计算的部分的 float64 结果：以 float64 副本代替",
    ),
    "no-float64": Phrase(
        "the float64 result, which the model's code does not compute: the CPU's own result in the model's type stands "
        "for it",
        "float64 结果（模型代码不支持 float64）：以 CPU 上模型自身类型的结果代替",
    ),
    "other-shapes-in-float64": Phrase(
        "the float64 result, whose outputs have other shapes: the CPU's own result in the model's type stands for it",
        "float64 结果（其输出形状不同）：以 CPU 上模型自身类型的结果代替",
    ),
}

REGRESSIONS: dict[str, Phrase] = {
    "text": _TEXT,
    "coarser-arithmetic": Phrase(
        "the arithmetic of {operators} got coarser: {before} before, {after} now",
        "{operators} 的运算精度变粗：之前为 {before}，现在为 {after}",
    ),
    "larger-error": Phrase(
        "the error of {output} grew from {before:error} to {after:error}, by more than its floor",
        "{output} 的误差从 {before:error} 增大到 {after:error}，增量超过其噪声底",
    ),
    "no-longer-finite": Phrase("{output} is no longer finite", "{output} 不再是有限数"),
    "other-prediction": Phrase(
        "the prediction of sample {sample} changed from {before} to {after}",
        "样本 {sample} 的预测从 {before} 变为 {after}",
    ),
}

SENTENCES: dict[str, Phrase] = {
    "separator": Phrase("; ", "；"),
    "output-sample": Phrase("{output}, sample {sample}", "{output}，样本 {sample}"),
    "change-text": _TEXT,
    "order-sequential": Phrase("one term after the other", "逐项相加"),
    "order-swapped-pairs": Phrase("one after the other, the two of a pair swapped", "逐项相加，每对内次序互换"),
    "order-blocks": Phrase("blocks of {block} terms", "每 {block} 项一块"),
    "order-pairwise": Phrase("in pairs, like a tree", "两两相加（树形）"),
    "order-lanes": Phrase("{block} lanes side by side", "{block} 路并行"),
    "order-wider": Phrase("wider than float32", "宽于 float32 的累加"),
    "order-changing": Phrase("another one each time; the floor takes the usual ones", "每次不同；噪声底采用通常的次序"),
    "order-unknown": Phrase("none that is known here; the floor takes the usual ones", "未知；噪声底采用通常的次序"),
    "order-at-once": Phrase("{order}, {at_once} terms at once", "{order}，每步 {at_once} 项"),
    "order-last-first": Phrase("{order}, the last first", "{order}，自末项起"),
    "latency-against": Phrase(
        "bench --against, both sides in turns: {dtype}, {threads} threads",
        "bench --against，两端交替测量：{dtype}，{threads} 线程",
    ),
    "latency-ratio": Phrase("of the pairs of both sides, measured in turns", "两端交替测量所得各对之比"),
}

PHRASES: dict[str, Phrase] = {
    **{f"term-{key}": phrase for key, phrase in TERMS.items()},
    **PARTS,
    **{f"reason-{key}": phrase for key, phrase in REASONS.items()},
    **{f"note-{key}": phrase for key, phrase in NOTES.items()},
    **{f"left-out-{key}": phrase for key, phrase in LEFT_OUT.items()},
    **{f"regression-{key}": phrase for key, phrase in REGRESSIONS.items()},
    **SENTENCES,
}
