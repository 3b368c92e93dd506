"""The script of a case: at most 25 lines of Python that need torch and the device's own package, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from npu_adapt.devices.device import Device
from npu_adapt.numerics.error_bound import rows
from npu_adapt.workflows.compare.repro.case import Case
from npu_adapt.workflows.compare.repro.expression import Expression, stored

MOST_LINES = 25
REPEATS = 100
TENSORS = "case.safetensors"
EXPECTED, FOUND, FLOOR = "expected", "found", "floor"

# What safetensors calls the types.
_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


def tensors_of_case(case: Case, expression: Expression) -> dict[str, Tensor]:
    """What the case's file holds, by name: the inputs by number, and what is expected, was found, and its floor."""
    results = {EXPECTED: case.expected, FOUND: case.found} | ({} if case.floor is None else {FLOOR: case.floor})
    return {
        **{name: stored(tensor) for name, tensor in expression.tensors.items()},
        **{name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in results.items()},
    }


def script_of(case: Case, expression: Expression, device: Device, tensors: dict[str, Tensor]) -> str:
    """The text. It takes the device's name as an argument, exits with 1 where the operator fails and with 0 else."""
    lines = (
        title(f"{case.finding.operator} in {case.finding.module}", device, case.finding.test),
        *reading(device, tensors),
        "def run(device, wide=None):",
        "    kind = lambda tensor: wide if wide and tensor.is_floating_point() else tensor.dtype",
        "    t = {n: each.to(device, kind(each), copy=True) for n, each in saved.items() if n.isdigit()}",
        *(f"    {line}" for line in expression.lines),
        f'device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "{device.name}")',
        *_JUDGES[case.test](case),
    )
    return "\n".join(lines) + "\n"


def title(about: str, device: Device, test: str) -> str:
    """The script's first line."""
    text = f"{about} on {device.display_name}: exit code 1 where it fails the test {test}, 0 where it is right."
    text = re.sub(r'["\\\n]', "'", text)
    return f'"""{text}"""'


def reading(device: Device, tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The lines that import what is needed, set the switches, and read the file: `saved` holds its tensors."""
    types = ", ".join(f'"{_TYPES[each]}": {each}' for each in dict.fromkeys(each.dtype for each in tensors.values()))
    extension = device.backend.extension
    return (
        "import json, sys",
        "from pathlib import Path",
        "import torch" if extension is None else f"import torch, {extension.module}",
        *_flags(device),
        f'data = memoryview(Path(__file__).with_name("{TENSORS}").read_bytes())',
        f"types = {{{types}}}",
        'start, saved = 8 + int.from_bytes(data[:8], "little"), {}',
        "for name, each in json.loads(bytes(data[8:start])).items():",
        '    flat = bytearray(data[start:][slice(*each["data_offsets"])])',
        '    saved[name] = torch.frombuffer(flat, dtype=types[each["dtype"]]).reshape(each["shape"])',
    )


def _flags(device: Device) -> list[str]:
    """The backend's switches of precision, as they are now: one line, or none."""
    flags = device.precision_flags()
    return [f"{', '.join(flags)} = {', '.join(map(str, flags.values()))}"] if flags else []


def _floors(case: Case) -> list[str]:
    exact = f'run("cpu", {case.wide})' if case.test == "floors" else f'saved["{EXPECTED}"]'
    half = [] if case.half_ulp is None else [_half_ulp(*case.half_ulp)]
    beyond = "" if case.half_ulp is None else ".sub(half).clamp(min=0)"
    limits = case.limits
    assert limits is not None and case.floor is not None
    figures = (
        _named("rms", "overall.item()", limits.rms),
        _named("row", "by_row.square().mean(-1).max().sqrt().item()", limits.row),
        _named("element", "by_row.max().item()", limits.element),
    )
    return [
        f'found, exact, floor = run(device).cpu().double(), {exact}.double(), saved["{FLOOR}"]',
        *half,
        "wrong = (found != exact) & ~(found.isnan() & exact.isnan())",
        f"error = (found - exact).abs(){beyond}.where(wrong, 0.0).nan_to_num(torch.inf, torch.inf)",
        f"by_row = (error / floor).reshape(-1, {rows(case.floor).size(-1)})",
        "overall = max(error.square().sum() / floor.square().sum(), by_row.square().mean()).sqrt()",
        f"figures = {{{', '.join(figures)}}}",
        'print({name: f"{over:.4g} noise floors of {limit:g}" for name, (over, limit) in figures.items()})',
        "sys.exit(1 if any(over > limit for over, limit in figures.values()) else 0)",
    ]


def _named(name: str, figure: str, limit: float) -> str:
    return f'"{name}": ({figure}, {limit})'


def _half_ulp(relative: float, least: float) -> str:
    return f"half = torch.full_like(found, {relative}).ldexp(found.frexp()[1]).where(found != 0, 0).clamp({least})"


def _equal(case: Case) -> list[str]:
    floating = case.found.is_floating_point()
    nan = " & ~(found.isnan() & exact.isnan())" if floating else ""
    signs = " | ((found.signbit() != exact.signbit()) & ~found.isnan())" if case.exact_signs else ""
    exact = f'run("cpu", {case.wide})' + (f".to({case.found.dtype})" if case.wide else "")
    return [
        f"found, exact = run(device).cpu(){'.round()' if case.rounded else ''}, {exact}",
        f"wrong = (found != exact){nan}{signs}",
        'print(f"{int(wrong.sum())} of {wrong.numel()} elements are not equal to the exact result")',
        "sys.exit(1 if wrong.any() else 0)",
    ]


def _repeat(case: Case) -> list[str]:
    return [
        "def bits():",
        "    return run(device).cpu().contiguous().reshape(-1).view(torch.uint8)",
        "first = bits()",
        f"other = sum(not torch.equal(bits(), first) for _ in range({REPEATS}))",
        f'print(f"{{other}} of {REPEATS} further runs gave other bits than the first")',
        "sys.exit(1 if other else 0)",
    ]


_JUDGES = {"floors": _floors, "residual": _floors, "equal": _equal, "whole-numbers": _equal, "repeat": _repeat}
