"""What a report is about: its model, and whether what was compared and timed can be that model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from npu_adapt.claims.blocks import Heading
from npu_adapt.claims.conditions import ADAPTED, condition
from npu_adapt.claims.doubts import random_head
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText

_CLASSIFIER = re.compile(
    r"(?:图像|文本|音频|情感|序列|词元)分类|命名实体|词性标注|情感分析|(?<![a-z])ner(?![a-z])"
    r"|(?:image|text|audio|token|sequence|sentiment)[- ](?:classification|analysis)"
    r"|named entit|For(?:Image|Sequence|Token|Audio)Classification|1000\s?(?:类|classes)"
    r"|classification checkpoint|classifier",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    r"last[_ ]hidden[_ ]state|\bViTModel\b|\bBertModel\b|\bAutoModel\b(?!For)"
    r"|hidden[ -]states?|隐藏?层(?:状态|输出)|pooler_output",
    re.IGNORECASE,
)
_LOGITS = re.compile(
    r"logits|类别概率|softmax|predicted (?:class|label)|预测(?:类别|标签|结果)|top-?1 (?:label|class"
    r"|category)|1000\s?(?:类|classes)\s?(?:logits|概率)",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"输出|output|compar|对比|比较|误差|shape|形状|状态", re.IGNORECASE)
_HEADLESS = re.compile(
    r"num_classes\s*=\s*0|backbone features?|特征向量|特征提取|image features|pooled features"
    r"|feature extract|headless|no (?:classification )?head|(?:无|没有|不含)分类头|embedding dim"
    r"|嵌入(?:维度|向量)|features?\)|-dim(?:ensional)? (?:features?|embedding)|维特征"
    r"|(?:sentence|text|speaker|image|face)[- ]embeddings?|[句文]本?(?:子)?向量|语义向量|人脸特征|声纹",
    re.IGNORECASE,
)
_TOP_K = re.compile(r"top[-_ ]?[15](?!\d)", re.IGNORECASE)
_TOP_VALUE = re.compile(
    r"top[-_ ]?[15][^|:=]{0,30}[|:=][\s|`*]*(?:yes|true|✅|一致|是|\d|相同|same|match|pass|通过"
    r"|equal|identical)"
    r"|top[-_ ]?[15][^|:=]{0,12}(?:outputs?|输出|一致|相同|match|same|index|索引)",
    re.IGNORECASE,
)
_CLASSES = re.compile(
    r"logits|1000\s?(?:类|classes)|zero[- ]shot|零样本|分类头(?:已|权重)"
    r"|imagenet[- ]?1k? (?:val|acc)|线性探测|linear prob|检索|召回|retriev|recall|\bhit\b|rerank|重排|候选|candidate",
    re.IGNORECASE,
)
# The part of a model's name that says which of its family it is.
_SIZES = re.compile(
    r"^(?:tiny|mini|small|base|medium|large|huge|giant|xl|xxl|nano|pico|atto|femto|lite"
    r"|\d+(?:\.\d+)?[bm]|b\d|v\d+(?:\.\d+)?|\d{1,3})$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z\d])(?=(?:Tiny|Mini|Small|Base|Medium|Large|Huge|Giant|Nano|Lite)(?![a-z]))")
_MODEL_ID = re.compile(
    r"(?<![\w./-])(?:(?:[A-Za-z][\w.-]*/)?[A-Za-z][\w.]*(?:-[\w.]+)+"
    r"|(?:[A-Za-z][\w-]*/)?[A-Za-z]\w*[a-z\d](?:Tiny|Small|Base|Medium|Large|Huge))(?![\w/])"
)
_USED = re.compile(
    r"(?:--model(?:[_-](?:path|name|id))?|--ckpt|--checkpoint|--weights?|from_pretrained\("
    r"|create_model\(|snapshot_download\(|vllm serve"
    r"|download --model)[\s=(]*['\"]?(?P<path>[\w./@~-]+)"
    r"|(?:权重路径|模型路径|weight[_ ]path|model[_ ]path|loaded from|weights? loaded)\W{1,6}(?P<where>[\w./@~-]{6,})",
    re.IGNORECASE,
)
BANDWIDTH = {"310": 0.21e12, "910c": 3.3e12, "910": 1.7e12}  # bytes a second at best; the highest of a family
DEFAULT_BANDWIDTH = 1.7e12
BYTES = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "int8": 1.0, "int4": 0.5}
CACHED = 400e6  # bytes of weights that might stay on the chip: no limit is taken from fewer
_PARAMETERS = re.compile(
    r"(?<![\w.])(?!(?:910|310)B)(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>[Bb](?:illion)?|亿)(?![A-Za-z\d])"
)
_MILLIONS = re.compile(r"(?<![\w.])(?P<number>\d+(?:\.\d+)?)\s?(?:M|million|百万)(?![A-Za-z\d])")
_CARDS = re.compile(
    r"(?:[x×*]|tp\s*=?\s*)\s?([2-9]|1\d)\s?(?:卡|cards|npus?)?|([2-9]|1\d)\s?(?:卡|张卡|cards)", re.IGNORECASE
)
_SPARSE = re.compile(r"moe|mixture|A\d+(?:\.\d)?B|speculat|投机|稀疏激活|eagle|medusa", re.IGNORECASE)


def hidden_state(report: ReportText) -> Iterator[Found]:
    """The state before the head compared, where the checkpoint is a classifier."""
    text = report.everything
    if not _CLASSIFIER.search(text) or _LOGITS.search(text):
        return
    for line, words in report.output:
        hidden = _HIDDEN.search(words)
        if hidden and _OUTPUT.search(words):
            yield Found("hidden-state-compared", ((line, words[:80]),), "likely", {"given": hidden[0]})
            return


def metric_of_task(report: ReportText) -> Iterator[Found]:
    """Top-1 or top-5 of features, which have no classes, or of a head that nobody trained."""
    text = report.everything
    untrained = next(random_head(report), None)
    if untrained is None and (not _HEADLESS.search(text) or _CLASSES.search(text)):
        return
    for line, words in report.output:
        if (
            _TOP_K.search(words)
            and _TOP_VALUE.search(words)
            and not re.search(
                r"不适用|n/?a|无意义|not applicable|meaningless|判定依据|主要精度|empty", words, re.IGNORECASE
            )
        ):
            yield Found("task-metric", ((line, words[:80]),), "likely", {"given": words[:80]})
            return


def other_weights(report: ReportText) -> Iterator[Found]:
    """A command or a path that loads another size of the model than the report is about."""
    title = next((block.text for block in report.blocks if isinstance(block, Heading)), "")
    named = [match[0] for line, text in report.prose[:12] for match in _MODEL_ID.finditer(text if line else title)]
    subjects = [sizes for name in named if (sizes := _sizes(name))]
    if not subjects:
        return
    family, size = subjects[0]
    if any(other != size for kin, other in subjects if kin == family):
        return  # a report on several of a family
    for line, text in (*report.output, *report.program_lines):
        for match in _USED.finditer(text):
            path = (match["path"] or match["where"]).rstrip("/.'\"")
            found = next((s for part in reversed(path.split("/")) if (s := _sizes(part))), None)
            if (
                found is not None
                and found[0] == family
                and found[1] != size
                and not (found[1] < size or size < found[1])
            ):
                values = {"claimed": "-".join(sorted(size)), "given": path}
                yield Found("other-weights", ((line, match[0][:80]),), "likely", dict(values))
                return


def _sizes(name: str) -> tuple[str, frozenset[str]] | None:
    """Family and sizes of a model's name: "whisper-large-v3" is of whisper, large and v3. None: it names no size."""
    parts = re.split(r"[-_/]", _CAMEL.sub("-", re.sub(r"^.*/", "", name)).lower().replace("___", "."))
    sizes = frozenset(part for part in parts[1:] if _SIZES.match(part))
    return (parts[0], sizes) if sizes and parts[0].isascii() and not parts[0].isdecimal() else None


def below_limit(report: ReportText) -> Iterator[Found]:
    """A latency in which the device cannot even read the weights once."""
    text = report.everything
    if _SPARSE.search(text) or _CARDS.search(text):
        return
    parameters = _parameter_count(report)
    if not parameters:
        return
    bandwidth, usual = _bandwidth(text), _dtype(text)
    for claim in report.claims:
        if claim.metric not in ("latency", "per-token", "first-token") or not claim.is_measured:
            continue
        if condition(claim, "device") != ADAPTED or condition(claim, "statistic") == "std" or claim.facets.get("phase"):
            continue
        dtype = claim.facets.get("dtype") or claim.context.get("dtype") or usual
        weights = parameters * BYTES.get(dtype, 2.0)
        if weights < CACHED or condition(claim, "batch") not in (None, "1"):
            continue
        if claim.rest & {"encoder", "vae", "embedding", "编码", "tokenizer", "preprocess"}:
            continue
        least = weights / bandwidth
        if 0 < claim.number.high < least * 0.8:
            values = {
                "given": claim.quote,
                "least": f"{1e3 * least:.3g} ms",
                "bytes": f"{weights / 1e9:.3g} GB",
                "rate": f"{bandwidth / 1e12:g} TB/s",
            }
            yield Found("below-device-limit", ((claim.line, claim.quote),), "likely", dict(values))
            return


def _parameter_count(report: ReportText) -> float:
    """Parameters of the model: of its line "parameters", else of its name in the first lines; 0 where nobody says."""
    lines = [text for _, text in report.prose if re.search(r"参数|param", text, re.IGNORECASE)]
    millions = next((match for text in lines if (match := _MILLIONS.search(text.replace(",", "")))), None)
    if millions:
        return float(millions["number"]) * 1e6
    for text in (*lines, *(text for _, text in report.prose[:6])):
        match = _PARAMETERS.search(text.replace(",", ""))
        if match:
            return float(match["number"]) * (1e8 if match["unit"] == "亿" else 1e9)
    return 0.0


def _bandwidth(text: str) -> float:
    lowered = text.lower()
    return next((rate for name, rate in BANDWIDTH.items() if name in lowered), DEFAULT_BANDWIDTH)


def _dtype(text: str) -> str:
    return next(
        (
            name
            for name, pattern in (
                ("int4", r"int4|w4a16"),
                ("int8", r"int8|w8a8"),
                ("float16", r"fp16|float16|bf16|bfloat16|half"),
                ("float32", r"fp32|float32"),
            )
            if re.search(pattern, text, re.IGNORECASE)
        ),
        "float16",
    )
