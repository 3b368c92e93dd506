"""From a model on this disk to a module whose weights are proven to be the checkpoint's."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.building import Order, build
from npu_adapt.models.checkpoint import open_checkpoint
from npu_adapt.models.configuration import (
    CONFIG,
    load_config,
    read_fields,
    require_bounded,
    require_floating,
)
from npu_adapt.models.dropped_fields import Dropped, dropped_fields, misnamed_fields
from npu_adapt.models.leftovers import adapters_beside
from npu_adapt.models.named_fields import fields_named
from npu_adapt.models.near_fields import Unread
from npu_adapt.models.pretrained import require_proven, weights_info
from npu_adapt.models.processors import load_processors
from npu_adapt.models.proof import Proof, prove
from npu_adapt.models.quantised.compressed import QuantisedModule, without_bars
from npu_adapt.models.quantised.gguf import gguf_checkpoint
from npu_adapt.models.quantised.methods import method_of, without_quantisation
from npu_adapt.models.quantised.scaled import scaled_checkpoint
from npu_adapt.models.reading import require_regular
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks import LoadedModel, Task, choose_task, require_task_name
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact, ModelInfo, WeightFile

__all__ = ["LoadedModel", "load_model"]

ANOTHER_HEAD = "{path} holds another model or head; leave --task out, or take the checkpoint made for it"
OTHER_VERSIONS = (
    "this transformers and compressed-tensors do not read {path} as it was written; try other versions of them"
)


class ModelOnDisk(Protocol):
    """What loading asks of a model on this disk; `models.local.LocalModel` is one."""

    @property
    def id(self) -> str: ...
    @property
    def organization(self) -> str | None: ...
    @property
    def source(self) -> str: ...
    @property
    def revision(self) -> str | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def endpoint(self) -> str | None: ...
    @property
    def path(self) -> Path: ...
    @property
    def weight_files(self) -> tuple[WeightFile, ...]: ...


def load_model(
    local: ModelOnDisk,
    *,
    task: str | None,
    dtype: str = "auto",
    attention: str = "auto",
    trust_remote_code: bool,
    allow_pickle: bool,
    progress: Progress,
    make_room: Callable[[int], object] = lambda size: None,
) -> LoadedModel:
    """Loads, and proves what it loaded; `make_room` is called with the bytes of each tensor that the proof has read.

    Raises `UsageError` (unknown task, attention the model does not have), `ModelCorrupt` (damaged files, NaN),
    `NotPretrained` (parts that the task uses are not in the checkpoint), `ModelError` (unknown architecture, quantised,
    remote code, missing files, fields of the configuration that are not read) and `RunFailed` (out of memory).
    """
    require_task_name(task)
    with unopened_extensions_hidden(), _quiet_transformers():
        require_regular(local.path)
        fields = read_fields(local.path)
        method = method_of(fields, local.path)
        scaled = None if method is not None else gguf_checkpoint(local.path, fields, dtype)
        checkpoint = open_checkpoint(local.path, allow_pickle=allow_pickle) if scaled is None else scaled.checkpoint
        scaled = scaled or scaled_checkpoint(method, checkpoint, fields, local.path, dtype)
        if scaled is not None:
            checkpoint, fields, method = scaled.checkpoint, without_quantisation(fields), None
        if method is None:
            require_floating(checkpoint, local.path)
        require_bounded(fields, checkpoint, local.path)
        with fields_named(fields, local.path / CONFIG):
            config = load_config(local.path, trust_remote_code=trust_remote_code)
            if hasattr(config, "quantization_config") and scaled is not None:
                del config.quantization_config
        with foreign_code("configuration", local.path / CONFIG):
            row = choose_task(config, task, local.path)
        processors = load_processors(row.processors, local.path, config, trust_remote_code=trust_remote_code)
        import_class(row, config)
        started = time.perf_counter()
        order = Order(local.path, fields, config, dtype, attention, trust_remote_code, quantised=method is not None)
        with fields_named(fields, local.path / CONFIG):
            module = build(order, row, checkpoint)
        nbytes = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        with progress.task(doing("proving-weights"), nbytes, "bytes") as step:

            def advance(size: float) -> None:
                step.advance(size)
                make_room(int(size))

            proof = prove(module, checkpoint, advance)
        load_ms = 1e3 * (time.perf_counter() - started)
        left_out = _leave_out(module, row, proof)
        next_step = ANOTHER_HEAD if method is None else OTHER_VERSIONS
        require_proven(row.name, proof, local.path, left_out, next_step=next_step)
        with foreign_code("configuration", local.path / CONFIG):
            dropped, misnamed = dropped_fields(fields, module), misnamed_fields(fields, module)
        quantised = None if method is None else QuantisedModule.of(module, local.path)
        if quantised is not None:
            module = quantised.dequantised(module.dtype)
        stored = scaled.quantisation if scaled is not None else None if quantised is None else quantised.record()
    _require_carried(dropped, local.path)
    field_doubts = (*map(_dropped_fact, dropped), *map(_misnamed_fact, misnamed))
    doubts = (*proof.doubts, *adapters_beside(local.path), *field_doubts)
    return LoadedModel(
        module=module,
        task=row,
        info=_model_info(local, row, module),
        weights=weights_info(local.path, local.weight_files, proof, left_out, doubts, quantisation=stored),
        dtype=module.dtype,
        attention=_attention(module),
        processor=processors,
        path=local.path,
        left_out=left_out,
        quantised=quantised,
        load_ms=load_ms,
    )


def _attention(module: torch.nn.Module) -> str:
    """The one implementation that all parts of the model have; "as built" where they differ or know no choice."""
    configs = (getattr(part, "config", None) for part in module.modules())
    found = {name for config in configs if (name := getattr(config, "_attn_implementation", None))}
    return str(found.pop()) if len(found) == 1 else "as built"


def import_class(row: Task, config: Any) -> None:
    """Imports the model's class, which takes seconds once in a process and is no part of reading a checkpoint.

    A class that transformers' table does not know, of the checkpoint's own code for instance, is left to the building.
    """
    import transformers

    with suppress(Exception):  # whatever is wrong with it is said where it is built
        getattr(transformers, row.auto_class)._model_mapping[type(config)]


def _leave_out(module: Any, row: Task, proof: Proof) -> tuple[str, ...]:
    """Takes out what the checkpoint lacks and the task does not need, so that random weights neither run nor count.

    A part that is a submodule is removed from its parent (transformers' models run without their pooler); a single
    parameter that inference never reads stays, because its module is built around it.
    """
    unread = _declared_unread(module)
    optional = [
        name
        for name in proof.missing
        if any(re.search(part, name) for part in row.optional_parts) or any(part.match(name) for part in unread)
    ]
    parts: dict[str, None] = {}
    for name in optional:
        pooler = re.match(r"((?:.*\.)?pooler)\.", name)
        parts[pooler[1] if pooler else name] = None
    for part in parts:
        parent, _, child = part.rpartition(".")
        owner = module.get_submodule(parent)
        if child in owner._modules:
            setattr(owner, child, None)
    return tuple(parts)


def _declared_unread(module: torch.nn.Module) -> list[re.Pattern[str]]:
    """What transformers declares that backbones compute and nobody reads: Swin's last norm in Mask2Former.

    A whole model's own declaration does not count: it may mean a head that is to be trained.
    """
    return [
        re.compile(rf"{re.escape(name)}\..*?{pattern}")
        for name, part in module.named_modules()
        if name
        for pattern in getattr(part, "_keys_to_ignore_on_load_missing", None) or ()
    ]


def _require_carried(dropped: tuple[Dropped, ...], path: Path) -> None:
    """Raises `ModelError` where a field that changes numbers is not what config.json says."""
    import transformers

    deciding = [
        Sentence("{field} {written} is read as {loaded}", field=each.field, written=each.file, loaded=each.loaded)
        for each in dropped
        if each.decides
    ]
    if deciding:
        raise ModelError(
            Sentence(
                "transformers {version} does not read {config} as it was written: {names}",
                version=transformers.__version__,
                config=path / CONFIG,
                names=Sentence.joined("; ", deciding),
            ),
            hint="install the transformers version that wrote it, or a newer one: the numbers would be another model's",
        )


def _dropped_fact(dropped: Dropped) -> Fact:
    return Fact("field-dropped", {"field": dropped.field, "file": dropped.file, "loaded": dropped.loaded})


def _misnamed_fact(unread: Unread) -> Fact:
    return Fact(
        "field-unread", {"field": unread.field, "file": unread.file, "near": unread.read, "loaded": unread.default}
    )


def _model_info(local: ModelOnDisk, row: Task, module: Any) -> ModelInfo:
    return ModelInfo(
        id=local.id,
        organization=local.organization,
        task=row.tag,
        architecture=type(module).__name__,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        source=local.source,
        revision=local.revision,
        url=local.url,
        endpoint=local.endpoint,
    )


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Neither log lines, warnings nor bars of transformers: what they say is found by the proof, and recorded.

    The level stays at "error" afterwards, since processors log while they prepare inputs.
    """
    from transformers.utils import logging

    logging.set_verbosity_error()
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with without_bars(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if shown:
            logging.enable_progress_bar()
