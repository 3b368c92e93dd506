"""The adaptation report: its sections in the order in which published reports have them, in either language."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from npu_adapt.records import Summary, encode
from npu_adapt.records.outcome import status_of
from npu_adapt.report.document import Block, Report, Section
from npu_adapt.report.figures import Figures
from npu_adapt.report.hardware import hardware_of
from npu_adapt.report.phrases import Language
from npu_adapt.report.sections import comparison, conclusion, result, speed, subject

SECTIONS: tuple[tuple[str, Callable[[Figures], tuple[Block, ...]]], ...] = (
    ("model-information", subject.model),
    ("hardware", subject.hardware),
    ("software", subject.software),
    ("commands", subject.commands),
    ("weights", subject.weights),
    ("result", result.result),
    ("comparison", comparison.comparison),
    ("latency", speed.latency),
    ("fallbacks", result.fallbacks),
    ("scoring", conclusion.scoring),
    ("log-files", conclusion.log_files),
    ("conclusion", conclusion.conclusion),
    ("adapter", subject.adapter),
)


def adaptation_report(summary: Summary, language: Language = "en") -> Report:
    """Everything that the summary tells, and nothing that it does not."""
    figures = Figures(summary, language)
    hardware = hardware_of(summary)
    model = summary.model
    title = figures.say(
        "title-report-environment" if model is None else "title-report", model=model.id if model else ""
    )
    front_matter: list[tuple[str, str | tuple[str, ...]]] = [("hardware", hardware.name), ("tags", hardware.tags)]
    if model is not None:
        front_matter.append(("model", model.id))
    status = status_of(summary)
    if status is not None:
        front_matter.append(("status", status))
    if summary.compare is not None:
        front_matter.append(("verdict", "passed" if summary.compare.verdict.passed else "failed"))
    front_matter.append(("summary_sha256", sha256(encode(summary)).hexdigest()))
    return Report(
        title=title,
        language=language,
        front_matter=tuple(front_matter),
        directives=hardware.directives,
        notices=conclusion.notices(figures),
        sections=tuple(
            Section(figures.say(f"title-{key}"), blocks) for key, build in SECTIONS if (blocks := build(figures))
        ),
    )
