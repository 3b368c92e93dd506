"""A verdict on outputs that were saved: other rules on the same figures, without a device or a model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from msgspec.structs import replace

from npu_adapt.errors import UsageError
from npu_adapt.evidence import Logs, new_summary
from npu_adapt.progress import Progress, Silent
from npu_adapt.records import Summary
from npu_adapt.workflows.compare.baseline import against_baseline, read_baseline, require_same_subject
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.record import compare_section, log_comparison
from npu_adapt.workflows.compare.saved_outputs import read_evidence
from npu_adapt.workflows.run.request import RunRequest


def rejudge(folder: Path, request: RunRequest, options: CompareOptions, progress: Progress | None = None) -> Summary:
    """The summary of the saved run with its comparison judged again by `options`, published as a run of its own.

    `progress` hears which figures leave the logs folder because they are of something else.

    Raises `UsageError` for a folder that does not hold all of it.
    """
    if request.model is not None or request.device != "auto" or request.rehearse is not None:
        raise UsageError("--rejudge runs nothing: model and device are those of the folder", hint="leave them out")
    logs = Logs(request.logs)
    logs.require_writable()
    evidence, before = read_evidence(folder, options.arithmetic)
    compare = before.compare
    assert compare is not None
    options = dataclasses.replace(options, fast=evidence.floor is None)
    section, reasons = compare_section(evidence, options, candidate=compare.candidate, inputs=compare.inputs)
    kept = {path: why for path, why in before.reasons.items() if not path.startswith(("compare", "bench"))}
    summary = new_summary(
        request.command_line,
        commands={"compare": request.command_line},
        model=before.model,
        weights=before.weights,
        environment=before.environment,
        run=before.run,
        compare=section,
        reasons={**kept, **reasons},
    )
    if options.baseline is not None:
        earlier = read_baseline(options.baseline)
        require_same_subject(earlier, summary, options.baseline, compare.reference)
        section = replace(section, baseline=against_baseline(earlier, summary, options.baseline))
        summary = replace(summary, compare=section)
    with logs.start("compare", before.model.id if before.model else "saved") as journal:
        journal.about(model=before.model and before.model.id, device=compare.candidate)
        journal.event("run", "rejudged", folder=folder, run_at=before.created_at)
        log_comparison(journal, section)
        return journal.publish(summary, (progress or Silent()).say)
