"""Files beside a model's configuration that nobody looks at until they are wrong: halves of processors and tokenizers,
templates, vocabularies, indexes and shards that disagree, and names that collide."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.models import MODEL, RUN, WEIGHTS, Models, changed, with_file
from tests.benchmarks.hostile.running import CPU, Input

Change = Callable[[Path], object]
GENERATE = ("compare", MODEL, *CPU, "--generate", "2")

PREPROCESSORS: Mapping[str, Mapping[str, Any]] = {
    "a size of wrong names": {"size": {"hight": 32, "wide": 32}},
    "a size of one name": {"size": {"height": 32}},
    "an edge that is none": {"size": {"shortest_edge": 0}},
    "edges that contradict": {"size": {"shortest_edge": 90, "longest_edge": 3}},
    "a size of lists": {"size": [[32, 32], [3]]},
    "a size of millions": {"size": {"height": 10**6, "width": 10**6}},
    "a crop that is larger": {"do_center_crop": True, "crop_size": {"height": 4000, "width": 1}},
    "means of two channels": {"image_mean": [0.5, 0.5], "image_std": [0.5, 0.5]},
    "a deviation of nothing": {"image_std": [0, 0, 0]},
    "a resampling that is none": {"resample": 99},
    "a scale of text": {"rescale_factor": "1/255"},
    "a scale without end": {"rescale_factor": 1e400},
    "a padding of texts": {"do_pad": True, "pad_size": "x"},
    "a data format that is none": {"data_format": "channels_in_the_middle"},
    "a class that is none": {"image_processor_type": "NoSuchImageProcessor"},
    "a class of sounds": {"image_processor_type": "WhisperFeatureExtractor"},
    "two classes": {"image_processor_type": "ViTImageProcessor", "feature_extractor_type": "WhisperFeatureExtractor"},
    "a class of this machine": {"image_processor_type": "os.system"},
    "code elsewhere": {"auto_map": {"AutoImageProcessor": "org/else--code.Processor"}},
    "code that is not there": {"auto_map": {"AutoImageProcessor": "code.Processor"}},
}
EXTRACTORS: Mapping[str, Mapping[str, Any]] = {
    "a rate of nothing": {"sampling_rate": 0},
    "a rate of text": {"sampling_rate": "16 kHz"},
    "a rate of another": {"sampling_rate": 44100},
    "chunks of years": {"chunk_length": 10**9, "n_samples": 10**13, "nb_max_frames": 10**11},
    "a hop of nothing": {"hop_length": 0},
    "filters of nothing": {"feature_size": 0, "n_fft": 0},
    "a padding that is none": {"padding_side": "middle", "padding_value": "x"},
}
NESTED: Mapping[str, Any] = {
    "a list": [],
    "a class that is none": {"processor_class": "NoSuchProcessor"},
    "a class of another": {"processor_class": "WhisperProcessor"},
    "a class of numbers": {"processor_class": 7},
    "parts of texts": {"processor_class": "CLIPProcessor", "image_processor": "x", "tokenizer": "y"},
    "parts of parts": {"processor_class": "CLIPProcessor", "image_processor": {"image_processor": {"size": 3}}},
    "a size of wrong names": {"image_processor": {"size": {"h": 1}, "image_processor_type": "CLIPImageProcessor"}},
    "code": {"auto_map": {"AutoProcessor": "x.Y"}},
    "a template of a list": {"chat_template": [1]},
}


def _tokens(contents: Any) -> Change:
    return with_file("added_tokens.json", json.dumps(contents).encode())


def _classic(vocabulary: bytes, **more: bytes) -> Change:
    """A tokenizer of the older files: no tokenizer.json."""

    def change(folder: Path) -> None:
        (folder / "tokenizer.json").unlink()
        path = folder / "tokenizer_config.json"
        content = json.loads(path.read_text()) | {"tokenizer_class": "GPT2Tokenizer" if more else "BertTokenizer"}
        path.write_text(json.dumps(content))
        (folder / ("vocab.json" if more else "vocab.txt")).write_bytes(vocabulary)
        for name, data in more.items():
            (folder / f"{name}.txt").write_bytes(data)

    return change


WORDS = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n"
LETTERS = json.dumps({"t": 0, "h": 1, "e": 2, "th": 3, "<|endoftext|>": 4}).encode()
TOKENIZERS: Mapping[str, Change] = {
    "tokens that collide": _tokens({"[CLS]": 0, "[SEP]": 0, "the": 0}),
    "tokens of negative numbers": _tokens({"x": -1}),
    "tokens of texts": _tokens({"x": "y"}),
    "tokens in a list": _tokens(["x", "y"]),
    "tokens far beyond": _tokens({"x": 2**40}),
    "tokens of nothing": _tokens({"": 3}),
    "words with carriage returns": _classic(WORDS.replace("\n", "\r\n").encode()),
    "words after a byte order mark": _classic(b"\xef\xbb\xbf" + WORDS.encode()),
    "words in GBK": _classic((WORDS + "今天\n").encode("gb18030")),
    "words twice": _classic((WORDS * 3).encode()),
    "no words": _classic(b""),
    "words without the special ones": _classic(b"a\nb\n"),
    "one word of a megabyte": _classic(b"x" * 1_000_000),
    "words of UTF-16": _classic(WORDS.encode("utf-16")),
    "merges of one": _classic(LETTERS, merges=b"#version: 0.2\nt\n"),
    "merges of three": _classic(LETTERS, merges=b"#version: 0.2\nt h e\n"),
    "merges of what is not there": _classic(LETTERS, merges=b"#version: 0.2\nq z\n"),
    "merges of no UTF-8": _classic(LETTERS, merges=b"#version: 0.2\n\xff \xfe\n"),
    "no merges": _classic(LETTERS, merges=b""),
    "merges that repeat": _classic(LETTERS, merges=b"#version: 0.2\n" + b"t h\n" * 50_000),
    "a vocabulary of a list": _classic(b'["t", "h"]', merges=b"#version: 0.2\nt h\n"),
    "a template as a folder": lambda folder: (folder / "chat_template.jinja").mkdir(),
    "a template of bytes": with_file("chat_template.jinja", bytes(range(256))),
    "a template of Jinja that is none": with_file("chat_template.jinja", b"{% for %}"),
    "a template that reads files": with_file("chat_template.jinja", b"{% include '/etc/passwd' %}"),
    "templates as a file": with_file("additional_chat_templates", b"x"),
    "special tokens of a list": with_file("special_tokens_map.json", b'["[CLS]"]'),
    "special tokens of numbers": with_file("special_tokens_map.json", b'{"cls_token": 7, "pad_token": null}'),
    "special tokens that are long": with_file("special_tokens_map.json", b'{"cls_token": "' + b"x" * 300_000 + b'"}'),
    "a sentencepiece that is none": with_file("spiece.model", b"\x0a\x03abc"),
    "a tokenizer.model that is none": with_file("tokenizer.model", bytes(64)),
}


def companions(models: Models, chosen: Random) -> Iterator[Input]:
    """Processors, tokenizers and templates, wrong in ways that parsers let through."""
    for base, contents in (("vit", PREPROCESSORS), ("whisper", EXTRACTORS)):
        for name, fields in contents.items():
            yield changed(
                f"preprocessor of {base} with {name}", models(base), _edited("preprocessor_config.json", fields)
            )
    for name, content in NESTED.items():
        data = json.dumps(content).encode()
        for base in ("clip", "vit"):
            yield changed(f"processor of {base} of {name}", models(base), with_file("processor_config.json", data))
    for name, change in TOKENIZERS.items():
        command = GENERATE if "template" in name else RUN
        base = models("llama" if "template" in name or "merges" in name else "bert-classes")
        yield changed(f"tokenizer with {name}", base, change, command)
    for name, generation in GENERATION_FILES.items():
        yield changed(
            f"generation of {name}", models("llama"), with_file("generation_config.json", generation), GENERATE
        )


GENERATION_FILES: Mapping[str, bytes] = {
    "a list": b"[]",
    "a text": b'"greedy"',
    "nothing": b"",
    "depth": b'{"a":' * 500 + b"1" + b"}" * 500,
    "another version": b'{"transformers_version": "99.0.0", "new_thing": {"a": 1}}',
    "watermarks": b'{"watermarking_config": {"x": 1}}',
    "a compile": b'{"compile_config": {"fullgraph": "x"}, "cache_implementation": "static"}',
    "everything": b'{"num_beams": 4, "do_sample": true, "penalty_alpha": 0.6, "top_k": 4, "num_return_sequences": 9}',
    "tokens of depth": b'{"eos_token_id": [[[1]]], "bad_words_ids": [[]], "force_words_ids": []}',
    "code": b'{"custom_generate": "org/name", "trust_remote_code": true}',
}


def _edited(name: str, fields: Mapping[str, Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | dict(fields)))

    return change


def _tensors(folder: Path) -> tuple[dict[str, Any], bytes]:
    data = (folder / WEIGHTS).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _write(path: Path, header: bytes, data: bytes) -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def _headed(alter: Callable[[dict[str, Any]], object]) -> Change:
    """The weights with another header over the same bytes."""

    def change(folder: Path) -> None:
        header, data = _tensors(folder)
        alter(header)
        _write(folder / WEIGHTS, json.dumps(header).encode(), data)

    return change


def _first(header: dict[str, Any]) -> dict[str, Any]:
    return header[next(name for name in header if name != "__metadata__")]  # type: ignore[no-any-return]


def _overlapping(header: dict[str, Any]) -> None:
    names = [name for name in header if name != "__metadata__"]
    for one, other in pairwise(names):
        if header[one]["shape"] == header[other]["shape"] and one != other:
            header[other]["data_offsets"] = header[one]["data_offsets"]
            return


def _padded(size: int) -> Change:
    def change(folder: Path) -> None:
        header, data = _tensors(folder)
        _write(folder / WEIGHTS, json.dumps(header).encode() + b" " * size, data)

    return change


def _doubled(folder: Path) -> None:
    """A name twice in one header."""
    header, data = _tensors(folder)
    text = json.dumps(header)
    name = next(name for name in header if name != "__metadata__")
    _write(folder / WEIGHTS, f"{text[:-1]}, {json.dumps(name)}: {json.dumps(header[name])}}}".encode(), data)


def _sharded(shards: Mapping[str, Change], weight_map: Callable[[list[str]], Mapping[str, Any]]) -> Change:
    """An index over the names of the tensors; `shards` are made from the one file, which goes."""

    def change(folder: Path) -> None:
        header, _ = _tensors(folder)
        names = [name for name in header if name != "__metadata__"]
        (folder / WEIGHTS).rename(folder / "whole")
        for name, make in shards.items():
            make(folder / name)
        index = {"metadata": {"total_size": 1}, "weight_map": dict(weight_map(names))}
        (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))

    return change


def _whole(path: Path) -> None:
    os.link(path.parent / "whole", path)


def _linked_absolutely(path: Path) -> None:
    path.symlink_to(path.parent / "whole")


def _linked_out(path: Path) -> None:
    outside = path.parent.parent / "outside.safetensors"
    outside.write_bytes((path.parent / "whole").read_bytes())
    path.symlink_to(outside)


def _sparse(path: Path) -> None:
    """A header that fits a terabyte of nothing."""
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]}}).encode()
    _write(path, header, b"")
    with path.open("r+b") as file:
        file.truncate(8 + len(header) + 2**40)


A, B = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SHARDS: Mapping[str, Change] = {
    "in this folder, absolutely": lambda folder: _sharded(
        {A: _whole}, lambda names: dict.fromkeys(names, str(folder / A))
    )(folder),
    "above this folder": _sharded({A: _whole}, lambda names: dict.fromkeys(names, f"../model/{A}")),
    "of this folder's other name": _sharded({A: _whole}, lambda names: dict.fromkeys(names, f"./{A}")),
    "with a backslash": _sharded({A: _whole}, lambda names: dict.fromkeys(names, f".\\{A}")),
    "one of no bytes": _sharded(
        {A: _whole, B: Path.touch}, lambda names: {name: B if n == 0 else A for n, name in enumerate(names)}
    ),
    "both whole": _sharded({A: _whole, B: _whole}, lambda names: dict.fromkeys(names, A)),
    "both whole and both named": _sharded(
        {A: _whole, B: _whole}, lambda names: {name: (A, B)[n % 2] for n, name in enumerate(names)}
    ),
    "of another case": _sharded({A.upper(): _whole}, lambda names: dict.fromkeys(names, A)),
    "linked absolutely": _sharded({A: _linked_absolutely}, lambda names: dict.fromkeys(names, A)),
    "linked out of the folder": _sharded({A: _linked_out}, lambda names: dict.fromkeys(names, A)),
    "one of a sparse terabyte": _sharded({A: _whole, B: _sparse}, lambda names: dict.fromkeys(names, A) | {"x": B}),
    "tensors that nobody has": _sharded({A: _whole}, lambda names: dict.fromkeys([*names, "nobody.weight"], A)),
    "no tensors": _sharded({A: _whole}, lambda names: {}),
    "half the tensors": _sharded({A: _whole}, lambda names: dict.fromkeys(names[::2], A)),
    "the index itself": _sharded({A: _whole}, lambda names: dict.fromkeys(names, f"{WEIGHTS}.index.json")),
    "the configuration": _sharded({A: _whole}, lambda names: dict.fromkeys(names, "config.json")),
}
HEADERS: Mapping[str, Change] = {
    "offsets that overlap": _headed(_overlapping),
    "offsets backwards": _headed(lambda header: _first(header)["data_offsets"].reverse()),
    "offsets of three": _headed(lambda header: _first(header)["data_offsets"].append(9)),
    "offsets of fractions": _headed(lambda header: _first(header).update(data_offsets=[0.5, 4.5])),
    "a shape of zeros": _headed(lambda header: _first(header).update(shape=[0, 0])),
    "a shape that overflows": _headed(lambda header: _first(header).update(shape=[2**32, 2**32, 2**32])),
    "a shape of 70 dimensions": _headed(lambda header: _first(header).update(shape=[1] * 70)),
    "a type of lower case": _headed(lambda header: _first(header).update(dtype="f32")),
    "metadata of numbers": _headed(lambda header: header.update(__metadata__={"format": 3})),
    "metadata of another format": _headed(lambda header: header.update(__metadata__={"format": "tf"})),
    "metadata of a megabyte": _headed(lambda header: header.update(__metadata__={"x": "y" * 1_000_000})),
    "a name of nothing": _headed(lambda header: header.update({"": header.pop(next(iter(header)))})),
    "a name twice": _doubled,
    "100 MB of spaces": _padded(99_000_000),
    "more spaces than are allowed": _padded(110_000_000),
    "a sparse terabyte": lambda folder: _sparse(folder / WEIGHTS),
    "a hard link": lambda folder: os.link(folder / WEIGHTS, folder / "again.safetensors"),
    "a copy of another case": lambda folder: os.link(folder / WEIGHTS, folder / "Model.safetensors"),
    "a time to come": lambda folder: os.utime(folder / WEIGHTS, (2**33, 2**33)),
    "a time before time": lambda folder: os.utime(folder / WEIGHTS, (-(2**31), -(2**31))),
    "both formats": lambda folder: (folder / "pytorch_model.bin").write_bytes(b"x"),
    "an index of the other format": lambda folder: (folder / "pytorch_model.bin.index.json").write_text("{}"),
    "a configuration of another case": lambda folder: (folder / "Config.json").write_text("[]"),
    "an adapter of PEFT": lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}'),
    "a module of sentences": lambda folder: (folder / "modules.json").write_text('[{"path": "../..", "type": 3}]'),
    "a pipeline of diffusers": lambda folder: (folder / "model_index.json").write_text('{"_class_name": 3}'),
    "a preprocessor of sounds": lambda folder: (folder / "preprocessor_config.json").write_text("[1]"),
}


def shards(models: Models, chosen: Random) -> Iterator[Input]:
    """Headers, shards and neighbours of weights, each a file that could be."""
    base = models("bert-classes")
    for name, change in HEADERS.items():
        yield changed(f"weights with {name}", base, change)
        if "spaces" not in name:
            verify = ("fetch", MODEL, "--quiet")
            yield changed(f"registering weights with {name}", base, change, verify)
    for name, change in SHARDS.items():
        yield changed(f"shards {name}", base, change)
        yield changed(f"comparing shards {name}", base, change, ("compare", MODEL, *CPU, "--fast"))
