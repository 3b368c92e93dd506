"""Each row of the task table, on a tiny model of an architecture that it is for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import npu_adapt
from npu_adapt.errors import ModelError, RunFailed, UsageError
from npu_adapt.models.tasks import TASKS
from npu_adapt.models.tasks.results import outputs_of
from npu_adapt.models.tasks.table import choose_task
from tests.models.tiny_models import MAKERS, WORDS

# LayoutLMv3's and VITS's own, in 4.57
pytestmark = pytest.mark.filterwarnings(
    "ignore:The .device. argument is deprecated:FutureWarning", "ignore:.torch.jit.script. is deprecated"
)
TIMM_ROWS = {"timm-image-classification"}  # tests/timm


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tiny models by name, each written once."""
    folder = tmp_path_factory.mktemp("tiny")
    return lambda name: MAKERS[name][0](folder / name) if not (folder / name).exists() else folder / name


def run(loaded, values=(), samples=1):
    prepared = loaded.task.prepare(loaded, values, samples, 0)
    with torch.inference_mode():
        return prepared, [loaded.task.forward(loaded.module, sample.tensors) for sample in prepared]


def test_every_row_has_a_model_here():
    import transformers

    made = {row for _, row, _ in MAKERS.values()} | TIMM_ROWS
    left_out = {"pose-estimation", "mask-generation"} if transformers.__version__.startswith("4.") else set()
    assert made == set(TASKS) - left_out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_row_is_in_the_page_of_tasks(language):
    page = (Path(npu_adapt.__file__).parent / "docs" / language / "tasks.md").read_text()
    assert [name for name in TASKS if name not in page] == []


@pytest.mark.parametrize("name", MAKERS)
def test_row_is_inferred_and_gives_its_outputs(name, made, load):
    _, row, shapes = MAKERS[name]

    loaded = load(made(name))
    samples, outputs = run(loaded, samples=2)

    assert loaded.task.name == row
    assert loaded.weights.missing_keys == loaded.weights.mismatched_keys == loaded.weights.doubts == ()
    assert outputs[0].keys() == shapes.keys()
    for output, shape in shapes.items():
        found = tuple(outputs[0][output].shape)
        assert len(found) == len(shape) and all(want in (None, have) for have, want in zip(found, shape, strict=True))
        assert torch.isfinite(outputs[0][output]).all()
    one, other = ({info.name: info.sha256 for info in sample.inputs} for sample in samples)
    assert one != other  # two samples are two different inputs
    assert loaded.task.class_scores is None or loaded.task.class_scores in shapes


@pytest.mark.parametrize("name", MAKERS)
def test_default_samples_are_the_same_every_time(name, made, load):
    loaded = load(made(name))
    once, again = (loaded.task.prepare(loaded, (), 2, 0) for _ in range(2))
    assert [sample.inputs for sample in once] == [sample.inputs for sample in again]


@pytest.mark.parametrize(
    "name",
    [
        "vit",
        "yolos",
        "segformer",
        "mask2former",
        "bert-tokens",
        "bert-mask",
        "bert-classes",
        "llama",
        "wav2vec2",
        "whisper",
        "clip",
        "wav2vec2-classes",
        "bert-answers",
        "t5",
        "trocr",
        "llava",
        "videomae",
        "cross-encoder",
    ],
)
def test_predictions_carry_their_sample(name, made, load):
    loaded = load(made(name))
    samples, outputs = run(loaded)
    predictions = loaded.task.predictions(loaded, samples[0], outputs[0], 3)
    assert predictions and all(prediction.sample == 3 and 0 <= prediction.score <= 1 for prediction in predictions)


def test_tag_finds_the_row_of_the_architecture(made, load):
    assert load(made("whisper"), "automatic-speech-recognition").task.name == "speech-to-text"
    assert load(made("wav2vec2"), "automatic-speech-recognition").task.name == "automatic-speech-recognition"
    assert load(made("wav2vec2-base"), "feature-extraction").task.name == "audio-feature-extraction"
    assert load(made("bert-base"), "feature-extraction").task.name == "feature-extraction"


def test_a_language_model_that_the_tables_have_elsewhere_is_one():
    import transformers

    row = choose_task(transformers.LlamaConfig(architectures=["MistralForCausalLM"]), None)
    assert (row.name, row.auto_class) == ("text-generation", "MistralForCausalLM")


def test_model_type_decides_where_no_architecture_is_named(made, load, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(made("wav2vec2-base"), tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder).task.name == "audio-feature-extraction"


def test_whisper_compares_only_encoder_positions_that_hold_sound(made, load):
    loaded = load(made("whisper"))
    samples, outputs = run(loaded)
    with torch.inference_mode():
        inputs = {name: samples[0].tensors[name] for name in ("input_features", "decoder_input_ids")}
        result = loaded.module(**inputs)
    assert torch.equal(outputs[0]["encoder_last_hidden_state"], result.encoder_last_hidden_state[:, :100])  # 2 s of 30
    assert torch.equal(outputs[0]["first_step_logits"], result.logits[:, 0])


def test_causal_lm_compares_all_positions(made, load):
    loaded = load(made("llama"))
    samples, outputs = run(loaded, ["the quick brown fox"])
    assert outputs[0]["logits"].shape[1] == samples[0].tensors["input_ids"].shape[1]
    assert torch.equal(outputs[0]["logits"][:, -1], outputs[0]["next_token_logits"])


def test_mask_is_put_in_or_taken_as_given(made, load):
    loaded = load(made("bert-mask"))
    default, given = loaded.task.prepare(loaded, ["the quick fox", "the [MASK] brown fox"], 1, 0)
    assert default.tensors["mask_position"].tolist() == given.tensors["mask_position"].tolist() == [2]
    assert "token 3 (quick) masked" in default.inputs[0].origin


def test_candidate_texts_are_told_from_pictures(made, load, digits):
    loaded = load(made("clip"))
    values = [str(digits / "images" / "3-three.png"), "a dog", "a photo of the sky over water", "a cat"]
    samples, outputs = run(loaded, values)
    assert len(samples) == 1
    assert outputs[0]["logits_per_image"].shape == (1, 3)
    labels = {prediction.label for prediction in loaded.task.predictions(loaded, samples[0], outputs[0], 0)}
    assert labels == {"a dog", "a photo of the sky over water", "a cat"}


def test_six_candidates_of_the_users_own_keep_their_names(made, load):
    loaded = load(made("clip"))
    own = [f"a photo of {what}" for what in ("the sea", "a fox", "a dog", "water", "a building", "a river")]
    samples, outputs = run(loaded, own)
    assert {one.label for one in loaded.task.predictions(loaded, samples[0], outputs[0], 0)} <= set(own)


def test_floating_inputs_are_cast_and_integers_are_not(made, load):
    loaded = load(made("clip"))
    tensors = loaded.task.prepare(loaded, (), 1, 0)[0].to(torch.device("cpu"), torch.bfloat16)
    assert tensors["pixel_values"].dtype == torch.bfloat16
    assert tensors["input_ids"].dtype == torch.int64


def test_a_long_text_is_cut_to_the_models_positions_and_says_so(made, load):
    loaded = load(made("bert-classes"))
    (sample,) = loaded.task.prepare(loaded, ["the quick brown fox " * 40], 1, 0)
    assert sample.tensors["input_ids"].shape == (1, 64)
    assert sample.inputs[0].origin.endswith("cut to the 64 tokens that the model reads, of 162")


@pytest.mark.parametrize(
    ("name", "values", "limit"),
    [
        ("bert-answers", ["who runs? " + "the quick brown fox " * 40], 64),
        ("cross-encoder", ["the dog", "a fox", "the quick brown fox " * 40], 64),
        ("sentences", ["the dog", "the quick brown fox " * 40], 16),
    ],
)
def test_several_texts_that_are_cut_say_so_too(name, values, limit, made, load):
    loaded = load(made(name))
    (sample,) = loaded.task.prepare(loaded, values, 1, 0)
    assert sample.tensors["input_ids"].shape[1] == limit
    assert f", cut to the {limit} tokens that the model reads, of 16" in sample.inputs[0].origin


def test_robertas_positions_begin_after_its_padding(load, tmp_path):
    import transformers as tf

    from tests.models import tiny_models

    config = tf.RobertaConfig(
        **tiny_models.WIDTH, vocab_size=len(tiny_models.WORDS), max_position_embeddings=18, pad_token_id=1
    )
    folder = tiny_models.save(tf.RobertaForMaskedLM(config), tmp_path / "roberta", tiny_models.word_tokenizer)
    loaded = load(folder)
    samples, outputs = run(loaded, ["the quick brown fox " * 40])
    assert samples[0].tensors["input_ids"].shape == (1, 16)
    assert torch.isfinite(outputs[0]["logits"]).all()


def test_opts_positions_begin_at_its_offset(load, tmp_path):
    import transformers as tf

    from tests.models import tiny_models

    config = tf.OPTConfig(
        hidden_size=32, ffn_dim=48, num_hidden_layers=1, num_attention_heads=2, word_embed_proj_dim=32,
        vocab_size=len(tiny_models.WORDS), max_position_embeddings=16,
    )  # fmt: skip
    folder = tiny_models.save(tf.OPTForCausalLM(config), tmp_path / "opt", tiny_models.word_tokenizer)
    samples, outputs = run(load(folder), ["the quick brown fox " * 40])
    assert samples[0].tensors["input_ids"].shape == (1, 16)
    assert torch.isfinite(outputs[0]["logits"]).all()


def test_a_mask_that_is_cut_away_is_refused(made, load):
    loaded = load(made("bert-mask"))
    with pytest.raises(UsageError, match=r"\[MASK\] stands beyond the 64 tokens"):
        loaded.task.prepare(loaded, ["the quick brown fox " * 20 + "[MASK]"], 1, 0)


def test_of_a_text_without_spaces_one_token_is_masked(load, tmp_path):
    from tests.models import tiny_models

    def tokenizer(folder):
        tiny_models.word_tokenizer(folder, extra="今天气很好我们去公园散步")

    folder = tiny_models.bert(tmp_path / "bert", "BertForMaskedLM", tokenizer=tokenizer, vocab_size=60)
    loaded = load(folder)
    (sample,) = loaded.task.prepare(loaded, ["今天天气很好我们去公园散步"], 1, 0)
    ids = sample.tensors["input_ids"][0]
    assert ids.numel() == 15 and (ids == 4).sum() == 1 and (ids == 1).sum() == 0
    assert sample.tensors["mask_position"].tolist() == [7]


def test_tokens_beyond_the_embedding_are_the_models_fault(load, tmp_path):
    from tests.models import tiny_models

    folder = tiny_models.bert(tmp_path / "bert", "BertForSequenceClassification", vocab_size=10)
    loaded = load(folder)
    with pytest.raises(ModelError, match="has embeddings for 10"):
        loaded.task.prepare(loaded, ["the quick brown fox jumps over lazy dog"], 1, 0)


def test_a_tokenizer_that_fails_is_the_inputs_fault_or_the_models(made, load, monkeypatch):
    loaded = load(made("bert-classes"))

    def fail(*_arguments, **_options):
        raise OverflowError("int too big to convert")

    monkeypatch.setattr(type(loaded.processor.tokenizer), "__call__", fail)
    with pytest.raises(UsageError, match="int too big"):
        loaded.task.prepare(loaded, ["a text"], 1, 0)
    with pytest.raises(ModelError, match="default input"):
        loaded.task.prepare(loaded, (), 1, 0)


RESULTS = {
    "a tensor": (torch.ones(1, 3), {"logits"}),
    "a tuple": ((torch.ones(1, 3), torch.ones(2)), {"logits", "output.1"}),
    "a dictionary": ({"logits": torch.ones(1, 3), "other": torch.ones(2), "none": None}, {"logits"}),
    "a dictionary of other names": (
        {"deep": [torch.ones(1), {"again": (torch.ones(2),)}]},
        {"deep.0", "deep.1.again.0"},
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_any_shape_are_read(name):
    result, names = RESULTS[name]
    assert outputs_of(result, ("logits", "last_hidden_state")).keys() == names


@pytest.mark.parametrize("result", [None, {}, (), {"number": 3}])
def test_a_result_without_a_tensor_is_a_failed_forward(result):
    with pytest.raises(RunFailed, match="returned no tensor"):
        outputs_of(result, ("logits",))


def test_class_scores_are_those_that_the_outputs_hold():
    row, scores = TASKS["text-classification"], torch.ones(1, 3)
    assert row.scores_in(({"logits": scores}, {"logits": scores})) == "logits"
    assert row.scores_in(({"logits": scores}, {"ids": scores})) is None
    assert row.scores_in(({"logits": scores[:, :0]},)) is None
    assert TASKS["feature-extraction"].scores_in(({"logits": scores},)) is None


@pytest.mark.parametrize(
    "output",
    [torch.ones(1, 3).to_sparse(), torch.ones(1, 3, device="meta")],
    ids=["sparse", "meta"],
)
@pytest.mark.parametrize(
    "result", [lambda output: {"logits": output}, lambda output: (output,)], ids=["named", "tuple"]
)
def test_an_output_whose_elements_cannot_be_read_fails_the_run(result, output):
    with pytest.raises(RunFailed, match="is no plain tensor"):
        outputs_of(result(output), ("logits",))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_output_fails_the_run():
    with pytest.raises(RunFailed, match="is no plain tensor"):
        outputs_of((torch.nested.nested_tensor([torch.ones(3), torch.ones(2)]),), ("logits",))


@pytest.mark.parametrize("rate", [0, -1, 1.5, "16000", None, True, [16000], 2**40])
def test_a_sampling_rate_that_is_none(rate, made, load, tmp_path):
    folder = shutil.copytree(made("wav2vec2"), tmp_path / "model")
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sampling_rate": rate}))
    with pytest.raises(ModelError):
        loaded = load(folder)
        loaded.task.prepare(loaded, (), 1, 0)


def test_a_pictures_prompt_is_written_by_the_chat_template(made, load):
    loaded = load(made("llava-chat"))
    (sample,) = loaded.task.prepare(loaded, (), 1, 0)
    ids = sample.tensors["input_ids"][0]
    assert WORDS.index("runs") in ids[-2:].tolist()  # with which the template asks for the answer
    assert int((ids == len(WORDS)).sum()) == 16  # the picture's patches


def test_a_page_has_its_words_in_lines(made, load):
    loaded = load(made("layoutlm"))
    (sample,) = loaded.task.prepare(loaded, ["Who came? " + "Ann came " * 12], 1, 0)
    boxes, ids = sample.tensors["bbox"][0], sample.tensors["input_ids"][0]
    first = int((ids == 3).nonzero()[0])  # the token between question and page
    assert boxes[:first].eq(0).all() and boxes[first].eq(1000).all()
    page = boxes[first + 1 : -1]
    assert page[:, 1].unique().numel() > 1 and page[:, 2].max() <= 1000  # more than one line, all on the page
    assert (page[:, 2] > page[:, 0]).all() and (page[:, 3] > page[:, 1]).all()
