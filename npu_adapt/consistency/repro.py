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
    cases = [case for case in compare.repro.cases if case.mode is None]
    recorded = [(each.operator, each.test, each.module, each.index, each.sample, each.findings) for each in cases]
    wrong = [(mode.mode, mode.suspect) for mode in compare.modes if mode.suspect is not None]
    in_modes = tuple((mode, suspect.module, suspect.type, suspect.check) for mode, suspect in wrong)
    written = tuple((case.mode, case.module, case.operator, case.test) for case in compare.repro.cases if case.mode)
    yield from held("compare.repro.cases", written, in_modes, "compare.modes")
    source = "compare.operators"
    yield from held("compare.repro.cases", tuple(recorded), tuple(found[: len(recorded)]), source)
    yield from held("compare.repro.left_out", compare.repro.left_out, len(found) - len(recorded), source)
    for at, case in enumerate(compare.repro.cases):
        path = f"compare.repro.cases.{at}"
        if (case.folder is None) != (case.status == "no-script"):
            yield Contradiction(f"{path}.status", case.status, case.folder, f"{path}.folder")
        if (case.reason is None) != (case.status in ("reproduced", "passes")):
            yield Contradiction(f"{path}.status", case.status, case.reason, f"{path}.reason")
