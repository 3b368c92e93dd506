"""What a report's model does, and metrics that no model of the kind has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from npu_adapt.claims.blocks import Heading
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText

# The first that a title names decides: "DETR-ResNet-50" detects.
_TASKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (task, re.compile(pattern, re.IGNORECASE))
    for task, pattern in (
        ("speech", r"whisper|wav2vec|hubert|paraformer|conformer|sensevoice|语音识别|speech recognition|\basr\b"),
        ("detection", r"\bdetr\b|detr-|yolo|faster[- ]?r-?cnn|retinanet|目标检测|object detection|grounding"),
        (
            "segmentation",
            r"\bsam\b|\bsam2|mask generation|segformer|mask2former|deeplab|u-?net\b|upernet|语义分割"
            r"|semantic segmentation",
        ),
        ("embeddings", r"句向量|文本向量|语义向量|embedding|\bbge\b|bge-|minilm|\bgte-|\be5-|sentence-transformers"),
        (
            "language",
            r"qwen(?!.*vl)|llama(?!.*vision)|chatglm|baichuan|internlm|mistral|smollm|\bgpt|大语言模型|\bllm\b",
        ),
        (
            "classes of pictures",
            r"resnet|convnext|efficientnet|mobilenet|swin|\bvit\b|vit-|deit|图像分类|image classification",
        ),
    )
)
# Metrics, and the kinds of models that have none of them.
_FOREIGN: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), frozenset(tasks))
    for pattern, tasks in (
        (r"\bm?iou\b|交并比|\bmAP(?:@?\.?\d+)?\b", ("speech", "language", "embeddings", "classes of pictures")),
        (r"\bwer\b|字错率|词错率", ("detection", "segmentation", "language", "embeddings", "classes of pictures")),
        (
            r"imagenet.{0,20}top-?[15]|top-?[15] (?:acc(?:uracy)?|准确率|精度)",
            ("speech", "detection", "segmentation", "embeddings"),
        ),
        (r"\bbleu\b|\brouge\b|perplexity|困惑度", ("detection", "segmentation", "classes of pictures")),
    )
)
_DENIED = re.compile(
    r"不适用|n/?a\b|not applicable|no (?:such|wer|map)|骨干|backbone|pre-?train|预训练|原论文|paper"
    r"|检索|召回|retriev|recall",
    re.IGNORECASE,
)


def foreign_metric(report: ReportText) -> Iterator[Found]:
    """A figure of a metric that the title's kind of model does not have: mIoU of speech, top-1 of a detector."""
    title = next((block.text for block in report.blocks if isinstance(block, Heading)), "")
    task = next((task for task, pattern in _TASKS if pattern.search(title)), None)
    for pattern, tasks in _FOREIGN:
        if task not in tasks:
            continue
        for line, words in report.sentences:
            found = pattern.search(words)
            if found and re.search(r"\d", words[found.end() :]) and not _DENIED.search(words):
                yield Found("task-metric", ((line, words.strip()[:80]),), "likely", {"given": words.strip()[:80]})
                break
