"""The weights that an adapter is given: a file or a folder of any library, as named tensors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import NAMES_SHOWN, ModelError, NotPretrained, Sentence, few
from npu_adapt.files import open_regular
from npu_adapt.models.checkpoint import (
    Checkpoint,
    all_tensors,
    require_pickle_allowed,
    shards_of,
    unwrapped,
)
from npu_adapt.models.stored import StoredTensor, load_pickle, read_safetensors, tensors_in
from npu_adapt.records import Fact

SAFETENSORS = ".safetensors"
PICKLES = (".pth", ".pt", ".ckpt", ".bin")
# What trainers call the state of the model in what they save, in the order that is tried.
NESTS = ("state_dict", "model_state_dict", "model", "module", "net", "network", "params_ema", "params", "weights")
WITHOUT_PREFIX = "the file's names begin with {prefix!r}; load them without it, by name.removeprefix({prefix!r})"


class Weights(Mapping[str, Tensor]):
    """What `model(weights)` gets: the tensors by name, each read when it is asked for; `path` is what --weights named.

    It is what `load_state_dict` takes; `from_pretrained` takes the path.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint) -> None:
        self.path = path
        self._checkpoint = checkpoint

    @property
    def files(self) -> tuple[Path, ...]:
        return self._checkpoint.files

    def name_of(self, file: Path) -> str:
        """What the record calls one of the files: its path below the folder that was named, or its name."""
        return file.name if file == self.path else file.relative_to(self.path).as_posix()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._checkpoint.tensors:
            raise KeyError(f"{name} is not in {self.path.name}{_nearest(name, self._checkpoint.tensors)}")
        return self._checkpoint.tensors[name].whole()

    def __iter__(self) -> Iterator[str]:
        return iter(self._checkpoint.tensors)

    def __len__(self) -> int:
        return len(self._checkpoint.tensors)


def open_weights(path: Path, *, allow_pickle: bool) -> Checkpoint:
    """The weights in a file or folder, names without wrappers and out of what a trainer put them in.

    Only headers are read of safetensors. Raises `ModelCorrupt` for damaged files, and `ModelError` where there are no
    weights, several that could be meant, or only pickled ones and `allow_pickle` is not set.
    """
    files = _files_of(path) if path.is_dir() else (path,)
    for file in files:
        _require_file(file)
    if all(file.suffix == SAFETENSORS for file in files):
        return unwrapped(Checkpoint(all_tensors(files, read_safetensors), files, pickled=False))
    if any(file.suffix not in PICKLES for file in files):
        raise ModelError(
            Sentence(
                "{file} is no file of weights that is read: {known} are",
                file=files[0].name,
                known=", ".join((SAFETENSORS, *PICKLES)),
            ),
            hint="save the state_dict() with safetensors.torch.save_file",
            kind="no-weights",
        )
    require_pickle_allowed(files[0], allowed=allow_pickle)
    tensors: dict[str, StoredTensor] = {}
    nests: dict[str, None] = {}
    for file in files:
        nest, state = _state_in(load_pickle(file), file)
        tensors.update(tensors_in(state, file))
        nests |= {} if nest is None else {nest: None}
    conversions = tuple(Fact("nested", {"key": nest}) for nest in nests)
    return unwrapped(Checkpoint(tensors, files, pickled=True, conversions=conversions))


def _require_file(file: Path) -> None:
    """Raises `ModelError` where it is none, which its reader would wait for, or none that this user may read."""
    try:
        open_regular(file).close()
    except OSError as error:
        raise ModelError(
            Sentence("{path} cannot be read: {reason}", path=file, reason=error.strerror),
            hint="name the file of weights itself",
            kind="no-weights",
        ) from error


def _files_of(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder: what its index names, else the only one without a variant in its name."""
    names = sorted(file for file in folder.iterdir() if file.is_file())
    for suffixes in ((SAFETENSORS,), PICKLES):
        if indexes := [file for file in names if file.name.endswith(tuple(f"{end}.index.json" for end in suffixes))]:
            return shards_of(_the_only(indexes, folder))
        if found := [file for file in names if file.suffix in suffixes]:
            plain = [file for file in found if not any(_is_variant(file, other) for other in found)]
            return (_the_only(plain, folder),)
    within = [each.name for each in sorted(folder.iterdir()) if each.is_dir() and _holds_weights(each)]
    raise ModelError(
        Sentence("{folder} holds no weights", folder=folder),
        hint=Sentence("its folders do: {names}; name one of them", names=few(within))
        if within
        else "name the file of weights itself",
        kind="no-weights",
    )


def _holds_weights(folder: Path) -> bool:
    return any(file.suffix in (SAFETENSORS, *PICKLES) for file in folder.iterdir())


def _is_variant(file: Path, other: Path) -> bool:
    """Whether `file` is `other` in another type: model.fp16.safetensors beside model.safetensors."""
    return file != other and file.name.startswith(f"{other.stem}.") and file.suffix == other.suffix


def _the_only(files: list[Path], folder: Path) -> Path:
    if len(files) > 1:
        raise ModelError(
            Sentence(
                "{folder} holds several weights: {names}", folder=folder, names=few([each.name for each in files])
            ),
            hint="name the file that is meant with --weights",
        )
    return files[0]


def _state_in(saved: Mapping[Any, Any], file: Path) -> tuple[str | None, Mapping[Any, Any]]:
    """The key under which a trainer saved the model's state, None where it is all there is; and the state.

    Raises `ModelError` where there is none, or nobody can tell which.
    """
    if any(isinstance(value, Tensor) for value in saved.values()):
        return None, saved
    states = {str(key): value for key, value in saved.items() if _is_state(value)}
    key = next((key for key in NESTS if key in states), None)
    if key is None and len(states) == 1:
        (key,) = states
    if key is None:
        raise ModelError(
            Sentence(
                "{file} holds no state of a model that could be told; its keys are: {keys}",
                file=file.name,
                keys=few([*(states or map(str, saved))]),
            ),
            hint="save the model's own state: torch.save(model.state_dict(), FILE)",
        )
    return key, states[key]


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(each, Tensor) for each in value.values())


def misfit(error: BaseException, weights: Weights | None) -> NotPretrained | None:
    """What is said of weights that `load_state_dict` refused, with the nearest names. None: it was something else."""
    trace, found = error.__traceback__, None
    while trace is not None:
        local = trace.tb_frame.f_locals
        is_load = trace.tb_frame.f_code.co_name == torch.nn.Module.load_state_dict.__name__
        if is_load and isinstance(local.get("self"), torch.nn.Module) and isinstance(local.get("state_dict"), Mapping):
            found = local["self"], local["state_dict"]
        trace = trace.tb_next
    if found is None:
        return None
    module, given = found
    expected = module.state_dict()
    origin = "the state dict" if weights is None else weights.path.name
    return NotPretrained(
        Sentence(
            "{origin} does not fit {module}: {misfits}",
            origin=origin,
            module=type(module).__name__,
            misfits=Sentence.joined("; ", _misfits(expected, given)),
        ),
        hint=_prefix_hint(expected.keys(), given.keys()) or "take the file that was made for this model",
    )


def _misfits(expected: Mapping[str, Tensor], given: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in expected if name not in given]
    other = [name for name in given if name not in expected]
    if missing:
        yield Sentence("{count} names are missing: {names}", count=len(missing), names=_with_nearest(missing, other))
    if other:
        yield Sentence("{count} are not the model's: {names}", count=len(other), names=_with_nearest(other, missing))
    shapes = [
        f"{name} {list(given[name].shape)}, {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in given and isinstance(given[name], Tensor) and given[name].shape != tensor.shape
    ]
    if shapes:
        yield Sentence(
            "{count} have other shapes, in the file and in the model: {names}", count=len(shapes), names=few(shapes)
        )


def _with_nearest(names: Sequence[str], others: Collection[str]) -> str:
    """The first names, each with the one that is most like it: to look for it takes a while among thousands."""
    shown = [f"{name}{_nearest(name, others)}" for name in names[:NAMES_SHOWN]]
    return few([*shown, *names[NAMES_SHOWN:]])


def _nearest(name: str, names: Collection[str]) -> str:
    """A name like it, in brackets; empty where there is none."""
    found = get_close_matches(name, names, n=1)
    return f" (≈ {found[0]})" if found else ""


def _prefix_hint(expected: Collection[str], given: Collection[str]) -> str | None:
    """What to write where all names of the file begin alike, and fit without that."""
    for name in list(given)[:1]:
        parts = name.split(".")
        for length in range(1, len(parts)):
            prefix = ".".join(parts[:length]) + "."
            if all(f"{prefix}{each}" in given for each in expected):
                return Sentence(WITHOUT_PREFIX, prefix=prefix)
    return None
