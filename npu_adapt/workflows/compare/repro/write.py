"""`compare --repro`: a folder for each kind of failing operator, whose script ran in a process of its own."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec.structs import replace
from torch import Tensor

from npu_adapt.devices import modes
from npu_adapt.devices.device import Device
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.capture import Call
from npu_adapt.progress import doing
from npu_adapt.records import Fact, ModeSuspect, OperatorFinding, Repro, ReproCase, as_json
from npu_adapt.report.phrases import Language
from npu_adapt.report.repro import issue_text, mode_issue_text
from npu_adapt.workflows.compare.alone import replay_on
from npu_adapt.workflows.compare.modes.culprit import Culprit
from npu_adapt.workflows.compare.repro.case import WITHIN, Case, captured, case_of
from npu_adapt.workflows.compare.repro.expression import Expression, NotScriptable
from npu_adapt.workflows.compare.repro.facts import reason
from npu_adapt.workflows.compare.repro.mode_case import MODULE, mode_case
from npu_adapt.workflows.compare.repro.script import TENSORS, script_of, tensors_of_case
from npu_adapt.workflows.folders import require_free, write_folder
from npu_adapt.workflows.processes.script import run_script
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session

OPTION = "--repro"
MOST_CASES = 8
LONGEST_NAME = 60  # characters of a case's folder
SCRIPT, ENVIRONMENT = "repro.py", "environment.json"
SECONDS = 300.0  # that a script may take
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class _Kind:
    """Findings of one operator, test and shape of the result: the first, and how many there are."""

    first: OperatorFinding
    findings: int


def require_folder(folder: Path) -> None:
    """Raises `UsageError` where the cases cannot be written there."""
    require_free(folder, OPTION)


def write_repro(
    session: Session,
    folder: Path,
    candidate: Side,
    arithmetic: ArithmeticByClass,
    findings: Sequence[OperatorFinding],
    culprits: Sequence[Culprit] = (),
) -> Repro:
    """Writes the first `MOST_CASES` kinds of failures and runs their scripts; writes nothing where nothing failed.

    `culprits` are the submodules that are wrong in a mode; each is a case of its own.

    Raises `UsageError` where the folder cannot be written after all.
    """
    kinds = _kinds(findings)
    chosen = kinds[:MOST_CASES]
    files: dict[str, bytes] = {}
    cases = []
    with session.progress.task(doing("writing-cases"), total=len(chosen)) as step:
        for number, (kind, made) in enumerate(_made(session, candidate, arithmetic, chosen), start=1):
            case, own = _written(session, number, kind, made)
            cases.append(case)
            files |= {f"{case.folder}/{name}": data for name, data in own.items()}
            step.advance(1)
        for number, culprit in enumerate(culprits, start=len(chosen) + 1):
            case, own = _written_mode(session, number, culprit, candidate)
            cases.append(case)
            files |= {f"{case.folder}/{name}": data for name, data in own.items()}
    if files:
        try:
            write_folder(folder, files)
        except OSError as error:
            raise UsageError(
                Sentence("{out} cannot be written: {reason}", out=folder, reason=error.strerror),
                hint=Sentence("name another folder with {option}", option=OPTION),
            ) from error
    return Repro(folder=str(folder), cases=tuple(cases), left_out=len(kinds) - len(chosen))


def _kinds(findings: Sequence[OperatorFinding]) -> list[_Kind]:
    """In the order of execution of the first of each."""
    found: dict[object, list[OperatorFinding]] = {}
    for each in findings:
        found.setdefault((each.operator, each.test, each.output_shape), []).append(each)
    return [_Kind(same[0], len(same)) for same in found.values()]


def _made(
    session: Session, candidate: Side, arithmetic: ArithmeticByClass, kinds: Sequence[_Kind]
) -> Iterator[tuple[_Kind, Case | Fact]]:
    """Of each kind its case, or why there is none. A sample's forward runs once for all of its calls."""
    device = candidate.device.torch_device
    cpu = Side(session.loaded.module, candidate.device, session.loaded.dtype, session.loaded.task)
    calls: dict[tuple[bool, int], dict[int, Call]] = {}
    for kind in kinds:
        finding = kind.first
        within = finding.test == WITHIN  # then what the device itself gave the operator is what it is wrong for
        key = (within, finding.sample)
        if key not in calls:
            wanted = frozenset(
                each.first.index for each in kinds if (each.first.test == WITHIN, each.first.sample) == key
            )
            sample = session.samples[finding.sample]
            tensors = candidate.tensors(sample) if within else sample.to(torch.device("cpu"), session.loaded.dtype)
            calls[key] = captured(candidate if within else cpu, tensors, wanted)
        call = calls[key].get(finding.index)
        if call is None or call.operator != finding.operator:
            yield kind, reason("another-path" if finding.operator != "parameter" else "right-alone")
            continue
        with torch.inference_mode():
            made = case_of(finding, call, replay_on(device, candidate.context), arithmetic)
        yield kind, made or reason("right-alone")


def _written(session: Session, number: int, kind: _Kind, made: Case | Fact) -> tuple[ReproCase, dict[str, bytes]]:
    """The record of a case, and its files by name."""
    finding, device = kind.first, session.device
    record = ReproCase(
        module=finding.module,
        operator=finding.operator,
        index=finding.index,
        sample=finding.sample,
        test=finding.test,
        findings=kind.findings,
        status="no-script",
    )
    if isinstance(made, Fact):
        return replace(record, reason=made), {}
    try:
        expression = Expression(made.call, made.position)
        tensors = tensors_of_case(made, expression)
        script = script_of(made, expression, device, tensors)
    except NotScriptable as error:
        return replace(record, reason=reason("not-written-in-torch", what=str(error))), {}
    files = {TENSORS: _safetensors(tensors), SCRIPT: script.encode()}
    record = replace(record, folder=_folder(number, record), **_ran(files, device))
    texts = {
        f"issue.{language}.md": issue_text(
            session.summary, record, finding, device.display_name, script, language
        ).encode()
        for language in LANGUAGES
    }
    return record, {**files, ENVIRONMENT: _about(session, finding), **texts}


def _written_mode(
    session: Session, number: int, culprit: Culprit, candidate: Side
) -> tuple[ReproCase, dict[str, bytes]]:
    """The record of a submodule that is wrong in a mode, and its files by name."""
    suspect, device = culprit.suspect, session.device
    record = ReproCase(
        module=suspect.module,
        operator=suspect.type,
        index=None,
        sample=0,
        test=suspect.check,
        findings=1,
        status="no-script",
        mode=culprit.mode,
    )
    if culprit.mode != modes.COMPILE:
        return replace(record, reason=reason("captured-graph", module=suspect.module)), {}
    try:
        made = mode_case(culprit, candidate)
    except NotScriptable as error:
        return replace(record, reason=reason("not-written-in-torch", what=str(error))), {}
    files = {TENSORS: _safetensors(made.tensors), SCRIPT: made.script.encode(), MODULE: made.module}
    record = replace(record, folder=_folder(number, record), **_ran(files, device))
    texts = {
        f"issue.{language}.md": mode_issue_text(
            session.summary, record, device.backend.compiler, device.display_name, made.script, language
        ).encode()
        for language in LANGUAGES
    }
    return record, {**files, ENVIRONMENT: _about(session, suspect), **texts}


def _about(session: Session, failure: OperatorFinding | ModeSuspect) -> bytes:
    """The environment of a failure, and the failure as it is recorded."""
    summary, device = session.summary, session.device
    return as_json(
        {
            "environment": summary.environment,
            "device": device.name,
            "name": device.display_name,
            "numerics": device.numerics(),
            "model": None if summary.model is None else summary.model.id,
            "finding": failure,
        }
    )


def _folder(number: int, case: ReproCase) -> str:
    name = re.sub(r"[^A-Za-z0-9._]+", "-", f"{case.operator}-{case.module}").strip("-.")
    return f"{number}-{name[:LONGEST_NAME]}".rstrip("-.")


def _safetensors(tensors: dict[str, Tensor]) -> bytes:
    from safetensors.torch import save

    return save(tensors)


def _ran(files: dict[str, bytes], device: Device) -> dict[str, object]:
    """What the script says in a process of its own: the fields of its record."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        try:
            done = run_script(Path(folder) / SCRIPT, device.name, seconds=SECONDS)
        except subprocess.TimeoutExpired:
            return {"status": "not-run", "reason": reason("script-too-slow", seconds=SECONDS)}
    said = done.stdout.strip()
    if done.returncode not in (0, 1) or not said:  # an exception ends Python with 1 too, but before anything is said
        message = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"status": "not-run", "reason": reason("script-failed", message=message)}
    return {"status": "reproduced" if done.returncode else "passes", "said": said}
