"""What `models` prints: records of the registry as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from npu_adapt import rounding
from npu_adapt.records.registry import FileCheck, ListedModel, ModelCheck, RemovedModel, Verification
from npu_adapt.report.document import Block, Code, Column, Inline, Table, Tone, sentence
from npu_adapt.report.first.screen import FirstScreen, Line, without_column
from npu_adapt.report.phrases import PHRASES, Language, say
from npu_adapt.report.phrases.facts import words
from npu_adapt.report.terminal import Screen

SHOWN = 9  # models that `verify` names without `--details`, in up to two lines each
ROOM = 18  # lines for them and their files


def render_list(models: Sequence[ListedModel], language: Language = "en", *, details: bool = True) -> RenderableType:
    """One line a model, the last used first; without `details` the first of them."""
    if not models:
        return Screen([sentence(say("registry-empty", language))])
    columns = (
        Column(say("item-model", language)),
        Column(say("column-source", language)),
        Column(say("column-revision", language)),
        Column(say("column-size", language), numeric=True),
        Column(say("column-verified-short", language)),
        Column(say("column-last-used", language)),
    )
    whole = Table("", columns, tuple(_row(model, language) for model in models))
    total = rounding.size(sum(model.bytes for model in models))
    summed = say("registry-sum", language, number=rounding.count(len(models)), size=total)
    if details:
        return Screen([whole, sentence(summed)])
    no_revision = without_column(whole, 2)
    return FirstScreen(
        head=None,
        lines=(),
        end=(Line("", (summed,)),),
        tables=(whole, no_revision, without_column(no_revision, 1)),
        left_out=lambda hidden: say("registry-more", language, number=str(hidden)),
    )


def _row(model: ListedModel, language: Language) -> tuple[Inline, ...]:
    return (
        Code(model.model),
        _word(model.source, language),
        Code(model.revision[:12]) if model.revision else say("none", language),
        rounding.size(model.bytes),
        _verified(model, language),
        Code(model.last_used[:10]),
    )


def _verified(model: ListedModel, language: Language) -> str:
    if model.state != "ready":
        return _word(model.state, language)
    against = _word(model.verified_against, language)
    return f"{against} {model.verified_at[:10]}" if model.verified_at else against


def _word(name: str, language: Language) -> str:
    """A name of the record in words, where there are some."""
    return say(f"word-{name}", language) if f"word-{name}" in PHRASES else name


def render_verification(
    verification: Verification, language: Language = "en", *, details: bool = True
) -> RenderableType:
    """The outcome of each model, and each file that is not what it was; without `details` the failures come first."""
    blocks: list[Block] = []
    checks = verification.models if details else sorted(verification.models, key=lambda each: each.passed)[:SHOWN]
    room = sum(len(check.files) + 3 for check in checks) if details else ROOM - 2 * len(checks)
    for check in checks:
        outcome = _outcome(check, language)
        blocks.append(
            sentence(Code(check.model), f" · {_word(check.source, language)}: {outcome}", tone=_tone(check.passed))
        )
        faulty = [file for file in check.files if file.outcome != "same"]
        if faulty and room > 3:
            shown = faulty[: room - 3]
            room -= len(shown) + 3
            blocks.append(_faulty(shown, language))
    if len(checks) < len(verification.models):
        hidden = len(verification.models) - len(checks)
        blocks.append(sentence(say("registry-more", language, number=str(hidden))))
    seconds = rounding.significant(verification.seconds, 3)
    hashed = say("check-hashed", language, size=rounding.size(verification.bytes), seconds=seconds)
    return Screen([*blocks, sentence(hashed)])


def _faulty(files: Sequence[FileCheck], language: Language) -> Table:
    titles = ("column-file", "column-outcome", "column-expected", "column-found-sha256")
    rows = tuple(
        (
            Code(file.name),
            _word(file.outcome, language),
            Code(file.expected_sha256[:16]),
            Code(file.found_sha256[:16]) if file.found_sha256 else say("none", language),
        )
        for file in files
    )
    return Table("", tuple(Column(say(title, language)) for title in titles), rows)


def _outcome(check: ModelCheck, language: Language) -> str:
    if check.missing:
        return say("check-missing", language, number=str(len(check.missing)))
    same = sum(file.outcome == "same" for file in check.files)
    if not check.passed:
        return say("check-differs", language, number=str(len(check.files) - same), all=str(len(check.files)))
    by = [file.verified_against for file in check.files]
    told = "check-same-mirror" if "mirror" in by else "check-same"
    return say(told, language, number=str(same), hub=str(by.count("hub")), mirror=str(by.count("mirror")))


def _tone(passed: bool) -> Tone:
    return "good" if passed else "bad"


def render_removed(removed: Sequence[RemovedModel], language: Language = "en") -> RenderableType:
    """What is gone, and what stays and why."""
    return Screen([_removed(model, language) for model in removed])


def _removed(model: RemovedModel, language: Language) -> Block:
    outcome = (
        say("removed-freed", language, size=rounding.size(model.freed_bytes))
        if model.kept is None
        else say("removed-kept", language, why=words("kept", model.kept, language))
    )
    return sentence(Code(model.model), f" · {_word(model.source, language)}: {outcome} · ", Code(model.path))


def removal_lines(planned: Sequence[RemovedModel], language: Language = "en") -> tuple[str, ...]:
    """What would go, by full paths, for the question whether it shall: records of what was not removed yet."""
    lines = []
    for model in planned:
        name = f"{model.model} · {_word(model.source, language)}:"
        if model.kept is not None:
            lines.append(f"{name} {say('will-keep', language, why=words('kept', model.kept, language))}")
        else:
            lines.append(f"{name} {say('will-free', language, size=rounding.size(model.freed_bytes))}")
            lines += [f"  {path}" for path in model.removed or (model.path,)]
    return tuple(lines)
