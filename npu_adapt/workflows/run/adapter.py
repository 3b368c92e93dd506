"""A subject from an adapter: built by the user's file, its weights proven as a checkpoint's are."""

from __future__ import annotations

import time

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.errors import NotPretrained, Sentence, UsageError, few
from npu_adapt.models.adapters.adapter import read_adapter
from npu_adapt.models.adapters.name import AdapterName
from npu_adapt.models.adapters.weights import Weights, open_weights
from npu_adapt.models.calling import CPU
from npu_adapt.models.hashing import FileHash, hash_file
from npu_adapt.models.pretrained import require_proven, weights_info
from npu_adapt.models.processors import Processors
from npu_adapt.models.proof import prove
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.progress import doing
from npu_adapt.records import WeightFile, WeightsInfo
from npu_adapt.threads import Work
from npu_adapt.workflows.run.module import copied, dtype_of, module_info, require_watchable, samples_of
from npu_adapt.workflows.run.recording import Recording
from npu_adapt.workflows.run.subject import Subject, logging_refusals

SOURCE = "adapter"
AS_BUILT = "as built"
RETURNS = "inputs(values) returns the arguments of one forward: a tensor, a tuple, or a dict of named arguments"
UNPROVEN = (
    "model(weights) has to load what {path} holds, all of it and as it is: strict, nothing fused or changed, "
    "and no part that the file lacks"
)


def subject_of_adapter(run: Recording, about: AdapterName) -> Subject:
    """Runs the adapter, proves its weights, and prepares its inputs.

    Raises `UsageError` for what is wrong with the adapter or its inputs, `ModelError` for its weights.
    """
    request = run.request
    torch.manual_seed(request.seed)
    path = None if request.weights is None else request.weights.resolve()  # before the adapter may change the folder
    with unopened_extensions_hidden(), logging_refusals(run.journal, about.id):
        adapter = read_adapter(about)
        given = None if path is None else Weights(path, open_weights(path, allow_pickle=request.allow_pickle))
        hashing = None if given is None else _start_hashing(given)
        started = time.perf_counter()
        module = adapter.build(given)
        require_watchable(module, about.id)
        _require_material(module, about)
        weights = None if given is None else _proven(module, given, run)
        load_ms = 1e3 * (time.perf_counter() - started)
        seeds = range(request.seed, request.seed + request.samples)
        inputs = [adapter.inputs(request.inputs, seed) for seed in seeds]
    origins = [", ".join(request.inputs) or f"{about.id}, seed {seed}" for seed in seeds]
    with foreign_code("input", about.id, hint=RETURNS):  # of the user's types, nested as they like
        dtype = dtype_of(module, inputs, request.dtype)
        row, samples = samples_of(module, inputs, origins, adapter.outputs)
    loaded = LoadedModel(
        module=_in_type(module, dtype),
        task=row,
        info=module_info(module, about.id, SOURCE, adapter=adapter.file),
        weights=weights,
        dtype=dtype,
        attention=AS_BUILT,
        processor=Processors(),
        path=about.file,
        load_ms=load_ms,
    )
    return Subject(loaded, samples, load_ms, hashing, unproven="adapter-without-weights")


def _proven(module: torch.nn.Module, given: Weights, run: Recording) -> WeightsInfo:
    """What was proven of the module. The files are read anew: the adapter may have written into what it was given."""
    checkpoint = open_weights(given.path, allow_pickle=run.request.allow_pickle)
    nbytes = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
    with run.progress.task(doing("proving-weights"), nbytes, "bytes") as step:
        proof = prove(module, checkpoint, step.advance)
    require_proven("the adapter", proof, given.path, next_step=UNPROVEN)
    return weights_info(given.path, (), proof, doubts=proof.doubts)


def _require_material(module: torch.nn.Module, about: AdapterName) -> None:
    """Raises `NotPretrained` for weights without values, and `UsageError` for sparse ones, which no rule compares."""
    state = (*module.named_parameters(), *module.named_buffers())
    empty = [name for name, tensor in state if tensor.is_meta]
    if empty:
        raise NotPretrained(
            Sentence(
                "{file} leaves {count} weights on the meta device, without values: {names}",
                file=about.id,
                count=len(empty),
                names=few(empty),
            ),
            hint="load them with load_state_dict(weights, assign=True), or build the module on the CPU",
        )
    sparse = [name for name, tensor in state if tensor.layout is not torch.strided]
    if sparse:
        raise UsageError(
            Sentence(
                "{file} leaves {count} weights sparse: {names}", file=about.id, count=len(sparse), names=few(sparse)
            ),
            hint="make them dense in model(weights), with to_dense()",
        )


def _in_type(module: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """The module on the CPU, floating tensors in `dtype`: itself where it is that already."""
    tensors = (*module.parameters(), *module.buffers())
    is_so = all(each.device == CPU and (each.dtype == dtype or not each.is_floating_point()) for each in tensors)
    return module if is_so else copied(module, dtype)


def _start_hashing(given: Weights) -> Work[tuple[WeightFile, ...]]:
    """Hashes the weight files while the module is built and runs."""

    def work() -> tuple[WeightFile, ...]:
        return tuple(_hashed(given.name_of(file), hash_file(file)) for file in given.files)

    return Work(work)


def _hashed(name: str, found: FileHash) -> WeightFile:
    return WeightFile(name=name, bytes=found.bytes, sha256=found.sha256, verified_against="nothing")
