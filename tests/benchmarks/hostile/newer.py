"""Odd values of what came later: modes, generation, bundles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.files import NO_FILES, file_limit
from tests.benchmarks.hostile.machines import bound_by_modes
from tests.benchmarks.hostile.models import MODEL, Models, changed, with_file
from tests.benchmarks.hostile.options import NUMBERS, TEXTS
from tests.benchmarks.hostile.running import BUILTIN, CPU, Input, some
from tests.mutations import as_text, odd, odd_file

TEMPLATES: dict[str, Any] = {
    "nothing": "",
    "a number": 3,
    "a list": ["x"],
    "no Jinja": "{% x %}",
    "a block without end": "{% if x %}",
    "a variable that is none": "{{ a.b.c }}",
    "an error": "{{ raise_exception('no') }}",
    "an error without words": "{{ raise_exception('') }}",
    "a division": "{{ 1 / 0 }}",
    "a loop without end": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a text without end": "{{ 'x' * 100000000 }}",
    "what is not allowed": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "depth": "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
    "markup": "[bold]\x1b[31m{{ messages[0].content }}",
    "half a character": "\ud800",
    "names": [{"name": "x", "template": "y"}, {"name": "default", "template": 3}],
}
GENERATIONS: dict[str, Any] = {
    "temperature": ("hot", -1, 0, float("nan"), None, 1e308),
    "top_p": (-1, 2, "x", None),
    "top_k": (-1, 0, 2**40, "x"),
    "num_beams": (0, -1, 3, 10**6, "x"),
    "max_length": (0, -5, "x", 1),
    "max_new_tokens": (0, -1, 10**9, "x"),
    "do_sample": ("x", True, None),
    "eos_token_id": (-1, 10**9, "x", [], [[]], None, [1, "x"]),
    "pad_token_id": (-1, 10**9, "x", []),
    "bos_token_id": (-1, 10**9, "x"),
    "repetition_penalty": (0, -1, "x", float("nan")),
    "suppress_tokens": ([10**9], "x", [[1]], [-5]),
    "forced_bos_token_id": (10**9, "x"),
    "cache_implementation": ("static", "quantized", "x", 3),
    "stop_strings": ("x", ["", 3]),
    "constraints": ([1], "x"),
    "assistant_model": ("x",),
    "unknown": ({"a": [1]},),
}


def newer(models: Models, saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    """Modes, generation and bundles, given what they do not expect."""
    yield from _modes(models)
    yield from _generation(models, share, chosen)
    yield from _bundles(saved, chosen)


def _modes(models: Models) -> Iterator[Input]:
    for value in (*TEXTS, "eager", "eager,eager", "compile,", "graph", "eager,graph,x", "EAGER"):
        yield Input(f"compare --mode {value!r:.30}", ("compare", BUILTIN, *CPU, "--mode", value))
    for broken in (
        {"CC": "/no/such", "CXX": "/no/such"},
        {"CXX": "/bin/false"},
        {"TORCHINDUCTOR_CACHE_DIR": "/proc/x"},
        {"TMPDIR": "/no/such"},
        {"PATH": "/no/such"},
    ):
        yield Input(
            f"compare --mode compile with {broken}",
            ("compare", BUILTIN, *CPU, "--mode", "compile"),
            environment=broken,
        )
    for name in ("llama", "whisper", "t5"):
        yield changed(
            f"{name} in a graph",
            models(name),
            lambda folder: None,
            ("compare", MODEL, *CPU, "--mode", "graph"),
        )


def _generation(models: Models, share: float, chosen: Random) -> Iterator[Input]:
    generate = ("compare", MODEL, *CPU, "--generate")
    llama = models("llama")
    for value in NUMBERS:
        yield changed(f"--generate {value!r:.30}", llama, lambda folder: None, (*generate, value))
    for name in ("vit", "bert-classes", "whisper", "clip", "t5", "llava", "no-padding", "bert-mask", "segformer"):
        yield changed(f"--generate of {name}", models(name), lambda folder: None, (*generate, "2"))
    for name, template in TEMPLATES.items():
        yield changed(f"a template of {name}", llama, _template(template), (*generate, "2"))
    for key, values in GENERATIONS.items():
        for value in values:
            data = as_text({"eos_token_id": 2, key: value})
            yield changed(
                f"generation with {key} {value!r:.20}",
                llama,
                with_file("generation_config.json", data),
                (*generate, "2"),
            )
    for number in some(share, 15):
        data = odd_file(as_text({"eos_token_id": 2, "temperature": 0.7, "top_p": odd(chosen), "x": [1]}), chosen)
        yield changed(f"generation {number}", llama, with_file("generation_config.json", data), (*generate, "2"))
    for text in (" ", "x", "\ud800", "\x00", "字" * 3000, "a" * 50_000, "[bold]", "/dev/zero", "."):
        yield changed(f"--generate from {text!r:.20}", llama, lambda folder: None, (*generate, "2", "--input", text))
    for options in (
        ("--batch-size", "0"),
        ("--mode", "compile"),
        ("--samples", "3"),
        ("--rehearse", "hf32"),
        ("--rejudge", "x"),
    ):
        yield changed(f"--generate with {options}", llama, lambda folder: None, (*generate, "2", *options))


def _template(template: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "tokenizer_config.json"
        path.write_bytes(as_text(json.loads(path.read_text()) | {"chat_template": template}))

    return change


def _bundles(saved: Path, chosen: Random) -> Iterator[Input]:
    logs = {"NPU_ADAPT_LOGS": str(saved / "logs")}
    for value in (*TEXTS, "/proc/x", "/dev/null", "/dev/null/x", "logs", "a/b/c"):
        yield Input(f"--bundle {value!r:.30}", ("report", "--bundle", value), environment=logs)
    for layout in TEXTS:
        yield Input(f"--layout {layout!r:.30}", ("report", "--bundle", "b", "--layout", layout), environment=logs)
    for kind, make in NO_FILES.items():
        yield Input(
            f"--bundle where {kind} is", ("report", "--bundle", "b"), lambda folder, make=make: make(folder / "b"), logs
        )
    for size in (0, 100, 1000, 5000, 20_000):
        yield Input(
            f"a bundle of files of at most {size} bytes",
            ("report", "--bundle", "b"),
            before=file_limit(size),
            environment=logs,
        )
    for gone in ("run_npu.log", "history", "accuracy_compare.log"):
        for kind in ("a folder", "a named pipe", "/dev/zero", "a link to itself", "of mode 0"):

            def prepare(folder: Path, gone: str = gone, kind: str = kind) -> None:
                shutil.copytree(saved / "logs", folder / "logs", ignore=shutil.ignore_patterns("sweeps"))
                path = folder / "logs" / gone
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                NO_FILES[kind](path)

            yield Input(f"a bundle where {gone} is {kind}", ("report", "--bundle", "b"), prepare)
    for number in range(20):
        seed = chosen.randrange(2**32)

        def change(folder: Path, seed: int = seed) -> None:
            shutil.copytree(saved / "logs", folder / "logs", ignore=shutil.ignore_patterns("sweeps"))
            path = folder / "logs/summary.json"
            path.write_bytes(_renamed(path.read_bytes(), Random(seed)))

        layout = chosen.choice(("contest", "modelzoo"))
        yield Input(f"a bundle of another model {number}", ("report", "--bundle", "b", "--layout", layout), change)

    def locked(folder: Path) -> None:
        folder.chmod(0o555)

    yield Input(
        "a bundle in a locked folder", ("report", "--bundle", "b"), locked, before=bound_by_modes, environment=logs
    )
    yield Input(
        "a bundle twice",
        (),
        lambda folder: (folder / "b").mkdir(),
        logs,
        shell="$NPU report --bundle b && $NPU report --bundle b",
    )


def _renamed(data: bytes, chosen: Random) -> bytes:
    """A summary of a model whose names and inputs are odd, and that is otherwise as it was."""
    content = json.loads(data)
    names = (
        "../../x",
        "[bold]",
        "a\nb",
        "\x1b[31m",
        '"; import os; os.system("x") #',
        "模型",
        "{x}",
        "'" * 9,
        "x" * 3000,
        "",
        "%s",
        "a/b/c",
        "\\",
    )
    content["model"] |= {
        "id": chosen.choice(names),
        "source": chosen.choice((content["model"]["source"], "directory", "huggingface", "modelscope")),
    }
    content["weights"]["path"] = chosen.choice(names)
    if chosen.randrange(2):
        content["run"]["command_line"] = chosen.choice(names)
    return as_text(content)
