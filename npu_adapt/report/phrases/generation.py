"""What is said of what both sides wrote: terms, settings, ways of reading a prompt, the lines of screen and report."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

TERMS: dict[str, Phrase] = {
    "token-flip": Phrase(
        'sample {sample}, token {position}: "{candidate}" in place of "{reference}" is a tie, '
        "{value:ratio} noise floors apart, at most {limit:g}",
        "样本 {sample} 第 {position} 个 token：以“{candidate}”代替“{reference}”属于平局，"
        "两者相差 {value:ratio} 倍噪声底，不超过 {limit:g} 倍",
    ),
    "token-flip-not": Phrase(
        'sample {sample}, token {position}: "{candidate}" in place of "{reference}" is a fault, '
        "{value:ratio} noise floors apart, more than {limit:g}{module:if:writing-suspect}",
        "样本 {sample} 第 {position} 个 token：以“{candidate}”代替“{reference}”属于错误，"
        "两者相差 {value:ratio} 倍噪声底，超过 {limit:g} 倍"
        "{module:if:writing-suspect}",
    ),
    "token-flips": Phrase(
        "{value:count} more tokens differ by more than rounding explains",
        "另有 {value:count} 个 token 的差异无法用舍入解释",
    ),
    "position-error": Phrase(
        "logits of every token at most {value:ratio} noise floors from float64 (worst: sample {sample}, token "
        "{position}), limit {limit:g}",
        "各 token 的 logits 与 float64 相差不超过 {value:ratio} 倍噪声底"
        "（最差：样本 {sample} 第 {position} 个 token），上限 {limit:g} 倍",
    ),
    "position-error-not": Phrase(
        "logits of token {position} of sample {sample} are {value:ratio} noise floors from float64, more than "
        "{limit:g}{module:if:writing-suspect}",
        "样本 {sample} 第 {position} 个 token 的 logits 与 float64 相差 {value:ratio} 倍噪声底，超过 {limit:g} 倍"
        "{module:if:writing-suspect}",
    ),
    "cache-error": Phrase(
        "logits of every token with the cache at most {value:ratio} noise floors from those without it (worst: sample "
        "{sample}, token {position}), limit {limit:g}",
        "各 token 使用缓存与不使用缓存的 logits 相差不超过 {value:ratio} 倍噪声底"
        "（最差：样本 {sample} 第 {position} 个 token），上限 {limit:g} 倍",
    ),
    "cache-error-not": Phrase(
        "logits of token {position} of sample {sample} with the cache are {value:ratio} noise floors from those "
        "without it, more than {limit:g}{module:if:writing-suspect}",
        "样本 {sample} 第 {position} 个 token 使用缓存与不使用缓存的 logits 相差 {value:ratio} 倍噪声底，"
        "超过 {limit:g} 倍{module:if:writing-suspect}",
    ),
    "invariance": Phrase(
        "prompt read {place:word}: {value:ratio} noise floors from float64, at most {limit:g}",
        "提示词以{place:word}方式读入：与 float64 相差 {value:ratio} 倍噪声底，不超过 {limit:g} 倍",
    ),
    "invariance-not": Phrase(
        "prompt read {place:word}: {value:ratio} noise floors from float64, more than {limit:g}"
        "{module:if:writing-suspect}",
        "提示词以{place:word}方式读入：与 float64 相差 {value:ratio} 倍噪声底，超过 {limit:g} 倍"
        "{module:if:writing-suspect}",
    ),
}

WAYS: dict[str, Phrase] = {
    "batch-left": Phrase("in a batch of 4, padded left", "批大小 4 左填充"),
    "batch-right": Phrase("in a batch of 4, padded right", "批大小 4 右填充"),
    "chunks": Phrase("in two chunks", "分两段"),
    "tie": Phrase("tie", "平局"),
    "fault": Phrase("fault", "错误"),
}

SETTINGS: dict[str, Phrase] = {
    "chat-template": Phrase("prompts are written with the model's own chat template", "提示词使用模型自带的对话模板"),
    "no-chat-template": Phrase(
        "the tokenizer has no chat template: prompts are read as they are", "分词器没有对话模板：提示词按原文读入"
    ),
    "sampling-off": Phrase("sampling is switched off ({settings})", "已关闭采样（{settings}）"),
    "processor-kept": Phrase("{name} {value}: applied on both sides", "{name} {value}：两端都应用"),
    "switched-off": Phrase("{name} is switched off", "已关闭 {name}"),
    "beams": Phrase(
        "search with {beams} beams, as deployed: texts may part without a fault, the logits of each token decide",
        "按部署方式使用 {beams} 个束搜索：文本可能无故障地分叉，以各 token 的 logits 为准",
    ),
    "no-end-token": Phrase(
        "the model has no end token: it writes as many tokens as asked", "模型没有结束符：始终写满要求的 token 数"
    ),
    "pad-token-borrowed": Phrase(
        "there is no padding token: token {token} stands for it, and is masked",
        "没有填充符：以 token {token} 代替，并被屏蔽",
    ),
    "no-tokenizer": Phrase("there is no tokenizer: only tokens are shown", "没有分词器：仅显示 token 编号"),
    "no-error-rates": Phrase(
        "no word and character error rates: pip install 'npu-adapt[texts]'",
        "没有计算词错率与字错率：pip install 'npu-adapt[texts]'",
    ),
    "no-invariance": Phrase(
        "reading in batches and chunks is examined for language models only", "批量与分段读入仅对语言模型检查"
    ),
}

LABELS: dict[str, Phrase] = {
    "written": Phrase("written", "生成"),
    "text": Phrase("text", "文本"),
    "flips": Phrase("flips", "翻转"),
    "reading": Phrase("batches", "批与分段"),
}

CAPTIONS: dict[str, Phrase] = {
    "flips": Phrase("Tokens that differ", "不同的 token"),
    "texts": Phrase("What both sides wrote", "两端生成的文本"),
    "invariance": Phrase("The first prompt, read in other ways than alone", "第一个提示词以其他方式读入"),
}

COLUMNS: dict[str, Phrase] = {
    "position": Phrase("Token", "token 序号"),
    "reference-token": Phrase("Reference", "参考端"),
    "candidate-token": Phrase("Device", "设备端"),
    "margin": Phrase("margin", "间隔"),
    "explained": Phrase("Explained", "解释"),
    "parts-at": Phrase("Parts at", "分叉处"),
    "words": Phrase("words", "词错率"),
    "characters": Phrase("characters", "字错率"),
    "way": Phrase("Read", "读入方式"),
    "differing": Phrase("other bits", "位不同"),
}

SENTENCES: dict[str, Phrase] = {
    "writing-suspect": Phrase("; begins in {module} ({operator})", "；始于 {module}（{operator}）"),
    "first-written-same": Phrase("{number} tokens, the same on {reference}", "{number} 个 token，与 {reference} 相同"),
    "first-written-parts": Phrase(
        'parts from {reference} at token {position}: "{candidate}", there "{written}"',
        "在第 {position} 个 token 与 {reference} 分叉：“{candidate}”，参考端为“{written}”",
    ),
    "first-margin": Phrase("margin {over} noise floors: {explained}", "间隔为 {over} 倍噪声底：{explained}"),
    "first-texts": Phrase("first of {number} texts", "{number} 个文本中的第一个"),
    "first-flips": Phrase(
        "{may} of {positions} tokens may flip, {expected} are expected to, {did} did: {ties} ties, {faults} faults",
        "{positions} 个 token 中可能翻转 {may}，预计翻转 {expected}，实际翻转 {did}：平局 {ties}，错误 {faults}",
    ),
    "first-rates": Phrase(
        "word error rate {words}, character error rate {characters}", "词错率 {words}，字错率 {characters}"
    ),
    "first-invariant": Phrase(
        "batch of 4, padded left and right, and chunks: at most {over} noise floors",
        "批大小 4（左、右填充）与分段：不超过 {over} 倍噪声底",
    ),
    "first-variant": Phrase("{way}: {over} noise floors from float64", "{way}：与 float64 相差 {over} 倍噪声底"),
    "by-model": Phrase("the model's own code: the reference shows it too", "模型代码本身所致：参考端也是如此"),
    "cache-path": Phrase(
        "The device's logits with the cache and without it: relative L2 {distance}, {over} noise floors apart.",
        "设备端使用缓存与不使用缓存的 logits：相对 L2 {distance}，相差 {over} 倍噪声底。",
    ),
    "texts-equal": Phrase("Sample {sample}, both sides: {text}", "样本 {sample}，两端相同：{text}"),
    "text-of": Phrase("Sample {sample}, {side}: {text}", "样本 {sample}，{side}：{text}"),
    "writing-first": Phrase(
        "First operator that fails while writing: {module} ({operator}), sample {sample}, token {position}, "
        "test {test}.",
        "生成过程中首个未通过的算子：{module}（{operator}），样本 {sample} 第 {position} 个 token，检验 {test}。",
    ),
}

REASONS: dict[str, Phrase] = {
    "generation": Phrase(
        "not asked for: npu-adapt compare --generate N", "没有要求生成：npu-adapt compare --generate N"
    ),
    "parting": Phrase("both sides wrote the same", "两端生成的内容相同"),
    "only-token": Phrase("only one token may be chosen there", "该位置只允许选择一个 token"),
    "error-rates": Phrase(
        "no text to compare, or jiwer is not installed: pip install 'npu-adapt[texts]'",
        "没有可对比的文本，或未安装 jiwer：pip install 'npu-adapt[texts]'",
    ),
    "writing-suspect": Phrase(
        "every token is within the floor, or no operator was found", "各 token 均在噪声底内，或没有找到算子"
    ),
    "reading-suspect": Phrase("within the floor, or no operator was found", "在噪声底内，或没有找到算子"),
}

# Why a field of a generation is None, by its path below `compare.generation`.
ABSENT: dict[str, str] = {
    "texts.parts_at": "absent-parting",
    "texts.margins_over_floor": "absent-only-token",
    "texts.errors_over_floor": "absent-not-finite",
    "texts.cache_errors_over_floor": "absent-not-finite",
    "texts.word_error_rate": "absent-error-rates",
    "texts.character_error_rate": "absent-error-rates",
    "flips.margin": "absent-only-token",
    "flips.margin_over_floor": "absent-only-token",
    "cache_relative_l2": "absent-not-finite",
    "cache_over_floor": "absent-not-finite",
    "invariance.float64_relative_l2": "absent-not-finite",
    "invariance.noise_floor": "absent-not-finite",
    "invariance.error_over_floor": "absent-not-finite",
    "invariance.module": "absent-reading-suspect",
    "invariance.operator": "absent-reading-suspect",
    "suspect": "absent-writing-suspect",
    "suspect.error_over_floor": "absent-not-finite",
}

PHRASES: dict[str, Phrase] = {
    **{f"term-{key}": phrase for key, phrase in TERMS.items()},
    **{f"word-{key}": phrase for key, phrase in WAYS.items()},
    **{f"setting-{key}": phrase for key, phrase in SETTINGS.items()},
    **{f"label-{key}": phrase for key, phrase in LABELS.items()},
    **{f"caption-{key}": phrase for key, phrase in CAPTIONS.items()},
    **{f"column-{key}": phrase for key, phrase in COLUMNS.items()},
    **{f"absent-{key}": phrase for key, phrase in REASONS.items()},
    **SENTENCES,
}
