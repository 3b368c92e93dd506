"""Language models with their prompts, and what no device changes: texts of the reference, truths, floors."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

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
from npu_adapt.workflows.generate.text import reference_text
from npu_adapt.workflows.generate.writing import Written, along
from npu_adapt.workflows.models.fetch import fetch
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.request import RunRequest
from tests.benchmarks.generation_faults import Decoding
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


@dataclass(frozen=True)
class Subject:
    """One model in one type."""

    name: str
    folder: Callable[[Path], Path]
    dtype: str
    tokens: int


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


def tiny(folder: Path) -> Path:
    """A tiny model of random weights that writes on: its end token is one that it does not like."""
    torch.manual_seed(1)
    made = tiny_models.llama(folder)
    (made / "generation_config.json").write_text(json.dumps({"eos_token_id": 1, "pad_token_id": 0}))
    return made


SUBJECTS: tuple[Subject, ...] = (
    Subject("tiny llama, float32", tiny, "float32", 24),
    Subject("tiny llama, bfloat16", tiny, "bfloat16", 24),
    Subject("tiny llama, float16", tiny, "float16", 24),
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

    @classmethod
    def of(cls, subject: Subject, numbers: range) -> Case:
        """The subject with these of the prompts, which it counts from 0."""
        with tempfile.TemporaryDirectory() as folder:
            path = subject.folder(Path(folder) / "model")
            loaded = load_model(
                fetch(ModelRequest(model=str(path), offline=True), Silent()),
                task=None,
                dtype=subject.dtype,
                attention="auto",
                trust_remote_code=False,
                allow_pickle=False,
                progress=Silent(),
            )
            config = own_configuration(loaded.module, path)
        request = RunRequest(command="compare", command_line="", inputs=tuple(PROMPTS[number] for number in numbers))
        samples = loaded.task.prepare(loaded, request.inputs, 1, 0)
        made, _ = prompts(loaded, samples, request)
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
