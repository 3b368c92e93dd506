"""The boundary to a model's own forward: whatever it raises is a failure of the run, and names the module."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import torch

import npu_adapt
from npu_adapt.devices.device import Device
from npu_adapt.errors import NpuAdaptError, RunFailed, Sentence, first_line
from npu_adapt.models.strangers import is_installed, is_out_of_memory
from npu_adapt.workflows.run.naming import FailingOperator

STAGE = "forward"


@contextmanager
def foreign_forward(
    module: torch.nn.Module, device: Device, operators: FailingOperator | None = None
) -> Iterator[None]:
    """Within the context the model's code runs. Errors of ours and Ctrl-C pass; the traceback stays as `__cause__`.

    What the device's backend says in its own exceptions comes first, then memory that ran out, then the module whose
    forward raised it, with the operator where `operators` are watched. Raises `RunFailed`.
    """
    try:
        yield
    except (NpuAdaptError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if _is_ours(error):
            raise
        operator = operators.name if operators else None
        known = device.classify(error, STAGE, operator) if isinstance(error, Exception) else None
        raise known or _failure(error, module, operator) from error


OURS = str(Path(npu_adapt.__file__).parent)


def _is_ours(error: BaseException) -> bool:
    """Whether it began in this package, which is a bug. An operator that is only passed on here fails by itself."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    begins_here = trace is not None and trace.tb_frame.f_code.co_filename.startswith(OURS)
    return begins_here and not isinstance(error, (RuntimeError, ValueError, MemoryError))


def _failure(error: BaseException, module: torch.nn.Module, operator: str | None) -> RunFailed:
    place = innermost_module(error.__traceback__, module)
    if is_out_of_memory(error):
        return RunFailed(
            Sentence("out of memory in the forward of {place}: {said}", place=place, said=first_line(error)),
            hint="close other programs, take a machine with more memory, or --dtype bfloat16",
            stage=STAGE,
            kind="out-of-memory",
        )
    values = {"place": place, "type": type(error).__name__, "said": first_line(error)}
    line = users_line(error.__traceback__)
    return RunFailed(
        Sentence("the forward of {place} raised {type}: {said}{line}", **values, line=line)
        if operator is None
        else Sentence(
            "the operator {operator} in the forward of {place} raised {type}: {said}{line}",
            **values, line=line, operator=operator,
        ),
        hint="the model's own code raised this; the run's log holds the traceback. Try --device cpu, "
        "--attention eager. Where it needs other inputs, write an adapter that prepares them: "
        "npu-adapt compare FILE.py --weights DIR",
        stage=STAGE,
        kind="other",
        operator=operator,
    )  # fmt: skip


STANDARD_LIBRARY = sysconfig.get_path("stdlib")


def users_line(trace: TracebackType | None) -> str:
    """The innermost line of the traceback that is neither ours nor a library's, in brackets; empty where none is."""
    lines = [frame for frame in traceback.extract_tb(trace) if _is_the_users(frame.filename)]
    return f" ({Path(lines[-1].filename).name}, line {lines[-1].lineno}: {lines[-1].line})" if lines else ""


def _is_the_users(file: str) -> bool:
    return not (file.startswith((OURS, STANDARD_LIBRARY, "<")) or is_installed(Path(file)))


def innermost_module(trace: TracebackType | None, root: torch.nn.Module) -> str:
    """Name and class of the last module whose forward the traceback goes through; the whole model where none is."""
    names = {id(module): name for name, module in root.named_modules()}
    found = root
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, torch.nn.Module) and id(owner) in names:
            found = owner
        trace = trace.tb_next
    name = names.get(id(found))
    return f"{name} ({type(found).__name__})" if name else type(found).__name__
