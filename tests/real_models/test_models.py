"""The models that stand for real ones are real: each knows something that only training can have taught it."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.required


def load(auto_class: str, directory: Path) -> Any:
    """The model in eval mode, after a check that the file held every parameter, and nothing else."""
    import transformers

    model, info = getattr(transformers, auto_class).from_pretrained(directory, dtype="auto", output_loading_info=True)
    found = {key: sorted(info[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    assert found == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}
    return model.eval()


def test_minilm_knows_a_paraphrase_from_another_subject(minilm):
    import torch
    from transformers import AutoTokenizer

    sentences = ["A man is eating a meal.", "Somebody is having lunch.", "The stock market fell sharply today."]
    batch = AutoTokenizer.from_pretrained(minilm)(sentences, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = load("AutoModel", minilm)(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    embeddings = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
    meal, lunch, market = embeddings
    assert float(meal @ lunch) > 0.5
    assert float(meal @ market) < 0.2


def test_smollm2_knows_the_capital_of_france(smollm2):
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    model = load("AutoModelForCausalLM", smollm2)
    assert model.dtype == torch.bfloat16
    with torch.inference_mode():
        logits = model.float()(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"


def test_dinov2_sees_the_flower_again_after_it_was_mirrored(dinov2_small, photographs):
    import torch
    from PIL import Image, ImageOps
    from transformers import AutoImageProcessor

    china, flower = (Image.open(path).convert("RGB") for path in (photographs.china, photographs.flower))
    batch = AutoImageProcessor.from_pretrained(dinov2_small)(
        [china, flower, ImageOps.mirror(flower)], return_tensors="pt"
    )
    with torch.inference_mode():
        states = load("AutoModel", dinov2_small)(**batch).last_hidden_state
    assert states.shape == (3, 257, 384)
    assert bool(states.isfinite().all())
    china_token, flower_token, mirrored_token = torch.nn.functional.normalize(states[:, 0], dim=-1)
    assert float(flower_token @ mirrored_token) > 0.9
    assert float(flower_token @ china_token) < 0.7


def test_dinov2_patches_tell_the_flower_from_its_background(dinov2_small, photographs):
    """The dahlia fills the middle of the photograph; the corners are leaves."""
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor

    image = Image.open(photographs.flower).convert("RGB")
    batch = AutoImageProcessor.from_pretrained(dinov2_small)(image, return_tensors="pt")
    with torch.inference_mode():
        patches = load("AutoModel", dinov2_small)(**batch).last_hidden_state[0, 1:].reshape(16, 16, 384)
    patches = torch.nn.functional.normalize(patches, dim=-1)
    middle, beside, corner = patches[8, 8], patches[7, 9], patches[0, 0]
    assert float(middle @ beside) > float(middle @ corner) + 0.2


def test_vit_b16_has_the_size_of_the_published_one(vit_b16):
    model = load("AutoModelForImageClassification", vit_b16)
    assert sum(parameter.numel() for parameter in model.parameters()) == 86_567_656
    assert model.config.num_labels == 1000
    assert 346_000_000 < (vit_b16 / "model.safetensors").stat().st_size < 347_000_000
    assert vit_b16.parts[-2:] == ("google", "vit-base-patch16-224")
