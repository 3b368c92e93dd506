"""What a comparison says of memory before it loads anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from npu_adapt.records import Fact
from npu_adapt.workflows.run import memory
from npu_adapt.workflows.run.memory import foretell_memory

GIB = 1 << 30


@pytest.mark.parametrize(
    ("weights", "free", "said"),
    [
        (2 * GIB, 4 * GIB, "memory-needed"),
        (2 * GIB, 2 * GIB, "memory-short"),
        (GIB // 8, 4 * GIB, None),
        (GIB // 8, GIB // 8, "memory-short"),
    ],
)
def test_it_is_said_where_it_matters(
    weights: int, free: int, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken: list[Fact] = []
    events: list[Any] = []
    monkeypatch.setattr(memory, "free_bytes", lambda: free)
    run: Any = SimpleNamespace(
        request=SimpleNamespace(command="compare", dtype="auto"),
        journal=SimpleNamespace(event=lambda *names, **values: events.append((names, values))),
        progress=SimpleNamespace(say=spoken.append),
    )
    local: Any = SimpleNamespace(weight_files=(SimpleNamespace(bytes=weights),))
    foretell_memory(run, local)
    assert [fact.id for fact in spoken] == ([said] if said else [])
    ((names, values),) = events
    assert names[2] == ("warning" if said == "memory-short" else "info")
    assert values == {"weights_bytes": weights, "needed_bytes": round(1.4 * weights), "free_bytes": free}
    run.request.command = "infer"
    foretell_memory(run, local)
    assert len(events) == 1
