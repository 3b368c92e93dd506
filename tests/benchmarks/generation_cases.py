"""Models that write, with their prompts, and what no device changes: texts of the reference, truths, floors."""

from __future__ import annotations

import json
import math
import tempfile
import wave
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.models.loading import load_model
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.progress import SILENT_STEP, Silent
from npu_adapt.workflows.generate.floors import TextFloor, floor_of_text
from npu_adapt.workflows.generate.prompts import Prompt, prompts
from npu_adapt.workflows.generate.settings import Settings, greedy_settings, own_configuration
from npu_adapt.workflows.generate.text import given, reference_text
from npu_adapt.workflows.generate.writing import Written, along
from npu_adapt.workflows.models.fetch import fetch
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.request import RunRequest
from tests.benchmarks.generation_faults import Decoding
from tests.benchmarks.generation_kinds import KINDS
from tests.benchmarks.generation_prompts import PROMPTS
from tests.benchmarks.verdict_devices import Form, SoftDevice
from tests.models import tiny_models
from tests.real_models import store

# As its authors published them; the package that carries the weights leaves them out.
SMOLLM2_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM2_GENERATION = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "do_sample": True, "temperature": 0.2}


def asked(folder: Path, number: int) -> str:
    return PROMPTS[number]


def known(folder: Path, number: int) -> str:
    """Of words that the tiny models' tokenizer knows: an encoder has to tell its positions apart."""
    return " ".join(Random(number).sample(tiny_models.TEXT.split(), 5 + number % 9))


def heard(folder: Path, number: int) -> str:
    """The file of a second of four tones, each of its own."""
    rng, rate = Random(number), 16000
    times = torch.arange(rate // 4) * (2 * math.pi / rate)
    tones = torch.cat([(times * rng.uniform(100, 4000)).sin() for _ in range(4)])
    file = folder / f"sound{number}.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((tones * 20000).to(torch.int16).numpy().tobytes())
    return str(file)


def seen(folder: Path, number: int) -> str:
    """The file of a picture of large blocks of colour."""
    file = folder / f"picture{number}.png"
    colours = torch.randint(256, (4, 4, 3), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
    Image.fromarray(colours.numpy()).resize((32, 32), Image.Resampling.NEAREST).save(file)
    return str(file)


@dataclass(frozen=True)
class Subject:
    """One model in one type."""

    name: str
    folder: Callable[[Path], Path]
    dtype: str
    tokens: int
    prompt: Callable[[Path, int], str] = asked  # the one of a number; a file of it goes into the folder
    attention: str = "auto"


def smollm2(folder: Path) -> Path:
    """The real model, with its chat template: links to the stored files beside two that are written here."""
    source = store.model("smollm2")
    folder.mkdir(parents=True)
    for file in source.iterdir():
        if file.name != "tokenizer_config.json":
            (folder / file.name).symlink_to(file)
    tokenizer = json.loads((source / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "chat_template": SMOLLM2_TEMPLATE}))
    (folder / "generation_config.json").write_text(json.dumps(SMOLLM2_GENERATION))
    return folder


def tiny(make: Callable[[Path], Path], settings: Mapping[str, int], folder: Path) -> Path:
    """A tiny model of random weights that writes on: its end token is one that it does not like."""
    torch.manual_seed(1)
    made = make(folder)
    file = made / "generation_config.json"
    own = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**own, "eos_token_id": 1, "pad_token_id": 0, **settings}))
    return made


NO_REPEATS = {"no_repeat_ngram_size": 2}  # as BART's own checkpoints say: else it is one token without end
llama = partial(tiny, tiny_models.llama, {})
bart, t5, marian, whisper, trocr = (
    partial(tiny, getattr(tiny_models, name), NO_REPEATS) for name in ("bart", "t5", "marian", "whisper", "trocr")
)


SUBJECTS: tuple[Subject, ...] = (
    Subject("tiny llama, float32", llama, "float32", 24),
    Subject("tiny llama, bfloat16", llama, "bfloat16", 24),
    Subject("tiny llama, float16", llama, "float16", 24),
    Subject("tiny BART, float32", bart, "float32", 24, known),
    Subject("tiny BART, bfloat16", bart, "bfloat16", 24, known),
    Subject("tiny T5, float32", t5, "float32", 24, known, "eager"),
    Subject("tiny T5, bfloat16", t5, "bfloat16", 24, known, "eager"),
    Subject("tiny Marian, bfloat16", marian, "bfloat16", 24, known),
    Subject("tiny TrOCR, bfloat16", trocr, "bfloat16", 24, seen),
    Subject("tiny Whisper, float32", whisper, "float32", 12, heard),
    Subject("tiny Whisper, bfloat16", whisper, "bfloat16", 12, heard),
    Subject("SmolLM2-135M-Instruct, bfloat16", smollm2, "bfloat16", 12),
)


@dataclass
class Case:
    """A loaded subject, and its texts as the reference writes them."""

    subject: Subject
    loaded: LoadedModel
    settings: Settings
    prompts: tuple[Prompt, ...]
    reference: Side
    _texts: dict[int, Written] = field(default_factory=dict)
    _floors: dict[tuple[int, ArithmeticByClass], TextFloor] = field(default_factory=dict)
    _calls: dict[int, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, numbers: range) -> Case:
        """The subject with these of the prompts, which it counts from 0."""
        with tempfile.TemporaryDirectory() as folder:
            path = subject.folder(Path(folder) / "model")
            loaded = load_model(
                fetch(ModelRequest(model=str(path), offline=True), Silent()),
                task=None,
                dtype=subject.dtype,
                attention=subject.attention,
                trust_remote_code=False,
                allow_pickle=False,
                progress=Silent(),
            )
            config = own_configuration(loaded.module, path)
            inputs = tuple(subject.prompt(Path(folder), number) for number in numbers)
            request = RunRequest(command="compare", command_line="", inputs=inputs)
            made, _ = prompts(loaded, loaded.task.prepare(loaded, request.inputs, 1, 0), request)
        settings = greedy_settings(config, subject.tokens, loaded.processor.tokenizer.pad_token_id)
        cpu = open_device("cpu", allow_cpu=True).device
        module = copy_to(loaded.module, torch.device("cpu"), torch.float32)
        for each in (module, loaded.module):
            each.generation_config = settings.config
        return cls(subject, loaded, settings, made, Side(module, cpu, torch.float32, loaded.task))

    def device(self, context: Callable[[], AbstractContextManager[Any]] = nullcontext) -> Side:
        """The model in its own type on a device."""
        return Side(self.loaded.module, self.reference.device, self.loaded.dtype, self.loaded.task, context)

    def forget(self) -> None:
        """Drops texts and floors: those of two hundred prompts fill 10 GB."""
        self._texts.clear()
        self._floors.clear()
        self._calls.clear()

    def text(self, number: int) -> Written:
        """What the reference writes after a prompt."""
        if number not in self._texts:
            self._texts[number] = reference_text(self.reference, self.prompts[number])
        return self._texts[number]

    def floor(self, number: int, arithmetic: ArithmeticByClass) -> TextFloor:
        """The noise floor of that text in an arithmetic."""
        key = number, arithmetic  # several have one name: operands that are rounded, and those that are cut off
        if key not in self._floors:
            written = self.text(number)
            sample = along(self.prompts[number].sample, written)
            self._floors[key] = floor_of_text(self.loaded, sample, written.logits, arithmetic, SILENT_STEP)
        return self._floors[key]

    def calls(self, number: int) -> Mapping[str, int]:
        """How many calls of a step each kind of fault may befall while that text is written, by the kind's name."""
        if number not in self._calls:
            watching = [Decoding(kind, self.loaded.module) for kind in KINDS]

            @contextmanager
            def context() -> Any:
                with ExitStack() as stack:
                    for each in watching:
                        stack.enter_context(each)
                    yield

            given(self.device(context), along(self.prompts[number].sample, self.text(number)))
            self._calls[number] = {each.kind.name: each.calls for each in watching}
        return self._calls[number]


def device_of(form: Form, fault: Decoding | None = None) -> Callable[[], AbstractContextManager[Any]]:
    """A context of the form's device, with a fault of it."""

    @contextmanager
    def context() -> Any:
        with ExitStack() as stack:
            stack.enter_context(SoftDevice(form).forward())
            if fault is not None:
                stack.enter_context(fault)
            yield

    return context
