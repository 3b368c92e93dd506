"""`npu-adapt env` as users run it: a process, on installations that are broken for real, one way each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from npu_adapt.records import decode
from npu_adapt.report.phrases.facts import finding_words
from tests.commands import CONSOLE_SCRIPT, Cli, Finished
from tests.installs import make_install

SAMPLES = Path(__file__).parents[1] / "data" / "npu-smi"
# A torch that imports at once and has nothing: for what happens after its import.
QUICK_TORCH = """
__version__ = "2.13.0+cpu"
class version: cuda = None
def get_device_module(kind): raise RuntimeError("none")
"""


def problems(done: Finished) -> dict[str, dict[str, str]]:
    """The findings of `env --json` in words, by id."""
    environment = decode(done.stdout.encode(), origin="stdout").environment
    assert environment is not None
    return {
        each.id: {"id": each.id, "severity": each.severity, **finding_words(each, "en")}
        for each in environment.problems
    }


def stub_modules(folder: Path, **sources: str) -> dict[str, str]:
    """Variables for a process that is to import these sources instead of the packages of those names."""
    for name, source in sources.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(source, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def stub_npu_smi(folder: Path, script: str) -> dict[str, str]:
    """Variables for a process that is to find an `npu-smi` that runs `script`."""
    folder.mkdir(exist_ok=True)
    (folder / "npu-smi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "npu-smi").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_real_torch_npu_without_cann_is_told_its_fix(cli: Cli) -> None:
    done = cli("env")
    assert done.code == 0
    assert done.stdout.startswith("software")
    assert "no CANN under /usr/local/Ascend, /opt/Ascend or ~/Ascend" in " ".join(done.stdout.split())
    assert "NO ACCELERATOR: only the CPU is usable on this machine" in done.stdout
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


def test_json_is_the_record_and_nothing_else(cli: Cli) -> None:
    done = cli("env", "--json")
    assert done.code == 0
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.environment is not None
    assert (summary.model, summary.run) == (None, None)
    assert {problem.id for problem in summary.environment.problems} == {"cann-missing", "driver-missing"}


def test_check_exits_with_4_where_nothing_is_usable(cli: Cli) -> None:
    done = cli("env", "--check", "--json")
    assert done.code == 4
    assert "cann-missing" in problems(done)
    assert "exit code 4: no accelerator is usable on this machine" in done.stderr
    assert "driver-missing: no Ascend driver" in done.stderr


@pytest.mark.parametrize(("value", "told"), [(None, True), ("1", True), ("0", False)])
def test_an_import_that_kills_everybody_elses_torch_is_told(
    cli: Cli, tmp_path: Path, value: str | None, told: bool
) -> None:
    stubs = stub_modules(tmp_path, torch=QUICK_TORCH, torch_npu="raise ImportError('no')")
    done = cli("env", "--json", environment={**stubs, "TORCH_DEVICE_BACKEND_AUTOLOAD": value})
    assert ("autoload-kills-torch" in problems(done)) is told


@pytest.mark.parametrize(
    ("source", "finding", "says"),
    [
        ("raise RuntimeError('half an installation')", "torch-npu-import-raises", "half an installation"),
        ("import os; os.abort()", "torch-npu-import-aborts", "killed by SIGABRT"),
        (
            "print('no such symbol'); raise SystemExit(3)",
            "torch-npu-import-aborts",
            "ended the process with 3: no such symbol",
        ),
        ("import time; time.sleep(600)", "torch-npu-import-hangs", "not over after 4 s"),
    ],
    ids=["raises", "aborts", "exits", "hangs"],
)
def test_an_import_may_end_as_it_likes(cli: Cli, tmp_path: Path, source: str, finding: str, says: str) -> None:
    cann = tmp_path / "cann"
    (cann / "opp").mkdir(parents=True)
    sourced = {"ASCEND_HOME_PATH": str(cann), "ASCEND_OPP_PATH": str(cann / "opp")}
    stubs = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH, torch_npu=source)
    done = cli("env", "--json", "--timeout", "4", environment={**stubs, **sourced})
    assert done.code == 0
    assert says in problems(done)[finding]["found"]


def test_what_needs_no_answer_is_shown_though_torch_never_answers(cli: Cli, tmp_path: Path) -> None:
    done = cli("env", "--timeout", "1", environment=stub_modules(tmp_path, torch="import time; time.sleep(600)"))
    assert done.code == 0
    assert done.stdout.startswith("software")
    assert "torch-broken" in done.stdout
    assert "its import hung: it was not over after 1 s" in " ".join(done.stdout.split())


def test_an_interrupt_ends_the_probe_too(tmp_path: Path) -> None:
    source = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    environment = {**os.environ, **stub_modules(tmp_path, torch=source)}
    with subprocess.Popen(
        [CONSOLE_SCRIPT, "env"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as env:
        pid_file = tmp_path / "pid"
        until = time.monotonic() + 60
        while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)  # by then it waits for the probe
        env.send_signal(signal.SIGINT)
        env.communicate(timeout=60)
    assert env.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_machine_without_any_of_it_is_not_shouted_at(tmp_path: Path) -> None:
    install = make_install(tmp_path / "install", without=["torch_npu"])
    done = install.npu_adapt("env", "--check", "--json")
    assert done.code == 4
    assert [(each["id"], each["severity"]) for each in problems(done).values()] == [("no-accelerator", "note")]


@pytest.mark.parametrize(
    ("versions", "finding", "fix"),
    [
        ({"torch_npu": "2.9.0.post1"}, "torch-npu-version", "pip install torch==2.9.0 torch_npu==2.9.0.post1"),
        ({"transformers": "4.40.2"}, "transformers-untested", "pip install 'transformers>=4.57,<6'"),
        ({"torch": "2.14.0"}, "torch-untested", "pip install 'torch>=2.6,<2.14'"),
    ],
    ids=["torch_npu", "transformers", "torch"],
)
def test_versions_that_do_not_fit(tmp_path: Path, versions: dict[str, str], finding: str, fix: str) -> None:
    install = make_install(tmp_path / "install", versions=versions, modules={"torch": QUICK_TORCH})
    assert problems(install.npu_adapt("env", "--json"))[finding]["fix"] == fix


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_a_package_that_is_missing(tmp_path: Path, missing: str) -> None:
    install = make_install(tmp_path / "install", without=[missing])
    found = problems(install.npu_adapt("env", "--json"))
    assert f"pip install '{missing}" in found[f"{missing}-missing"]["fix"]


def with_cann(folder: Path) -> str:
    """A CANN as its installer leaves it, but for its libraries."""
    cann = folder / "Ascend/cann"
    (cann / "opp").mkdir(parents=True)
    (cann / "x86_64-linux").mkdir()
    (cann / "x86_64-linux/ascend_toolkit_install.info").write_text("version=9.0.0\n", encoding="utf-8")
    (cann / "set_env.sh").write_text("", encoding="utf-8")
    return str(cann)


# The variables of the process, with {cann} where there is one, -> what is found, and its fix.
VARIABLES: Mapping[str, tuple[dict[str, str], str, str]] = {
    "not sourced": ({}, "set-env-not-sourced", "source {cann}/set_env.sh"),
    "home nowhere": ({"ASCEND_HOME_PATH": "/gone"}, "ascend-home-path-wrong", "source {cann}/set_env.sh"),
    "opp unset": ({"ASCEND_HOME_PATH": "{cann}"}, "ascend-opp-path-unset", "source {cann}/set_env.sh"),
    "opp nowhere": (
        {"ASCEND_HOME_PATH": "{cann}", "ASCEND_OPP_PATH": "/gone/opp"},
        "ascend-opp-path-wrong",
        "source {cann}/set_env.sh",
    ),
}


@pytest.mark.parametrize("state", VARIABLES)
def test_variables_that_are_not_as_set_env_sets_them(cli: Cli, tmp_path: Path, state: str) -> None:
    """The real torch_npu, and a CANN in the user's home."""
    variables, finding, fix = VARIABLES[state]
    cann = with_cann(tmp_path)
    named = {name: value.format(cann=cann) for name, value in variables.items()}
    found = problems(cli("env", "--json", environment={"HOME": str(tmp_path), **named}))
    assert found[finding]["fix"] == fix.format(cann=cann)
    assert "cann-missing" not in found


@pytest.mark.parametrize(
    ("script", "finding", "shown"),
    [
        (f"cat {SAMPLES}/dcmi-failed.txt; exit 7", "npu-smi-fails", "dcmi module initialize failed. ret is -8005"),
        ("echo 'NPU 0 is fine, and so are you'", "npu-smi-unreadable", "NPU 0 is fine, and so are you"),
        ("sleep 600", "npu-smi-fails", "did not answer in time"),
    ],
    ids=["fails", "says what nobody knows", "hangs"],
)
def test_an_npu_smi_that_is_no_help_is_quoted(cli: Cli, tmp_path: Path, script: str, finding: str, shown: str) -> None:
    stubs = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH, torch_npu="raise ImportError('no')")
    environment = {**stubs, **stub_npu_smi(tmp_path / "bin", script)}
    done = cli("env", "--timeout", "3", "--details", environment=environment)
    assert done.code == 0
    assert finding in done.stdout
    assert shown in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


def test_npus_that_torch_cannot_reach_are_listed_with_who_uses_them(cli: Cli, tmp_path: Path) -> None:
    stubs = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH, torch_npu="raise ImportError('no')")
    npu_smi = stub_npu_smi(tmp_path / "bin", f"cat {SAMPLES}/910b4.txt")
    done = cli("env", "--json", environment={**stubs, **npu_smi})
    devices = json.loads(done.stdout)["environment"]["devices"]
    assert [(each["kind"], each["index"], each["name"], each["usable"]) for each in devices] == [
        ("npu", 0, "910B4", False),
        ("npu", 1, "910B4", False),
    ]
    assert "python3[41027]" in problems(done)["device-memory-taken"]["found"]


def test_an_upgrade_is_told_from_what_was_saved(cli: Cli, tmp_path: Path) -> None:
    saved = tmp_path / "before.json"
    stubs = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH, torch_npu="raise ImportError('no')")
    assert cli("env", "--save", saved, environment=stubs).code == 0
    same = cli("env", "--diff", saved, "--details", environment=stubs)
    assert f"Nothingchangedsince{saved}" in "".join(same.stdout.split())  # wherever a line ends

    changed = cli("env", "--diff", saved, "--json", environment={**stubs, "ASCEND_HOME_PATH": "/gone"})
    record = json.loads(changed.stdout)["changes"]
    assert record["since"] == str(saved)
    home = {"name": "variables.ASCEND_HOME_PATH", "before": None, "after": "/gone"}
    wrong = {"name": "ascend-home-path-wrong", "before": None, "after": "error"}
    assert {"id": "value", "values": home} in record["changes"]
    assert {"id": "problem", "values": wrong} in record["changes"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--diff", "{folder}/none.json"), "cannot be read"),
        (("--diff", "{folder}/torn.json"), "not complete JSON"),
        (("--diff", "{folder}/empty.json"), "holds no environment"),
        (("--diff", "{folder}/pipe"), "a named pipe, not a regular file"),
        (("--diff", "/dev/zero"), "a device, not a regular file"),
        (("--save", "{folder}/no/such/folder.json"), "cannot be written"),
        (("--save", "{folder}"), "it is a folder"),
        (("--save", "{folder}/pipe"), "it is a device or a pipe"),
        (("--logs", "{folder}/torn.json"), "cannot be written"),
        (("--timeout", "0"), "--timeout"),
    ],
)
def test_what_cannot_be_meant_is_exit_2(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "torn.json").write_text('{"schema_version": 1, "tool', encoding="utf-8")
    empty = '{"schema_version":1,"tool":{"name":"npu-adapt","version":"0"},"created_at":"","command":""}'
    (tmp_path / "empty.json").write_text(empty, encoding="utf-8")
    environment = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH)
    done = cli("env", *(each.format(folder=tmp_path) for each in arguments), environment=environment)
    assert done.code == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("home", [None, "~nobody", "/gone"])
def test_neither_a_home_nor_names_in_utf_8_are_needed(cli: Cli, tmp_path: Path, home: str | None) -> None:
    """HOME that is none, and a variable whose bytes are no UTF-8: in the record, on the screen and in the log."""
    stubs = stub_modules(tmp_path / "stubs", torch=QUICK_TORCH, torch_npu="raise ImportError('no')")
    name = os.fsdecode(b"/data/\xd6\xd0")
    done = cli("env", "--json", environment={**stubs, "HOME": home, "ASCEND_HOME_PATH": name})
    assert done.code == 0, done.stderr
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.environment is not None
    assert summary.environment.variables["ASCEND_HOME_PATH"] == r"/data/\udcd6\udcd0"
    assert "ascend-home-path-wrong" in problems(done)
    shown = cli("env", "--details", "--lang", "zh", environment={**stubs, "HOME": home, "ASCEND_HOME_PATH": name})
    assert shown.code == 0, shown.stderr
    assert r"/data/\udcd6\udcd0" in shown.stdout


def test_a_doctor_does_without_the_default_logs(as_nobody: Cli, tmp_path: Path) -> None:
    """Where nobody named a folder for the logs, one that cannot be written is no reason to leave."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    environment = {**stub_modules(tmp_path / "stubs", torch=QUICK_TORCH), "NPU_ADAPT_LOGS": None}
    done = as_nobody("env", cwd=folder, environment=environment)
    assert done.code == 0
    assert "nothing is written down: the logs folder logs cannot be written" in " ".join(done.stderr.split())
    assert done.stdout.startswith("software")


def test_a_models_figures_stay_when_the_machine_is_examined(cli: Cli, tmp_path: Path) -> None:
    logs = Path(os.environ["NPU_ADAPT_LOGS"])
    assert cli("infer", "builtin:digits-vit", "--device", "cpu", "--quiet").code == 0
    before = {file.name: file.read_bytes() for file in logs.iterdir() if file.is_file()}
    assert cli("env", environment=stub_modules(tmp_path, torch=QUICK_TORCH)).code == 0
    assert {file.name: file.read_bytes() for file in logs.iterdir() if file.is_file()} == before
    assert len([*(logs / "history").glob("*-env-machine/summary.json")]) == 1


def test_a_machine_on_which_nothing_runs_still_gets_a_report(cli: Cli, tmp_path: Path) -> None:
    assert cli("env", environment=stub_modules(tmp_path, torch=QUICK_TORCH)).code == 0
    report = cli("report")
    assert report.code == 0
    assert "no CANN under /usr/local/Ascend" in report.stdout
