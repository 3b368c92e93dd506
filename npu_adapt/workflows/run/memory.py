"""What a comparison will need of the machine's memory beside its weights' files, and what is free, before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npu_adapt.progress import doing
from npu_adapt.timing.memory import free_bytes, resident_bytes, return_unused
from npu_adapt.workflows.run.recording import Recording

if TYPE_CHECKING:
    from npu_adapt.models.local import LocalModel

SHARE = 1.4  # of the weights; python -m tests.benchmarks.memory measures it
WORTH_SAYING = 256 << 20  # bytes of weights; less fits any machine


def foretell_memory(run: Recording, local: LocalModel, most_bytes: int | None = None) -> None:
    """Says what is needed and what is free, with a warning where that is less, or what `most_bytes` leave of it.

    Weights are mapped from their files, so a comparison that has too little still ends, but reads them from the disk
    again and again. Only for a comparison in the checkpoint's own type: in another one the weights are copied.
    """
    weights = _weight_bytes(local)
    if run.request.command != "compare" or run.request.dtype != "auto" or not weights:
        return
    needed, free = round(SHARE * weights), free_bytes()
    is_limited = most_bytes is not None and most_bytes - resident_bytes() <= free
    level = "warning" if needed > free and not is_limited else "info"
    limit = {} if most_bytes is None else {"limit_bytes": most_bytes}
    run.journal.event("run", "memory", level, weights_bytes=weights, needed_bytes=needed, free_bytes=free, **limit)
    if is_limited:
        run.progress.say(doing("memory-limited", needed=needed, free=free, limit=most_bytes))
    elif needed > free:
        run.progress.say(doing("memory-short", needed=needed, free=free))
    elif weights >= WORTH_SAYING:
        run.progress.say(doing("memory-needed", needed=needed, free=free))


def return_after_loading(run: Recording, local: LocalModel) -> None:
    """Gives back what importing and loading left behind, where the model is large enough for the time it takes.

    What only refers to itself is looked for where nothing else will stand beside the weights.
    """
    if _weight_bytes(local) >= WORTH_SAYING:
        return_unused(with_cycles=run.request.command == "infer")


def _weight_bytes(local: LocalModel) -> int:
    return sum(file.bytes for file in local.weight_files)
