"""Tasks from a text to a text: translation, summarisation, and whatever a model's prefix asks for."""

from __future__ import annotations

from collections.abc import Sequence

from npu_adapt.models.tasks.decoders import FIRST_STEP, encode_and_write, first_step_tokens, teacher_forced
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, sample_of
from npu_adapt.models.tasks.text import encode_text
from npu_adapt.models.texts import texts


def prepare_source(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] of the source, and as decoder inputs the start token and the source's own tokens.

    The source stands in for the target that nobody has: every decoder position is compared on the same tokens.
    """
    prepared = []
    for text in texts(values, samples, seed):
        encoded, origin = encode_text(loaded, text, given=bool(values))
        encoded["decoder_input_ids"] = teacher_forced(loaded, encoded["input_ids"])
        prepared.append(sample_of(encoded, origin))
    return tuple(prepared)


ROWS = (
    Task(
        name="text2text-generation",
        tag="text2text-generation",
        modality="text",
        auto_class="AutoModelForSeq2SeqLM",
        classes=("MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_source,
        forward=encode_and_write,
        read=first_step_tokens,
        needs=(FIRST_STEP,),
        class_scores=FIRST_STEP,
        further_tags=("translation", "summarization"),
    ),
)
