"""What `npu-adapt env` does: reads the machine, tries its devices in another process, and says what does not fit.

Evidence: the run has its folder in the history, as every run has. `logs/summary.json` and `logs/run_npu.log` it writes
only where nothing else is lost by that: where there is no summary, or one of `env` itself. So a model's figures stay
what they are, and a machine on which nothing runs still gets a report, with its problems in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npu_adapt.devices.doctor.npu_smi import Asking
from npu_adapt.devices.doctor.probing import Probing
from npu_adapt.errors import EvidenceNotWritten, Sentence, UsageError
from npu_adapt.progress import doing

if TYPE_CHECKING:
    from npu_adapt.evidence import Journal
    from npu_adapt.progress import Progress
    from npu_adapt.records import Environment, EnvironmentChanges, Summary

PROBE_SECONDS = 60.0
SMI_SECONDS = 20.0  # a machine with sixteen busy chips takes some


@dataclass(frozen=True)
class EnvRequest:
    """Everything the user asked of `env`."""

    command_line: str
    logs: Path
    logs_named: bool = False  # whether the user named the folder: then it has to be usable
    timeout: float | None = None  # seconds for the probe and npu-smi each; None: their own limits
    save: Path | None = None  # where the record is kept for a later --diff; None: nowhere
    diff: Path | None = None  # the earlier record; None: not asked for
    autoload: bool = True  # whether the user's own `import torch` loads its extensions


def examine(request: EnvRequest, make_progress: Callable[[], Progress], show: Callable[[Summary], None]) -> Summary:
    """The summary of this machine. `show` gets what can be read at once, before anything has answered.

    Raises `UsageError` for a `--diff` that holds no environment, a `--save` that cannot be written, and logs that were
    named and cannot be written.
    """
    # Before anything else: the import of torch takes longer than all the rest, which runs beside it.
    with Probing() as probing, Asking() as asking:
        return _examine(request, make_progress, show, probing, asking)


def any_usable(summary: Summary) -> bool:
    """Whether some accelerator computed."""
    return summary.environment is not None and any(device.usable for device in summary.environment.devices)


def _examine(
    request: EnvRequest,
    make_progress: Callable[[], Progress],
    show: Callable[[Summary], None],
    probing: Probing,
    asking: Asking,
) -> Summary:
    from npu_adapt.devices.doctor.examination import Examination
    from npu_adapt.devices.doctor.machine import read_machine
    from npu_adapt.devices.environment import environment_of, environment_reasons, problems_of
    from npu_adapt.evidence import new_summary
    from npu_adapt.workflows.env.plugins import failing_plugins

    _require_folder(request.save)
    earlier = _earlier(request.diff)
    machine = read_machine(autoload=request.autoload)
    show(new_summary(request.command_line, environment=environment_of(Examination(machine))))
    progress = make_progress()  # bars cost an import, which is paid for while torch is imported
    with _journal(request, progress) as journal:
        with progress.task(doing("examining")):
            smi = asking.answer(request.timeout or SMI_SECONDS)
            probe = probing.answer(request.timeout or PROBE_SECONDS)
            failed = failing_plugins(request.timeout or PROBE_SECONDS)
        examination = Examination(machine, smi, probe, failed)
        environment = environment_of(examination, problems_of(examination))
        summary = new_summary(
            request.command_line,
            commands={"env": request.command_line},
            environment=environment,
            changes=_changes(earlier, environment, request.diff),
            reasons=environment_reasons(examination),
        )
        _write_down(summary, request, journal)
    return summary


def _require_folder(path: Path | None) -> None:
    """Before anybody has waited: raises `UsageError` where nothing can be saved at `path`."""
    if path is None:
        return
    why = None
    if path.is_dir():
        why = "it is a folder"
    elif path.exists() and not path.is_file():
        why = "it is a device or a pipe, which the record would take the place of"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        why = Sentence("{parent} is not a folder that you may write to", parent=path.parent)
    if why is not None:
        raise UsageError(
            Sentence("{path} cannot be written: {why}", path=path, why=why), hint="name another file with --save"
        )


def _earlier(path: Path | None) -> Summary | None:
    """The summary to compare with; None: not asked for."""
    from npu_adapt.workflows.reading import read_checked

    if path is None:
        return None
    summary = read_checked(path)
    if summary.environment is None:
        raise UsageError(
            Sentence("{path} holds no environment", path=path), hint="make one with npu-adapt env --save FILE"
        )
    return summary


def _changes(earlier: Summary | None, environment: Environment, path: Path | None) -> EnvironmentChanges | None:
    from npu_adapt.records import EnvironmentChanges
    from npu_adapt.workflows.env.changes import environment_changes

    if earlier is None:
        return None
    changes = environment_changes(earlier.environment, environment)
    return EnvironmentChanges(since=str(path), created_at=earlier.created_at, changes=changes)


@contextmanager
def _journal(request: EnvRequest, progress: Progress) -> Iterator[Journal | None]:
    """The journal of this run; None where the default folder cannot be written, which a doctor survives."""
    from npu_adapt.evidence import Logs

    logs = Logs(request.logs)
    try:
        logs.require_writable()
    except UsageError as error:
        if request.logs_named:
            raise
        progress.say(doing("not-written", message=error.sentence))
        yield None
        return
    with logs.start("env", "machine") as journal:
        journal.event("run", "start", command=request.command_line)
        yield journal


def _write_down(summary: Summary, request: EnvRequest, journal: Journal | None) -> None:
    """The record in the logs, and in the file that `--save` names."""
    from npu_adapt.evidence import write_atomically
    from npu_adapt.records import encode

    assert summary.environment is not None
    if journal is not None:
        for problem in summary.environment.problems:
            journal.event("run", "problem", problem.severity, id=problem.id, **problem.values)
        usable = [f"{device.kind}:{device.index}" for device in summary.environment.devices if device.usable]
        journal.event("run", "ended", usable=usable or "none")
        journal.publish_environment(summary)
    if request.save is not None:
        try:
            write_atomically(request.save, encode(summary))
        except OSError as error:
            raise EvidenceNotWritten(
                Sentence("{path} cannot be written: {reason}", path=request.save, reason=error.strerror),
                hint="name another file with --save",
                summary=summary,
            ) from error
