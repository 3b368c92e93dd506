"""How much memory a run may take, where the user says so: weights beyond it are read as the forward comes to them.

The weights are mapped from their files. Before each module's forward, pages of them are given back where the process
would come to hold more than it may; they are read again when they are needed, layer after layer. What no file is behind
cannot be given back, and the kernel is told to grant no more of it than there is room for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npu_adapt.errors import RunFailed, Sentence, UsageError
from npu_adapt.timing import memory
from npu_adapt.timing.mapped import give_back
from npu_adapt.workflows.run.recording import Recording
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.sizes import size_of

if TYPE_CHECKING:
    import torch

    from npu_adapt.models.local import LocalModel

OPTION = "--max-memory"
OUT_OF_MEMORY = "out-of-memory"
LEAST_ROOM = 256 << 20  # bytes above what the process has before it loads anything: a tiny model takes that
SPARE = 1 / 16  # of the room: what a module's own results may take before the next one is asked
MORE = Sentence(
    "give {option} more, and leave --dtype out: weights in their own type can stay in their files", option=OPTION
)


@dataclass(frozen=True)
class Room:
    """The memory that this process may hold, and the mapped files whose pages it can give back."""

    most_bytes: int | None  # None: as much as there is
    files: tuple[Path, ...] = ()

    def make(self, coming_bytes: int) -> None:
        """Gives mapped pages back where that many bytes more would be too much."""
        if self.most_bytes is None:
            return
        if memory.resident_bytes() + coming_bytes > (1 - SPARE) * self.most_bytes:
            give_back(self.files)

    def close(self, run: Recording, module: torch.nn.Module) -> None:
        """From now on until the run ends, room is made before each forward, and kept for the largest weight.

        Raises `RunFailed` where what is loaded is too much already.
        """
        if self.most_bytes is None:
            return
        give_back(self.files)
        largest = max((each.nbytes for each in module.parameters()), default=0)
        left = self.most_bytes - memory.resident_bytes() - largest
        if left <= 0:
            raise RunFailed(
                Sentence("the loaded model takes more memory than {option} allows", option=OPTION),
                hint=MORE,
                stage="load",
                kind=OUT_OF_MEMORY,
            )
        run.lasting.enter_context(memory.bounded(left))
        run.lasting.enter_context(self._made_before_forwards())

    @contextmanager
    def _made_before_forwards(self) -> Iterator[None]:
        from torch.nn.modules.module import register_module_forward_pre_hook

        hook = register_module_forward_pre_hook(self._before)
        try:
            yield
        finally:
            hook.remove()

    def _before(self, module: torch.nn.Module, _: Any) -> None:
        from torch._C import DisableTorchFunction

        with DisableTorchFunction():  # these are no operators of the model
            coming = sum(each.nbytes for each in module.parameters(recurse=False))
        if coming:
            self.make(coming)


def within_limit(error: RunFailed, request: RunRequest) -> RunFailed:
    """The same failure; where memory ran out within a limit, what to do is to move the limit."""
    if request.max_memory is None or error.kind != OUT_OF_MEMORY:
        return error
    return RunFailed(error.sentence, hint=MORE, stage=error.stage, kind=error.kind, operator=error.operator)


def room_for(run: Recording, local: LocalModel) -> Room:
    """The room of a run of that model; from now on it cannot load more than fits beside its mapped files.

    Raises `UsageError` where the request names no size, or less than any model takes.
    """
    asked = run.request.max_memory
    if asked is None:
        return Room(None)
    size, held = size_of(OPTION, asked), memory.resident_bytes()
    if size < held + LEAST_ROOM:
        raise UsageError(
            Sentence("{option} {size} is less than any model takes", option=OPTION, size=asked),
            hint=Sentence("give at least {option} {least}MiB", option=OPTION, least=(held + LEAST_ROOM >> 20) + 1),
        )
    mapped = sum(file.bytes for file in local.weight_files)
    run.lasting.enter_context(memory.bounded(mapped + size - memory.anonymous_bytes()))
    return Room(size, tuple((local.path / file.name).resolve() for file in local.weight_files))
