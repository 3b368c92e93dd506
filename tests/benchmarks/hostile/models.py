"""Sound tiny models, and what their configurations, tokenizers and processors may hold instead."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.running import CPU, Input, some
from tests.mutations import as_text, odd, odd_file

MODEL = "./model"
RUN = ("infer", MODEL, *CPU)
WEIGHTS = "model.safetensors"


def builtin_folder() -> Path:
    return Path(str(resources.files("npu_adapt"))) / "assets" / "digits-vit"


class Models:
    """Tiny sound models by name, each written when it is first asked for."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, name: str) -> Path:
        from tests.models.tiny_models import MAKERS

        folder = self.home / name
        if not folder.exists():
            maker = _OTHERS.get(name) or MAKERS[name][0]
            maker(folder)
        return folder


def _t5(folder: Path) -> None:
    import transformers as tf

    from tests.models.tiny_models import WORDS, save, word_tokenizer

    config = tf.T5Config(vocab_size=len(WORDS), d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2)
    save(tf.T5ForConditionalGeneration(config), folder, word_tokenizer)


def _llava(folder: Path) -> None:
    import transformers as tf

    from tests.models.tiny_models import PICTURE, WIDTH, WORDS, image_processor, save, word_tokenizer

    text = tf.LlamaConfig(**WIDTH, num_key_value_heads=1, vocab_size=len(WORDS))
    config = tf.LlavaConfig(
        text_config=text, vision_config=tf.CLIPVisionConfig(**WIDTH, **PICTURE), image_token_index=5
    )
    save(tf.LlavaForConditionalGeneration(config), folder, image_processor("CLIPImageProcessor"), word_tokenizer)


def _no_padding(folder: Path) -> None:
    from tests.models.tiny_models import llama

    llama(folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).exists():
            content = json.loads((folder / name).read_text())
            content.pop("pad_token", None)
            (folder / name).write_text(json.dumps(content))


_OTHERS: dict[str, Callable[[Path], Any]] = {"t5": _t5, "llava": _llava, "no-padding": _no_padding}
BASES = (
    "bert-classes",
    "vit",
    "llama",
    "whisper",
    "clip",
    "bert-mask",
    "yolos",
    "wav2vec2",
    "segformer",
    "t5",
    "llava",
)


def changed(name: str, base: Path, change: Callable[[Path], object], command: tuple[str, ...] = RUN) -> Input:
    def prepare(folder: Path) -> None:
        shutil.copytree(base, folder / "model")
        change(folder / "model")

    return Input(name, command, prepare)


def with_file(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def configurations(models: Models, share: float, chosen: Random) -> Iterator[Input]:
    """Each field of a configuration with odd values; and configurations changed anywhere."""
    for number in some(share, 260):
        base = models(chosen.choice(BASES[:4] if chosen.randrange(3) else BASES))
        content = json.loads((base / "config.json").read_text())
        if chosen.randrange(3):
            content[chosen.choice([*content, *FIELDS])] = odd(chosen)
            data = as_text(content)
        else:
            data = odd_file(as_text(content), chosen)
        more = chosen.choice(((), (), ("--json",), ("--attention", "eager"), ("--dtype", "bfloat16")))
        yield changed(f"configuration {number} of {base.name}", base, with_file("config.json", data), (*RUN, *more))
    for name, fields in NAMED_CONFIGURATIONS.items():
        base = models("bert-classes")
        data = as_text(json.loads((base / "config.json").read_text()) | fields)
        yield changed(f"configuration with {name}", base, with_file("config.json", data))


FIELDS = (
    "architectures",
    "model_type",
    "auto_map",
    "quantization_config",
    "torch_dtype",
    "dtype",
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "attn_implementation",
    "_attn_implementation",
    "tie_word_embeddings",
    "pad_token_id",
    "vocab_size",
    "hidden_act",
    "rope_scaling",
    "rope_parameters",
    "sub_configs",
    "torchscript",
    "pruned_heads",
    "transformers_version",
    "use_cache",
    "return_dict",
    "output_hidden_states",
    "is_decoder",
    "task_specific_params",
    "layer_types",
    "tokenizer_class",
    "_name_or_path",
    "use_bfloat16",
    "chunk_size_feed_forward",
    "backbone",
)
NAMED_CONFIGURATIONS: dict[str, dict[str, Any]] = {
    **{
        f"{name} {value!r}": {name: value}
        for name in ("hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads")
        for value in (0, -1, 10**7, 2**40, "12", 1.5, None, True)
    },
    **{f"activation {value!r}": {"hidden_act": value} for value in ("gelu_fast_new", "", None, 3, ["gelu"], "../x")},
    **{
        f"dtype {value!r}": {"torch_dtype": value}
        for value in ("torch.float16", "fp16", "auto", "half", "float8", 16, None, [], "int8")
    },
    **{
        f"labels {value!r:.20}": {"id2label": value}
        for value in (["a", "b", "c"], [], "abc", {"x": "y"}, {"-1": 1}, {"0": None}, 3)
    },
    **{
        f"quantised by {value!r:.30}": {"quantization_config": value}
        for value in (
            {"quant_method": "gptq", "bits": 4},
            {"quant_method": "awq"},
            {"load_in_4bit": True},
            {"quant_method": "fp8"},
            {"quant_method": "compressed-tensors"},
            {"quant_method": 3},
            {},
            [],
            "gptq",
            None,
            {"quant_method": "x" * 999},
            {"quant_method": "bitsandbytes", "load_in_8bit": True},
        )
    },
    **{
        f"attention {value!r}": {key: value}
        for key in ("attn_implementation", "_attn_implementation")
        for value in (
            "flash_attention_2",
            "flash_attention_3",
            "sdpa",
            "x",
            3,
            {"": "sdpa"},
            "kernels-community/flash-attn",
        )
    },
    **{
        f"architecture {value!r:.30}": {"architectures": value}
        for value in (
            [],
            None,
            "BertModel",
            ["BertModel", 3],
            [None],
            ["../x"],
            ["os.system"],
            ["T5ForConditionalGeneration"],
            ["GPT9"],
            {"a": 1},
        )
    },
    **{
        f"type {value!r:.30}": {"model_type": value}
        for value in ("", None, "gpt9", 3, [], "vit", "whisper", "timm_wrapper", "llava")
    },
}


def processors(models: Models, share: float, chosen: Random) -> Iterator[Input]:
    """What turns inputs into tensors: tokenizers and processors, changed anywhere."""
    for number in some(share, 200):
        base = models(
            chosen.choice(("bert-classes", "vit", "llama", "whisper", "clip", "bert-mask", "wav2vec2", "yolos"))
        )
        files = [path.name for path in base.iterdir() if path.suffix == ".json" and path.name != "config.json"]
        name = chosen.choice(sorted(files))
        data = odd_file((base / name).read_bytes(), chosen)
        yield changed(f"{name} {number} of {base.name}", base, with_file(name, data))
    base = models("bert-classes")
    content = json.loads((base / "tokenizer.json").read_text())
    for name, change in TOKENIZERS.items():
        data = as_text(content | change)
        yield changed(f"tokenizer with {name}", base, with_file("tokenizer.json", data))


TOKENIZERS: dict[str, dict[str, Any]] = {
    "another model": {"model": {"type": "Telepathy"}},
    "a newer version": {"version": "99.0"},
    "words beyond the embedding": {
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 99999, "the": 10**9}, "unk_token": "[UNK]"}
    },
    "negative numbers": {"model": {"type": "WordLevel", "vocab": {"[UNK]": -1}, "unk_token": "[UNK]"}},
    "a bad regular expression": {
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
    },
    "a regular expression without end": {
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": "(a*)*(a*)*(a*)*b"},
            "behavior": "Isolated",
            "invert": False,
        }
    },
    "a look-behind": {"normalizer": {"type": "Replace", "pattern": {"Regex": "(?<=a+)b"}, "content": ""}},
    "an empty pattern": {"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "x"}},
    "a template of tokens that are none": {
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "X", "type_id": 0}}],
            "pair": [],
            "special_tokens": {},
        }
    },
    "a truncation to nothing": {
        "truncation": {"direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 9}
    },
    "a padding of 10^9": {
        "padding": {
            "strategy": {"Fixed": 10**9},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        }
    },
    "a stride of 0": {
        "padding": {
            "strategy": "BatchLongest",
            "direction": "Right",
            "pad_to_multiple_of": 0,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        }
    },
    "an added token of a large number": {
        "added_tokens": [
            {
                "id": 2**32 - 1,
                "content": "x",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ]
    },
}


def sound_models(models: Models, chosen: Random) -> Iterator[Input]:
    """Sound models asked for what they may not do."""
    for name in (*BASES, "no-padding"):
        for command in (
            ("infer", MODEL, *CPU),
            ("bench", MODEL, *CPU, "--iters", "2", "--no-limits", "--batch-size", "1,2"),
            ("compare", MODEL, *CPU, "--fast", "--samples", "2"),
            ("infer", MODEL, *CPU, "--task", "text-generation"),
            ("infer", MODEL, *CPU, "--input", "x.bin", "--attention", "flash_attention_2"),
        ):
            yield changed(f"{name}: {' '.join(command[3:])}", models(name), lambda folder: None, command)
