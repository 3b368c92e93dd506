"""What will be written, decided before anything runs: the prompts, how tokens are chosen, and for how many is room."""

from __future__ import annotations

from dataclasses import dataclass

from npu_adapt.models.strangers import foreign_code
from npu_adapt.records import Fact
from npu_adapt.workflows.generate.facts import setting
from npu_adapt.workflows.generate.prompts import Prompt, prompts, require_room, require_writer
from npu_adapt.workflows.generate.settings import FILE, Settings, greedy_settings, own_configuration
from npu_adapt.workflows.generate.texts import has_error_rates
from npu_adapt.workflows.run.session import Session


@dataclass(frozen=True)
class Plan:
    """A generation that can be run."""

    count: int  # tokens, at most
    prompts: tuple[Prompt, ...]
    settings: Settings
    facts: tuple[Fact, ...]


def plan_generation(session: Session, count: int) -> Plan:
    """What is to be done for at most `count` tokens a prompt.

    Raises `UsageError` for a model that writes nothing or a prompt that leaves no room, `ModelError` for its files.
    """
    loaded = session.loaded
    require_writer(loaded)
    made, facts = prompts(loaded, session.samples, session.request)
    for prompt in made:
        require_room(loaded, prompt, count)
    tokenizer = loaded.processor.tokenizer
    padding = None if tokenizer is None else tokenizer.pad_token_id
    config = own_configuration(loaded.module, loaded.path)
    with foreign_code("configuration", loaded.path / FILE):  # its values may be of any type
        settings = greedy_settings(config, count, padding)
    missing = [] if tokenizer is not None else [setting("no-tokenizer")]
    if tokenizer is not None and not has_error_rates():
        missing.append(setting("no-error-rates"))
    return Plan(count, made, settings, (*facts, *settings.facts, *missing))
