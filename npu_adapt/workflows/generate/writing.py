"""How a side writes: freely, along given tokens through its cache, or reading everything at once without one.

All three are forwards of a row of the task table, so that what measures floors and compares operators takes them as it
takes any model's forward.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import RunFailed
from npu_adapt.models.tasks import Outputs, Sample, Task
from npu_adapt.workflows.generate.settings import end_tokens
from npu_adapt.workflows.run.forward import Side

LOGITS = "generated_logits"  # with the cache, as deployed
WITHOUT_CACHE = "generated_logits_without_cache"
TOKENS = "written_tokens"  # an input of ours: the tokens to write, [1, positions]
START = "decoder_start"  # an input of ours: what a decoder begins with, [1, tokens]; a causal model's is its prompt
SCORES = "scores"


@dataclass(frozen=True)
class Written:
    """What one side wrote after one prompt, on the CPU."""

    start: Tensor  # [1, tokens] what the decoder began with
    tokens: Tensor  # [1, positions]
    logits: Tensor  # [positions, vocabulary], float32; empty with beams
    scores: Tensor  # likewise, as the tokens were chosen from


class Steps:
    """A logits processor, the last one: keeps the first row's scores, and with `tokens` makes these the only choice."""

    def __init__(self, tokens: Tensor | None = None) -> None:
        self._tokens = tokens
        self.scores: list[Tensor] = []
        self.start = 0  # how many tokens the decoder began with

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if not self.scores:
            self.start = input_ids.shape[1]
        self.scores.append(scores[0].to("cpu", copy=True))
        if self._tokens is None:
            return scores
        forced = torch.full_like(scores, -torch.inf)
        forced[:, self._tokens[0, len(self.scores) - 1]] = 0.0
        return forced


def writing_freely(task: Task) -> Task:
    """The task whose forward writes as the module's generation configuration says."""
    return dataclasses.replace(task, forward=_freely)


def writing_along(task: Task, steps: Callable[[Tensor], Steps] = Steps) -> Task:
    """The task whose forward writes the sample's `TOKENS`, through the cache, whatever the scores are.

    `steps` makes what forces the tokens on it, for one who counts them.
    """
    return dataclasses.replace(task, forward=partial(_along, steps))


def reading_at_once(task: Task) -> Task:
    """The task whose forward reads prompt and `TOKENS` in one go, without a cache."""
    return dataclasses.replace(task, forward=_at_once)


def along(sample: Sample, written: Written) -> Sample:
    """The sample with the tokens that are to be written after it."""
    return dataclasses.replace(sample, tensors={**sample.tensors, TOKENS: written.tokens, START: written.start})


def write(side: Side, sample: Sample) -> Written:
    """What the side writes by itself. Raises `RunFailed` for whatever the model's own code raises."""
    free = dataclasses.replace(side, task=writing_freely(side.task))
    found = {name: tensor.cpu() for name, tensor in free.call(free.tensors(sample)).items()}
    start, tokens = found[START], found[TOKENS]
    if not tokens.numel():
        raise RunFailed("the model wrote no token", hint="give another --input", stage="generate", kind="no-output")
    return Written(start, tokens, found[LOGITS], found[SCORES])


def _freely(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    steps = Steps()
    result = _generate(module, tensors, steps)
    tokens = _until_the_end(result.sequences[:1, steps.start :], end_tokens(module.generation_config))
    if result.sequences.shape[0] and tokens.shape[1] == len(steps.scores) == len(result.logits):
        logits = torch.stack([step[0] for step in result.logits])
        scores = torch.stack(steps.scores)
    else:  # of beams, whose steps are not those of one text
        logits = scores = torch.empty(0)
    return {START: result.sequences[:1, : steps.start], TOKENS: tokens, LOGITS: logits.float(), SCORES: scores}


def _along(made: Callable[[Tensor], Steps], module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    inputs = {name: tensor for name, tensor in tensors.items() if name not in (TOKENS, START)}
    steps = made(tensors[TOKENS])
    result = _generate(module, inputs, steps, num_beams=1, max_new_tokens=tensors[TOKENS].shape[1])
    return {LOGITS: torch.stack([step[0] for step in result.logits]).float(), SCORES: torch.stack(steps.scores)}


def _generate(module: Any, inputs: Mapping[str, Tensor], steps: Steps, **changed: int) -> Any:
    from transformers import LogitsProcessorList

    return module.generate(**inputs, logits_processor=LogitsProcessorList([steps]), **changed)


def _until_the_end(tokens: Tensor, ends: frozenset[int]) -> Tensor:
    """`tokens` [1, n] up to its first end token, that one included: what follows is padding."""
    places = [place for place, token in enumerate(tokens[0].tolist()) if token in ends]
    return tokens[:, : places[0] + 1] if places else tokens


def _at_once(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    inputs = {name: tensor for name, tensor in tensors.items() if name not in (TOKENS, START)}
    start, tokens = tensors[START], tensors[TOKENS]
    read = torch.cat([start, tokens[:, :-1]], dim=1)
    config: Any = module.config
    if getattr(config, "is_encoder_decoder", False):
        result = module(**inputs, decoder_input_ids=read, use_cache=False)
    else:
        prompt = inputs.get("input_ids", start)
        longer = {name: _lengthened(name, each, prompt, tokens.shape[1] - 1) for name, each in inputs.items()}
        result = module(**{**longer, "input_ids": read}, use_cache=False)
    return {LOGITS: result.logits[0, -tokens.shape[1] :]}


def _lengthened(name: str, tensor: Tensor, prompt: Tensor, count: int) -> Tensor:
    """What goes with each token, for `count` more: they are attended to, and are texts."""
    if tensor.shape != prompt.shape:
        return tensor
    further = tensor.new_ones if "mask" in name else tensor.new_zeros
    return torch.cat([tensor, further((tensor.shape[0], count))], dim=1)
