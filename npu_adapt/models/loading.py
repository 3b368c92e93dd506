"""From a model on this disk to a module whose weights are proven to be the checkpoint's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.errors import ModelCorrupt, ModelError, NotPretrained, RunFailed, UsageError
from npu_adapt.models.checkpoint import Checkpoint, open_checkpoint
from npu_adapt.models.processors import load_processors
from npu_adapt.models.proof import Proof, prove
from npu_adapt.models.tasks import LoadedModel, Task, choose_task, require_task_name
from npu_adapt.progress import Progress
from npu_adapt.records import Fact, ModelInfo, WeightFile, WeightsInfo

__all__ = ["LoadedModel", "load_model"]

NAMES_SHOWN = 5


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
) -> LoadedModel:
    """Loads, and proves what it loaded.

    Raises `UsageError` (unknown task, attention the model does not have), `ModelCorrupt` (damaged files),
    `NotPretrained` (parts that the task uses are not in the checkpoint), `ModelError` (unknown architecture, remote
    code, missing files) and `RunFailed` (out of memory).
    """
    require_task_name(task)
    with (
        unopened_extensions_hidden(),
        _quiet_transformers(),
        _translated(local.path, trust_remote_code=trust_remote_code),
    ):
        checkpoint = open_checkpoint(local.path, allow_pickle=allow_pickle)
        config = _read_config(local.path, trust_remote_code=trust_remote_code)
        row = choose_task(config, task)
        processors = load_processors(row.processors, local.path, trust_remote_code=trust_remote_code)
        module = _build(row, config, local.path, checkpoint, dtype, attention, trust_remote_code=trust_remote_code)
        with progress.task("proving the weights", sum(t.nbytes for t in checkpoint.tensors.values()), "bytes") as step:
            proof = prove(module, checkpoint, step.advance)
    left_out = _leave_out(module, row, proof)
    _require_proven(row, proof, left_out, local.path)
    return LoadedModel(
        module=module,
        task=row,
        info=_model_info(local, row, module),
        weights=_weights_info(local, proof, left_out),
        dtype=module.dtype,
        attention=getattr(module.config, "_attn_implementation", None) or "as built",
        processor=processors,
        path=local.path,
        left_out=left_out,
    )


def _read_config(path: Path, *, trust_remote_code: bool) -> Any:
    from transformers import AutoConfig

    if not (path / "config.json").is_file():
        raise ModelError(f"{path} has no config.json", hint="name a directory in the Hugging Face format")
    return AutoConfig.from_pretrained(str(path), local_files_only=True, trust_remote_code=trust_remote_code)


def _build(
    row: Task, config: Any, path: Path, checkpoint: Checkpoint, dtype: str, attention: str, *, trust_remote_code: bool
) -> Any:
    """The module on the CPU. `dtype` "auto" is the checkpoint's own."""
    import transformers

    chosen = {} if attention == "auto" else {"attn_implementation": attention}
    module = getattr(transformers, row.auto_class).from_pretrained(
        str(path),
        config=config,
        dtype=dtype if dtype == "auto" else getattr(torch, dtype),
        local_files_only=True,
        trust_remote_code=trust_remote_code,
        use_safetensors=not checkpoint.pickled,
        **chosen,
    )
    module.config.return_dict = True
    return module.eval().requires_grad_(False)


def _leave_out(module: Any, row: Task, proof: Proof) -> tuple[str, ...]:
    """Takes out what the checkpoint lacks and the task does not need, so that random weights neither run nor count.

    A part that is a submodule is removed from its parent (transformers' models run without their pooler); a single
    parameter that inference never reads stays, because its module is built around it.
    """
    optional = [name for name in proof.missing if any(re.search(part, name) for part in row.optional_parts)]
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


def _require_proven(row: Task, proof: Proof, left_out: tuple[str, ...], path: Path) -> None:
    """Raises `NotPretrained` unless every tensor that runs was found in the checkpoint."""
    missing = [
        name for name in proof.missing if not any(name == part or name.startswith(f"{part}.") for part in left_out)
    ]
    faults = (
        ("not in the checkpoint, so their values would be random", missing),
        ("of another shape in the checkpoint", proof.mismatched),
        ("not equal to the tensors of their names in the checkpoint", proof.unequal),
    )
    for fault, names in faults:
        if names:
            raise NotPretrained(
                f"{len(names)} weights that {row.name} uses are {fault}: {_few(names)}",
                hint=f"{path} holds another model or head; leave --task out, or take the checkpoint made for it",
            )
    if not proof.proven:
        raise NotPretrained(f"no weight of {path} is used by {row.name}", hint="choose another checkpoint or --task")


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


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
    )


def _weights_info(local: ModelOnDisk, proof: Proof, left_out: tuple[str, ...]) -> WeightsInfo:
    return WeightsInfo(
        pretrained_used=True,
        local_weight_used=True,
        path=str(local.path),
        files=local.weight_files,
        missing_keys=proof.missing,
        mismatched_keys=proof.mismatched,
        unexpected_keys=proof.unexpected,
        proven_parameters=proof.proven,
        conversions=proof.conversions,
        left_out=tuple(Fact("part", {"name": part}) for part in left_out),
        doubts=proof.doubts,
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


@contextmanager
def _translated(path: Path, *, trust_remote_code: bool) -> Iterator[None]:
    """Failures of transformers, safetensors and torch as errors of ours, told apart by the words they are known by."""
    from safetensors import SafetensorError

    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(error) from error
    except SafetensorError as error:
        raise ModelCorrupt(f"the weights in {path} are damaged: {error}", hint="fetch the model again") from error
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, AttributeError, TypeError) as error:
        text = str(error)
        for words, translate in _TRANSLATIONS:
            if any(word in text for word in words):
                raise translate(path, error) from error
        raise


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _out_of_memory(error: BaseException) -> RunFailed:
    return RunFailed(
        f"out of memory while loading: {_first_line(error)}",
        hint="close other programs, take a machine with more memory, or --dtype bfloat16",
        stage="load",
        kind="out-of-memory",
    )


_TRANSLATIONS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (
        ("can't allocate memory", "Cannot allocate memory", "not enough memory"),
        lambda path, error: _out_of_memory(error),
    ),
    (
        ("trust_remote_code", "custom code"),
        lambda path, error: ModelError(
            f"the model in {path} brings its own code, which is not run unasked",
            hint="read that code; if you trust it, give --trust-remote-code",
        ),
    ),
    (
        ("does not recognize this architecture", "Should have a `model_type` key", "Unrecognized model"),
        lambda path, error: ModelError(
            f"this transformers does not know the architecture in {path / 'config.json'}: {_first_line(error)}",
            hint="upgrade transformers, or give --trust-remote-code where the model brings its own code",
        ),
    ),
    (
        ("Unrecognized configuration class",),
        lambda path, error: UsageError(_first_line(error), hint="this model cannot do that task; leave --task out"),
    ),
    (
        ("size mismatch", "ignore_mismatched_sizes", "different sizes"),
        lambda path, error: NotPretrained(
            f"the weights in {path} have other shapes than its config.json tells: {_first_line(error)}",
            hint="config.json and the weights do not belong together; fetch the model again",
        ),
    ),
    (
        ("attn_implementation", "attention implementation", "scaled_dot_product_attention"),
        lambda path, error: UsageError(
            f"the model does not have this attention: {_first_line(error)}", hint="give --attention auto or eager"
        ),
    ),
    (
        ("timm", "torchvision"),
        lambda path, error: ModelError(
            f"timm's models need timm and a torchvision that fits this torch: {_first_line(error)}",
            hint="pip install 'npu-adapt[timm]'",
        ),
    ),
    (
        ("JSON", "json"),
        lambda path, error: ModelCorrupt(f"a file in {path} is damaged: {_first_line(error)}", hint="fetch it again"),
    ),
)
