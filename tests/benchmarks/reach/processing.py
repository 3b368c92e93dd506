"""The processors of a made model: those of its model type, as small as its configuration says."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from npu_adapt.models.processors import videos_left_out
from tests.benchmarks.reach.shrinking import PICTURE, Way
from tests.benchmarks.reach.tokens import (
    Tokens,
    configs,
    exported,
    of_type_or_whole,
    processor_name,
    processor_source,
    role_of,
)


def write_processors(config: Any, tokens: Tokens, folder: Path, kind: Any, way: Way) -> None:
    """Whatever of tokenizer, image processor and feature extractor transformers' tables have for the model type."""
    tokenizer = _tokenizer(tokens)
    parts = {
        "tokenizer": tokenizer,
        "image_processor": _image_processor(config, way),
        "feature_extractor": _sounds(config, kind),
    }
    made = {name: part for name, part in parts.items() if part is not None}
    plain = _plain_processors(config, kind, way)
    made = plain | made  # a tower is published with its whole model's
    if "input_ids" not in inspect.signature(kind.forward).parameters and _cuts_apart(made.get("image_processor")):
        made["image_processor"] = plain.get("image_processor", made["image_processor"])
    processor = _processor(config, made) if way.whole else None
    for each in configs(config):  # the two count alike
        for name in [name for name in vars(each) if role_of(name)]:
            if type(number := getattr(processor, name.replace("_index", "_id"), None)) is int:
                setattr(each, name, number)
    if processor is not None and "tokenizer" in made:
        made["tokenizer"].chat_template = processor.chat_template or made["tokenizer"].chat_template
    whole = [] if processor is None or getattr(processor, "video_processor", 0) is None else [processor]
    shared: dict[str, Any] = {}  # one file of the parts for pictures and for sounds, as models that read both have it
    for part in [*made.values(), *whole]:
        part.save_pretrained(folder)
        if (file := folder / "preprocessor_config.json").is_file():
            shared |= json.loads(file.read_text())
            file.write_text(json.dumps(shared))


def _cuts_apart(processor: Any) -> bool:
    """Whether it makes several pictures of one, which a tower alone does not take."""
    try:
        return bool(
            processor(images=Image.new("RGB", (PICTURE, PICTURE)), return_tensors="pt")["pixel_values"].dim() == 5
        )
    except Exception:  # noqa: BLE001 - there is none, or it wants something else
        return False


def _plain_processors(config: Any, kind: Any, way: Way) -> dict[str, Any]:
    """The plainest processors of what the forward takes, for model types that have none of their own here."""
    import transformers

    taken = inspect.signature(kind.forward).parameters
    found: dict[str, Any] = {}
    if {"pixel_values", "pixel_values_videos"} & set(taken):
        found["image_processor"] = _sized(transformers.ViTImageProcessorPil(), config, way)
    if "input_values" in taken:
        found["feature_extractor"] = transformers.Wav2Vec2FeatureExtractor()
    elif {"input_features", "audio_mel"} & set(taken):
        found["feature_extractor"] = transformers.WhisperFeatureExtractor(feature_size=_bins(config) or 80)
    return found


def _bins(config: Any) -> int | None:
    """How many frequencies of a sound the model hears. None: the configuration does not say."""
    names = ("num_mel_bins", "input_feat_size", "feat_in")
    return next((n for each in configs(config) for name in names if type(n := getattr(each, name, None)) is int), None)


def _tokenizer(tokens: Tokens) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel(tokens.number, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    asks = tokens.named.get("question", "")  # a token that stands for the answer, after the question
    ends += [(asks, tokens.number[asks])] if asks in tokens.number else []
    pair = f"[CLS] $A {asks} [SEP] $B:1 [SEP]:1".replace("  ", " ")
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair=pair, special_tokens=ends)
    special = {word: word for word in tokens.words if word.startswith(("<", "[Q"))}
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", bos_token="[CLS]", eos_token="[SEP]", model_max_length=512,
        additional_special_tokens=list(special),
        extra_special_tokens={f"{role}_token": text for role, text in tokens.named.items() if text in tokens.number},
        chat_template=TEMPLATE,
    )  # fmt: skip


# The plainest template that processors take: a picture is its token, and so is a sound.
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE {% elif part['type'] == 'audio' %}AUDIO "
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)


def _agreeing(processor: Any, config: Any) -> Any:
    """The processor with the sizes that the configuration has too."""
    for each in configs(config):
        for name, value in vars(each).items():
            if not role_of(name) and type(value) is int and type(getattr(processor, name, "")) in (int, type(None)):
                setattr(processor, name, value)
        stages = getattr(each, "channel_multiplier", None)  # of a codebook of pictures: halved at each but the first
        if stages and type(getattr(processor, "image_seq_length", None)) is int:
            processor.image_seq_length = (PICTURE // 2 ** (len(stages) - 1)) ** 2
    return processor


def _with_template(processor: Any) -> Any:
    """The processor with a chat template that writes its own tokens for a picture and a sound."""
    tokens = {part: getattr(processor, f"{part.lower()}_token", "") for part in ("IMAGE", "AUDIO")}
    processor.chat_template = TEMPLATE
    for part, token in tokens.items():
        processor.chat_template = processor.chat_template.replace(part, token if isinstance(token, str) else "")
    return processor


def _image_processor(config: Any, way: Way) -> Any:
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    known = (of_type_or_whole(IMAGE_PROCESSOR_MAPPING_NAMES, each.model_type or "") for each in configs(config))
    names = next(filter(None, known), None)
    if not names:  # the one that the model type's processor speaks of
        named = re.search(r"\b([A-Z]\w+ImageProcessor)\b", processor_source(config.model_type))
        whole = [processor_name(each.model_type or "") for each in configs(config)]  # or the part of one of those
        found = [named[1]] if named else [name.replace("Processor", "ImageProcessor") for name in whole if name]
        names = [f"{name}{back_end}" for name in found for back_end in ("Pil", "")]
    listed = list(names.values()) if isinstance(names, Mapping) else [names] if isinstance(names, str) else list(names)
    for name in sorted(filter(None, listed), key=lambda name: not name.endswith("Pil")):
        try:
            return _sized(exported(name)(), config, way)
        except Exception:  # noqa: BLE001 - torchvision's back end, where there is none
            continue
    return None


def _sized(processor: Any, config: Any, way: Way) -> Any:
    """The processor with the pictures as small as the configuration says, cut as it says."""
    for each in configs(config):  # how the pictures are cut, where both say it
        for name, other in (("patch_size",) * 2, ("temporal_patch_size",) * 2, ("merge_size", "spatial_merge_size")):
            said = getattr(each, other, None)
            if isinstance(said, int) and isinstance(getattr(processor, name, None), int):
                setattr(processor, name, said)
    return processor if way.keeps_all else _shrunk_pictures(processor, config)


_CUTS = r"patch|merge|pool|window|kernel"  # sizes that are no picture's


def _shrunk_pictures(processor: Any, config: Any) -> Any:
    sizes = [size for each in configs(config) if (size := _picture_size(each)) is not None]
    asked = sizes[0] if sizes else PICTURE
    side = max(asked) if isinstance(asked, (list, tuple)) else asked
    for name in [name for name in vars(processor) if re.search(r"(^|_)size$", name) and not re.search(_CUTS, name)]:
        size = getattr(processor, name, None)
        if isinstance(size, int):
            setattr(processor, name, min(size, side))
        elif size is not None:
            given = dict(size) if isinstance(size, Mapping) else vars(size)
            sides = dict(zip(("height", "width"), asked, strict=False)) if isinstance(asked, (list, tuple)) else {}
            made = {key: _side(value, sides.get(key, side)) for key, value in given.items() if value is not None}
            if any(getattr(each, "num_windows", None) for each in configs(config)):  # as high and wide as windows ask
                made = {"height": side, "width": side}
            setattr(processor, name, made)
    if getattr(processor, "do_pad", None) is False and "longest_edge" in str(processor.size):
        processor.do_pad = True  # to the square that the model has positions for
    if (pinpoints := getattr(config, "image_grid_pinpoints", None)) is not None:
        processor.image_grid_pinpoints = pinpoints
    for name in ("max_pixels", "min_pixels"):
        if isinstance(getattr(processor, name, None), int):
            setattr(processor, name, min(getattr(processor, name), side * side))
    return processor


def _picture_size(config: Any) -> Any:
    """How large a picture the configuration has places for. None: it does not say."""
    if ratios := getattr(config, "scaled_images_ratios", None):  # a picture whose smallest copy is one patch
        return int(config.patch_size / min(ratios))
    if (size := getattr(config, "image_size", None)) or not getattr(config, "patch_size", None):
        return size or None
    return getattr(config, "input_size", None)


def _side(value: int, side: int) -> int:
    """A length in pixels, or a number of pixels, that is no larger than a picture of that side."""
    return min(value, side if value < 5000 else side * side)


def _sounds(config: Any, kind: Any) -> Any:
    """The feature extractor of the model type, or the one that its processor speaks of: which gives what is taken."""
    from transformers.models.auto.feature_extraction_auto import FEATURE_EXTRACTOR_MAPPING_NAMES

    named = re.search(r"\b([A-Z]\w+FeatureExtractor)\b", processor_source(config.model_type))
    names = (of_type_or_whole(FEATURE_EXTRACTOR_MAPPING_NAMES, config.model_type), named and named[1])
    fused = any(getattr(each, "enable_fusion", True) for each in configs(config) if hasattr(each, "enable_fusion"))
    built = [each for name in names if name and (each := _extractor(name, _bins(config), fused=fused)) is not None]
    taken = inspect.signature(kind.forward).parameters
    fitting = [each for each in built if each.model_input_names[0] in taken]
    return next(iter([*fitting, *built]), None)


def _extractor(name: str, bins: int | None, *, fused: bool) -> Any:
    """The feature extractor with so many frequencies. None: it needs a library that is not here."""
    try:
        kind = exported(name)
        if "truncation" in inspect.signature(kind.__init__).parameters and not fused:
            return kind(truncation="rand_trunc")  # one picture of a sound, not several
        sized = bins is not None and "feature_size" in inspect.signature(kind.__init__).parameters
        return kind(feature_size=bins) if sized and kind().feature_size > 1 else kind()
    except Exception:  # noqa: BLE001 - whatever its code raises
        return None


def _processor(config: Any, made: Mapping[str, Any]) -> Any:
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES.get(config.model_type)
    if not name:
        return None
    try:
        kind = exported(name)
        taken = inspect.signature(kind.__init__).parameters
        parts = {part: value for part, value in made.items() if part in taken}
        parts |= {part: made["tokenizer"] for part in taken if part.endswith("_tokenizer") and "tokenizer" in made}
        if "video_processor" in taken:
            parts["video_processor"] = None
        with videos_left_out():
            return _with_template(_agreeing(kind(**parts), config))
    except Exception:  # noqa: BLE001 - a part of it is missing here: what a checkpoint without a processor is
        return None
