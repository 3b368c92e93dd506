"""The made tokenizer's words, and their numbers in a configuration."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.benchmarks.reach.shrinking import WORDS
from tests.models.tiny_models import SPECIAL, TEXT

_OPEN = ("image", "audio", "video", "mask", "pad")  # a default configuration may leave their tokens open
_ROLES = {"pad": 0, "unk": 1, "bos": 2, "cls": 2, "decoder_start": 2, "eos": 3, "sep": 3, "mask": 4}


def exported(name: str) -> Any:
    import transformers

    return getattr(transformers, name)


def configs(config: Any) -> Iterator[Any]:
    """The configuration and those in it."""
    yield config
    for value in vars(config).values():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            yield from configs(value)


class Tokens:
    """The words of the made tokenizer: those of the default texts, and each special one that a configuration numbers or
    the model type's processor writes."""

    def __init__(self, model_type: str, config: Any) -> None:
        self.named: dict[str, str] = {}
        for each in configs(config):
            for name, value in vars(each).items():
                role = role_of(name)
                is_number = isinstance(value, int) and not isinstance(value, bool)
                if role and role not in _ROLES and (is_number or (value is None and role in _OPEN)):
                    self.named.setdefault(role, f"<{role}>")
        source = processor_source(model_type)
        self.named |= {role: text for role, text in _of_the_tokenizer(model_type).items() if role in self.named}
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


def _of_the_tokenizer(model_type: str) -> dict[str, str]:
    """The special tokens that the model type's own tokenizer writes, by their roles; empty where it has none."""
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    name = TOKENIZER_MAPPING_NAMES.get(model_type)
    try:
        taken = inspect.signature(exported(name).__init__).parameters if name else {}
    except Exception:  # noqa: BLE001 - it needs a library that is not here
        return {}
    return {
        each.removesuffix("_token"): of.default
        for each, of in taken.items()
        if each.endswith("_token") and isinstance(of.default, str)
    }


def role_of(name: str) -> str | None:
    found = re.match(r"^(\w+?)_token_(id|index)$", name)
    return found[1] if found else None


def number_tokens(config: Any, tokens: Tokens) -> None:
    """Sets each `…_token_id` of the configuration to the made tokenizer's number for it."""
    for each in configs(config):
        if isinstance(named := getattr(each, "vocabulary_map", None), dict):
            each.vocabulary_map = {word: tokens.number.get(word, number) for word, number in named.items()}
        for name, value in list(vars(each).items()):
            role = role_of(name)
            if role is None or (value is None and role not in _OPEN) or isinstance(value, bool):
                continue
            if value is None or isinstance(value, int):
                setattr(each, name, tokens.of(role))
            elif isinstance(value, (list, tuple)):
                setattr(each, name, [tokens.of(role)])


def processor_name(model_type: str) -> str:
    """The class of the model type's processor, or of the model's that it is a part of; empty where it has none."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    return of_type_or_whole(PROCESSOR_MAPPING_NAMES, model_type) or ""


def processor_source(model_type: str) -> str:
    """The text of the module of the model type's processor; empty where it has none."""
    name = processor_name(model_type)
    try:
        return inspect.getsource(inspect.getmodule(exported(name))) if name else ""  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - it needs a library that is not here
        return ""


def model_source(model_type: str) -> str:
    """The text of the module of the model type's base class; empty where it has none."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    name = MODEL_MAPPING_NAMES.get(model_type, "")
    try:
        return inspect.getsource(inspect.getmodule(exported(name if isinstance(name, str) else name[0])))  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - it needs a library that is not here
        return ""


def of_type_or_whole(table: Mapping[str, Any], model_type: str) -> Any:
    """What the table has for the model type, or for the model that it is a part of: "qwen2_vl" of "qwen2_vl_vision"."""
    parts = model_type.split("_")
    known = (table.get("_".join(parts[:end])) for end in range(len(parts), 0, -1))
    return next(filter(None, known), None)
