"""Tokens a second of a causal language model: reading the prompt and writing on are measured apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from npu_adapt.models.tasks.task import Generation
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.records import ConfidenceInterval, Fact
from npu_adapt.timing import loop
from npu_adapt.timing.statistics import median
from npu_adapt.workflows.bench.samples import interval_of
from npu_adapt.workflows.bench.settings import Measurement, Reference, Setting, wrongness
from npu_adapt.workflows.run.session import Session

WARM_TOKENS = 4  # before the measured ones; their logits are checked
TOKENS = 32  # measured at most, the cache growing by one each


def generation_fields(
    session: Session,
    setting: Setting,
    module: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    how: Measurement,
) -> tuple[dict[str, Any], Fact | None]:
    """The row's fields of tokens written a second, and why what it writes is wrong (None: it is right).

    Reading the prompt is the forward that `timing_fields` measures.
    """
    generation = session.loaded.task.generation
    if generation is None:
        return {}, None
    writer = _Writer(generation, module, tensors)
    if not writer.has_cache:
        return {}, None
    device = session.device
    samples = loop.measure(
        writer.write,
        synchronize=device.synchronize,
        iterations=TOKENS,
        warmup=WARM_TOKENS,
        max_seconds=how.rules.max_seconds,
    ).host_ms
    interval = interval_of(samples)
    count = setting.batch_size
    fields = {
        "decode_tokens_per_s": 1e3 * count / median(samples),
        "decode_interval": None
        if interval is None
        else ConfidenceInterval(
            low=1e3 * count / interval.high, high=1e3 * count / interval.low, confidence=interval.confidence
        ),
        "decode_samples_ms": samples,
    }
    error = _error(writer, how.reference, session)
    return fields, wrongness(error, setting.dtype, of="tokens")


class _Writer:
    """Writes on after a prompt, greedily, and keeps the first steps to be checked. Nothing waits for the device."""

    def __init__(self, generation: Generation, module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
        self._generation = generation
        self._module = module
        self.tokens: list[torch.Tensor] = []  # [batch, 1] each
        self.logits: list[torch.Tensor] = []  # [batch, vocabulary] after each of the first `WARM_TOKENS` tokens
        with torch.inference_mode():
            logits, self._cache = generation.prefill(module, tensors)
        self._next = logits.argmax(-1, keepdim=True)

    @property
    def has_cache(self) -> bool:
        return self._cache is not None

    def write(self) -> None:
        with torch.inference_mode():
            logits = self._generation.decode(self._module, self._next, self._cache)
        if len(self.logits) < WARM_TOKENS:
            self.tokens.append(self._next)
            self.logits.append(logits)
        self._next = logits.argmax(-1, keepdim=True)


def _error(writer: _Writer, reference: Reference, session: Session) -> float | None:
    """Relative L2 between the first member's logits and the reference's, which reads prompt and tokens in one go."""
    side = reference.side
    prompt = side.tensors(session.samples[0])
    written = torch.cat([token[:1].to("cpu") for token in writer.tokens], dim=1)
    ids = torch.cat([prompt["input_ids"], written], dim=1)
    with torch.inference_mode():
        expected = side.module(input_ids=ids, use_cache=False).logits[0, -len(writer.tokens) :]
    found = torch.stack([logits[0].to("cpu") for logits in writer.logits])
    return compare_tensors(found, expected).relative_l2
