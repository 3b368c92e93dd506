"""What `models` prints: records of the registry as tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.console import RenderableType

from npu_adapt import rounding
from npu_adapt.records import Fact
from npu_adapt.records.registry import ListedModel, ModelCheck, RemovedModel, Verification
from npu_adapt.report.document import Block, Code, Column, Table, Tone, sentence
from npu_adapt.report.phrases import PHRASES, Language
from npu_adapt.report.phrases.facts import words
from npu_adapt.report.terminal import Screen


def say(language: Language, id: str, **values: Any) -> str:
    """The phrase "registry-ID"."""
    return words("registry", Fact(id, values), language)


def source_of(language: Language, source: str) -> str:
    """A hub by its name; a directory or a built-in model by its word."""
    return say(language, f"source-{source}") if f"registry-source-{source}" in PHRASES else source


def render_list(models: Sequence[ListedModel], language: Language = "en") -> RenderableType:
    """One line a model, the last used first."""
    tell = partial(say, language)
    if not models:
        return Screen([sentence(tell("empty"))])
    columns = (
        Column(tell("column-model")),
        Column(tell("column-source")),
        Column(tell("column-revision")),
        Column(tell("column-size"), numeric=True),
        Column(tell("column-verified")),
        Column(tell("column-used")),
    )
    rows = tuple(
        (
            Code(model.model),
            source_of(language, model.source),
            model.revision[:12] if model.revision else tell("none"),
            rounding.size(model.bytes),
            _verified(model, language),
            model.last_used[:10],
        )
        for model in models
    )
    return Screen([Table("", columns, rows)])


def _verified(model: ListedModel, language: Language) -> str:
    if model.state != "ready":
        return say(language, f"state-{model.state}")
    against = say(language, f"against-{model.verified_against}")
    return f"{against} {model.verified_at[:10]}" if model.verified_at else against


def render_verification(verification: Verification, language: Language = "en") -> RenderableType:
    """The outcome of each model, and each file that is not what it was."""
    tell = partial(say, language)
    blocks: list[Block] = []
    for check in verification.models:
        outcome = f" · {source_of(language, check.source)}: {_outcome(check, language)}"
        blocks.append(sentence(Code(check.model), outcome, tone=_tone(check.passed)))
        if faulty := [file for file in check.files if file.outcome != "same"]:
            columns = ("column-file", "column-outcome", "column-expected", "column-found")
            rows = tuple(
                (
                    Code(file.name),
                    tell(f"check-{file.outcome}"),
                    file.expected_sha256[:16],
                    file.found_sha256[:16] if file.found_sha256 else tell("none"),
                )
                for file in faulty
            )
            blocks.append(Table("", tuple(Column(tell(column)) for column in columns), rows))
    blocks.append(sentence(tell("hashed", bytes=verification.bytes, seconds=verification.seconds)))
    return Screen(blocks)


def _outcome(check: ModelCheck, language: Language) -> str:
    if check.missing:
        return say(language, "unfinished", missing=len(check.missing))
    same = sum(file.outcome == "same" for file in check.files)
    if not check.passed:
        return say(language, "not-same", wrong=len(check.files) - same, files=len(check.files))
    by = [file.verified_against for file in check.files]
    told = "same-mirror" if "mirror" in by else "same"
    return say(language, told, files=same, hub=by.count("hub"), mirror=by.count("mirror"))


def _tone(passed: bool) -> Tone:
    return "good" if passed else "bad"


def render_removed(removed: Sequence[RemovedModel], language: Language = "en") -> RenderableType:
    """What is gone, and what stays and why."""
    return Screen(
        [
            sentence(
                Code(model.model),
                f" · {source_of(language, model.source)}: {_removed(model, language)} · {model.path}",
            )
            for model in removed
        ]
    )


def _removed(model: RemovedModel, language: Language) -> str:
    if model.kept is None:
        return say(language, "freed", bytes=model.freed_bytes)
    return say(language, "forgotten", why=words("kept", model.kept, language))


def removal_lines(planned: Sequence[RemovedModel], language: Language = "en") -> tuple[str, ...]:
    """What would go, by full paths, for the question whether it shall: records of what was not removed yet."""
    lines = []
    for model in planned:
        name = f"{model.model} · {source_of(language, model.source)}:"
        if model.kept is not None:
            lines.append(f"{name} {say(language, 'will-keep', why=words('kept', model.kept, language))}")
        else:
            lines.append(f"{name} {say(language, 'will-free', bytes=model.freed_bytes)}")
            lines += [f"  {path}" for path in model.removed or (model.path,)]
    return tuple(lines)


def remove_question(model: str, language: Language = "en") -> str:
    """The question that follows `removal_lines`."""
    return say(language, "remove", model=model)
