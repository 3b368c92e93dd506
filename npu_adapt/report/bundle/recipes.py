"""The table of scripts: which parts make the script of a task, by what the record says that the task returned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from npu_adapt.records import ModelInfo, Run

InputKind: TypeAlias = Literal[
    "picture",
    "sound",
    "text",
    "question",
    "candidates",
    "prompt",
    "video",
    "series",
    "sentences",
    "passages",
    "arguments",
    "heard",
]


@dataclass(frozen=True)
class Recipe:
    """A row: a task of `models/tasks`, and the parts in `scripts/` that do the same by transformers' own API."""

    tag: str
    auto_class: str  # of transformers
    processors: tuple[str, ...]  # keys of `scripts.PROCESSORS`
    prepare: str
    forward: str
    predict: str
    inputs: InputKind
    needs: tuple[str, ...]  # what tells the row from others of its tag: outputs, else inputs of the record
    scores: str | None = None  # the output that holds class scores; None: there is none
    architecture: str | None = None  # only for this class; None: for any


_CLASSIFIER = "AutoModelForImageClassification"
_READER = ("image", "tokenizer")

RECIPES = (
    Recipe("image-classification", _CLASSIFIER, ("image",), "picture", "timm", "classes", "picture", ("logits",),
           "logits", "TimmWrapperForImageClassification"),
    Recipe("image-classification", _CLASSIFIER, ("image",), "picture", "hidden", "classes", "picture", ("logits",),
           "logits"),
    Recipe("object-detection", "AutoModelForObjectDetection", ("image",), "picture", "plain", "detections", "picture",
           ("logits", "pred_boxes")),
    Recipe("image-segmentation", "AutoModelForUniversalSegmentation", ("image",), "picture", "hidden", "areas",
           "picture", ("class_queries_logits", "masks_queries_logits")),
    Recipe("image-segmentation", "AutoModelForSemanticSegmentation", ("image",), "picture", "hidden", "areas",
           "picture", ("logits",)),
    Recipe("image-feature-extraction", "AutoModel", ("image",), "picture", "plain", "none", "picture",
           ("pixel_values",)),
    Recipe("zero-shot-image-classification", "AutoModelForZeroShotImageClassification", _READER, "candidates", "plain",
           "candidates", "candidates", ("logits_per_image",), "logits_per_image"),
    Recipe("image-to-text", "AutoModelForImageTextToText", _READER, "caption", "caption", "tokens", "picture",
           ("first_step_logits",), "first_step_logits"),
    Recipe("image-text-to-text", "AutoModelForImageTextToText", _READER, "prompt", "chat", "tokens", "prompt",
           ("next_token_logits",), "next_token_logits"),
    Recipe("audio-text-to-text", "", ("audio", "tokenizer"), "heard", "chat", "tokens", "heard",
           ("next_token_logits",), "next_token_logits"),
    Recipe("automatic-speech-recognition", "AutoModelForSpeechSeq2Seq", ("audio", "tokenizer"), "speech", "transcribe",
           "tokens", "sound", ("first_step_logits",), "first_step_logits"),
    Recipe("automatic-speech-recognition", "AutoModelForCTC", ("audio", "tokenizer"), "sound", "hidden", "transcript",
           "sound", ("logits",)),
    Recipe("audio-classification", "AutoModelForAudioClassification", ("audio",), "sound", "hidden", "classes",
           "sound", ("logits",), "logits"),
    Recipe("feature-extraction", "AutoModel", ("audio",), "sound", "plain", "none", "sound", ("input_values",)),
    Recipe("feature-extraction", "AutoModel", ("audio",), "sound", "plain", "none", "sound", ("input_features",)),
    Recipe("feature-extraction", "AutoModel", ("tokenizer",), "features", "plain", "none", "text", ("input_ids",)),
    Recipe("text-classification", "AutoModelForSequenceClassification", ("tokenizer",), "text", "hidden", "classes",
           "text", ("logits",), "logits"),
    Recipe("token-classification", "AutoModelForTokenClassification", ("tokenizer",), "text", "hidden",
           "word_classes", "text", ("logits",)),
    Recipe("fill-mask", "AutoModelForMaskedLM", ("tokenizer",), "masked", "masked", "tokens", "text",
           ("mask_logits",), "mask_logits"),
    Recipe("text-generation", "AutoModelForCausalLM", ("tokenizer",), "text", "generate", "tokens", "text",
           ("next_token_logits",), "next_token_logits"),
    Recipe("text2text-generation", "AutoModelForSeq2SeqLM", ("tokenizer",), "source", "encode_write", "tokens", "text",
           ("first_step_logits",), "first_step_logits"),
    Recipe("question-answering", "AutoModelForQuestionAnswering", ("tokenizer",), "question", "hidden", "answers",
           "question", ("start_logits", "end_logits"), "start_logits"),
    Recipe("depth-estimation", "AutoModelForDepthEstimation", ("image",), "picture", "plain", "depths", "picture",
           ("predicted_depth",)),
    Recipe("image-to-image", "AutoModelForImageToImage", ("image",), "picture", "plain", "brightness", "picture",
           ("reconstruction",)),
    Recipe("keypoint-detection", "AutoModelForPoseEstimation", ("image",), "box", "plain", "joints", "picture",
           ("heatmaps",)),
    Recipe("mask-generation", "AutoModelForMaskGeneration", ("image",), "point", "plain", "shares", "picture",
           ("pred_masks", "iou_scores")),
    Recipe("video-classification", "AutoModelForVideoClassification", ("image",), "video", "hidden", "classes",
           "video", ("logits",), "logits"),
    Recipe("time-series-forecasting", "AutoModelForTimeSeriesPrediction", (), "series", "plain", "steps", "series",
           ("mean_predictions",)),
    Recipe("sentence-similarity", "AutoModel", ("tokenizer",), "sentences", "embed", "similarities", "sentences",
           ("sentence_embedding",)),
    Recipe("text-to-speech", "AutoModelForTextToWaveform", ("tokenizer",), "spoken", "plain", "sound", "text",
           ("waveform",)),
    Recipe("text-to-speech", "AutoModelForTextToSpectrogram", ("tokenizer",), "spoken", "plain", "spectrogram", "text",
           ("spectrogram",)),
    Recipe("document-question-answering", "AutoModelForDocumentQuestionAnswering", _READER, "seen_page", "hidden",
           "page_answers", "question", ("start_logits", "end_logits", "pixel_values"), "start_logits"),
    Recipe("document-question-answering", "AutoModelForDocumentQuestionAnswering", ("tokenizer",), "page", "hidden",
           "page_answers", "question", ("start_logits", "end_logits"), "start_logits"),
    Recipe("text-ranking", "AutoModelForSequenceClassification", ("tokenizer",), "passages", "rank", "passages",
           "passages", ("scores",), "scores"),
)  # fmt: skip


# What a forward calls its inputs, and the processor that makes them.
MADE_BY = {"input_ids": "tokenizer", "pixel_values": "image", "input_values": "audio", "input_features": "audio"}
READS: dict[str, InputKind] = {"tokenizer": "text", "image": "picture", "audio": "sound"}
MODULE, ANY_CLASS = "module", "model-outputs"  # tasks: of what an adapter builds, of a class that no table names
CLASS_SCORES = "class_scores"  # what an adapter calls scores of classes


def recipe_of(model: ModelInfo, run: Run) -> Recipe | None:
    """The row for what ran. None: there is none, for outputs that only a checkpoint's own code names."""
    if model.task == MODULE:
        return _of_adapter(run) if model.adapter is not None else None
    if model.task == ANY_CLASS:
        return _of_any_class(model, run)
    names = {*(each.name for each in run.outputs), *(each.name for each in run.inputs)}
    for row in RECIPES:
        fits = row.tag == model.task and row.architecture in (None, model.architecture)
        if fits and names.issuperset(row.needs):
            return row if row.auto_class else replace(row, auto_class=model.architecture)  # of transformers itself
    return None


def _of_adapter(run: Run) -> Recipe:
    scores = next((each.name for each in run.outputs if each.name == CLASS_SCORES), None)
    predict = "none" if scores is None else "numbered"
    return Recipe(MODULE, "", (), "arguments", "adapter", predict, "arguments", (), scores)


def _of_any_class(model: ModelInfo, run: Run) -> Recipe | None:
    """Of a class of transformers that reads one kind of input: all that it returns. None: it reads several."""
    kinds = {MADE_BY[each.name] for each in run.inputs if each.name in MADE_BY}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    inputs = READS[kind]
    return Recipe(ANY_CLASS, model.architecture, (kind,), inputs, "everything", "none", inputs, ())
