"""The commands as functions: the same workflows, the same records."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from npu_adapt.api.options import by_name, fields_of, require_known
from npu_adapt.devices.preconditions import require_fit_process
from npu_adapt.errors import UsageError
from npu_adapt.progress import Silent
from npu_adapt.records import Summary
from npu_adapt.workflows.run.request import RunRequest

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from npu_adapt.api.options import BenchCall, CompareCall, FetchOptions, RunOptions
    from npu_adapt.models.calling import Code, Inputs
    from npu_adapt.records.registry import Fetched
    from npu_adapt.report.phrases import Language
    from npu_adapt.workflows.run.request import Rehearsal
    from npu_adapt.workflows.run.subject import Subject

AUTOLOAD = "TORCH_DEVICE_BACKEND_AUTOLOAD"


def infer(
    model: str | Path | Code,
    inputs: Inputs | str | None = None,
    *,
    device: str | torch.device = "auto",
    logs: Path | str | None = None,
    **options: Unpack[RunOptions],
) -> Summary:
    """Runs a model once on one device: predictions, output shapes, timings.

    >>> import npu_adapt, torch
    >>> summary = npu_adapt.infer(torch.nn.Linear(4, 3), torch.ones(2, 4), device="cpu")
    >>> summary.run.outputs[0].shape
    (2, 3)
    """
    from npu_adapt.workflows.run.infer import infer as run_infer

    require_known("infer", options, RunRequest)
    with _call("infer", model, inputs, None, device, logs, options) as (request, given):
        return run_infer(request, Silent(), given)


def bench(
    model: str | Path | Code,
    inputs: Inputs | str | None = None,
    *,
    device: str | torch.device = "auto",
    logs: Path | str | None = None,
    **options: Unpack[BenchCall],
) -> Summary:
    """Measures latency, throughput and memory, in this process.

    >>> import npu_adapt, torch
    >>> summary = npu_adapt.bench(torch.nn.Linear(4, 3), torch.ones(2, 4), device="cpu", iterations=20)
    >>> len(summary.bench.samples_ms)
    20
    """
    from npu_adapt.workflows.bench.options import BenchOptions

    require_known("bench", options, RunRequest, BenchOptions)
    with _call("bench", model, inputs, None, device, logs, options) as (request, given):
        from npu_adapt.workflows.bench.command import bench as run_bench

        return run_bench(request, BenchOptions(**fields_of(BenchOptions, options)), Silent(), given)


def compare(
    model: str | Path | Code,
    inputs: Inputs | str | None = None,
    *,
    reference: str | torch.device | Code = "cpu",
    device: str | torch.device = "auto",
    rehearse: Rehearsal | None = None,
    logs: Path | str | None = None,
    **options: Unpack[CompareCall],
) -> Summary:
    """Compares a device with the CPU on the same weights and inputs: metrics and a verdict.

    `reference` is the device that is compared with; or, for a module or function, the code that does the same and is
    held to be right. A verdict that is "fail" is a result: look at `summary.compare.verdict.passed`.

    >>> import npu_adapt, torch
    >>> summary = npu_adapt.compare(torch.nn.Linear(4, 3), {"input": torch.ones(2, 4)}, device="cpu")
    >>> summary.compare.verdict.passed
    True
    """
    from npu_adapt.workflows.compare.options import CompareOptions

    other = by_name(reference)
    code = None if isinstance(other, str) else other
    asked: dict[str, Any] = {**options, "rehearse": rehearse}
    require_known("compare", asked, RunRequest, CompareOptions)
    with _call("compare", model, inputs, code, device, logs, asked) as (request, given):
        from npu_adapt.workflows.compare.command import compare as run_compare

        known = fields_of(CompareOptions, asked | _several("mode", asked))
        judged = {"reference": other if isinstance(other, str) else "cpu", **known}
        return run_compare(request, CompareOptions(**judged), Silent(), given)


def fetch(model: str | Path, *, dry_run: bool = False, **options: Unpack[FetchOptions]) -> Fetched:
    """Brings a model to this disk, verifies every byte, and registers it.

    >>> import npu_adapt
    >>> npu_adapt.fetch("builtin:digits-vit").source
    'builtin'
    """
    from npu_adapt.models.request import ModelRequest
    from npu_adapt.workflows.models.fetch import fetch_and_register

    require_known("fetch", options, ModelRequest)
    request = ModelRequest(model=str(model), **fields_of(ModelRequest, options))
    return fetch_and_register(request, Silent(), dry_run=dry_run)


def environment(*, timeout: float | None = None, logs: Path | str | None = None) -> Summary:
    """Examines this machine: versions, devices, and whatever does not fit, with the command that fixes it.

    >>> import npu_adapt
    >>> problems = npu_adapt.environment().environment.problems
    """
    from npu_adapt.workflows.env.command import EnvRequest, examine

    with _logs(logs) as folder:
        request = EnvRequest(command_line="npu_adapt.environment()", logs=folder, logs_named=True, timeout=timeout)
        return examine(request, Silent, lambda at_once: None)


def report(
    summary: Summary | Path | str = "logs",
    *,
    language: Language = "en",
    form: Literal["markdown", "html"] = "markdown",
) -> str:
    """The adaptation report of a summary, of a `summary.json`, or of a logs folder.

    >>> import npu_adapt, torch
    >>> summary = npu_adapt.infer(torch.nn.Linear(4, 3), torch.ones(2, 4), device="cpu")
    >>> "python:Linear" in npu_adapt.report(summary)
    True
    """
    from npu_adapt.evidence import SUMMARY_FILE
    from npu_adapt.workflows.reading import read_checked

    if not isinstance(summary, Summary):
        path = Path(summary)
        summary = read_checked(path / SUMMARY_FILE if path.is_dir() else path)
    render = importlib.import_module(f"npu_adapt.report.{form}").render
    return str(render(summary, language))


@contextmanager
def _call(
    command: str,
    model: str | Path | Code,
    inputs: Inputs | str | None,
    reference: Code | None,
    device: str | torch.device,
    logs: Path | str | None,
    options: Mapping[str, Any],
) -> Iterator[tuple[RunRequest, Subject | None]]:
    """The request of a call, and what it gives instead of a model's name. Random numbers are as they were, after."""
    named = isinstance(model, (str, Path))
    _require_sense(model, inputs, reference)
    asked = fields_of(RunRequest, {**options, "device": device})
    _import_torch()
    import torch

    given = None
    if not named:
        from npu_adapt.api.given import subject_given

        assert not isinstance(model, (str, Path)) and inputs is not None and not isinstance(inputs, str)
        given = subject_given(model, inputs, reference=reference, dtype=asked.get("dtype", "auto"))
    with _logs(logs) as folder, torch.random.fork_rng(devices=[]):
        request = RunRequest(
            command=command,
            command_line=_said(command, model, {"device": device, **options}),
            model=str(model) if named else None,
            inputs=_named_inputs(inputs) if named else (),
            logs=folder,
            **asked,
        )
        yield request, given


def _several(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """An option of several values, where one was given by itself."""
    return {name: (options[name],)} if isinstance(options.get(name), str) else {}


def _require_sense(model: object, inputs: object, reference: object) -> None:
    if isinstance(model, (str, Path)):
        if reference is not None:
            raise UsageError("a model by name is compared with itself", hint="leave reference out, or name a device")
    elif inputs is None:
        raise UsageError("a module or function takes inputs", hint='for example inputs={"x": torch.ones(2, 4)}')


def _named_inputs(inputs: Any) -> tuple[str, ...]:
    """Inputs of a model by name: paths and texts, as on the command line."""
    if inputs is None:
        return ()
    several = [inputs] if isinstance(inputs, (str, Path)) else inputs
    if isinstance(several, Mapping) or not all(isinstance(each, (str, Path)) for each in several):
        raise UsageError("a model by name takes paths and texts as inputs", hint="give the module itself for tensors")
    return tuple(map(str, several))


def _said(command: str, model: object, options: Mapping[str, Any]) -> str:
    """The call as Python, for the record."""
    what = repr(str(model)) if isinstance(model, (str, Path)) else getattr(model, "__name__", type(model).__name__)
    given = {name: by_name(value) for name, value in options.items() if value is not None}
    return f"npu_adapt.{command}({', '.join([what, *(f'{name}={value!r}' for name, value in given.items())])})"


@contextmanager
def _logs(logs: Path | str | None) -> Iterator[Path]:
    """The folder for the evidence; without a name one that is gone afterwards."""
    if logs is not None:
        yield Path(logs)
        return
    with tempfile.TemporaryDirectory(prefix="npu-adapt-") as folder:
        yield Path(folder)


def _import_torch() -> None:
    """Imports torch without its extensions: a broken torch_npu is to be a diagnosis, not a crash of `import torch`."""
    if "torch" in sys.modules:
        return
    require_fit_process()
    before = os.environ.get(AUTOLOAD)
    os.environ[AUTOLOAD] = "0"
    try:
        importlib.import_module("torch")
    finally:
        if before is None:
            del os.environ[AUTOLOAD]
        else:
            os.environ[AUTOLOAD] = before
