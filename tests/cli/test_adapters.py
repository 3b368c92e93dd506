"""An adapter from the command line: what it needs, what is proven of it, and what bad input gets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import Result

from npu_adapt.cli.sweep_calls import jobs_of
from npu_adapt.records import Summary, decode
from npu_adapt.workflows.sweep.identity import weights_here
from npu_adapt.workflows.sweep.listing import Given, ListedModel, ModelList
from npu_adapt.workflows.sweep.request import SweepRequest
from tests.commands import CONSOLE_SCRIPT, run_process

Invoke = Callable[..., Result]

USAGE, MODEL, RUN_FAILED = 2, 5, 6
NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)
        self.bn = torch.nn.BatchNorm2d(8)
        self.fc = torch.nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).mean((2, 3)))
"""
MODEL_OF_NET = """
def model(weights):
    net = Net()
    net.load_state_dict(weights)
    return net
"""
INPUTS = """
def inputs(values):
    return torch.randn(1, 3, 16, 16)
"""
WHOLE = f"from net import Net\nimport torch\n{MODEL_OF_NET}{INPUTS}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: the code of a model, and its weights in several forms."""
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "net"}
    exec(NET, space)
    torch.manual_seed(3)
    net = space["Net"]()
    torch.nn.init.uniform_(net.bn.weight, 0.5, 1.5)
    net.bn.running_mean.uniform_(-1, 1)
    state = net.state_dict()
    save_file(state, "net.safetensors")
    save_file({f"model.{name}": tensor for name, tensor in state.items()}, "prefixed.safetensors")
    save_file({name: state[name] for name in state if not name.startswith("fc")}, "headless.safetensors")
    save_file({name.replace("conv", "conv1"): tensor for name, tensor in state.items()}, "renamed.safetensors")
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, "net.ckpt")
    return tmp_path


def summary_of(done: Result) -> Summary:
    assert done.exit_code == 0, done.output
    return decode(done.stdout.encode(), origin="stdout")


def written(folder: Path, text: str, name: str = "yolo.py") -> str:
    (folder / name).write_text(text)
    return name


def test_a_plain_adapter_is_compared_and_reported_whole(
    folder: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(folder, WHOLE + 'def outputs(result):\n\treturn {"class_scores": result}  # `five` \u00b7\n')
    assert len(WHOLE.splitlines()) <= 15
    line = ("compare", file, "--weights", "net.safetensors", "--device", "cpu", "--json")
    monkeypatch.setattr("sys.argv", ["npu-adapt", *line])
    summary = summary_of(invoke(*line))
    assert summary.model is not None and summary.weights is not None and summary.compare is not None
    assert (summary.model.id, summary.model.source, summary.model.parameters) == ("yolo.py", "adapter", 330)
    assert summary.model.adapter is not None
    assert summary.model.adapter.sha256 == sha256(Path(file).read_bytes()).hexdigest()
    assert summary.weights.pretrained_used and summary.weights.proven_parameters == 9
    assert [each.name for each in summary.weights.files] == ["net.safetensors"]
    assert summary.weights.files[0].sha256 == sha256(Path("net.safetensors").read_bytes()).hexdigest()
    assert (summary.compare.top1_match, summary.compare.verdict.passed) == (True, True)
    assert f"{folder / file} --weights {folder / 'net.safetensors'}" in summary.command

    report = invoke("report").stdout
    appendix = report.partition("## Appendix: the adapter")[2]
    assert Path(file).read_text().expandtabs().rstrip() in appendix
    assert str(folder / file) in report and summary.model.adapter.sha256 in report
    assert "\u9644\u5f55\uff1a\u9002\u914d\u6587\u4ef6" in invoke("report", "--lang", "zh").stdout

    path = Path(os.environ["NPU_ADAPT_LOGS"], "summary.json")
    kept = path.read_text()
    path.write_text(kept.replace("return net", "return Net"))
    edited = invoke("report")
    assert edited.exit_code == USAGE and "model.adapter.sha256" in "".join(edited.output.split())
    path.write_text(kept)

    again = invoke("infer", "--device", "cpu")  # nothing of an adapter runs but where it is named
    assert again.exit_code == USAGE and "runs only where it is named" in again.output


@pytest.mark.parametrize(
    ("load", "weights", "found"),
    [
        ("net.load_state_dict(weights)", ["net.ckpt", "--allow-pickle"], {"nested": "state_dict", "unwrapped": None}),
        (
            "net.load_state_dict({name.removeprefix('model.'): each for name, each in weights.items()})",
            ["prefixed.safetensors"],
            {"prefix-removed": "model."},
        ),
        ("net.load_state_dict(weights); net = torch.nn.Sequential(net)", ["net.safetensors"], {"prefix-added": "0."}),
        (
            "from safetensors import torch as st; net.load_state_dict(st.load_file(weights.path))",
            ["net.safetensors"],
            {},
        ),
        ("net.load_state_dict(weights)", ["folder"], {}),
        ("net.load_state_dict(weights); net = net.half()", ["net.safetensors", "--dtype", "float32"], {"cast": None}),
    ],
    ids=["a trainer's checkpoint", "a prefix in the file", "a part of a larger model", "by path", "a folder", "cast"],
)
def test_weights_are_proven_by_name(folder: Path, invoke: Invoke, load: str, weights: list[str], found: Any) -> None:
    (folder / "folder").mkdir()
    (folder / "folder" / "diffusion_pytorch_model.safetensors").write_bytes(Path("net.safetensors").read_bytes())
    (folder / "folder" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"another")
    file = written(folder, WHOLE.replace("net.load_state_dict(weights)", load))
    summary = summary_of(invoke("infer", file, "--weights", *weights, "--device", "cpu", "--json"))
    assert summary.weights is not None and summary.weights.pretrained_used
    assert summary.weights.proven_parameters == 9
    said = {each.id: each.values.get("key", each.values.get("prefix")) for each in summary.weights.conversions}
    assert said == found


def test_one_file_may_hold_several_models(folder: Path, invoke: Invoke) -> None:
    body = "from net import Net\nimport torch\n" + MODEL_OF_NET.replace("model(", "model_small(") + INPUTS
    file = written(folder, body + "def outputs_small(result):\n    return {'small': result}\n")
    given = ("--weights", "net.safetensors", "--device", "cpu", "--json")
    summary = summary_of(invoke("infer", f"{file}:small", *given))
    assert summary.model is not None and summary.model.id == "yolo.py:small"
    assert summary.run is not None and [each.name for each in summary.run.outputs] == ["small"]
    for model, words in ((file, "name one, as yolo.py:small"), (f"{file}:smal", "as yolo.py:small")):
        done = invoke("infer", model, *given)
        error = json.loads(done.stdout)["error"]
        assert done.exit_code == USAGE and words in error["hint"], error


def test_inputs_get_the_values_and_the_seed(folder: Path, invoke: Invoke) -> None:
    double = INPUTS.replace("return", "print(values)\n    return")
    file = written(folder, WHOLE.replace(INPUTS, double))
    done = invoke(
        *("compare", file, "--weights", "net.safetensors", "--device", "cpu", "--fast", "--json"),
        *("--samples", "2", "--input", "a.png", "--input", "a text"),
    )
    summary = summary_of(done)  # what the adapter prints is no part of the record
    assert summary.run is not None
    assert "['a.png', 'a text']" in done.stderr
    assert [each.origin for each in summary.run.inputs] == ["a.png, a text"] * 2
    assert len({each.sha256 for each in summary.run.inputs}) == 2


def test_without_inputs_tensors_come_from_a_file(folder: Path, invoke: Invoke) -> None:
    file = written(folder, WHOLE.replace(INPUTS, ""))
    save_file({"x": torch.ones(2, 3, 8, 8)}, "x.safetensors")
    given = ("infer", file, "--weights", "net.safetensors", "--device", "cpu", "--json")
    summary = summary_of(invoke(*given, "--input", "x.safetensors"))
    assert summary.run is not None and summary.run.outputs[0].shape == (2, 10)
    for value, words in (((), "no inputs(values)"), (("--input", "net.py"), "is no safetensors file")):
        done = invoke(*given, *value)
        assert done.exit_code == USAGE and words in json.loads(done.stdout)["error"]["message"]


def test_the_next_step_names_the_adapter_again(folder: Path, invoke: Invoke) -> None:
    screen = invoke("infer", written(folder, WHOLE), "--weights", "net.safetensors", "--device", "cpu").stdout
    wanted = f"npu-adapt compare {folder}/yolo.py --weights {folder}/net.safetensors --device cpu"
    assert "".join(wanted.split()) in "".join(screen.split())


def test_without_weights_nothing_is_proven_and_said(folder: Path, invoke: Invoke) -> None:
    file = written(folder, WHOLE.replace("net.load_state_dict(weights)", "assert weights is None"))
    summary = summary_of(invoke("infer", file, "--device", "cpu", "--json"))
    assert summary.weights is None and summary.reasons["weights"].id == "adapter-without-weights"


# What is wrong -> text of the adapter, options, exit code, words of the message, words of the hint.
BAD: dict[str, tuple[str, list[str], int, str, str]] = {
    "does not import": ("import nothing_of_that_name\n", [], USAGE, "No module named 'nothing_of_that_name'", ""),
    "does not parse": ("def model(weights:\n", [], USAGE, "cannot be imported: SyntaxError", ""),
    "has no model": ("def modell(weights): ...\n", [], USAGE, "no function model(weights)", "def model(weights)"),
    "returns no module": ("def model(weights): return 3\n", [], USAGE, "returns int", "return the module itself"),
    "returns compiled code": (
        "import torch\ndef model(weights): return torch.compile(torch.nn.Linear(2, 2), backend='eager')\n"
        "def inputs(values): return torch.ones(1, 2)\n",
        [],
        USAGE,
        "yolo.py is compiled already, by torch.compile",
        "the mode compile",
    ),
    "calls sys.exit": ("import sys\nsys.exit(3)\n", [], USAGE, "it calls sys.exit(3) (line 2: sys.exit(3))", ""),
    "exits in model": ("def model(weights): raise SystemExit\n", [], USAGE, "fails in model(weights): it calls", ""),
    "hard-codes cuda": (
        WHOLE.replace("return net\n", "return net.cuda()\n"),
        ["--weights", "net.safetensors"],
        USAGE,
        "(line 7: return net.cuda())",
        "builds the module on the CPU",
    ),
    "fails in inputs": (
        WHOLE.replace("return torch.randn(1", "return values[0], torch.randn(1"),
        ["--weights", "net.safetensors"],
        USAGE,
        "fails in inputs(values): IndexError",
        "--input",
    ),
    "inputs without a tensor": (
        WHOLE.replace("torch.randn(1, 3, 16, 16)", "{'x': 3}"),
        ["--weights", "net.safetensors"],
        USAGE,
        "hold no tensor",
        "",
    ),
    "needs weights": (WHOLE, [], USAGE, "fails in model(weights): TypeError", "without --weights FILE_OR_DIR"),
    "weights on meta": (
        WHOLE.replace("net = Net()", "with torch.device('meta'):\n        net = Net()"),
        ["--weights", "net.safetensors"],
        MODEL,
        "leaves 9 weights on the meta device, without values: conv.weight",
        "assign=True",
    ),
    "left random by strict=False": (
        WHOLE.replace("(weights)\n    return", "(weights, strict=False)\n    return"),
        ["--weights", "headless.safetensors"],
        MODEL,
        "not in the checkpoint, so their values would be random: fc.bias, fc.weight",
        "strict",
    ),
    "changed after loading": (
        WHOLE.replace(
            "    return net\n", "    weights['fc.bias'].add_(1)\n    net.fc.bias.data += 1\n    return net\n"
        ),
        ["--weights", "net.safetensors"],
        MODEL,
        "not equal to the tensors of their names in the checkpoint: fc.bias",
        "nothing fused or changed",
    ),
    "weights that do not fit": (
        WHOLE,
        ["--weights", "renamed.safetensors"],
        MODEL,
        "2 names are missing: conv.weight (≈ conv1.weight)",
        "",
    ),
    "weights with a prefix": (
        WHOLE,
        ["--weights", "prefixed.safetensors"],
        MODEL,
        "prefixed.safetensors does not fit Net",
        "name.removeprefix('model.')",
    ),
    "a pickle": (WHOLE, ["--weights", "net.ckpt"], MODEL, "the weights are a pickle", "--allow-pickle"),
    "no weights": (WHOLE, ["--weights", "net.py"], MODEL, "is no file of weights that is read", "safetensors"),
    "weights that are not there": (WHOLE, ["--weights", "gone"], USAGE, "--weights gone is not there", ""),
    "a task": (WHOLE, ["--task", "image-classification"], USAGE, "--task means nothing", ""),
    "no tensor comes out": (
        WHOLE + "def outputs(result):\n    return {'count': 3}\n",
        ["--weights", "net.safetensors"],
        RUN_FAILED,
        "returned no tensor, but dict",
        "outputs(result)",
    ),
    "cuda in the forward": (
        WHOLE + "def outputs(result):\n    return result.to('cuda')\n",
        ["--weights", "net.safetensors"],
        RUN_FAILED,
        "yolo.py, line 12: return result.to('cuda')",
        "",
    ),
}


@pytest.mark.filterwarnings("ignore:for .*copying from a non-meta parameter:UserWarning")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_said(name: str, folder: Path, invoke: Invoke) -> None:
    text, options, code, message, hint = BAD[name]
    done = invoke("infer", written(folder, text), *options, "--device", "cpu", "--json")
    assert done.exit_code == code, done.output
    error = json.loads(done.stdout)["error"]
    assert message in error["message"] and hint in error["hint"], error


def test_the_traceback_is_the_users_own(folder: Path, invoke: Invoke) -> None:
    file = written(folder, "from deep import inner\ninner()\n")
    (folder / "deep.py").write_text("def inner():\n    return {}['key']\n")
    done = invoke("infer", file, "--device", "cpu")
    assert done.exit_code == USAGE and done.stdout == ""
    trace, _, said = done.stderr.partition("error: ")
    assert f'File "{folder / file}", line 2' in trace and "deep.py" in trace and "npu_adapt" not in trace
    assert "yolo.py cannot be imported: KeyError: 'key' (line 2: inner())" in " ".join(said.split())
    gone = invoke("infer", "gone.py", "--device", "cpu")
    assert gone.exit_code == USAGE and "the adapter gone.py is not there" in gone.stderr


def test_the_module_beside_is_that_of_this_adapter(folder: Path, invoke: Invoke) -> None:
    file = written(folder, WHOLE)
    given = ("infer", file, "--weights", "net.safetensors", "--device", "cpu", "--json")
    summary_of(invoke(*given))
    (folder / "net.py").write_text("raise ImportError('edited')\n")
    assert "edited" in invoke(*given).output


def test_python_beside_a_checkpoint_never_runs(digits_copy: Path, invoke: Invoke) -> None:
    for name in ("adapter.py", "model.py", "conftest.py"):
        (digits_copy / name).write_text("raise SystemExit('it ran')\n")
    assert invoke("infer", digits_copy, "--device", "cpu").exit_code == 0
    assert invoke("infer", digits_copy, "--weights", digits_copy, "--device", "cpu").exit_code == USAGE


STATEFUL = """
class Counting(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.seen = 0

    def forward(self, x):
        self.seen += 1
        return {"scores": self.net(x) * self.seen, "same": x.flatten(1)}
"""


def test_a_state_a_chance_and_a_view_are_found(folder: Path, invoke: Invoke) -> None:
    text = WHOLE.replace("return net", "return Counting(net)") + STATEFUL
    given = ("--weights", "net.safetensors", "--device", "cpu", "--json")
    summary = summary_of(invoke("infer", written(folder, text), *given))
    assert summary.run is not None
    assert [each.id for each in summary.run.notes] == ["stateful-forward", "output-is-input"]
    assert summary.run.notes[1].values == {"output": "same", "input": "x"}
    done = invoke("compare", "yolo.py", *given)
    compared = decode(done.stdout.encode(), origin="stdout")
    assert done.exit_code == 3 and compared.compare is not None
    assert compared.compare.verdict.terms[0].id == "stateful-forward"

    counting = text.replace("self.net(x) * self.seen", "self.net(x) * (1 + self.seen)")
    timed = invoke("bench", written(folder, counting, "counting.py"), *given, "--iters", "3", "--no-limits")
    benched = decode(timed.stdout.encode(), origin="stdout")
    assert benched.run is not None and "stateful-forward" in [each.id for each in benched.run.notes]

    random = text.replace("self.seen, ", "torch.rand(1), ")
    summary = summary_of(invoke("infer", written(folder, random, "random_one.py"), *given))
    assert summary.run is not None and "random-forward" in [each.id for each in summary.run.notes]


def test_the_sides_of_another_structure_are_no_comparison(folder: Path, invoke: Invoke) -> None:
    growing = STATEFUL.replace('"scores": self.net(x) * self.seen', '"n%d" % min(self.seen, 2): self.net(x)')
    file = written(folder, WHOLE.replace("return net", "return Counting(net)") + growing)
    done = invoke("bench", file, "--weights", "net.safetensors", "--device", "cpu", "--iters", "3", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["class"]) == (RUN_FAILED, "other-outputs"), error


def test_a_fresh_process_runs_it_too(folder: Path) -> None:
    file = written(folder, WHOLE)
    line = (str(CONSOLE_SCRIPT), "bench", file, "--weights", "net.safetensors", "--device", "cpu")
    done = run_process([*line, "--isolate", "--iters", "5", "--no-limits", "--json"], cwd=folder)
    assert done.code == 0, done.stderr
    bench = json.loads(done.stdout)["bench"]
    assert bench["iterations"] == 5 and bench["rows"][0]["status"] == "measured"


def test_a_sweep_takes_adapters(folder: Path) -> None:
    file = written(folder, WHOLE)
    listed = ListedModel(f"{file}:small", "list.yaml:1", {"weights": Given("net.safetensors", "list.yaml:1")})
    (job,), _ = jobs_of(ModelList((listed,), {}), SweepRequest("npu-adapt sweep"), folder)
    assert job.model == f"{folder / file}:small"
    assert [call.command for call in job.calls] == ["infer", "compare", "bench", "report"]  # nothing to fetch
    assert weights_here(job).keys() == {file, "net.safetensors"}
    request = job.calls[0].parameters["request"]
    assert (request["model"], request["weights"]) == (job.model, "net.safetensors")


ODD_MODULES = {
    "torch.nn.LazyLinear(3)": "uninitialized parameter",
    "torch.nn.ParameterList([torch.nn.Parameter(torch.eye(3).to_sparse())])": "sparse",
}
ODD_INPUTS = {
    "{0: torch.ones(1)}": "an argument's name is 0, no text",
    "torch.eye(3).to_sparse()": "cannot be prepared",
    "(lambda a: a.append(a) or a)([])": "cannot be prepared",
}


def test_whatever_a_module_or_its_inputs_are_is_told_as_the_users(folder: Path, invoke: Invoke) -> None:
    for module, said in ODD_MODULES.items():
        text = f"from net import Net\nimport torch\ndef model(weights):\n    net = Net()\n    return {module}\n{INPUTS}"
        (folder / "odd.py").write_text(text)
        done = invoke("infer", "odd.py", "--device", "cpu")
        assert (done.exit_code, said in " ".join(done.stderr.split())) == (USAGE, True), (module, done.output)
    for inputs, said in ODD_INPUTS.items():
        (folder / "odd.py").write_text(f"{WHOLE}\ndef inputs(values):\n    return {inputs}\n")
        done = invoke("infer", "odd.py", "--device", "cpu", "--weights", "net.safetensors")
        assert (done.exit_code, said in " ".join(done.stderr.split())) == (USAGE, True), (inputs, done.output)


def test_weights_that_would_be_waited_for_are_refused_wherever_the_adapter_goes(folder: Path, invoke: Invoke) -> None:
    (folder / "odd.py").write_text(f"import os\nos.chdir('/')\n{WHOLE}")
    assert invoke("infer", "odd.py", "--device", "cpu", "--weights", "net.safetensors").exit_code == 0
    os.chdir(folder)
    os.mkfifo("pipe.safetensors")
    done = invoke("infer", "odd.py", "--device", "cpu", "--weights", "pipe.safetensors")
    assert done.exit_code == MODEL and "a named pipe, not a regular file" in " ".join(done.stderr.split())
