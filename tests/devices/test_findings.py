"""Every finding of the tables: the state of a machine that brings it, what it says, and what it leaves unsaid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from npu_adapt.devices.doctor.ascend import Node
from npu_adapt.devices.doctor.events import Count, Found, Torch, Versions
from npu_adapt.devices.doctor.examination import Examination, FailedPlugin
from npu_adapt.devices.doctor.findings import diagnose
from npu_adapt.devices.doctor.machine import Nvidia
from npu_adapt.devices.doctor.npu_smi import NpuSmi, parse_board, parse_chips
from npu_adapt.devices.doctor.probing import Ending, Probe
from npu_adapt.devices.doctor.table import FINDINGS as TABLE
from npu_adapt.devices.environment import environment_of, environment_reasons, problems_of
from npu_adapt.devices.preconditions import Shortage
from npu_adapt.records import Fact, Problem
from npu_adapt.report.explanations import known_ids
from npu_adapt.report.phrases import PHRASES, Language
from npu_adapt.report.phrases.facts import finding_words, words
from tests.devices.machines import add_cann, add_card, add_driver, machine

SAMPLES = Path(__file__).parents[1] / "data" / "npu-smi"
TORCH = Torch(version="2.9.0+cpu", cuda=None)
NO_CUDA = Count(kind="cuda", devices=0)
LOADED = Versions(kind="npu", stack="8.5.0", driver=None)
NPUS = tuple(
    Found(kind="npu", index=index, name="Ascend910B4", memory_bytes=32 << 30, free_bytes=29 << 30, usable=True)
    for index in range(2)
)
GPU = Found(kind="cuda", index=0, name="NVIDIA L40", memory_bytes=48 << 30, free_bytes=40 << 30, usable=True)
WORKING = Probe((TORCH, NO_CUDA, LOADED, Count(kind="npu", devices=2), *NPUS))
WITH_CUDA = Torch(version="2.9.0+cu128", cuda="12.8")


def smi(name: str = "910b4", *, text: str | None = None, code: int | None = 0, board: str = "") -> NpuSmi:
    """An answer of npu-smi."""
    said = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8") if text is None else text
    chips, values = parse_chips(said), parse_board(board)
    return NpuSmi("/usr/local/bin/npu-smi", said, code=code, version="25.3.rc1", chips=chips, board=values)


IDLE = smi(text=(SAMPLES / "910b4.txt").read_text(encoding="utf-8").replace("26838/ 32768", "2838 / 32768"))


def raised(message: str) -> Probe:
    """A probe in which the import of torch_npu raised."""
    return Probe((TORCH, NO_CUDA), (Ending("import", "torch_npu", "raised", message),))


NO_HCCL = raised("libhccl.so: cannot open shared object file: No such file or directory")


@pytest.fixture
def healthy(tmp_path: Path) -> Examination:
    """A machine with two idle NPUs on which everything fits."""
    add_cann(tmp_path)
    add_driver(tmp_path)
    add_card(tmp_path, "0000:c1:00.0")
    return Examination(machine(tmp_path), IDLE, WORKING)


@pytest.fixture
def bare(tmp_path: Path) -> Examination:
    """A machine without any part of an accelerator, with torch and transformers."""
    packages = {"torch": "2.9.0+cpu", "transformers": "4.57.6"}
    return Examination(machine(tmp_path / "bare", packages, {"HOME": "/root"}), NpuSmi(None), Probe((TORCH, NO_CUDA)))


def told(problem: Problem) -> dict[str, str]:
    """Its words in English."""
    return finding_words(problem, "en")


def found(examination: Examination) -> dict[str, Problem]:
    return {problem.id: problem for problem in problems_of(examination)}


def test_a_healthy_machine_has_no_problem(healthy: Examination) -> None:
    assert problems_of(healthy) == ()


def test_a_machine_without_an_accelerator_is_told_what_it_would_need_and_nothing_louder(bare: Examination) -> None:
    (problem,) = problems_of(bare)
    assert (problem.id, problem.severity) == ("no-accelerator", "note")
    assert "torch_npu==2.9.0" in told(problem)["fix"]


def test_a_working_gpu_is_nothing_to_talk_about(bare: Examination) -> None:
    gpu = replace(
        bare,
        machine=replace(bare.machine, nvidia=Nvidia("550.54", 1)),
        probe=Probe((WITH_CUDA, Count(kind="cuda", devices=1), GPU)),
    )
    assert problems_of(gpu) == ()


Change = Callable[[Examination], Examination]


def packages(**versions: str | None) -> Change:
    """Other packages; None: not installed."""

    def change(seen: Examination) -> Examination:
        merged = {**seen.machine.packages, **versions}
        return replace(
            seen,
            machine=replace(
                seen.machine, packages={name: version for name, version in merged.items() if version is not None}
            ),
        )

    return change


def variables(**values: str) -> Change:
    return lambda seen: replace(seen, machine=replace(seen.machine, variables={**seen.machine.variables, **values}))


def ascend(**fields: object) -> Change:
    return lambda seen: replace(
        seen,
        machine=replace(seen.machine, ascend=replace(seen.machine.ascend, **fields)),  # type: ignore[arg-type]
    )


def unset(name: str) -> Change:
    def change(seen: Examination) -> Examination:
        kept = {each: value for each, value in seen.machine.variables.items() if each != name}
        return replace(seen, machine=replace(seen.machine, variables=kept))

    return change


def probe(answer: Probe) -> Change:
    return lambda seen: replace(seen, probe=answer)


def answer(said: NpuSmi) -> Change:
    return lambda seen: replace(seen, smi=said)


def nvidia(driver: str | None, cards: int) -> Change:
    return lambda seen: replace(seen, machine=replace(seen.machine, nvidia=Nvidia(driver, cards)))


def limited(short: Shortage) -> Change:
    return lambda seen: replace(seen, machine=replace(seen.machine, shortage=short))


def cann(version: str) -> Change:
    """Another version of the CANN that ASCEND_HOME_PATH names."""

    def change(seen: Examination) -> Examination:
        home = seen.machine.ascend.home
        assert home is not None
        return ascend(home=replace(home, version=version))(seen)

    return change


def running(stack: str) -> Probe:
    """A probe in which CANN `stack` runs, and both NPUs work."""
    return Probe((TORCH, NO_CUDA, Versions(kind="npu", stack=stack, driver=None), Count(kind="npu", devices=2), *NPUS))


def with_devices(*devices: Found) -> Probe:
    return Probe((TORCH, NO_CUDA, LOADED, Count(kind="npu", devices=len(devices)), *devices))


def without_ascend(seen: Examination) -> Examination:
    """No part of the stack, no card."""
    files = {"canns": (), "home": None, "opp": False, "nodes": (), "control_nodes": (), "cards": 0}
    versions = dict.fromkeys(("driver", "driver_path", "firmware"))
    nothing = ascend(**files, **versions)(packages(torch_npu=None)(seen))
    return replace(nothing, smi=NpuSmi(None), machine=replace(nothing.machine, variables={"HOME": "/root"}))


ACL_INIT = "NPU function error: aclInit, error code is 507008"
NONE_SEEN = Probe((TORCH, NO_CUDA, LOADED, Count(kind="npu", devices=0)))
SICK = msgspec.structs.replace(NPUS[1], usable=False, failure="initialisation", said=ACL_INIT)
REFUSED = Count(kind="cuda", devices=0, refusal="The NVIDIA driver on your system is too old")

# What is done to the healthy machine -> all that is found, with a part of its fix.
BROKEN: Mapping[str, tuple[tuple[Change, ...], dict[str, str]]] = {
    "torch not installed": (
        (packages(torch=None), probe(Probe((), (Ending("import", "torch", "raised", "No module named 'torch'"),)))),
        {"torch-missing": "pip install 'torch>=2.6,<2.14'"},
    ),
    "torch does not import": (
        (probe(Probe((), (Ending("import", "torch", "killed", signal="SIGSEGV"),))),),
        {"torch-broken": "pip install --force-reinstall --no-deps 'torch==2.9.0'"},
    ),
    "memory that is limited": (
        (limited(Shortage("ulimit -v", 500 << 20, 1 << 30)),),
        {"limit-too-low": "ulimit -v 1048576"},
    ),
    "torch of an untested version": (
        (packages(torch="2.5.1", torch_npu="2.5.1"), cann("8.1.RC1"), probe(running("8.1.RC1"))),
        {"torch-untested": "torch>=2.6"},
    ),
    "transformers not installed": ((packages(transformers=None),), {"transformers-missing": "pip install"}),
    "transformers too old": ((packages(transformers="4.40.2"),), {"transformers-untested": "'transformers>=4.57,<6'"}),
    "transformers too new": ((packages(transformers="6.0.0"),), {"transformers-untested": "'transformers>=4.57,<6'"}),
    "no torch_npu": (
        (packages(torch_npu=None), probe(Probe((TORCH, NO_CUDA)))),
        {"torch-npu-missing": "pip install torch_npu==2.9.0"},
    ),
    "no torch_npu, and a torch for which there is none on this CANN": (
        (packages(torch_npu=None, torch="2.11.0"), probe(Probe((TORCH, NO_CUDA)))),
        {"torch-npu-missing": "pip install torch==2.9.0 torch_npu==2.9.0"},
    ),
    "torch_npu of another torch": (
        (packages(torch="2.8.0"), probe(raised("undefined symbol: _ZN2at4_ops10foo"))),
        {"torch-npu-version": "pip install torch==2.9.0 torch_npu==2.9.0", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "no CANN": (
        (ascend(home=None, canns=(), opp=False), unset("ASCEND_HOME_PATH"), unset("ASCEND_OPP_PATH"), probe(NO_HCCL)),
        {"cann-missing": "Ascend-cann-toolkit", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "set_env.sh not sourced": (
        (ascend(home=None, opp=False), unset("ASCEND_HOME_PATH"), unset("ASCEND_OPP_PATH"), probe(NO_HCCL)),
        {"set-env-not-sourced": "source ", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "libraries found, variables not set": (
        (ascend(home=None, opp=False), unset("ASCEND_HOME_PATH"), unset("ASCEND_OPP_PATH")),
        {"ascend-home-path-unset": "/set_env.sh"},
    ),
    "ASCEND_HOME_PATH points nowhere": (
        (ascend(home=None), variables(ASCEND_HOME_PATH="/gone"), probe(NO_HCCL)),
        {"ascend-home-path-wrong": "/set_env.sh", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "ASCEND_HOME_PATH points nowhere, and there is no other": (
        (ascend(home=None, canns=()), variables(ASCEND_HOME_PATH="/gone"), probe(NO_HCCL)),
        {"ascend-home-path-wrong": "unset ASCEND_HOME_PATH", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "ASCEND_OPP_PATH not set": ((unset("ASCEND_OPP_PATH"), ascend(opp=False)), {"ascend-opp-path-unset": "source"}),
    "ASCEND_OPP_PATH points nowhere": (
        (variables(ASCEND_OPP_PATH="/gone/opp"), ascend(opp=False)),
        {"ascend-opp-path-wrong": "source"},
    ),
    "a library of CANN is missing": (
        (probe(NO_HCCL),),
        {"cann-library-missing": "source", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "the driver's library is missing": (
        (probe(raised("libascend_hal.so: cannot open shared object file: No such file or directory")),),
        {"driver-library-missing": "/usr/local/Ascend/driver/lib64/driver", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "the import raises": (
        (probe(raised("something new")),),
        {"torch-npu-import-raises": "--force-reinstall", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "the import aborts": (
        (probe(Probe((TORCH,), (Ending("import", "torch_npu", "killed", signal="SIGABRT"),))),),
        {"torch-npu-import-aborts": "torch_npu==2.9.0", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "the import hangs": (
        (probe(Probe((TORCH,), (Ending("import", "torch_npu", "hung", seconds=60.0),))),),
        {"torch-npu-import-hangs": "--timeout 300", "autoload-kills-torch": "AUTOLOAD=0"},
    ),
    "the import raises, and autoload is off": (
        (probe(raised("something new")), lambda seen: replace(seen, machine=replace(seen.machine, autoload=False))),
        {"torch-npu-import-raises": "--force-reinstall"},
    ),
    "CANN too old": (
        (packages(torch_npu="2.9.0.post2"),),
        {"cann-too-old": "install that CANN"},
    ),
    "CANN too new": ((packages(torch_npu="2.8.0", torch="2.8.0"),), {"cann-too-new": "install the torch_npu of this"}),
    "a pair nobody knows": (
        (packages(torch_npu="2.13.0", torch="2.13.0"), cann("9.1.0"), probe(running("9.1.0"))),
        {"cann-pair-unknown": "https://gitcode.com/Ascend/pytorch"},
    ),
    "a software stand-in, which is no pair": ((cann("8.1.0-soft"), probe(running("8.1.0-soft"))), {}),
    "another CANN runs than the one named": (
        (probe(running("8.5.1")), cann("8.3.RC1")),
        {"two-canns": "open a new shell, and source"},
    ),
    "no driver": (
        (ascend(driver=None, driver_path=None, nodes=(), control_nodes=()), probe(NONE_SEEN), answer(NpuSmi(None))),
        {"driver-missing": "Ascend-hdk-*-npu-driver_*.run"},
    ),
    "no device files": (
        (ascend(nodes=()), probe(NONE_SEEN), answer(smi("dcmi-failed", code=7))),
        {"device-nodes-missing": "docker run --device /dev/davinci0", "npu-smi-fails": "LD_LIBRARY_PATH"},
    ),
    "no permission": (
        (ascend(nodes=(Node("/dev/davinci0", False), Node("/dev/davinci1", True))), probe(NONE_SEEN)),
        {"device-nodes-denied": "usermod -aG HwHiAiUser"},
    ),
    "all devices hidden": (
        (variables(ASCEND_RT_VISIBLE_DEVICES="5"), probe(NONE_SEEN)),
        {"all-devices-hidden": "unset ASCEND_RT_VISIBLE_DEVICES"},
    ),
    "all devices hidden by an empty value": (
        (variables(ASCEND_RT_VISIBLE_DEVICES=""), probe(NONE_SEEN)),
        {"all-devices-hidden": "unset ASCEND_RT_VISIBLE_DEVICES"},
    ),
    "devices named in falling order": (
        (variables(ASCEND_RT_VISIBLE_DEVICES="1,0"),),
        {"visible-devices-invalid": "export ASCEND_RT_VISIBLE_DEVICES=0,1"},
    ),
    "one device hidden": (
        (variables(ASCEND_RT_VISIBLE_DEVICES="1"),),
        {"devices-hidden": "export ASCEND_RT_VISIBLE_DEVICES=0,1"},
    ),
    "no device seen, and nothing says why": ((probe(NONE_SEEN),), {"no-device-seen": "~/ascend/log"}),
    "a device in alarm": (
        (answer(smi("310b4-board")),),
        {"device-unhealthy": "npu-smi info -t health -i 0 -c 0"},
    ),
    "a device with a warning": (
        (answer(smi("910-93-two-chips")),),
        {"device-warns": "npu-smi info -t health -i 1 -c 0", "device-memory-taken": "-p 845053"},
    ),
    "memory mostly taken": ((answer(smi()),), {"device-memory-taken": "ps -o pid,user,etime,cmd -p 41027"}),
    "firmware of another driver": (
        (answer(smi(text=IDLE.text, board="Compatibility : NOK\nFirmware Version : 1.0\n")),),
        {"firmware-incompatible": "npu-firmware"},
    ),
    "no npu-smi": ((answer(NpuSmi(None)),), {"npu-smi-missing": "/usr/local/bin"}),
    "npu-smi does not answer": ((answer(smi(text="so far", code=None)),), {"npu-smi-fails": "sudo npu-smi info"}),
    "npu-smi prints what nobody knows": ((answer(smi(text="NPU 0: fine")),), {"npu-smi-unreadable": "report it"}),
    "a device does not compute": ((probe(with_devices(NPUS[0], SICK)),), {"device-fails": "npu-smi info"}),
    "using a device ends the process": (
        (
            probe(
                Probe(
                    (TORCH, NO_CUDA, LOADED),
                    (Ending("use", "npu:0", "killed", "double free or corruption", signal="SIGSEGV"),),
                )
            ),
        ),
        {"device-use-ends-process": "~/ascend/log"},
    ),
    "an NVIDIA card and a torch without CUDA": (
        (without_ascend, nvidia("550.54", 1), probe(Probe((TORCH, NO_CUDA)))),
        {"torch-without-cuda": "--index-url https://download.pytorch.org/whl/"},
    ),
    "an NVIDIA card without a driver": (
        (without_ascend, nvidia(None, 2), probe(Probe((WITH_CUDA, NO_CUDA)))),
        {"nvidia-driver-missing": "docker run --gpus all"},
    ),
    "every GPU hidden": (
        (without_ascend, nvidia("550.54", 1), variables(CUDA_VISIBLE_DEVICES=""), probe(Probe((WITH_CUDA, REFUSED)))),
        {"cuda-devices-hidden": "unset CUDA_VISIBLE_DEVICES"},
    ),
    "CUDA refuses": (
        (without_ascend, nvidia("450.80", 1), probe(Probe((WITH_CUDA, REFUSED)))),
        {"cuda-unavailable": "upgrade the driver"},
    ),
    "another vendor's extension fails": (
        (without_ascend, probe(Probe((TORCH, NO_CUDA), (Ending("import", "torch_mlu", "raised", "no libcnrt.so"),)))),
        {"extension-fails": "its vendor publishes for torch 2.9.0"},
    ),
    "a plug-in that cannot be imported": (
        (lambda seen: replace(seen, failed_plugins=(FailedPlugin("rows", "no such module"),)),),
        {"plugins-fail": "uninstall it"},
    ),
    "no accelerator at all": ((without_ascend, probe(Probe((TORCH, NO_CUDA)))), {"no-accelerator": "torch_npu==2.9.0"}),
}


@pytest.mark.parametrize("state", BROKEN)
def test_each_broken_state_is_told_with_its_fix_and_without_its_consequences(healthy: Examination, state: str) -> None:
    changes, fixes = BROKEN[state]
    examination = healthy
    for change in changes:
        examination = change(examination)
    problems = found(examination)
    assert problems.keys() == fixes.keys()
    for name, fix in fixes.items():
        assert fix in told(problems[name])["fix"]


def test_every_finding_of_the_tables_is_brought_about() -> None:
    assert {name for _, fixes in BROKEN.values() for name in fixes} == {row.id for row in TABLE}


def test_every_finding_is_explained() -> None:
    assert {row.id for row in TABLE} <= set(known_ids())


def test_the_tables_are_in_order() -> None:
    names = [row.id for row in TABLE]
    assert len(names) == len(set(names))
    for row in TABLE:
        assert set(row.explained_by) <= set(names), row.id
        assert row.id not in row.explained_by
        assert row.severity in {"error", "warning", "note"}
        assert row.where_it_works in {None, "error", "warning", "note"}


def all_problems(healthy: Examination) -> list[Problem]:
    """What every broken state brings."""
    problems = []
    for changes, _ in BROKEN.values():
        examination = healthy
        for change in changes:
            examination = change(examination)
        problems += problems_of(examination)
    return problems


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_is_complete(healthy: Examination, language: Language) -> None:
    """No place left open or filled with nothing, no doubled space, in any state."""
    for problem in all_problems(healthy):
        texts = finding_words(problem, language)
        assert [*texts] == ["found", "wanted", "why", "fix"], problem.id
        for text in texts.values():
            assert not re.search(r"[{}]|  |None|\(\)|[:：] ?$|^ | $", text), f"{problem.id}: {text!r}"


def test_the_values_are_those_that_the_words_need(healthy: Examination) -> None:
    """A place without a value would fail in the test above; here, a value without a place."""
    # Not in every shape of what they tell.
    unused = {"how", "doing", "what", "signal", "code", "seconds", "said", "npus", "chips"}
    for problem in all_problems(healthy):
        texts = " ".join(PHRASES[f"finding-{problem.id}-{part}"].en for part in ("found", "wanted", "why", "fix"))
        texts += " ".join(
            phrase.en for key, phrase in PHRASES.items() if re.match("doctor-|cann-|home-|visible-|smi-", key)
        )
        assert {name for name in problem.values if f"{{{name}" not in texts} <= unused, problem.id


# What Chinese texts may hold of other letters: names, ids, paths, commands, numbers, and what others said.
COMMANDS = re.compile(
    r"(?:sudo |docker |pip |source |export |unset |ulimit |npu-adapt |npu-smi |nvidia-smi|bash |lspci |timeout |ps -o )"
    r"[!-~ …]*"
)
NAMES = (
    "Ascend CANN CUDA GPU NPU NVIDIA PCI PATH OK NA CPU Compatibility npu npu-smi torch torch_npu torch_mlu "
    "transformers npu-adapt shell chip toolkit opp info HwHiAiUser source import initialisation SIGABRT SIGSEGV "
    "Warning Alarm NOK dmesg MiB GiB s"
)


def english_in(text: str, quoted: str) -> set[str]:
    """The words of `text` that are none of `NAMES`, of a command, a path, a variable, a version or what others said."""
    for line in filter(None, quoted.splitlines()):
        text = text.replace(line, "")
    text = COMMANDS.sub(" ", text)
    text = re.sub(
        r"https?://[!-~]+|[~…]?/[\w./*-]+|[A-Z_]{2,}(?:=[!-~]*)?|[\w.+-]*\d[\w.+-]*|\w+\.(?:so|sh)|--\w+", " ", text
    )
    return set(re.findall(r"[A-Za-z][\w'-]*", text)) - set(NAMES.split())


def test_findings_in_chinese_hold_no_english_but_names_and_commands(healthy: Examination) -> None:
    for problem in all_problems(healthy):
        holders = problem.values.get("holders")
        quoted = [str(problem.values.get("said", "")), *(map(str, holders) if isinstance(holders, tuple) else ())]
        for part, text in finding_words(problem, "zh").items():
            assert english_in(text, "\n".join(quoted)) == set(), f"{problem.id} {part}: {text}"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_problem_of_schema_1_keeps_its_sentences(language: Language) -> None:
    values = {"text_found": "CANN {8.1}", "text_wanted": "CANN 8.5.0", "text_why": "", "text_fix": "install it"}
    old = Problem(id="an-id-of-then", severity="error", values=values)
    assert finding_words(old, language) == {"found": "CANN {8.1}", "wanted": "CANN 8.5.0", "fix": "install it"}


def test_what_torch_npu_itself_says_is_never_left_out(healthy: Examination) -> None:
    """aclInit's error beside a missing driver and an unpublished CANN; a refusal beside a wrong variable."""
    no_driver = ascend(driver=None, driver_path=None, nodes=(), control_nodes=())
    examination = healthy
    for change in (no_driver, probe(with_devices(SICK)), answer(NpuSmi(None)), packages(torch_npu="2.9.0.post2")):
        examination = change(examination)
    problems = found(examination)
    assert {"driver-missing", "cann-too-old", "device-fails"} <= problems.keys()
    assert ACL_INIT in told(problems["device-fails"])["found"]

    refused = Probe((TORCH, NO_CUDA, LOADED, Count(kind="npu", devices=0, refusal=ACL_INIT)))
    problems = found(variables(ASCEND_RT_VISIBLE_DEVICES="5")(replace(healthy, probe=refused)))
    assert ACL_INIT in told(problems["no-device-seen"])["found"]


@pytest.mark.parametrize("state", ["no CANN", "set_env.sh not sourced", "torch_npu of another torch"])
def test_a_cause_quotes_the_failed_import_that_it_explains(healthy: Examination, state: str) -> None:
    examination = healthy
    for change in BROKEN[state][0]:
        examination = change(examination)
    ending = examination.probe.endings[0]
    assert any(ending.said in told(problem)["found"] for problem in problems_of(examination))


def test_a_driver_through_which_npu_smi_lists_chips_is_not_missing(healthy: Examination) -> None:
    hidden = ascend(driver=None, driver_path=None, nodes=(), control_nodes=())(healthy)
    assert "driver-missing" not in found(replace(hidden, probe=NO_HCCL))
    assert "driver-missing" in found(replace(hidden, probe=NO_HCCL, smi=NpuSmi(None)))


def test_an_unpublished_pair_is_a_note_where_the_npu_computes_and_a_warning_elsewhere(healthy: Examination) -> None:
    examination = packages(torch_npu="2.9.0.post2")(healthy)
    assert found(examination)["cann-too-old"].severity == "note"
    assert found(replace(examination, probe=NONE_SEEN))["cann-too-old"].severity == "warning"


@pytest.mark.parametrize(
    ("value", "reason", "wrong", "right"),
    [
        ("1,0", "order", "0", "0,1"),
        ("0,0", "order", "0", "0"),
        ("0,,1", "number", "", "0,1"),
        ("0,1,2", "absent", "2", "0,1"),
        ("0, 1;", "number", "1;", "0"),
        ("0,²", "number", "²", "0"),
        ("0," + "9" * 5000, "number", "9" * 5000, "0"),
    ],
)
def test_a_list_that_cann_does_not_read_whole_is_named(
    healthy: Examination, value: str, reason: str, wrong: str, right: str
) -> None:
    problems = found(variables(ASCEND_RT_VISIBLE_DEVICES=value)(healthy))
    assert [*problems] == ["visible-devices-invalid"]
    problem = problems["visible-devices-invalid"]
    assert problem.severity == "warning"
    assert (problem.values["reason"], problem.values["wrong"]) == (reason, wrong)
    assert told(problem)["fix"] == f"export ASCEND_RT_VISIBLE_DEVICES={right}"


@pytest.mark.parametrize("value", ["0,1", " 0 , 1 ", "1"])
def test_a_list_in_rising_order_is_no_problem(healthy: Examination, value: str) -> None:
    assert "visible-devices-invalid" not in found(variables(ASCEND_RT_VISIBLE_DEVICES=value)(healthy))


def test_a_device_in_use_by_another_container_is_no_reason_to_reboot(healthy: Examination) -> None:
    said = (
        "DrvMngGetConsoleLogLevel failed. (g_conLogLevel=3)\n"
        "dcmi model initialized failed, because the device is used. ret is -8020"
    )
    problem = found(answer(smi(text=said, code=236))(healthy))["npu-smi-fails"]
    words_ = told(problem)
    assert all(line in words_["found"] for line in said.splitlines())
    assert "reboot" not in words_["fix"] and "container" in words_["fix"]


def test_a_card_whose_memory_cannot_be_read_is_sick_and_the_others_keep_their_numbers(healthy: Examination) -> None:
    text = IDLE.text.replace("2838 / 32768", "NA / NA")
    assert "NA / NA" in text
    examination = answer(smi(text=text))(healthy)
    problem = found(examination)["device-unhealthy"]
    assert told(problem)["found"] == "npu-smi reports NPU 0 chip 0: OK, memory cannot be read (NA)"
    numbers = [(each.index, each.health) for each in environment_of(replace(examination, probe=NO_HCCL)).devices]
    assert numbers == [(0, "OK"), (1, "OK")]
    unread = environment_reasons(replace(examination, probe=NO_HCCL))
    assert unread["environment.devices.0.memory_bytes"] == Fact("device-memory-unread")


def test_a_null_says_more_than_that_nothing_is_there(healthy: Examination) -> None:
    home = healthy.machine.ascend.home
    assert home is not None
    seen = replace(ascend(home=replace(home, version=None), driver=None, firmware=None)(healthy), probe=NONE_SEEN)
    seen = replace(seen, probe=Probe((TORCH, NO_CUDA)), smi=NpuSmi(None))
    reasons = environment_reasons(seen)
    assert environment_of(seen).cann is None
    assert {path: fact.id for path, fact in reasons.items()} == {
        "environment.cann": "cann-without-version",
        "environment.driver": "driver-without-version",
    }
    for fact in reasons.values():
        assert words("reason", fact, "en") and words("reason", fact, "zh")


def test_what_npus_lack_is_no_error_where_a_gpu_works(healthy: Examination) -> None:
    changes, _ = BROKEN["no CANN"]
    examination = healthy
    for change in changes:
        examination = change(examination)
    assert found(examination)["cann-missing"].severity == "error"
    with_gpu = replace(examination, probe=replace(examination.probe, events=(WITH_CUDA, GPU)))
    assert found(with_gpu)["cann-missing"].severity == "warning"


def test_errors_come_first(healthy: Examination) -> None:
    examination = packages(transformers="4.40.2")(answer(smi())(healthy))
    assert [problem.severity for problem in problems_of(examination)] == ["error", "warning"]


def test_a_run_hears_only_of_its_own_backend(healthy: Examination) -> None:
    """A CPU is not the worse for an NPU in alarm."""
    examination = packages(transformers="4.40.2")(answer(smi("310b4-board"))(healthy))
    assert {problem.id for problem in problems_of(examination, backend="cpu")} == {"transformers-untested"}
    assert "device-unhealthy" in {problem.id for problem in problems_of(examination, backend="npu")}


def test_a_row_that_is_explained_is_left_out_only_with_its_cause(healthy: Examination) -> None:
    rows = [row for row in TABLE if row.id == "no-device-seen"]
    examination = replace(variables(ASCEND_RT_VISIBLE_DEVICES="5")(healthy), probe=NONE_SEEN)
    assert [problem.id for problem in diagnose(examination, rows)] == ["no-device-seen"]


def test_the_memory_of_a_full_chip_is_told_with_its_holder(healthy: Examination) -> None:
    (problem,) = problems_of(answer(smi())(healthy))
    assert told(problem)["found"] == "NPU 0 chip 0: 26.21 GiB of 32.00 GiB in use by python3[41027]"


def test_devices_are_listed_with_what_both_sides_know(healthy: Examination) -> None:
    devices = environment_of(healthy).devices
    assert [(each.kind, each.index, each.name, each.health, each.usable) for each in devices] == [
        ("npu", 0, "Ascend910B4", "OK", True),
        ("npu", 1, "Ascend910B4", "OK", True),
    ]


def test_a_device_is_matched_with_its_chip_behind_the_hiding_variable(healthy: Examination) -> None:
    said = smi("910-93-two-chips")
    examination = replace(variables(ASCEND_RT_VISIBLE_DEVICES="0,2")(healthy), smi=said)
    assert [each.health for each in environment_of(examination).devices] == ["OK", "Warning"]


def test_devices_that_torch_cannot_reach_are_listed_from_npu_smi(healthy: Examination) -> None:
    devices = environment_of(replace(healthy, smi=smi(), probe=NO_HCCL)).devices
    assert [(each.name, each.memory_bytes, each.free_memory_bytes, each.usable) for each in devices] == [
        ("910B4", 32768 << 20, (32768 - 26838) << 20, False),
        ("910B4", 32768 << 20, (32768 - 2871) << 20, False),
    ]


def test_text_that_is_not_understood_is_in_the_record(healthy: Examination) -> None:
    assert environment_of(replace(healthy, smi=smi(text="NPU 0: fine"))).npu_smi == "NPU 0: fine"
    assert environment_of(healthy).npu_smi is None
