"""The field's words, Chinese and English: metrics with the dimensions that they come in, and what limits a figure.

Tables only. A pattern is tried in order; what a metric's pattern takes is no longer free for the next one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from npu_adapt.claims.numbers import Dimension

TIMES: tuple[Dimension, ...] = ("time",)
ERRORS: tuple[Dimension, ...] = ("plain", "percent")


@dataclass(frozen=True)
class Metric:
    """What a metric is called, and in which dimensions it is given."""

    id: str
    pattern: re.Pattern[str]
    dimensions: tuple[Dimension, ...]
    unitless: bool = True  # whether a number without a unit may be one


def _metric(name: str, pattern: str, dimensions: tuple[Dimension, ...], *, unitless: bool = True) -> Metric:
    return Metric(name, re.compile(pattern, re.IGNORECASE), dimensions, unitless)


METRICS: tuple[Metric, ...] = (
    _metric(
        "speed-up",
        r"加速比|加速倍[数率]|提速|加速(?=\s*[:：]|\s*约?\s*\d)|speed[- _]?ups?"
        r"|acceleration(?: ratio)?|(?:times|x|倍) faster"
        r"|(?:times|×|x) as (?:fast|long)",
        ("ratio", "plain"),
    ),
    _metric("rtf", r"\brtf\b|real[- ]time[- ]factor|实时率|实时因子", ("plain", "ratio")),
    _metric(
        "first-token",
        r"ttft|首\s?token\s?(?:时延|延迟|耗时)?|首字(?:时延|延迟)"
        r"|(?:time to )?first[- _]token(?:[- _](?:latency|time))?"
        r"|prefill (?:latency|time)|预填充(?:时延|延迟|耗时)",
        TIMES,
    ),
    _metric(
        "per-token",
        r"tpot|time per output token|(?:latency|time) per token|per[- ]token latency|(?:每"
        r"|单)\s?token\s?(?:时延|延迟|耗时)|每个?\s?(?:token|词元)",
        TIMES,
    ),
    _metric(
        "throughput",
        r"throughput|吞吐[量率]?|\bfps\b|\bqps\b|(?:decode|decoding|generation|prefill"
        r"|output) (?:speed|rate)|生成速度|解码速度|推理速度|处理速度"
        r"|(?:images?|imgs?|samples?|tokens?|sentences?|frames?|张|句|帧) ?(?:/"
        r"|per) ?(?:s(?:ec(?:ond)?)?|秒)(?![a-z])|每秒(?:样本数|token\s?数|图像数|处理)",
        ("rate", "plain"),
    ),
    _metric(
        "cosine",
        r"cosine(?:[- _]?(?:similarity|sim))?|cos[-_ ]?sim(?:ilarity)?|余弦(?:相似(?:度|性))?|\bcos\b",
        ("plain", "percent"),
    ),
    _metric("psnr", r"\bpsnr\b|峰值信噪比", ("other", "plain")),
    _metric("mse", r"\bmse\b|均方误差|mean[- _]squared[- _]error", ("plain",)),
    _metric("rmse", r"\brmse\b|均方根误差", ("plain",)),
    _metric(
        "max-relative",
        r"max(?:imum)?[- _]?rel(?:ative)?[- _]?(?:err(?:or)?|diff(?:erence)?)|最大相对误差",
        ERRORS,
    ),
    _metric(
        "mean-relative",
        r"(?:mean|avg|average)[- _]?rel(?:ative)?[- _]?(?:err(?:or)?|diff(?:erence)?)|平均相对误差|\bmape\b",
        ERRORS,
    ),
    _metric(
        "relative-l2",
        r"rel(?:ative|\.)?[- _]?l2(?:[- _]?(?:norm|err(?:or)?|diff(?:erence)?|distance))?"
        r"|l2[- _]rel(?:ative)?(?:[- _]?(?:err(?:or)?|diff))?"
        r"|相对\s?l2\s?(?:误差|范数)?|l2\s?相对误差|相对二范数(?:误差)?|frobenius.{0,12}relative|\brel[-_ ]?l2\b",
        ERRORS,
    ),
    _metric(
        "max-abs",
        r"max(?:imum)?[- _]?abs(?:olute)?(?:[- _]?(?:diff(?:erence)?|err(?:or)?|deviation))?"
        r"|最大(?:绝对)?(?:误差|差异|差值|偏差|差)|\bmax[- _]?(?:diff(?:erence)?|err(?:or)?)\b"
        r"|largest (?:absolute )?difference|\bdiffer(?:s|ed)? by(?=\s*(?:at most|$))"
        r"|\bmaxdiff\b|(?<![a-z])l-?inf|最大绝对差",
        ("plain",),
    ),
    _metric(
        "mean-abs",
        r"(?:mean|avg|average)[- _]?abs(?:olute)?(?:[- _]?(?:diff(?:erence)?|err(?:or)?"
        r"|deviation))?|平均(?:绝对)?(?:误差|差异|差值|偏差)|\bmae\b|\bmean[- _]?(?:diff(?:erence)?"
        r"|err(?:or)?)\b"
        r"|平均绝对差",
        ("plain",),
    ),
    _metric(
        "relative",
        r"rel(?:ative)?[- _]?(?:err(?:or)?|diff(?:erence)?)|相对误差(?:率)?|相对偏差|relative deviation",
        ERRORS,
    ),
    _metric(
        "top-1-match",
        r"top[- _]?1[- _]?(?:match(?:es)?|same|agreement|consisten\w*|一致[率性]?|匹配[率度]?|相同)",
        ERRORS,
    ),
    _metric(
        "top-5-match",
        r"top[- _]?5[- _]?(?:match(?:es)?|same|agreement|consisten\w*|overlap|集合|一致[率性]?|匹配[率度]?|相同)",
        ERRORS,
    ),
    _metric("top-1", r"top[- _]?1[- _]?(?:acc(?:uracy)?|精度|准确率|正确率)?|acc@1", ERRORS),
    _metric("top-5", r"top[- _]?5[- _]?(?:acc(?:uracy)?|精度|准确率|正确率)?|acc@5", ERRORS),
    _metric("wer", r"\bwer\b|词错[率误]+", ERRORS),
    _metric("cer", r"\bcer\b|字错[率误]+", ERRORS),
    _metric("map", r"\bmap(?:@?\.?\d+(?:-\d+)?|50(?:-95)?)?\b", ERRORS),
    _metric("iou", r"\bm?iou\b|交并比", ERRORS),
    _metric("accuracy", r"\baccuracy\b|\bacc\b|准确率|正确率|一致率|match(?:ing)? rate|agreement", ERRORS),
    _metric(
        "error",
        r"(?:精度|推理|数值|总体|输出|最终)?误差(?:率|值)?|精度损失|\berror(?: rate)?\b|precision loss|\bdeviation\b",
        ERRORS,
    ),
    _metric(
        "memory",
        r"(?:峰值)?(?:显存|内存)(?:峰值|占用|使用|用量)*|(?:peak |device |npu |gpu )*(?:memory|vram"
        r"|hbm)(?:[- _](?:usage|peak|used|footprint))?",
        ("size",),
        unitless=False,
    ),
    _metric("parameters", r"参数(?:总?量|数量?|规模)|\bparam(?:eter)?s?(?: count)?\b", ("plain", "size", "other")),
    _metric(
        "latency",
        r"latenc(?:y|ies)|时延|延迟|耗时|用时|推理时间|(?:inference|forward|run|execution|elapsed|response"
        r"|generation|processing|compute)[- _]?time|响应时间|(?<![a-z])time(?= *[(\[/:=]|$|_ms|_s\b)"
        r"|执行时间|运行时间|单次推理|生成时间|处理时间|\btook\b|\btakes\b|\bneeds\b(?= \d)",
        TIMES,
    ),
)
METRIC = {metric.id: metric for metric in METRICS}

# Which figure of a distribution it is.
STATISTICS: tuple[tuple[str, str], ...] = (
    ("p50", r"\bp50(?:[-_ ]?(?=\b|_|latency))|p50|median|中位数?"),
    ("p90", r"p90"),
    ("p95", r"p95"),
    ("p99", r"p99(?:\.\d)?"),
    ("std", r"\bstd(?:ev)?\b|standard deviation|标准差|方差|抖动|jitter"),
    ("min", r"\bmin(?:imum)?(?![a-z])|最小值?|最短|最快|fastest|best"),
    ("max", r"\bmax(?:imum)?(?![a-z])|最大值?|最长|最慢|slowest|worst"),
    ("mean", r"\bmean\b|\bavg(?![a-z])|average|平均值?|均值"),
    ("total", r"\btotal\b|合计|总(?![结体览])(?:耗时|时间|计|时长)?|whole|end[- ]to[- ]end|端到端|\be2e\b|整体"),
)
# What was timed, beside the model's own forward.
PHASES: tuple[tuple[str, str], ...] = (
    (
        "first",
        r"首次|第一次|冷启动|cold|\bfirst (?:run|call|forward|inference|pass)\b|含.{0,4}编译|with compilation"
        r"|including compilation",
    ),
    ("warm-up", r"warm[- ]?up|预热"),
    ("load", r"加载|(?<![a-z])load(?:ing|ed)?\b|初始化|\binit(?:ialization)?\b"),
    ("preprocess", r"前处理|预处理|pre-?process(?:ing)?"),
    ("postprocess", r"后处理|post-?process(?:ing)?"),
)
DEVICES: tuple[tuple[str, str], ...] = (
    ("cpu", r"(?<![a-z])cpu(?![a-z])|kunpeng|鲲鹏|xeon|参考端|基线|reference side"),
    ("gpu", r"(?<![a-z])gpu(?![a-z])|cuda|a100|v100|h100|\bt4\b|nvidia"),
    ("npu", r"(?<![a-z])npu(?![a-z])(?::\d)?|ascend|昇腾|910b?\d?|310p?\d?|适配端|adapted side|om模型"),
)
DTYPES: tuple[tuple[str, str], ...] = (
    ("float32", r"float32|fp32|单精度"),
    ("float16", r"float16|fp16|\bhalf\b|半精度"),
    ("bfloat16", r"bfloat16|bf16"),
    ("int8", r"int8|w8a8"),
    ("int4", r"int4|w4a16"),
    ("hf32", r"hf32"),
)
MODES: tuple[tuple[str, str], ...] = (
    ("eager", r"eager|单算子"),
    (
        "compile",
        r"torch\.compile|torchair|npugraph|图模式|graph mode|acl ?graph|(?<![a-z])graph(?![a-z])"
        r"|(?<![a-z])jit(?![a-z])|compiled|编译模式|默认编译",
    ),
)
FACETS: dict[str, tuple[tuple[str, str], ...]] = {
    "statistic": STATISTICS,
    "phase": PHASES,
    "device": DEVICES,
    "dtype": DTYPES,
    "mode": MODES,
}
COMPILED: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    facet: tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in table)
    for facet, table in FACETS.items()
}
BATCH = re.compile(
    r"(?:\bbatch(?:[-_ ]?size)?|\bbs|批(?:次)?大小|批量(?:大小)?|批次|批)(?:\s*[=:：]\s*|\s*)(\d+)\b|\bb(\d+)\b",
    re.IGNORECASE,
)
# One word for a part of a model, whatever the language.
SYNONYMS: tuple[tuple[str, str], ...] = (
    ("encoder", r"编码器|编码"),
    ("decoder", r"解码器|解码"),
    ("image", r"图像|图片|视觉|vision|visual"),
    ("text", r"文本|文字"),
    ("audio", r"音频|语音|speech"),
    ("detection", r"检测|detector"),
    ("recognition", r"识别|recogni[sz]er"),
    ("features", r"特征|feature"),
)
NAMED_ALIKE = tuple((f" {name} ", re.compile(pattern, re.IGNORECASE)) for name, pattern in SYNONYMS)
# Words that say nothing about which quantity it is.
STOP = re.compile(
    r"\b(?:the|a|an|of|on|in|at|to|is|was|are|and|or|for|with|by|from|per|vs|value|values"
    r"|result|results|item|metric|figure|test|measured|performance|"
    r"accuracy|precision|comparison|inference|model|output|outputs|npu|our|this|that|it|its"
    r"|side|same|all|both|one|run|runs|forward|pass|device|card|"
    r"single|overall|summary|report|conclusion|verdict|short|final|number|ms|us|sec|seconds|milliseconds|mb|gb|mib|gib"
    r"|ips|x|s|info|ed|average|mean|match|time|took|takes|about|needs?|makes?|which|tables?|section|uploaded|attached"
    r"|shown|listed|reported|above|below|also|then|afterwards)\b"
    r"|对比项?|指标|数值|结果|测试|推理|性能|精度|数据|评测|模型|设备|项目|内容|说明|单次"
    r"|单张图[片像]?|每张图[片像]?|单图"
    r"|运行|之后|随后|此后|以及|摘要|[该本]模型|我们|本次|本报告|当前|实测|所有|全部|各项|结论|最终|总结|汇总|综上|[与和的在为是约下上值端侧卡量率每]"
    r"|[^\w]+|_",
    re.IGNORECASE,
)
