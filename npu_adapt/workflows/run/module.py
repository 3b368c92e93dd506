"""A module as a subject: one task row for whatever a user's own code takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import ModelCorrupt, Sentence, UsageError, few, first_line
from npu_adapt.models.calling import CPU, Code, Inputs, Layout, laid_out
from npu_adapt.models.finite import overflown_in_cast
from npu_adapt.models.pretrained import WIDER
from npu_adapt.models.tasks import LoadedModel, Outputs, Sample, Task
from npu_adapt.models.tasks.results import named_tensors
from npu_adapt.models.tasks.task import sample_of, top_classes
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.records import ModelInfo, Prediction

TASK = "module"
CLASS_SCORES = "class_scores"  # an output of this name is judged and shown as scores of classes
TYPES = (torch.float32, torch.float16, torch.bfloat16)


def samples_of(
    code: Any, inputs: Sequence[Inputs], origins: Sequence[str], forward: Callable[[Any], Any] = lambda result: result
) -> tuple[Task, tuple[Sample, ...]]:
    """The row of a module, and its samples from the arguments of one call each, which differ in their tensors only.

    `forward` is applied to each result before its tensors are named. Raises `UsageError`.
    """
    calls = [laid_out(code, each) for each in inputs]
    layout = calls[0][0]
    if not all(layout.is_that_of(other) for other, _ in calls[1:]):
        raise UsageError(
            "the inputs of two samples differ in more than their tensors",
            hint="give each sample the same arguments, by the same names",
        )
    row = Task(
        name=TASK,
        tag=TASK,
        modality="tensors",
        auto_class="",
        classes=(),
        processors=(),
        prepare=lambda loaded, values, samples, seed: (),
        forward=partial(_forward, layout, forward),
        read=_read,
        needs=(CLASS_SCORES,),
        class_scores=CLASS_SCORES,
    )
    samples = tuple(sample_of(tensors, origin) for (_, tensors), origin in zip(calls, origins, strict=True))
    return row, samples


def _forward(
    layout: Layout, pick: Callable[[Any], Any], module: torch.nn.Module, tensors: Mapping[str, Tensor]
) -> Outputs:
    return named_tensors(pick(layout.call(module, tensors)))


def _read(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The best classes of the first of a batch, by their numbers."""
    scores = outputs[CLASS_SCORES].double()
    first = scores.reshape(-1, scores.shape[-1] if scores.dim() else 1)[0]
    return top_classes(first.softmax(-1), sample_index, str)


def dtype_of(module: torch.nn.Module, inputs: Sequence[Inputs], asked: str) -> torch.dtype:
    """The type to run in: as asked, else that of the floating parameters, else of the floating inputs, else float32.

    Raises `UsageError` for one that no device is examined in.
    """
    if asked != "auto":
        return cast("torch.dtype", getattr(torch, asked))
    given = (leaf for leaf in pytree.tree_leaves(list(inputs)) if isinstance(leaf, Tensor))
    tensors = (*module.parameters(), *module.buffers(), *given)
    floating = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
    found = floating[0] if floating else torch.float32
    if found not in TYPES:
        raise UsageError(
            Sentence("the module is in {dtype}, which no accelerator is examined in", dtype=dtype_name(found)),
            hint="name a type: float32, float16 or bfloat16",
        )
    return found


def require_watchable(code: Code, name: str) -> None:
    """Raises `UsageError` for code that is compiled already: its operators run where nothing can watch or emulate them.

    That is TorchScript, and what `torch.compile` gives, the module itself or any part of it.
    """
    parts = [("", code), *(code.named_modules() if isinstance(code, torch.nn.Module) else ())]
    for place, part in parts:
        if isinstance(part, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
            how, hint = "TorchScript", "give the module that it was made from, in Python"
        elif _is_compiled(part):
            how, hint = "torch.compile", "give it as it was before: the mode compile judges it compiled"
        else:
            continue
        raise UsageError(
            Sentence(
                "{part} is compiled already, by {how}: its operators cannot be watched", part=place or name, how=how
            ),
            hint=hint,
        )


def _is_compiled(code: Code) -> bool:
    """Whether it is what `torch.compile` or a module's own `compile()` leaves. Importing its classes takes seconds."""
    marks = (getattr(code, "_torchdynamo_orig_callable", None), getattr(code, "_compiled_call_impl", None))
    return type(code).__module__.startswith("torch._dynamo") or any(mark is not None for mark in marks)


def module_info(module: torch.nn.Module, id: str, source: str, **known: Any) -> ModelInfo:
    """The record of a module."""
    return ModelInfo(
        id=id,
        organization=None,
        task=TASK,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        source=source,
        revision=None,
        url=None,
        **{"architecture": type(module).__name__, **known},
    )


def copied(module: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """A copy on the CPU, in eval mode.

    Raises `UsageError` where the module cannot be copied, and `ModelCorrupt` where its weights overflow in `dtype`.
    """
    name = type(module).__name__
    try:
        copy = copy_to(module, CPU, dtype).eval().requires_grad_(False)
    except Exception as error:  # the module's own code, whatever it raises
        raise UsageError(
            Sentence("{type} cannot be copied: {said}", type=name, said=first_line(error)),
            hint="copy.deepcopy(module) must work: it is examined as a copy on each device",
        ) from error
    if beyond := overflown_in_cast(dict(module.named_parameters()), dict(copy.named_parameters())):
        raise ModelCorrupt(
            Sentence(
                "{type} holds values beyond the range of {dtype} in {names}",
                type=name,
                dtype=dtype_name(dtype),
                names=few(beyond),
            ),
            hint=WIDER,
        )
    return copy
