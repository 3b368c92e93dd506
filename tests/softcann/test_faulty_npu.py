"""Correct devices of other arithmetics pass, faulty ones fail, and each fault is seen to fire."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from npu_adapt.records import Compare, decode
from tests.commands import Cli, run_process, run_python

pytestmark = pytest.mark.required


def compared(cli: Cli, environment: dict[str, str], model: str | Path, code: int, *options: str) -> Compare:
    done = cli("compare", model, "--device", "npu:0", "--json", *options, environment=environment, timeout=400)
    assert done.code == code, done.stderr
    section = decode(done.stdout.encode(), origin="stdout").compare
    assert section is not None
    return section


def test_a_correct_device_of_another_arithmetic_passes(cli: Cli, softcann: dict[str, str]) -> None:
    device = {
        "SOFTCANN_MATMUL": "hf32",
        "SOFTCANN_SUMS": "tiles",
        "SOFTCANN_ATTENTION": "flash",
        "SOFTCANN_VECTOR": "last-bit",
    }
    section = compared(cli, softcann | device, "builtin:digits-vit", 0)
    assert section.arithmetic is not None and section.arithmetic.found.matmul == "hf32"


def test_operands_coarser_than_a_float32_model_accepts_fail(cli: Cli, softcann: dict[str, str]) -> None:
    section = compared(cli, softcann | {"SOFTCANN_MATMUL": "bfloat16"}, "builtin:digits-vit", 3)
    assert section.arithmetic is not None and section.arithmetic.found.matmul == "bfloat16"


# A call, the rule that spoils it, and what a right and a spoilt result are to be.
SPOILT: dict[str, tuple[str, str]] = {
    "Addmm no-bias": ("F.linear(x, w, b)", "x @ w.T"),
    "Addmm no-tail": ("F.linear(x, w, b)", "x[:, :-8] @ w[:, :-8].T + b"),
    "Addmm bfloat16-inside": ("F.linear(x, w, b)", "half(x) @ half(w).T + half(b)"),
    "Addmm bad-element element=5 size=1": ("F.linear(x, w, b)", "spoil(x @ w.T + b, 5)"),
    "Addmm scaled factor=2": ("F.linear(x, w, b)", "2 * (x @ w.T + b)"),
    "Addmm swapped-rows": ("F.linear(x, w, b)", "(x @ w.T + b)[[1, 0, *range(2, 20)]]"),
    "Addmm zero-tile": ("F.linear(x, w, b)", "zeroed(x @ w.T + b)"),
    "Addmm stale-tile": ("F.linear(x, w, b)", "zeroed(x @ w.T + b)"),
    "Addmm shifted": ("F.linear(x, w, b)", "(x @ w.T + b).roll(1, -1)"),
    "Addmm saturated bound=0.1": ("F.linear(x, w, b)", "(x @ w.T + b).clamp(-0.1, 0.1)"),
    "LayerNorm no-bias": ("F.layer_norm(x, (24,), v, v)", "F.layer_norm(x, (24,), v)"),
    "LayerNorm no-epsilon": ("F.layer_norm(x, (24,), v, v, 1.0)", "F.layer_norm(x, (24,), v, v, 0.0)"),
    "Gelu tanh-formula": ("F.gelu(x)", "F.gelu(x, approximate='tanh')"),
    "Embedding next-row": ("F.embedding(i, x)", "x[(i + 1) % 20]"),
    "Convolution no-bias": ("F.conv1d(x[None], w[:, :20, None], b)", "F.conv1d(x[None], w[:, :20, None])"),
    "FlashAttentionScore no-mask": (
        "F.scaled_dot_product_attention(q, q, q, is_causal=True)",
        "F.scaled_dot_product_attention(q, q, q)",
    ),
    "FlashAttentionScore wrong-scale": (
        "F.scaled_dot_product_attention(q, q, q, scale=0.5)",
        "F.scaled_dot_product_attention(q, q, q, scale=0.51)",
    ),
}  # fmt: skip
OPERANDS = """
import json, sys, torch, torch_npu, torch.nn.functional as F
torch.manual_seed(0)
torch.npu.conv.allow_hf32 = False
x, w, b, v, i, q = (torch.randn(20, 24), torch.randn(32, 24), torch.randn(32), torch.randn(24),
                    torch.arange(5), torch.randn(1, 2, 6, 16))
def spoil(result, place):
    result.view(-1)[place] += result.abs().max()
    return result
def half(operand):
    return operand.bfloat16().float()
def zeroed(result):
    result[-16:, -16:] = 0
    return result
names = "x w b v i q".split()
def on(device, expression):
    scope = {name: globals()[name].to(device) for name in names}
    return eval(expression, globals() | scope).cpu()
"""


@pytest.mark.parametrize("rule", SPOILT)
def test_a_fault_spoils_what_it_says(rule: str, softcann: dict[str, str], spoilt: dict[str, Any]) -> None:
    found = spoilt[rule]
    assert found["right"] > 1e-4, "the fault changed nothing"
    assert found["spoilt"] < 1e-5


@pytest.fixture(scope="session")
def spoilt(softcann: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Rule -> how far the device is from the right result and from the spoilt one: all rules in one process.

    A rule is narrowed down to one call of its operator, in the order of the table.
    """
    calls: dict[str, int] = {}
    rules = []
    for rule in SPOILT:
        operator = rule.split()[0]
        rules.append(f"{rule} call={calls.get(operator, 0)}")
        calls[operator] = calls.get(operator, 0) + 1
    code = OPERANDS + f"""
distances = {{}}
for rule, (call, wrong) in {SPOILT!r}.items():
    found, right, spoilt = on("npu", call), on("cpu", call), on("cpu", wrong)
    distance = lambda one: float((one - found).abs().max())
    distances[rule] = {{"right": distance(right), "spoilt": distance(spoilt)}}
print(json.dumps(distances))
"""  # fmt: skip
    log = tmp_path_factory.mktemp("faults") / "log"
    environment = softcann | {"SOFTCANN_FAULTS": ";".join(rules), "SOFTCANN_FAULT_LOG": str(log)}
    done = run_python(code, environment=environment)
    assert done.code == 0, done.stderr
    assert len(log.read_text().splitlines()) >= len(SPOILT)
    return dict(json.loads(done.stdout))


def test_a_rule_that_cannot_be_read_stops_the_device(softcann: dict[str, str]) -> None:
    code = "import torch, torch_npu; torch.ones(3).npu() + 1"
    done = run_python(code, environment=softcann | {"SOFTCANN_FAULTS": "Gelu no-such-fault"})
    assert done.code == 1
    assert "not an operator and a fault that exists: Gelu no-such-fault" in done.stderr


@pytest.mark.parametrize("call", [0, 6, 12])  # of the 5 in each of the first three forwards
def test_a_transient_error_in_one_forward_is_named(
    call: int, cli: Cli, softcann: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    faults = {"SOFTCANN_FAULTS": f"LayerNorm noise size=1e-2 call={call}", "SOFTCANN_FAULT_LOG": str(log)}
    section = compared(cli, softcann | faults, "builtin:digits-vit", 3)
    assert {line.split()[2] for line in log.read_text().splitlines()} == {f"call={call}"}
    suspect = section.first_suspect
    assert suspect is not None and (suspect.operator, suspect.test) == ("layer_norm", "repeat")
    differing = [term for term in section.verdict.terms if term.id in ("differs-from", "differs-inside")]
    assert [(term.place, term.values) for term in differing] == [
        (suspect.module, {"forwards": 3, "operator": "layer_norm"})
    ]


def test_a_wrong_formula_is_found_in_a_real_model_and_shown_by_a_script(
    cli: Cli, softcann: dict[str, str], minilm: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    faulty = softcann | {"SOFTCANN_FAULTS": "Gelu tanh-formula", "SOFTCANN_FAULT_LOG": str(log)}
    section = compared(cli, faulty, minilm, 3, "--repro", str(tmp_path / "cases"))
    assert "operator=Gelu" in log.read_text()
    assert section.first_suspect is not None and section.first_suspect.operator == "gelu"
    assert section.repro is not None
    (case,) = section.repro.cases
    assert (case.operator, case.status, case.findings) == ("gelu", "reproduced", 6), "in a process of its own"
    script = tmp_path / "cases" / str(case.folder) / "repro.py"
    right = run_process([sys.executable, str(script)], environment=softcann)
    assert right.code == 0 and "noise floors" in right.stdout, right.stderr


def test_one_forward_with_other_bits_under_load_is_named(softcann: dict[str, str]) -> None:
    """The fault befalls one call of the ninth forward; a second soak has none."""
    code = """
import json, msgspec, torch, torch_npu
from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare.soak import run_soak
from npu_adapt.workflows.run.forward import Side
from tests.workflows.compare.faulty_models import IDS, Model, OneTask
device = open_device("npu:0", allow_cpu=False).device
side = Side(Model(layers=2).eval().npu(), device, torch.float32, OneTask())
soaks = [run_soak(side, Sample({"ids": IDS}, ()), 0.5, Silent()) for _ in range(2)]
print(msgspec.json.encode(soaks).decode())
"""
    rule = {"SOFTCANN_FAULTS": "LayerNorm bad-element element=5 size=1e-6 call=33"}  # of four a forward
    done = run_python(code, environment=softcann | rule)
    assert done.code == 0, done.stderr
    faulty, right = json.loads(done.stdout.splitlines()[-1])
    assert (faulty["changed"], faulty["on_device"], faulty["places"][0]["operator"]) == (1, True, "layer_norm")
    assert (faulty["places"][0]["module"], faulty["places"][0]["first_forward"]) == ("layers.0.norm", 9)
    assert (right["changed"], right["places"]) == (0, [])
    assert right["readings"][0]["temperature_celsius"] == 41 and right["readings"][0]["clock_megahertz"] == 800
