"""What `models` prints: records of the registry as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from npu_adapt import rounding
from npu_adapt.records.registry import ListedModel, ModelCheck, RemovedModel, Verification
from npu_adapt.report.document import Block, Code, Column, Table, Tone, sentence
from npu_adapt.report.terminal import Screen

UNVERIFIED = {"nothing": "hashed only"}  # the others are shown as they are named


def render_list(models: Sequence[ListedModel]) -> RenderableType:
    """One line a model, the last used first."""
    if not models:
        return Screen([sentence("No model is registered. npu-adapt fetch MODEL brings one.")])
    columns = (
        Column("Model"),
        Column("Source"),
        Column("Revision"),
        Column("Size", numeric=True),
        Column("Verified"),
        Column("Last used"),
    )
    rows = tuple(
        (
            Code(model.model),
            model.source,
            model.revision[:12] if model.revision else "none",
            rounding.size(model.bytes),
            _verified(model),
            model.last_used[:10],
        )
        for model in models
    )
    return Screen([Table("", columns, rows)])


def _verified(model: ListedModel) -> str:
    if model.state != "ready":
        return model.state
    against = UNVERIFIED.get(model.verified_against, model.verified_against)
    return f"{against} {model.verified_at[:10]}" if model.verified_at else against


def render_verification(verification: Verification) -> RenderableType:
    """The outcome of each model, and each file that is not what it was."""
    blocks: list[Block] = []
    for check in verification.models:
        blocks.append(sentence(Code(check.model), f" · {check.source}: {_outcome(check)}", tone=_tone(check.passed)))
        if faulty := [file for file in check.files if file.outcome != "same"]:
            blocks.append(
                Table(
                    "",
                    (Column("File"), Column("Outcome"), Column("Expected sha256"), Column("Found")),
                    tuple(
                        (Code(file.name), file.outcome, file.expected_sha256[:16], (file.found_sha256 or "none")[:16])
                        for file in faulty
                    ),
                )
            )
    seconds = rounding.significant(verification.seconds, 3)
    blocks.append(sentence(f"{rounding.size(verification.bytes)} hashed in {seconds} s"))
    return Screen(blocks)


def _outcome(check: ModelCheck) -> str:
    if check.missing:
        return f"unfinished, {len(check.missing)} files missing"
    same = sum(file.outcome == "same" for file in check.files)
    if not check.passed:
        return f"{len(check.files) - same} of {len(check.files)} files are not what they were"
    by_hub = sum(file.verified_against == "hub" for file in check.files)
    return f"{same} files the same, {by_hub} of them as the hub lists them"


def _tone(passed: bool) -> Tone:
    return "good" if passed else "bad"


def render_removed(removed: Sequence[RemovedModel]) -> RenderableType:
    """What is gone, and what stays and why."""
    return Screen(
        [
            sentence(
                Code(model.model),
                f" · {model.source}: "
                + (
                    f"forgotten, files kept ({model.kept})"
                    if model.kept
                    else f"freed {rounding.size(model.freed_bytes)}"
                ),
                f" · {model.path}",
            )
            for model in removed
        ]
    )
