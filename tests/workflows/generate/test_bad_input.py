"""What a generation is refused for, and what it does where a model says less than it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.errors import ModelError, UsageError
from npu_adapt.models.loading import load_model
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.generate.prompts import Prompt, prompts, require_room, require_writer
from npu_adapt.workflows.generate.settings import end_tokens, greedy_settings, own_configuration
from npu_adapt.workflows.models.fetch import fetch
from npu_adapt.workflows.run.request import RunRequest
from tests.models import tiny_models

TEMPLATE = "{% for message in messages %}{{ message['content'] }} sea {% endfor %}"
REFUSING = "{{ raise_exception('only assistants may speak') }}"


def loaded(folder: Path) -> LoadedModel:
    return load_model(
        fetch(ModelRequest(model=str(folder), offline=True), Silent()),
        task=None,
        trust_remote_code=False,
        allow_pickle=False,
        progress=Silent(),
    )


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_models.llama(tmp_path_factory.mktemp("llama") / "model"))


@pytest.fixture
def template(llama: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    def given(text: str | None) -> None:
        monkeypatch.setattr(llama.processor.tokenizer, "chat_template", text, raising=False)

    return given


def asked(llama: LoadedModel, *values: str) -> tuple[tuple[Prompt, ...], tuple[str, ...]]:
    request = RunRequest(command="compare", command_line="", inputs=values)
    samples = llama.task.prepare(llama, values, 1, 0)
    made, facts = prompts(llama, samples, request)
    return made, tuple(fact.id for fact in facts)


@pytest.mark.parametrize(("typed", "said"), [("0", "1 or more"), ("1000000000", "at most 4,096"), ("-3", "1 or more")])
def test_so_many_tokens_cannot_be_asked_for(typed: str, said: str) -> None:
    shown = CliRunner().invoke(app, ["compare", "--generate", typed], env={"NPU_ADAPT_LANG": "en"})
    assert shown.exit_code == 2
    assert said in shown.output


def test_fast_has_no_floor_to_judge_tokens_by(tmp_path: Path) -> None:
    request = RunRequest(command="compare", command_line="", device="cpu", logs=tmp_path)
    with pytest.raises(UsageError, match="--fast measures no noise floor"):
        compare(request, CompareOptions(fast=True, generate=3), Silent())


def test_a_model_that_writes_nothing_is_refused_before_it_runs(tmp_path: Path) -> None:
    request = RunRequest(
        command="compare", command_line="", model="builtin:digits-vit", device="cpu", logs=tmp_path / "logs"
    )
    with pytest.raises(UsageError, match="ViTForImageClassification writes no tokens"):
        compare(request, CompareOptions(generate=3), Silent())
    assert not (tmp_path / "logs" / "summary.json").exists()


def test_a_masked_language_model_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="BertForMaskedLM writes no tokens"):
        require_writer(loaded(tiny_models.bert(tmp_path / "bert", "BertForMaskedLM")))


def test_a_text_goes_through_the_chat_template(llama: LoadedModel, template: Callable[[str | None], None]) -> None:
    template(TEMPLATE)
    (prompt,), facts = asked(llama, "the cat")
    words = llama.processor.tokenizer.decode(prompt.sample.tensors["input_ids"][0])
    assert "the cat sea" in words and facts == ("chat-template",)
    template(None)
    assert asked(llama, "the cat")[1] == ("no-chat-template",)


def test_a_template_that_raises_is_the_models_fault(llama: LoadedModel, template: Callable[[str | None], None]) -> None:
    template(REFUSING)
    with pytest.raises(ModelError, match="only assistants may speak") as caught:
        asked(llama, "the cat")
    assert "--generate" in caught.value.hint


def test_a_prompt_without_tokens_is_refused(
    llama: LoadedModel, template: Callable[[str | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    template(TEMPLATE)
    empty = {"input_ids": torch.zeros((1, 0), dtype=torch.long)}
    monkeypatch.setattr(llama.processor.tokenizer, "apply_chat_template", lambda *_, **__: empty)
    with pytest.raises(UsageError, match="gives no tokens"):
        asked(llama, "the cat")


def test_an_empty_prompt_is_refused() -> None:
    shown = CliRunner().invoke(app, ["compare", "--generate", "3", "--device", "cpu", "--input", " "])
    assert shown.exit_code == 2


def test_a_prompt_that_leaves_no_room_is_refused_with_what_would_fit(
    llama: LoadedModel, template: Callable[[str | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    template(None)
    monkeypatch.setattr(llama.config, "max_position_embeddings", 12)
    (prompt,), _ = asked(llama, "the quick brown fox")
    count = prompt.sample.tensors["input_ids"].shape[1]
    with pytest.raises(UsageError, match="has 12 positions") as caught:
        require_room(llama, prompt, 12)
    assert caught.value.hint == f"--generate {12 - count}"
    require_room(llama, prompt, 12 - count)
    template("{{ 'cat ' * 40 }}")
    (long,), _ = asked(llama, "the quick brown fox")
    with pytest.raises(UsageError) as caught:
        require_room(llama, long, 1)
    assert caught.value.hint == "give a shorter --input"


def test_sampling_is_switched_off_and_penalties_stay(llama: LoadedModel, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"do_sample": True, "temperature": 0.2, "top_p": 0.9, "repetition_penalty": 1.3}
    (tmp_path / "generation_config.json").write_text(json.dumps({**fields, "eos_token_id": 3, "pad_token_id": 0}))
    settings = greedy_settings(own_configuration(llama.module, tmp_path), 5, 0)
    assert [fact.id for fact in settings.facts] == ["sampling-off", "processor-kept"]
    assert settings.facts[0].values["settings"] == ("temperature 0.2", "top_p 0.9")
    assert settings.facts[1].values == {"name": "repetition_penalty", "value": "1.3"}
    config = settings.config
    assert (config.do_sample, config.max_new_tokens, config.repetition_penalty) == (False, 5, 1.3)
    assert end_tokens(config) == {3}


def test_a_configuration_that_is_no_json_is_the_models_fault(llama: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(ModelError, match="generation_config"):
        own_configuration(llama.module, tmp_path)


def test_without_an_end_token_all_are_written_and_without_padding_another_token_stands(
    llama: LoadedModel, tmp_path: Path
) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": None, "num_beams": 2}))
    settings = greedy_settings(own_configuration(llama.module, tmp_path), 5, None)
    assert [fact.id for fact in settings.facts] == ["beams", "no-end-token", "pad-token-borrowed"]
    assert (settings.beams, settings.pad, end_tokens(settings.config)) == (2, 0, frozenset())


def test_what_a_tokenizer_cuts_within_a_character_is_joined_again(llama: LoadedModel) -> None:
    from npu_adapt.workflows.generate.texts import pieces

    class Bytes:
        def decode(self, tokens: list[int], skip_special_tokens: bool = False) -> str:
            return bytes(token for token in tokens if token).decode(errors="replace")

    class Processor:
        tokenizer = Bytes()

    import dataclasses

    tokens = [*"né".encode(), 0, ord("!")]
    found = pieces(dataclasses.replace(llama, processor=Processor()), tokens)  # type: ignore[arg-type]
    assert found == ("n", "", "é", "", "!")
