"""The text of an issue about one failing operator, as Markdown: for whoever makes the device's kernels."""

from __future__ import annotations

from pathlib import PurePath

from npu_adapt import rounding
from npu_adapt.records import OperatorFinding, ReproCase, Summary
from npu_adapt.report.document import Block, Code, Inline, Section, Verbatim, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.markdown import block, escaped
from npu_adapt.report.phrases import Language
from npu_adapt.report.sections.blocks import fact, facts, table

FILES = {"tensors": "case.safetensors", "module": "module.pt", "environment": "environment.json"}
VERSIONS = ("torch", "torch_npu", "cann", "driver", "firmware", "python", "platform")
# What is right, by the test that failed; the others have floors.
EXPECTED = {"exact": "issue-equal", "whole-numbers": "issue-whole-numbers", "repeat": "issue-repeat"}


def issue_text(
    summary: Summary, case: ReproCase, finding: OperatorFinding, device: str, script: str, language: Language
) -> str:
    """The whole text. `device` is the device's own name, `script` the text of the script beside it."""
    figures = Figures(summary, language)
    run = summary.run
    key = "issue-title-repeat" if finding.test == "repeat" else "issue-title"
    title = figures.say(key, operator=finding.operator, device=device, dtype="" if run is None else run.dtype)
    expected = figures.say(EXPECTED.get(finding.test, "issue-floors"))
    happens = _what_happens(figures, case, finding)
    how = _how(figures, case, script, figures.say("issue-run"))
    return _text(figures, title, happens, how, expected, ("tensors", "environment"), device)


def mode_issue_text(
    summary: Summary, case: ReproCase, compiler: str, device: str, script: str, language: Language
) -> str:
    """The same for a submodule that a compiler gets wrong."""
    figures = Figures(summary, language)
    run, model = summary.run, summary.model
    about = {"operator": case.operator, "compiler": compiler, "device": device}
    title = figures.say("issue-title-mode", **about, dtype="" if run is None else run.dtype)
    name = "" if model is None else PurePath(model.id).name
    happens = sentence(figures.say("issue-mode", **about, module=case.module, model=name, test=case.test))
    how = _how(figures, case, script, figures.say("issue-mode-run"))
    expected = figures.say("issue-mode-expected")
    return _text(figures, title, (happens,), how, expected, ("tensors", "module", "environment"), device)


def _text(
    figures: Figures,
    title: str,
    happens: tuple[Block, ...],
    how: tuple[Block, ...],
    expected: str,
    files: tuple[str, ...],
    device: str,
) -> str:
    sections = (
        Section(figures.say("issue-happens"), happens),
        Section(figures.say("issue-reproduce"), how),
        Section(figures.say("issue-expected"), (sentence(expected), _files(figures, files))),
        Section(figures.say("caption-issue-environment"), (_environment(figures, device),)),
    )
    parts = [f"# {escaped(title)}"]
    for section in sections:
        parts += [f"## {escaped(section.title)}", *(block(each, section) for each in section.blocks)]
    return "\n\n".join(parts) + "\n"


def _what_happens(figures: Figures, case: ReproCase, finding: OperatorFinding) -> tuple[Block, ...]:
    model = figures.summary.model
    said = [
        figures.say(
            "issue-operator",
            operator=finding.operator,
            module=finding.module,
            model="" if model is None else PurePath(model.id).name,
            shape=str(finding.output_shape),
            test=finding.test,
        )
    ]
    if finding.error_over_floor is not None and finding.test not in EXPECTED:
        said.append(figures.say("issue-over", over=rounding.ratio(finding.error_over_floor)))
    if finding.reference is not None and finding.candidate is not None:
        values = {name: rounding.tensor_value(getattr(finding, name)) for name in ("reference", "candidate")}
        said.append(figures.say("issue-value", index=str(finding.worst_index), **values))
    if case.findings > 1:
        said.append(figures.say("issue-again", number=rounding.count(case.findings)))
    return tuple(sentence(each) for each in said)


def _how(figures: Figures, case: ReproCase, script: str, run: str) -> tuple[Block, ...]:
    command = Verbatim("python repro.py", "bash")
    if case.reason is not None:
        why = sentence(figures.say("issue-not-run", reason=figures.tell("repro-reason", case.reason)))
        said: tuple[Block, ...] = (why,)
    else:
        status = figures.say(f"repro-status-{case.status}")
        said = (sentence(figures.say("issue-said", status=status)), Verbatim(case.said))
    return sentence(run), command, *said, Verbatim(script.rstrip("\n"), "python")


def _files(figures: Figures, names: tuple[str, ...]) -> Block:
    rows = [(Code(FILES[name]), figures.say(f"issue-file-{name}")) for name in names]
    return table(figures, "bundle-files", ("file", "holds"), rows)


def _environment(figures: Figures, device: str) -> Block:
    rows: list[tuple[Inline, Inline]] = [(figures.say("column-device"), Code(device))]
    rows += [fact(figures, name, f"environment.{name}") for name in VERSIONS]
    return facts(figures, "issue-environment", rows)
