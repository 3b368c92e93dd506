"""What bad input gets: the exit code of the contract, one clear message with a hint, and the evidence unharmed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import Result

from npu_adapt.evidence import LOG_FILES
from npu_adapt.records import SCHEMA_VERSION, decode
from tests.cli.conftest import Evidence
from tests.commands import CONSOLE_SCRIPT, Cli, run_process

Invoke = Callable[..., Result]

USAGE, NO_DEVICE, MODEL, RUN_FAILED = 2, 4, 5, 6


def assert_refused(done: Result, code: int, *words: str) -> None:
    """The exit code, and on stderr one message with each of `words`, and a hint; nothing on stdout."""
    message = done.stderr.replace("\n", " ")
    assert done.exit_code == code, done.output
    assert "error: " in message and "next: " in message
    assert "Traceback" not in done.output and done.stdout == ""
    for word in words:
        assert "".join(word.split()) in "".join(message.split())  # a long path is folded anywhere


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:300_000])


def flip_header(folder: Path) -> None:
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[8] ^= 0xFF
    weights.write_bytes(data)


def name_a_missing_shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    one, other = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    names = sorted(tensors)
    save_file({name: tensors[name] for name in names[:30]}, folder / one, metadata={"format": "pt"})
    weight_map = {name: one if name in names[:30] else other for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def pickle_the_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def take_the_config_away(folder: Path) -> None:
    (folder / "config.json").unlink()


def name_an_unknown_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text()) | {
        "model_type": "telepath",
        "architectures": ["Telepath"],
    }
    (folder / "config.json").write_text(json.dumps(config))


def take_the_head_away(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


DAMAGES = {
    "cut short": (cut_weights, "cut short"),
    "flipped header": (flip_header, "header"),
    "missing shard": (name_a_missing_shard, "model-00002-of-00002.safetensors"),
    "pickle": (pickle_the_weights, "--allow-pickle"),
    "no config": (take_the_config_away, "config.json"),
    "unknown architecture": (name_an_unknown_architecture, "telepath"),
    "no head": (take_the_head_away, "classifier"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_model(name: str, invoke: Invoke, digits_copy: Path, evidence: Evidence) -> None:
    damage, word = DAMAGES[name]
    damage(digits_copy)
    done = invoke("infer", digits_copy, "--device", "cpu")
    assert_refused(done, MODEL, word)
    assert evidence.unharmed()


def test_a_pickle_runs_when_it_is_allowed(invoke: Invoke, digits_copy: Path) -> None:
    pickle_the_weights(digits_copy)
    done = invoke("infer", digits_copy, "--device", "cpu", "--allow-pickle", "--json")
    assert done.exit_code == 0, done.output
    weights = json.loads(done.stdout)["weights"]
    assert weights["pretrained_used"] and [file["name"] for file in weights["files"]] == ["pytorch_model.bin"]


def test_an_unknown_model_names_every_place_that_was_tried(invoke: Invoke, evidence: Evidence) -> None:
    done = invoke("infer", "nobody/nothing", "--device", "cpu", "--offline")
    assert_refused(done, MODEL, "nobody/nothing")
    assert evidence.unharmed()
    journal = max((evidence.folder / "history").glob("*nobody--nothing")) / LOG_FILES["pretrained"]
    tried = [line for line in journal.read_text().splitlines() if " attempt " in line]
    assert len(tried) >= 2 and any("models--nobody--nothing" in line for line in tried)


@pytest.mark.parametrize(
    "model", ["../../no-such-model", "nobody/../../etc", "/nowhere/at/all", "builtin:nothing", "a/b/c", " "]
)
@pytest.mark.parametrize("device", ["cpu", "npu"])
def test_what_is_no_model_is_a_usage_error_before_any_device(
    model: str, device: str, invoke: Invoke, evidence: Evidence
) -> None:
    assert_refused(invoke("infer", model, "--device", device, "--offline"), USAGE)
    assert evidence.unharmed()


def not_a_picture(path: Path) -> None:
    path.write_text("hello")


def hundred_megapixels(path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(path)


PICTURES = {
    "not one": (not_a_picture, "no known format"),
    "of 0 bytes": (Path.touch, "0 bytes"),
    "of 100 megapixels": (hundred_megapixels, "100 million pixels"),
    "missing": (lambda path: None, "No such file"),
    "a folder": (Path.mkdir, "a folder"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_cannot_be_read(kind: str, invoke: Invoke, tmp_path: Path, evidence: Evidence) -> None:
    make, word = PICTURES[kind]
    picture = tmp_path / "picture.png"
    make(picture)
    assert_refused(invoke("infer", "--device", "cpu", "--input", picture), USAGE, word, "picture.png")
    assert evidence.unharmed()


def test_a_picture_of_one_pixel_is_valid(invoke: Invoke, tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    done = invoke("infer", "--device", "cpu", "--input", tmp_path / "one.png", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["run"]["inputs"][0]["shape"] == [1, 3, 32, 32]


def test_an_empty_text(invoke: Invoke, evidence: Evidence) -> None:
    assert_refused(invoke("infer", "--device", "cpu", "--input", "  "), USAGE, "empty")
    assert evidence.unharmed()


DEVICES = {
    "npu": (NO_DEVICE, "libhccl.so"),  # torch_npu is installed for the tests, CANN is not
    "cuda:7": (NO_DEVICE, "CUDA"),
    "banana": (USAGE, "banana"),
    "cpu:3": (USAGE, "only one"),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("command", ["infer", "bench", "compare"])
def test_a_device_that_is_not_there(device: str, command: str, cli: Cli, evidence: Evidence) -> None:
    code, word = DEVICES[device]
    done = cli(command, "--device", device)
    assert (done.code, done.stdout) == (code, "")
    assert word in done.stderr and "next: " in done.stderr and "Traceback" not in done.stderr
    assert evidence.unharmed()


def test_compare_without_an_accelerator_tells_of_the_rehearsal(cli: Cli, evidence: Evidence) -> None:
    done = cli("compare", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.code, error["exit_code"]) == (NO_DEVICE, NO_DEVICE)
    assert "--rehearse hf32" in error["hint"]
    assert evidence.unharmed()


COUNTS = {
    "--iters": ("0", "-3", "many"),
    "--warmup": ("-1",),
    "--batch-size": ("0", "2,x", ""),
    "--threads": ("0",),
    "--precision": ("0", "0%", "100%", "fine"),
    "--max-seconds": ("0", "-1"),
    "--mode": ("slow",),
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in COUNTS.items() for value in values]
)
def test_a_benchmark_that_cannot_be_meant(option: str, value: str, invoke: Invoke, evidence: Evidence) -> None:
    done = invoke("bench", "--device", "cpu", option, value)
    assert done.exit_code == USAGE and done.stdout == "" and option in done.stderr
    assert evidence.unharmed()


@pytest.mark.parametrize("value", ["0", "0s", "-5m", "soon", "", "nan", "1000h"])
def test_a_time_under_load_that_cannot_be_meant(value: str, invoke: Invoke, evidence: Evidence) -> None:
    done = invoke("compare", "--device", "cpu", "--soak", value)
    assert done.exit_code == USAGE and done.stdout == "" and "--soak" in done.stderr
    assert evidence.unharmed()


def test_a_billion_iterations_end_at_the_time_limit(invoke: Invoke) -> None:
    done = invoke("bench", "--device", "cpu", "--iters", "1000000000", "--max-seconds", "0.5", "--no-limits", "--json")
    assert done.exit_code == 0, done.output
    bench = json.loads(done.stdout)["bench"]
    assert bench["rows"][0]["ended_by"] == "max-seconds" and 1 <= bench["iterations"] < 100_000


def test_a_billion_iterations_end_at_the_timeout(cli: Cli) -> None:
    done = cli("bench", "--device", "cpu", "--iters", "1000000000", "--no-limits", "--timeout", "20", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.code, error["class"]) == (RUN_FAILED, "timeout")


def test_logs_that_are_a_file(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert_refused(invoke("infer", "--device", "cpu", "--logs", tmp_path / "file"), USAGE, "--logs")
    assert (tmp_path / "file").read_text() == "mine"


def test_logs_that_are_read_only(as_nobody: Cli, evidence: Evidence) -> None:
    evidence.folder.chmod(0o555)
    done = as_nobody("infer", "--device", "cpu")
    evidence.folder.chmod(0o755)
    assert (done.code, done.stdout) == (USAGE, "")
    assert "cannot be written" in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
    assert evidence.unharmed()


SUMMARIES = {
    "torn": b'{"schema_version": 1, "tool": {"name": "npu-adapt"',
    "newer": json.dumps({"schema_version": SCHEMA_VERSION + 1, "tool": {"name": "npu-adapt"}}).encode(),
    "foreign": b'{"accuracy": 0.9}',
}


@pytest.mark.parametrize("kind", SUMMARIES)
def test_a_foreign_summary_is_archived_and_the_run_goes_on(kind: str, invoke: Invoke, evidence: Evidence) -> None:
    path = evidence.folder / "summary.json"
    path.write_bytes(SUMMARIES[kind])
    done = invoke("infer", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert decode(path.read_bytes(), origin="summary").run.status == "SUCCESS"
    kept = [file.read_bytes() for file in (evidence.folder / "history").glob("*/unreadable-summary.json")]
    assert kept == [SUMMARIES[kind]]


# The address space is limited to what is in use before the model is loaded and less than its weights take on top.
SHORT_OF_MEMORY = """
import resource
import npu_adapt.models.loading as loading
from npu_adapt.cli.app import app
from npu_adapt.devices.hiding import unopened_extensions_hidden

load = loading.load_model

def load_short_of_memory(*args, **kwargs):
    with unopened_extensions_hidden():  # what loading would import, so that only the weights are left to find room for
        from transformers import ViTForImageClassification, ViTImageProcessor
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 200_000_000,) * 2)
    return load(*args, **kwargs)

loading.load_model = load_short_of_memory
app()
"""


def test_out_of_memory_while_loading(vit_b16: Path, evidence: Evidence) -> None:
    done = run_process([sys.executable, "-c", SHORT_OF_MEMORY, "infer", vit_b16, "--device", "cpu"], timeout=300)
    assert done.code == RUN_FAILED, done.stderr
    assert "out of memory while loading" in done.stderr and "Traceback" not in done.stderr
    run = decode((evidence.folder / "summary.json").read_bytes(), origin="summary").run
    assert run is not None and run.failure is not None
    assert (run.status, run.failure.stage, run.failure.kind) == ("FAILED", "load", "out-of-memory")


@pytest.mark.parametrize("options", [(), ("--timeout", "600")], ids=["alone", "under a deadline"])
def test_control_c(options: tuple[str, ...], evidence: Evidence) -> None:
    # The time limit is for the case that this test is itself interrupted: a process of its own session would live on.
    arguments = ["bench", "--device", "cpu", "--iters", "1000000000", "--no-limits", "--max-seconds", "120", *options]
    process = subprocess.Popen(
        [CONSOLE_SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    journal = wait_for(lambda: measuring(evidence.folder))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "interrupted" in stderr and "Traceback" not in stderr
    assert evidence.unharmed()
    last = (journal / LOG_FILES["run"]).read_text().splitlines()[-1]
    assert " ERROR ended " in last and "KeyboardInterrupt" in last


def measuring(logs: Path) -> Path | None:
    """The history folder of the benchmark whose reference has run: it is measuring."""
    for folder in (logs / "history").glob("*-bench-*"):
        log = folder / LOG_FILES["run"]
        if log.exists() and "reference state=end" in log.read_text():
            return folder
    return None


def wait_for(condition: Callable[[], Path | None], seconds: float = 300) -> Path:
    deadline = time.monotonic() + seconds
    while (found := condition()) is None:
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
    return found


def test_two_runs_that_share_a_logs_folder(tmp_path: Path) -> None:
    logs = tmp_path / "shared"
    commands = [("infer", "--seed", "1"), ("infer", "--seed", "2")]
    processes = [
        subprocess.Popen([CONSOLE_SCRIPT, *command, "--device", "cpu", "--logs", logs, "--quiet"])
        for command in commands
    ]
    assert [process.wait(300) for process in processes] == [0, 0]
    summary = decode((logs / "summary.json").read_bytes(), origin="summary")
    assert summary.run is not None and summary.run.status == "SUCCESS"
    seeds = [
        decode((folder / "summary.json").read_bytes(), origin="history").run.seed
        for folder in (logs / "history").iterdir()
    ]
    assert sorted(seeds) == [1, 2]
    assert f"--seed {summary.run.seed} " in summary.command  # one run's record, not two halves


def test_usage_errors_of_options_under_json_are_json_too(cli: Cli) -> None:
    done = cli("infer", "--json", "--dtype", "float8")
    assert done.code == USAGE
    assert json.loads(done.stdout)["error"]["exit_code"] == USAGE
