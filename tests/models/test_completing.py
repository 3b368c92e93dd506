"""What a forward needs beside what a processor gives: one case for each kind of input."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from npu_adapt.errors import ModelError, UsageError
from npu_adapt.models.tasks.anything import ANYTHING, prepare_anything
from npu_adapt.models.tasks.completing import completed
from npu_adapt.models.tasks.described import documented
from npu_adapt.models.tasks.task import LoadedModel, Sample, accepted, require_all_inputs, sample_of

IDS = torch.tensor([[2, 7, 8, 3]])


def loaded(module: torch.nn.Module, **config: Any) -> LoadedModel:
    module.config = SimpleNamespace(**config)  # type: ignore[assignment]
    held = SimpleNamespace(
        module=module,
        config=module.config,
        path="MODEL",
        info=SimpleNamespace(architecture=type(module).__name__),
        task=ANYTHING,
    )
    return cast(LoadedModel, held)


def added(model: LoadedModel, **tensors: Tensor) -> dict[str, Tensor]:
    """What `completed` adds to these tensors."""
    found = completed(model, sample_of(tensors, "given"))
    assert {info.name for info in found.inputs} == found.tensors.keys()
    return {name: tensor for name, tensor in found.tensors.items() if name not in tensors}


class Decoder(torch.nn.Module):
    def forward(self, input_features: Tensor, decoder_input_ids: Tensor | None = None) -> None: ...


def test_a_decoder_is_given_the_token_that_it_starts_with():
    features = torch.zeros(1, 80, 30)
    made = added(loaded(Decoder(), decoder_start_token_id=5), input_features=features)
    assert made["decoder_input_ids"].tolist() == [[5]]
    assert added(loaded(Decoder()), input_features=features) == {}  # the checkpoint names none


@pytest.mark.parametrize("decoder", [{"decoder_config": {"num_channels": 3}}, {"decoder": {"num_codebooks": 3}}])
def test_a_decoder_of_several_codebooks_is_given_a_token_for_each(decoder):
    config = {name: SimpleNamespace(**fields) for name, fields in decoder.items()}
    made = added(loaded(Decoder(), decoder_start_token_id=5, **config), input_features=torch.zeros(1, 80, 30))
    assert made["decoder_input_ids"].tolist() == [[5]] * 3


class Tasked(torch.nn.Module):
    def forward(self, pixel_values: Tensor, task_inputs: Tensor) -> None:
        """Looks for what the task says.

        task_inputs (`torch.FloatTensor` of shape `(batch_size, sequence_length)`): The task.
        """


def test_an_input_is_as_long_as_the_configuration_says_of_it():
    made = added(loaded(Tasked(), task_seq_len=7), pixel_values=torch.zeros(1, 3, 8, 8))
    assert made["task_inputs"].shape == (1, 7)


class Masked(torch.nn.Module):
    def forward(self, input_features: Tensor, attention_mask: Tensor, input_features_mask: Tensor) -> None: ...


def test_masks_leave_nothing_out():
    made = added(loaded(Masked()), input_features=torch.zeros(1, 80, 300))
    assert made["input_features_mask"].shape == (1, 300)  # frames, whichever way round they stand
    assert all(bool(mask.all()) for mask in made.values())


class SeesPixels(torch.nn.Module):
    def forward(self, pixel_values: Tensor, pixel_mask: Tensor) -> None: ...


def test_a_mask_of_pixels_has_the_size_of_the_picture():
    assert added(loaded(SeesPixels()), pixel_values=torch.zeros(1, 3, 8, 12))["pixel_mask"].shape == (1, 8, 12)


class ReadsPages(torch.nn.Module):
    def forward(self, input_ids: Tensor, bbox: Tensor | None = None) -> None: ...


def test_words_have_places_on_a_page():
    counting = added(loaded(ReadsPages(), max_2d_position_embeddings=1024), input_ids=IDS)["bbox"]
    sharing = added(loaded(ReadsPages()), input_ids=IDS)["bbox"]
    assert counting.shape == (1, 4, 4) and counting.dtype == torch.long and int(counting.max()) < 1024
    assert torch.equal(sharing, counting / 1000)


class Described(torch.nn.Module):
    def forward(self, states: Tensor, timesteps: Tensor, returns: Tensor, labels: Tensor | None = None) -> None:
        """Decides.

        Args:
            states (`torch.FloatTensor` of shape `(batch_size, episode_length, state_dim)`):
                What was seen.
            timesteps (`torch.LongTensor` of shape `(batch_size, episode_length)`):
                When.
            returns (`torch.FloatTensor` of shape `(batch_size, 2 * state_dim)`):
                No name of the configuration's, but an expression.
            labels (`torch.LongTensor` of shape `(batch_size, 3)`, *optional*):
                What nobody compares.
        """


def test_what_only_the_documentation_tells_is_made_by_it():
    model = loaded(Described(), state_dim=17)
    made = added(model)
    assert made["states"].shape[::2] == (1, 17) and made["states"].is_floating_point()
    assert made["timesteps"].tolist() == [list(range(made["states"].shape[1]))]
    assert torch.equal(made["states"], added(model)["states"])  # the same every time
    assert not torch.equal(made["states"], completed(model, Sample({}, ()), 1).tensors["states"])
    assert documented(Described) == ("states", "timesteps", "returns")


def test_what_is_made_up_takes_no_input_of_the_users():
    with pytest.raises(UsageError, match="Described takes no text, picture or sound"):
        prepare_anything(loaded(Described()), ["a photo of cat"], 1, 0)


def test_what_nothing_tells_is_named():
    model = loaded(Described(), state_dim=17)
    sample = completed(model, Sample({}, ()))
    with pytest.raises(ModelError, match="the forward of Described needs returns, which") as caught:
        require_all_inputs(model, sample)
    assert "FILE.py" in caught.value.hint


class Hears(torch.nn.Module):
    def forward(self, input_features: Tensor) -> None:
        """Hears.

        Args:
            input_features (`torch.FloatTensor` of shape `(batch_size, sequence_length, 8)`):
                A sound.
        """


def test_a_sound_is_never_made_up():
    model = loaded(Hears())
    with pytest.raises(ModelError, match="needs input_features, which"):
        require_all_inputs(model, completed(model, Sample({}, ())))


class HearsMels(torch.nn.Module):
    def forward(self, audio_mel: Tensor, audio_mel_mask: Tensor) -> None: ...


def test_inputs_go_by_the_names_of_the_forward():
    given = {"input_features": torch.zeros(1, 4, 8), "input_features_mask": torch.ones(1, 4), "sizes": torch.ones(1)}
    assert accepted(loaded(HearsMels()), given).keys() == {"audio_mel", "audio_mel_mask"}
