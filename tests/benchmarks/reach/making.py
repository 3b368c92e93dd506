"""A tiny model of a model type, written to a folder as a hub would hold it: configuration, weights, processors."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from npu_adapt.models.processors import videos_left_out
from tests.benchmarks.reach.heads import Head
from tests.benchmarks.reach.shrinking import PICTURE, WORDS, Way, shrunk
from tests.models.tiny_models import SPECIAL, TEXT, shaken

WIDE = 100.0
MOST_ELEMENTS = 120_000_000  # of a model that is still called tiny
_TOKEN = re.compile(r"^(\w+?)_token_(id|index|ids)$|^(\w+?)_(id|index)$")
_OPEN = ("image", "audio", "video", "mask", "pad")  # a default configuration may leave their tokens open
_ROLES = {"pad": 0, "unk": 1, "bos": 2, "cls": 2, "decoder_start": 2, "eos": 3, "sep": 3, "mask": 4}


class NotMade(Exception):
    """No model of the type can be made from its configuration class: the benchmark's own failure."""


def make(head: Head, folder: Path, way: Way) -> Path:
    """The folder, filled with the first of the type's classes that its default configuration fits. Raises `NotMade`."""
    for number, (_, architecture) in enumerate(head.classes):
        try:
            return _make(head.model_type, architecture, folder, way)
        except NotMade as error:
            if number + 1 == len(head.classes):
                raise _with_the_default(head.model_type, _exported(architecture), error) from error
            shutil.rmtree(folder)
    raise NotMade("no class")


def _with_the_default(model_type: str, kind: Any, error: NotMade) -> NotMade:
    """The error, or that not even transformers' own default configuration makes a model."""
    from transformers import CONFIG_MAPPING

    try:
        with torch.device("meta"):
            kind(CONFIG_MAPPING[model_type]())
    except Exception as default:  # noqa: BLE001 - whatever its code raises
        return NotMade(f"transformers' own default makes no model: {type(default).__name__}: {default}")
    return error


def _make(model_type: str, architecture: str, folder: Path, way: Way) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        config = _config(model_type, way)
        tokens = _Tokens(model_type, config)
        _number_tokens(config, tokens)
        kind = _exported(architecture)
        write_processors(config, tokens, folder, kind, way)
        _require_small(kind, config)
        torch.manual_seed(0)
        model = _as_trained(shaken(kind(config)))
        model.save_pretrained(folder)
    except Exception as error:
        raise NotMade(f"{type(error).__name__}: {error}") from error
    return folder


def _as_trained(model: torch.nn.Module) -> torch.nn.Module:
    """The model with zeros for padding tokens, which training never moves and some models' code writes again.

    What it counts as without bounds has some, as after training.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
            module.weight.data[module.padding_idx] = 0
    for buffer in model.buffers():  # a range that training finds begins without bounds
        if buffer.is_floating_point():
            buffer.nan_to_num_(posinf=WIDE, neginf=-WIDE)
    return model


def _require_small(kind: Any, config: Any) -> None:
    with torch.device("meta"):
        elements = sum(parameter.numel() for parameter in kind(_copied(config)).parameters())
    if elements > MOST_ELEMENTS:
        raise NotMade(f"{elements / 1e6:.0f} million parameters")


def _config(model_type: str, way: Way) -> Any:
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    default = kind()
    for name, part in getattr(kind, "sub_configs", {}).items():
        if getattr(default, name, None) is None and getattr(
            part, "model_type", ""
        ):  # a part that a default configuration leaves out
            setattr(default, name, part())
    fields = _without_timm(shrunk(default.to_dict(), way))
    for name in ("architectures", "transformers_version", "dtype", "torch_dtype"):
        fields.pop(name, None)
    config = kind.from_dict(fields)
    side = getattr(getattr(config, "vision_config", None), "image_size", None)
    if getattr(config, "image_grid_pinpoints", None) and isinstance(side, int):  # in whole pictures of the tower
        config.image_grid_pinpoints = [[side, side], [side, 2 * side], [2 * side, side]]
    return config


RESNET = {
    "model_type": "resnet", "embedding_size": 16, "hidden_sizes": [16] * 4, "depths": [1] * 4, "layer_type": "basic",
}  # fmt: skip


def _without_timm(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with a ResNet of transformers' own where timm's package would build a backbone."""
    backbone = fields.get("backbone_config")
    if isinstance(backbone, Mapping) and backbone.get("model_type") == "timm_backbone":
        fields["use_timm_backbone"] = False
        count = len(backbone.get("out_indices") or [4])
        fields["backbone_config"] = {**RESNET, "out_indices": [*range(1, 5)][-count:]}
    return fields


def _copied(config: Any) -> Any:
    return type(config).from_dict(config.to_dict())


def _exported(name: str) -> Any:
    import transformers

    return getattr(transformers, name)


def configs(config: Any) -> Iterator[Any]:
    """The configuration and those in it."""
    yield config
    for value in vars(config).values():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            yield from configs(value)


class _Tokens:
    """The words of the made tokenizer: those of the default texts, and each special one that a configuration numbers or
    the model type's processor writes."""

    def __init__(self, model_type: str, config: Any) -> None:
        self.named: dict[str, str] = {}
        for each in configs(config):
            for name, value in vars(each).items():
                role = _role(name)
                is_number = isinstance(value, int) and not isinstance(value, bool)
                if role and role not in _ROLES and (is_number or (value is None and role in _OPEN)):
                    self.named.setdefault(role, f"<{role}>")
        source = processor_source(model_type)
        for role, text in re.findall(r"(\w+)_token[\w\s:|]*=\s*[^\n]*?[\"'](<[^\"'\s]+>)[\"']", source):
            if role in self.named or role not in _ROLES:
                self.named[role] = text
        for role in re.findall(r"tokenizer\.(\w+)_token\b", source):
            if role not in _ROLES:
                self.named.setdefault(role, f"<{role}>")
        written = re.findall(r"[\"'](<[^\"'\s{}%]{1,30}>)[\"']", source)
        extra = [*self.named.values(), *written]
        self.words = tuple(dict.fromkeys((*SPECIAL, *TEXT.split(), *extra)))[: WORDS - 1]
        self.number = {word: number for number, word in enumerate(self.words)}

    def of(self, role: str) -> int:
        """The number of the token of that role."""
        if role in _ROLES:
            return _ROLES[role]
        return self.number.get(self.named.get(role, ""), 1)


def _role(name: str) -> str | None:
    found = re.match(r"^(\w+?)_token_(id|index)$", name)
    return found[1] if found else None


def _number_tokens(config: Any, tokens: _Tokens) -> None:
    """Sets each `…_token_id` of the configuration to the made tokenizer's number for it."""
    for each in configs(config):
        for name, value in list(vars(each).items()):
            role = _role(name)
            if role is None or (value is None and role not in _OPEN) or isinstance(value, bool):
                continue
            if value is None or isinstance(value, int):
                setattr(each, name, tokens.of(role))
            elif isinstance(value, (list, tuple)):
                setattr(each, name, [tokens.of(role)])


def processor_source(model_type: str) -> str:
    """The text of the module of the model type's processor; empty where it has none."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES.get(model_type)
    try:
        return inspect.getsource(inspect.getmodule(_exported(name))) if name else ""  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - it needs a library that is not here
        return ""


def write_processors(config: Any, tokens: _Tokens, folder: Path, kind: Any, way: Way) -> None:
    """Whatever of tokenizer, image processor and feature extractor transformers' tables have for the model type."""
    tokenizer = _tokenizer(tokens)
    parts = {
        "tokenizer": tokenizer,
        "image_processor": _image_processor(config, way),
        "feature_extractor": _sounds(config),
    }
    made = {name: part for name, part in parts.items() if part is not None}
    made = _plain_processors(config, kind, way) | made  # a tower is published with its whole model's
    processor = _processor(config, made) if way.whole else None
    for each in configs(config):  # the two count alike
        for name in [name for name in vars(each) if _role(name)]:
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


def _tokenizer(tokens: _Tokens) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel(tokens.number, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {word: word for word in tokens.words if word.startswith("<")}
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
            if not _role(name) and type(value) is int and type(getattr(processor, name, "")) in (int, type(None)):
                setattr(processor, name, value)
    return processor


def _with_template(processor: Any) -> Any:
    """The processor with a chat template that writes its own tokens for a picture and a sound."""
    tokens = {part: getattr(processor, f"{part.lower()}_token", "") for part in ("IMAGE", "AUDIO")}
    processor.chat_template = TEMPLATE
    for part, token in tokens.items():
        processor.chat_template = processor.chat_template.replace(part, token if isinstance(token, str) else "")
    return processor


def _of_type_or_whole(table: Mapping[str, Any], model_type: str) -> Any:
    """What the table has for the model type, or for the model that it is a part of: "qwen2_vl" of "qwen2_vl_vision"."""
    parts = model_type.split("_")
    known = (table.get("_".join(parts[:end])) for end in range(len(parts), 0, -1))
    return next(filter(None, known), None)


def _image_processor(config: Any, way: Way) -> Any:
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    names = _of_type_or_whole(IMAGE_PROCESSOR_MAPPING_NAMES, config.model_type)
    if not names:
        return None
    listed = list(names.values()) if isinstance(names, Mapping) else [names] if isinstance(names, str) else list(names)
    for name in sorted(filter(None, listed), key=lambda name: not name.endswith("Pil")):
        try:
            return _sized(_exported(name)(), config, way)
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
    sizes = [each.image_size for each in configs(config) if getattr(each, "image_size", None)]
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
            setattr(processor, name, made)
    if (pinpoints := getattr(config, "image_grid_pinpoints", None)) is not None:
        processor.image_grid_pinpoints = pinpoints
    for name in ("max_pixels", "min_pixels"):
        if isinstance(getattr(processor, name, None), int):
            setattr(processor, name, min(getattr(processor, name), side * side))
    return processor


def _side(value: int, side: int) -> int:
    """A length in pixels, or a number of pixels, that is no larger than a picture of that side."""
    return min(value, side if value < 5000 else side * side)


def _sounds(config: Any) -> Any:
    from transformers.models.auto.feature_extraction_auto import FEATURE_EXTRACTOR_MAPPING_NAMES

    name = _of_type_or_whole(FEATURE_EXTRACTOR_MAPPING_NAMES, config.model_type)
    if not name:
        return None
    try:
        kind, bins = _exported(name), _bins(config)
        sized = bins is not None and "feature_size" in inspect.signature(kind.__init__).parameters
        return kind(feature_size=bins) if sized and kind().feature_size > 1 else kind()
    except Exception:  # noqa: BLE001 - it needs a library that is not here
        return None


def _processor(config: Any, made: Mapping[str, Any]) -> Any:
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES.get(config.model_type)
    if not name:
        return None
    try:
        kind = _exported(name)
        taken = inspect.signature(kind.__init__).parameters
        parts = {part: value for part, value in made.items() if part in taken}
        parts |= {part: made["tokenizer"] for part in taken if part.endswith("_tokenizer") and "tokenizer" in made}
        if "video_processor" in taken:
            parts["video_processor"] = None
        with videos_left_out():
            return _with_template(_agreeing(kind(**parts), config))
    except Exception:  # noqa: BLE001 - a part of it is missing here: what a checkpoint without a processor is
        return None
