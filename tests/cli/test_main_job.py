"""The main job as users run it: processes of the installed command, real weights, real inputs, evidence on disk."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from npu_adapt.evidence import LOG_FILES, parse_log_line
from npu_adapt.records import Summary, decode
from tests.commands import CONSOLE_SCRIPT, Cli, Finished, run_python

pytestmark = pytest.mark.core

LAST_HIDDEN_STATE = "last_hidden_state"


def summary_of(done: Finished) -> Summary:
    """The record of `--json`, after a check that the command went well and that the logs folder has the same."""
    assert done.code == 0, done.stderr
    printed = done.stdout.encode()
    assert (Path(os.environ["NPU_ADAPT_LOGS"]) / "summary.json").read_bytes() == printed
    return decode(printed, origin="stdout")


def shapes(summary: Summary) -> dict[str, tuple[int, ...]]:
    assert summary.run is not None
    return {output.name: output.shape for output in summary.run.outputs}


def test_a_rehearsal_on_a_fresh_machine(cli: Cli, tmp_path: Path) -> None:
    """The README's first command, in a folder where nothing was run before."""
    done = cli("compare", "--rehearse", "hf32", "--details", cwd=tmp_path, environment={"NPU_ADAPT_LOGS": None})

    assert done.code == 0, done.stderr
    assert "model builtin:digits-vit (the default)" in done.stderr
    assert done.stdout.count("REHEARSED") > 3 and "SUCCESS" not in done.stdout
    logs = tmp_path / "logs"
    assert {path.name for path in logs.iterdir() if not path.name.startswith(".")} == {
        *LOG_FILES.values(), "summary.json", "history",
    }  # fmt: skip
    for name in LOG_FILES.values():
        events = [parse_log_line(line) for line in (logs / name).read_text().splitlines()]
        assert events and all(event for _, _, event, _ in events)
    summary = decode((logs / "summary.json").read_bytes(), origin="summary")
    assert summary.run is not None and summary.compare is not None and summary.weights is not None
    assert (summary.run.status, summary.run.device) == ("REHEARSED", "rehearsed:hf32")
    assert summary.run.predictions[0].label == "zero"
    assert summary.compare.verdict.passed and summary.compare.match_within_1_percent
    assert 0 < (summary.compare.relative_l2 or 0) < 1e-3
    assert summary.weights.pretrained_used and summary.weights.proven_parameters == 72
    assert len(summary.weights.files[0].sha256) == 64


def test_without_a_model_it_is_the_last_one_and_the_first_line_says_so(cli: Cli, minilm: Path) -> None:
    first = cli("infer", minilm, "--device", "cpu")
    second = cli("infer", "--device", "cpu")
    named = cli("infer", "--device", "cpu", environment={"NPU_ADAPT_MODEL": "builtin:digits-vit"})
    assert [done.code for done in (first, second, named)] == [0, 0, 0]
    assert "the model of" in " ".join(second.stderr.split()) and "MiniLM" in second.stderr
    assert "from NPU_ADAPT_MODEL" in named.stderr


@pytest.mark.required
def test_minilm(cli: Cli, minilm: Path) -> None:
    summary = summary_of(cli("infer", minilm, "--device", "cpu", "--input", "A man is eating a meal.", "--json"))
    assert summary.model is not None and summary.run is not None and summary.weights is not None
    assert (summary.model.task, summary.model.architecture) == ("sentence-similarity", "BertModel")
    assert shapes(summary) == {"sentence_embedding": (1, 384)}
    assert summary.run.predictions == ()  # one text alone is like no other
    assert summary.run.inputs[0].origin == "text given with --input"
    assert summary.weights.pretrained_used and summary.weights.missing_keys == ()


@pytest.mark.required
def test_dinov2_on_two_photographs(cli: Cli, dinov2_small: Path, photographs) -> None:
    inputs = ("--input", photographs.china, "--input", photographs.flower)
    summary = summary_of(cli("compare", dinov2_small, "--device", "cpu", "--fast", *inputs, "--json"))
    assert summary.compare is not None and summary.run is not None
    assert summary.compare.samples == 2
    assert summary.compare.relative_l2 is not None and summary.compare.relative_l2 < 1e-6
    assert shapes(summary)[LAST_HIDDEN_STATE] == (1, 257, 384)
    assert [entry.origin.split()[1] for entry in summary.run.inputs] == ["china.jpg", "flower.jpg"]


@pytest.mark.required
def test_smollm2_knows_the_next_word(cli: Cli, smollm2: Path) -> None:
    done = cli("infer", smollm2, "--device", "cpu", "--input", "The capital of France is", "--json")
    summary = summary_of(done)
    assert summary.model is not None and summary.run is not None
    assert (summary.model.task, summary.run.dtype) == ("text-generation", "bfloat16")  # the checkpoint's own
    assert summary.run.predictions[0].label == " Paris"
    assert shapes(summary)["logits"] == (1, 5, 49152)


@pytest.mark.required
def test_vit_b16_gives_what_the_field_reports(cli: Cli, vit_b16: Path, photographs) -> None:
    done = cli("infer", vit_b16, "--device", "cpu", "--input", photographs.china, "--json", timeout=300)
    summary = summary_of(done)
    assert summary.model is not None and summary.model.parameters == 86_567_656
    assert shapes(summary) == {"logits": (1, 1000), LAST_HIDDEN_STATE: (1, 197, 768)}


def test_a_weights_root_and_a_hub_id(cli: Cli, minilm: Path) -> None:
    root = minilm.parents[1]
    summary = summary_of(
        cli("infer", "sentence-transformers/all-MiniLM-L6-v2", "--weights-root", root, "--device", "cpu", "--json")
    )
    assert summary.model is not None and summary.weights is not None
    assert (summary.model.id, summary.model.organization) == (
        "sentence-transformers/all-MiniLM-L6-v2",
        "sentence-transformers",
    )
    assert summary.weights.path == str(minilm) and summary.weights.local_weight_used


def test_commands_of_one_setting_make_one_report(cli: Cli) -> None:
    """infer, bench and compare of the same model on the same device: every section, one latency, no contradiction."""
    commands = (("infer",), ("bench", "--iters", "20", "--no-limits"), ("compare",))
    for command in commands:
        done = cli(command[0], "builtin:digits-vit", "--device", "cpu", *command[1:])
        assert done.code == 0, done.stderr
    summary = decode((Path(os.environ["NPU_ADAPT_LOGS"]) / "summary.json").read_bytes(), origin="summary")
    assert summary.bench is not None and summary.compare is not None and len(summary.commands) == 3
    report = cli("report").stdout
    for command in commands:
        assert f"npu-adapt {command[0]} builtin:digits-vit --device cpu" in report  # behind the variables it ran with
    assert f"{summary.bench.latency_ms.median:#.4g} ms" in report


def test_a_rehearsal_never_joins_what_ran(cli: Cli) -> None:
    assert cli("infer", "--device", "cpu").code == 0
    summary = summary_of(cli("compare", "--rehearse", "bfloat16", "--fast", "--json"))
    assert summary.run is not None and summary.run.status == "REHEARSED"
    assert list(summary.commands) == ["compare"]


def test_dtype_attention_seed_and_samples_are_what_was_asked(cli: Cli) -> None:
    options = ("--dtype", "bfloat16", "--attention", "eager", "--seed", "7")
    summary = summary_of(cli("infer", "builtin:digits-vit", "--device", "cpu", *options, "--json"))
    assert summary.run is not None
    assert (summary.run.dtype, summary.run.attention, summary.run.seed) == ("bfloat16", "eager", 7)
    assert summary.run.outputs[0].dtype == "bfloat16"


def test_quiet_prints_results_only(cli: Cli) -> None:
    done = cli("infer", "--device", "cpu", "--quiet")
    assert (done.code, done.stderr) == (0, "")
    assert "last_hidden_state" in done.stdout


def test_nothing_but_the_record_reaches_stdout() -> None:
    """A library that prints from C while the model loads does not spoil the record."""
    code = (
        "import os, sys\n"
        "from npu_adapt.cli.app import app\n"
        "import npu_adapt.models.loading as loading\n"
        "load = loading.load_model\n"
        "def noisy(*args, **kwargs):\n"
        "    os.write(1, b'noise from C\\n'); print('noise from Python')\n"
        "    return load(*args, **kwargs)\n"
        "loading.load_model = noisy\n"
        "sys.argv = ['npu-adapt', 'infer', '--device', 'cpu', '--json']\n"
        "app()"
    )
    done = run_python(code)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["run"]["status"] == "SUCCESS"
    assert "noise from C" in done.stderr and "noise from Python" in done.stderr


def test_colour_and_bars_are_for_terminals_only(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    done = cli("infer", "--device", "cpu", "--input", tmp_path / "picture.png")
    assert done.code == 0
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stderr


def test_a_terminal_gets_progress_on_stderr_and_results_on_stdout(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [CONSOLE_SCRIPT, "compare", "--device", "cpu"], stdout=subprocess.PIPE, stderr=other_end, env=environment
    )
    os.close(other_end)
    drawn = b""
    with contextlib.suppress(OSError):  # Linux's word for the other end being closed
        while chunk := os.read(terminal, 65536):
            drawn += chunk
    os.close(terminal)
    results, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    shown = drawn.decode()
    for step in ("loading builtin:digits-vit", "running the reference on cpu", "forward on cpu"):
        assert step in shown
    assert "\x1b[" in shown and b"\x1b" not in results  # drawn and redrawn there, plain text here
