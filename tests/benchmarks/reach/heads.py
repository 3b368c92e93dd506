"""Which class of a model type is made: the one that its published checkpoints most likely name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Transformers' tables, the most telling first: what a model can do that others cannot is what it is published for.
TABLES = (
    "CTC", "SPEECH_SEQ_2_SEQ", "RNNT", "TDT", "AUDIO_CLASSIFICATION", "TEXT_TO_WAVEFORM", "TEXT_TO_SPECTROGRAM",
    "ZERO_SHOT_OBJECT_DETECTION", "OBJECT_DETECTION", "UNIVERSAL_SEGMENTATION", "SEMANTIC_SEGMENTATION",
    "INSTANCE_SEGMENTATION", "IMAGE_SEGMENTATION", "DEPTH_ESTIMATION", "KEYPOINT_DETECTION", "KEYPOINT_MATCHING",
    "POSE_ESTIMATION", "MASK_GENERATION", "IMAGE_TO_IMAGE", "VIDEO_CLASSIFICATION", "ZERO_SHOT_IMAGE_CLASSIFICATION",
    "IMAGE_TEXT_TO_TEXT", "VISUAL_QUESTION_ANSWERING", "DOCUMENT_QUESTION_ANSWERING", "TABLE_QUESTION_ANSWERING",
    "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM", "TIME_SERIES_PREDICTION", "IMAGE_CLASSIFICATION", "CAUSAL_LM",
    "MASKED_LM", "QUESTION_ANSWERING", "SEQUENCE_CLASSIFICATION", "TOKEN_CLASSIFICATION", "RETRIEVAL",
    "IMAGE_MATTING", "MASKED_IMAGE_MODELING", "TABLE_RECOGNITION", "TEXT_RECOGNITION", "NORMAL_ESTIMATION",
    "POINTMAP_ESTIMATION", "DECISION", "PRETRAINING",
)  # fmt: skip
BASE = "BASE"  # the model without a head


@dataclass(frozen=True)
class Head:
    """A model type, and its classes in the order in which they are tried: (table, class)."""

    model_type: str
    classes: tuple[tuple[str, str], ...]

    @property
    def table(self) -> str:
        """The most telling table that has the model type."""
        return self.classes[0][0]


def heads() -> tuple[Head, ...]:
    """One for each model type in transformers' AutoModel tables, in order of name."""
    from transformers.models.auto import modeling_auto

    found: dict[str, list[tuple[str, str]]] = {}
    for table in (*TABLES, BASE):
        attribute = "MODEL_MAPPING_NAMES" if table == BASE else f"MODEL_FOR_{table}_MAPPING_NAMES"
        for model_type, names in getattr(modeling_auto, attribute, {}).items():
            found.setdefault(model_type, []).append((table, _first(names)))
    return tuple(Head(name, tuple(found[name])) for name in sorted(found))


def _first(names: Any) -> str:
    return names if isinstance(names, str) else names[0]
