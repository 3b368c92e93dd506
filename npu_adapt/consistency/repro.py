"""What the cases of `compare --repro` derive from: each is the first of its kind among the operators that failed."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.records import Compare, OperatorFinding


def of_repro(compare: Compare) -> Iterator[Contradiction]:
    """The contradictions of `compare.repro`."""
    if compare.repro is None:
        return
    kinds: dict[object, list[OperatorFinding]] = {}
    for each in compare.operators:
        kinds.setdefault((each.operator, each.test, each.output_shape), []).append(each)
    firsts = [(same[0], len(same)) for same in kinds.values()]
    found = [(each.operator, each.test, each.module, each.index, each.sample, count) for each, count in firsts]
    recorded = [
        (case.operator, case.test, case.module, case.index, case.sample, case.findings) for case in compare.repro.cases
    ]
    source = "compare.operators"
    yield from held("compare.repro.cases", tuple(recorded), tuple(found[: len(recorded)]), source)
    yield from held("compare.repro.left_out", compare.repro.left_out, len(found) - len(recorded), source)
    for at, case in enumerate(compare.repro.cases):
        path = f"compare.repro.cases.{at}"
        if (case.folder is None) != (case.status == "no-script"):
            yield Contradiction(f"{path}.status", case.status, case.folder, f"{path}.folder")
        if (case.reason is None) != (case.status in ("reproduced", "passes")):
            yield Contradiction(f"{path}.status", case.status, case.reason, f"{path}.reason")
