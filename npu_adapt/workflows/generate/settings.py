"""The model's own generation configuration, made greedy: sampling goes, beams and what works on scores stay."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from npu_adapt.models.strangers import foreign_code
from npu_adapt.records import Fact
from npu_adapt.workflows.generate.facts import setting

FILE = "generation_config.json"
# What sampling reads: without it they have no effect, and transformers warns of them.
SAMPLING = (
    "temperature",
    "top_k",
    "top_p",
    "top_h",
    "min_p",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
)
# Functions of the tokens so far and the scores: both sides apply the same.
PROCESSORS = (
    "repetition_penalty",
    "encoder_repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "bad_words_ids",
    "min_length",
    "min_new_tokens",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "sequence_bias",
    "exponential_decay_length_penalty",
    "guidance_scale",
)
# Other ways of writing, and ends that depend on time or on text.
OTHER_WAYS: dict[str, Any] = {
    "penalty_alpha": None,
    "dola_layers": None,
    "prompt_lookup_num_tokens": None,
    "assistant_early_exit": None,
    "constraints": None,
    "force_words_ids": None,
    "num_beam_groups": None,
    "watermarking_config": None,
    "max_time": None,
    "stop_strings": None,
}
MOST_SHOWN = 5  # of a list of tokens


@dataclass(frozen=True)
class Settings:
    """How tokens are chosen."""

    config: Any  # transformers' GenerationConfig
    beams: int
    pad: int
    facts: tuple[Fact, ...]


def own_configuration(module: torch.nn.Module, path: Path) -> Any:
    """The checkpoint's generation configuration; the module's, which follows its architecture, where it has none.

    Raises `ModelError` for one that cannot be read.
    """
    import transformers

    if not (path / FILE).is_file():
        return copy.deepcopy(module.generation_config)
    with foreign_code("configuration", path / FILE):
        return transformers.GenerationConfig.from_pretrained(str(path), local_files_only=True)


def greedy_settings(config: Any, count: int, padding: int | None) -> Settings:
    """`config` changed to write greedily, at most `count` tokens. `padding` is the tokenizer's token, if it has one."""
    import transformers

    plain = transformers.GenerationConfig()
    facts = []
    if getattr(config, "do_sample", False):
        kept = {name: getattr(config, name, None) for name in SAMPLING}
        said = tuple(
            f"{name} {value:g}"
            for name, value in kept.items()
            if isinstance(value, (int, float)) and value != getattr(plain, name, None)
        )
        facts.append(setting("sampling-off", settings=said or ("do_sample",)))
    for name in PROCESSORS:
        value = getattr(config, name, None)
        if value is not None and value != getattr(plain, name, None):
            facts.append(setting("processor-kept", name=name, value=_shown(value)))
    for name, off in OTHER_WAYS.items():
        if getattr(config, name, off) not in (off, getattr(plain, name, off)):
            facts.append(setting("switched-off", name=name))
        if hasattr(config, name):
            setattr(config, name, getattr(plain, name, off))
    for name in SAMPLING:
        if hasattr(config, name):
            setattr(config, name, getattr(plain, name, None))
    beams = int(getattr(config, "num_beams", None) or 1)
    if beams > 1:
        facts.append(setting("beams", beams=beams))
    if config.eos_token_id is None:
        facts.append(setting("no-end-token"))
    config.do_sample, config.num_return_sequences = False, 1
    config.max_new_tokens, config.max_length = count, None
    config.use_cache, config.disable_compile = True, True
    config.return_dict_in_generate, config.output_logits = True, True
    pad = config.pad_token_id if config.pad_token_id is not None else padding
    if pad is None:
        pad = _first(config.eos_token_id)
        facts.append(setting("pad-token-borrowed", token=pad))
    config.pad_token_id = pad
    if not all(isinstance(each, int) for each in (pad, *end_tokens(config))):
        raise TypeError(f"eos_token_id {config.eos_token_id!r:.60} or pad_token_id {pad!r:.60} is no token's number")
    return Settings(config, beams, pad, tuple(facts))


def end_tokens(config: Any) -> frozenset[int]:
    """The tokens that end a text; empty where there is none."""
    ends = config.eos_token_id
    return frozenset() if ends is None else frozenset([ends] if isinstance(ends, int) else ends)


@contextmanager
def configured(settings: Settings, *modules: torch.nn.Module) -> Iterator[None]:
    """While it lasts, `generate` of the modules chooses tokens by the settings; also of a decoder inside, as BLIP's."""
    parts: list[Any] = [part for module in modules for part in module.modules() if hasattr(part, "generation_config")]
    before = [part.generation_config for part in parts]
    for part in parts:
        part.generation_config = settings.config
    try:
        yield
    finally:
        for part, config in zip(parts, before, strict=True):
            part.generation_config = config


def _first(ends: Any) -> int:
    if ends is None:
        return 0
    return int(ends if isinstance(ends, int) else ends[0])


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)) and len(value) > MOST_SHOWN:
        return f"{', '.join(map(str, value[:MOST_SHOWN]))}, … ({len(value)})"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value}"
