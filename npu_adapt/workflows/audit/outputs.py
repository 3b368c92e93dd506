"""The outputs that a comparison saved: its figures computed again from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from npu_adapt.errors import UsageError
from npu_adapt.records import OutputComparison
from npu_adapt.records.audit import AuditFinding, Note
from npu_adapt.workflows.audit.findings import of_field

FIGURES = (
    "max_abs_diff",
    "mean_abs_diff",
    "cosine_similarity",
    "relative_l2",
    "nan_mismatches",
    "inf_mismatches",
    "float64_relative_l2",
)
SAVED = "candidate.safetensors"
RELATIVE = 1e-6  # another processor may add in another order


def against_outputs(folder: Path, file: str) -> tuple[list[AuditFinding], list[Note], int]:
    """What the summary in a folder of `--save-outputs` says of its outputs, and the outputs do not."""
    from npu_adapt.workflows.compare.options import CompareOptions
    from npu_adapt.workflows.compare.record import compare_section
    from npu_adapt.workflows.compare.saved_outputs import read_evidence

    try:
        evidence, summary = read_evidence(folder, "auto")
    except UsageError as error:
        return [], [Note(id="outputs-unreadable", values={"folder": str(folder), "message": error.message})], 0
    compare = summary.compare
    assert compare is not None
    options = CompareOptions(fast=evidence.floor is None)
    again, _ = compare_section(evidence, options, candidate=compare.candidate, inputs=compare.inputs)
    found: list[AuditFinding] = []
    compared = 0
    for at, (recorded, computed) in enumerate(zip(compare.outputs, again.outputs, strict=False)):
        for name, one, other in _figures(recorded, computed):
            compared += 1
            if not _same(one, other):
                found.append(
                    of_field("outputs-differ", file, f"compare.outputs.{at}.{name}", one, other, str(folder / SAVED))
                )
    return found, [], compared


def _figures(
    recorded: OutputComparison, computed: OutputComparison
) -> Iterator[tuple[str, float | None, float | None]]:
    yield from ((name, getattr(recorded, name), getattr(computed, name)) for name in FIGURES)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=1e-12)
