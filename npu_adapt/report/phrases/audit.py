"""What `audit` says: of each finding, of what could not be checked, and of all together."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

# Of a text of anybody's: what is quoted stands there as it is written.
OF_TEXTS: dict[str, Phrase] = {
    "two-values": Phrase(
        "two values for one quantity: {first} and {second}", "同一个量有两个数值：{first} 与 {second}"
    ),
    "derived-figure": Phrase(
        "{given} does not follow from what it derives from: that gives {derived} ({source})",
        "{given} 与其来源不符：由来源得到 {derived}（{source}）",
    ),
    "verdict-against-numbers": Phrase(
        "{given} does not meet {limit}, and the verdict is: {verdict}", "{given} 不满足 {limit}，而结论是：{verdict}"
    ),
    "one-minus-cosine": Phrase(
        "{given} is (1 - cosine) x 100, which is no error{least:if:audit-least}",
        "{given} 是 (1 - 余弦相似度) × 100，并不是误差{least:if:audit-least}",
    ),
    "cosine-above-one": Phrase("{given}: a cosine is at most 1", "{given}：余弦相似度最大为 1"),
    "error-below-cosine": Phrase(
        "{given} is less than {cosine} allows: at least {least}", "{given} 小于 {cosine} 所允许的下限 {least}"
    ),
    "max-below-mean": Phrase("the maximum {first} is below its mean {second}", "最大值 {first} 小于平均值 {second}"),
    "statistics-order": Phrase("{first} is above {second}", "{first} 大于 {second}"),
    "driver-as-cann": Phrase(
        "{given}: CANN and the driver are two things with versions of their own",
        "{given}：CANN 与驱动是两个组件，各有版本号",
    ),
    "torch-pair": Phrase(
        "torch {torch} with torch_npu {torch_npu}: torch_npu works with the torch of its own version only",
        "torch {torch} 与 torch_npu {torch_npu}：torch_npu 只能与相同版本的 torch 配套",
    ),
    "cann-pair": Phrase(
        "CANN {cann} is older than any that is published for torch_npu {torch_npu} ({low})",
        "CANN {cann} 早于已公布的与 torch_npu {torch_npu} 配套的版本（{low}）",
    ),
    "other-weights": Phrase(
        "the report is about {claimed}, and {given} is loaded", "报告的对象是 {claimed}，加载的却是 {given}"
    ),
    "below-device-limit": Phrase(
        "{given} is too short to read {bytes} of weights once: at {rate} that takes {least}",
        "{given} 不足以读取一遍 {bytes} 的权重：以 {rate} 计需要 {least}",
    ),
    "hidden-state-compared": Phrase(
        "the model is a classifier, and what is compared is {given}, not the class scores",
        "模型是分类模型，对比的却是 {given}，而不是类别得分",
    ),
    "task-metric": Phrase(
        "top-1 and top-5 of features, or of a head that was not trained, say nothing: {given}",
        "对特征或未训练的分类头统计 top-1/top-5 没有意义：{given}",
    ),
    "empty-cell": Phrase("{label} has no value", "{label} 没有数值"),
    "placeholder": Phrase("{given} was not filled in", "{given} 没有填写"),
    "bound-instead-of-value": Phrase("{given} is a bound, and no value is given", "{given} 只是界限，没有给出数值"),
    "pass-without-results": Phrase("a verdict without a figure: {verdict}", "只有结论，没有数据：{verdict}"),
    "version-missing": Phrase("no version is given of {missing}", "没有给出 {missing} 的版本"),
    "weights-without-source": Phrase(
        "nobody says where the weights are from{given:if:audit-at}", "没有说明权重的来源{given:if:audit-at}"
    ),
    "command-missing": Phrase("no command{heading:if:audit-under}", "没有给出命令{heading:if:audit-under}"),
    "random-input": Phrase("the input is random or made up: {given}", "输入是随机的或人造的：{given}"),
    "random-head": Phrase("weights that were not loaded: {given}", "有权重没有加载：{given}"),
    "cold-baseline": Phrase("a speed-up against a cold CPU: {given}", "加速比以冷启动的 CPU 为基准：{given}"),
    "cold-timing": Phrase("the mean holds the first, cold run: {given}", "平均值包含首次冷启动：{given}"),
    "loose-tolerance": Phrase("a tolerance wider than 1 %: {given}", "容差宽于 1 %：{given}"),
    "part-compared": Phrase("only a part was compared: {given}", "只对比了一部分：{given}"),
    "stage-on-cpu": Phrase("a part ran on the CPU: {given}", "有一部分在 CPU 上运行：{given}"),
}
# Of our own records, logs and reports.
OF_OURS: dict[str, Phrase] = {
    "edited-copy": Phrase(
        "{field} is {recorded}, and {derived} in {source}", "{field} 为 {recorded}，而 {source} 中为 {derived}"
    ),
    "history-chain": Phrase(
        "{field} is {recorded}, and {derived} by {source}: it was changed afterwards",
        "{field} 为 {recorded}，而 {source} 记录为 {derived}：事后被改动",
    ),
    "log-differs": Phrase(
        "{field} is {recorded}, and {derived} by {source}", "{field} 为 {recorded}，而 {source} 中为 {derived}"
    ),
    "command-differs": Phrase(
        "{field} is {recorded}, and the command asks for {derived} ({source})",
        "{field} 为 {recorded}，而命令要求 {derived}（{source}）",
    ),
    "report-differs": Phrase(
        "{field}: {recorded:if:audit-stands} is rendered from {source} as: {derived}",
        "{field}：{recorded:if:audit-stands} 由 {source} 得到的应为：{derived}",
    ),
    "report-of-another": Phrase(
        "the report is of the summary {report}…, and {source} is {found}…",
        "报告来自摘要 {report}…，而 {source} 是 {found}…",
    ),
    "weights-changed": Phrase(
        "{source} has another content than the summary says: {derived}, not {recorded}",
        "{source} 的内容与摘要所述不同：{derived}，而不是 {recorded}",
    ),
    "weights-not-hubs": Phrase(
        "{field} is {recorded}, and {source} lists {derived}", "{field} 为 {recorded}，而 {source} 列出的是 {derived}"
    ),
    "bundle-differs": Phrase(
        "{file}: {recorded:if:audit-stands} is written by {source} as: {derived}",
        "{file}：{recorded:if:audit-stands} 由 {source} 写出的应为：{derived}",
    ),
    "results-differ": Phrase(
        "the report says {said}, and {source} says {recorded}", "报告写的是 {said}，而 {source} 中为 {recorded}"
    ),
    "outputs-differ": Phrase(
        "{field} is {recorded}, and the saved outputs give {derived} ({source})",
        "{field} 为 {recorded}，而由保存的输出算得 {derived}（{source}）",
    ),
}
PARTS: dict[str, Phrase] = {
    "audit-least": Phrase("; by {cosine} it is at least {least}", "；由 {cosine} 可知误差至少为 {least}"),
    "audit-at": Phrase(": {given}", "：{given}"),
    "audit-under": Phrase(' under "{heading}"', "：“{heading}”下为空"),
    "audit-stands": Phrase("what stands there, {recorded},", "此处为 {recorded}，"),
}
NOTES: dict[str, Phrase] = {
    "no-summary": Phrase(
        "{report} is of npu-adapt, and its summary is not beside it: only the text was audited",
        "{report} 由 npu-adapt 生成，但旁边没有对应的摘要：只检查了文本",
    ),
    "other-version": Phrase(
        "the summary is of npu-adapt {version}, whose words may be others: the report was not rendered again",
        "摘要来自 npu-adapt {version}，其措辞可能不同：没有重新生成报告来比对",
    ),
    "weights-elsewhere": Phrase(
        "{path} does not hold all weights on this machine: their hashes were not computed again",
        "本机的 {path} 中没有全部权重：没有重新计算哈希",
    ),
    "hub-not-asked": Phrase(
        "{source} could not be asked for its hashes: {message}", "无法向 {source} 查询哈希：{message}"
    ),
    "outputs-unreadable": Phrase(
        "the outputs in {folder} could not be read: {message}", "无法读取 {folder} 中保存的输出：{message}"
    ),
    "not-read": Phrase("{file} was not read: {message}", "没有读取 {file}：{message}"),
}
SENTENCES: dict[str, Phrase] = {
    "audit-contradicts": Phrase("CONTRADICTS ITSELF: ", "自相矛盾："),
    "audit-incomplete": Phrase("NO CONTRADICTION, but: ", "没有发现矛盾，但："),
    "audit-clean": Phrase("NOTHING FOUND: ", "没有发现问题："),
    "audit-counts": Phrase(
        "{contradictions} contradictions, {gaps} gaps, {doubts} doubts in {path}",
        "{path} 中有 {contradictions} 处矛盾、{gaps} 处缺失、{doubts} 处疑问",
    ),
    "audit-looked": Phrase("{files} files, {checks} checks", "{files} 个文件，{checks} 项检查"),
    "audit-line": Phrase("line {line}", "第 {line} 行"),
    "audit-record": Phrase("record", "记录"),
    "audit-note": Phrase("note", "说明"),
    "audit-read": Phrase("read", "已读"),
    "audit-next": Phrase("more", "更多"),
    "audit-possible": Phrase(" (possible)", "（可能）"),
    "audit-likely": Phrase(" (likely)", "（很可能）"),
    "audit-hidden": Phrase("and {number} more: --details", "另有 {number} 项：--details"),
    "title-contradiction": Phrase("Contradictions", "矛盾"),
    "title-gap": Phrase("What is missing", "缺失"),
    "title-doubt": Phrase("What to ask about", "疑问"),
}

PHRASES: dict[str, Phrase] = {
    **{f"audit-{key}": phrase for key, phrase in (OF_TEXTS | OF_OURS).items()},
    **{f"audit-note-{key}": phrase for key, phrase in NOTES.items()},
    **PARTS,
    **SENTENCES,
}
