"""One assertion for pytest: a module or an operator computes on a device what it computes on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from npu_adapt.api.calls import compare
from npu_adapt.records import Summary

if TYPE_CHECKING:
    import torch
    from typing_extensions import Unpack

    from npu_adapt.api.options import CompareCall
    from npu_adapt.models.calling import Code, Inputs
    from npu_adapt.workflows.run.request import Rehearsal

WIDTH = 100  # columns of the screen that a failure shows


def assert_correct(
    code: Code,
    inputs: Inputs,
    *,
    reference: Code | None = None,
    device: str | torch.device = "auto",
    rehearse: Rehearsal | None = None,
    logs: Path | str | None = None,
    **options: Unpack[CompareCall],
) -> Summary:
    """Passes where `code` on `device` is within the noise floor of its type, and returns the record of it.

    With `reference`, code that is held to be right is run on the CPU instead of `code` itself. Raises `AssertionError`,
    whose text is the screen that `npu-adapt compare` shows of a failure: the operators that failed, with their errors
    in noise floors. Errors of `npu_adapt.errors` pass: without a device, `DeviceUnavailable`.

    >>> import npu_adapt, torch
    >>> x, w = torch.randn(8, 16), torch.randn(4, 16)
    >>> summary = npu_adapt.assert_correct(torch.nn.Linear(16, 4), (x,), device="cpu")
    >>> def my_kernel(x, w):
    ...     return x @ w.T
    >>> summary = npu_adapt.assert_correct(my_kernel, (x, w), reference=torch.nn.functional.linear, device="cpu")
    """
    __tracebackhide__ = True
    asked = "cpu" if reference is None else reference
    summary = compare(code, inputs, reference=asked, device=device, rehearse=rehearse, logs=logs, **options)
    assert summary.compare is not None
    worse = summary.compare.baseline is not None and summary.compare.baseline.regressions
    if not summary.compare.verdict.passed or worse:
        raise AssertionError(failure_text(summary))
    return summary


def failure_text(summary: Summary) -> str:
    """The failing screen as plain text."""
    from io import StringIO

    from rich.console import Console

    from npu_adapt.report.figures import Figures
    from npu_adapt.report.first.compare import first_compare

    stream = StringIO()
    console = Console(file=stream, width=WIDTH, no_color=True, force_terminal=False, highlight=False)
    console.print(first_compare(Figures(summary, "en"), None))
    return stream.getvalue().strip()
