"""How the findings of an Ascend stack are noticed: each function looks for one thing and says what it saw."""

from __future__ import annotations

import re
from collections.abc import Callable

from npu_adapt.devices.doctor.ascend import HOME_VARIABLES
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.findings import Places
from npu_adapt.devices.doctor.machine import VISIBLE_NPUS
from npu_adapt.devices.doctor.npu_smi import Chip
from npu_adapt.devices.doctor.pairs import Fit, Pairing, cann_version, extensions_for, judge
from npu_adapt.devices.doctor.probing import Ending
from npu_adapt.devices.importing import release
from npu_adapt.rounding import size

MOSTLY = 0.5  # of a chip's memory; what the driver itself takes of an idle one is 5 to 12 %
HEALTHY, MINOR = {"OK"}, {"WARNING", "MINOR"}
IMPORT = "import torch_npu"
STAND_IN = "-soft"  # how a software double of CANN signs its version
_MISSING_LIBRARY = re.compile(r"(?P<library>lib[\w+-]+\.so[\w.]*): cannot open shared object file")
_DRIVER_LIBRARY = re.compile(r"lib(?:ascend_hal|drv\w*|dcmi|mmpa_drv)\b")


def extension_missing(seen: Examination) -> Places | None:
    if not seen.is_ascend or seen.machine.version("torch_npu") is not None:
        return None
    fitting = extensions_for(seen.cann) if seen.cann else ()
    torch = (seen.machine.version("torch") or "").partition("+")[0]
    same = next((each for each in fitting if release(each) == release(torch)), None)
    if same is not None or not fitting:
        return {"pair": f"torch_npu=={same or torch}"}
    return {"pair": f"torch=={'.'.join(map(str, release(fitting[0])))} torch_npu=={fitting[0]}"}


def extension_of_another_torch(seen: Examination) -> Places | None:
    torch, extension = seen.machine.version("torch"), seen.machine.version("torch_npu")
    if torch is None or extension is None or release(torch) == release(extension):
        return None
    return {"right_torch": ".".join(map(str, release(extension)))}


def cann_missing(seen: Examination) -> Places | None:
    if not seen.is_ascend or seen.machine.ascend.cann is not None or _imported(seen) or _named_home(seen):
        return None
    extension = seen.machine.version("torch_npu")
    missing = _missing_library(seen)
    return {
        "wanted_cann": judge("0.0.0", extension).wanted if extension else "a CANN toolkit and its kernels",
        "evidence": f"; {missing} is not found" if missing else "",
    }


def environment_not_sourced(seen: Examination) -> Places | None:
    cann = seen.machine.ascend.cann
    if cann is None or _named_home(seen) or _imported(seen):
        return None
    return {"path": str(cann.path)}


def home_unset(seen: Examination) -> Places | None:
    return {} if _imported(seen) and not _named_home(seen) else None


def home_points_nowhere(seen: Examination) -> Places | None:
    named = _named_home(seen)
    if named is None or seen.machine.ascend.home is not None:
        return None
    others = seen.machine.ascend.canns
    script = next((str(cann.set_env) for cann in others if cann.set_env), None)
    return {
        "variable": named,
        "value": seen.machine.variables[named],
        "fix": f"source {script}" if script else f"unset {named}; then source the set_env.sh of the CANN you have",
    }


def opp_unset(seen: Examination) -> Places | None:
    return {} if seen.machine.ascend.home is not None and not seen.machine.variables.get("ASCEND_OPP_PATH") else None


def opp_points_nowhere(seen: Examination) -> Places | None:
    value = seen.machine.variables.get("ASCEND_OPP_PATH")
    return {"value": value} if value and not seen.machine.ascend.opp else None


def library_missing(seen: Examination) -> Places | None:
    missing = _missing_library(seen)
    return None if missing is None or _DRIVER_LIBRARY.match(missing) else {"library": missing}


def driver_library_missing(seen: Examination) -> Places | None:
    missing = _missing_library(seen)
    if missing is None or not _DRIVER_LIBRARY.match(missing):
        return None
    return {"library": missing, "path": seen.machine.ascend.driver_path or "/usr/local/Ascend/driver"}


def import_raises(seen: Examination) -> Places | None:
    ending = seen.probe.ending(IMPORT, "raised")
    return None if ending is None or _missing_library(seen) else {"message": ending.message}


def import_aborts(seen: Examination) -> Places | None:
    return _message(seen.probe.ending(IMPORT, "aborted"))


def import_hangs(seen: Examination) -> Places | None:
    return _message(seen.probe.ending(IMPORT, "hung"))


def autoload_kills(seen: Examination) -> Places | None:
    ending = seen.probe.ending(IMPORT)
    return {"how": ending.how} if ending is not None and seen.machine.autoload else None


def cann_too_old(seen: Examination) -> Places | None:
    return _pair_places(seen, Fit.TOO_OLD)


def cann_too_new(seen: Examination) -> Places | None:
    return _pair_places(seen, Fit.TOO_NEW)


def pair_unknown(seen: Examination) -> Places | None:
    return _pair_places(seen, Fit.UNKNOWN)


def two_canns(seen: Examination) -> Places | None:
    running, home = seen.probe.versions("npu"), seen.machine.ascend.home
    if running is None or not running.stack or home is None or not home.version:
        return None
    if cann_version(running.stack) == cann_version(home.version):
        return None
    return {"running": running.stack, "path": str(home.path), "version": home.version}


def driver_missing(seen: Examination) -> Places | None:
    ascend = seen.machine.ascend
    if not seen.is_ascend or ascend.driver_path or ascend.driver or ascend.control_nodes or _devices_work(seen):
        return None
    return {"evidence": f"; {ascend.cards} NPU(s) on the PCI bus" if ascend.cards else ""}


def nodes_missing(seen: Examination) -> Places | None:
    reached = seen.machine.ascend.nodes or seen.smi.chips or _devices_work(seen)
    return None if reached or not seen.is_ascend else {}


def nodes_denied(seen: Examination) -> Places | None:
    ascend = seen.machine.ascend
    denied = [node.path for node in (*ascend.nodes, *ascend.control_nodes) if not node.usable]
    return {"nodes": ", ".join(denied)} if denied else None


def all_hidden(seen: Examination) -> Places | None:
    """Also where nothing tells what there is, and torch counts none with the variable set."""
    places = _hidden(seen)
    if places is not None and places["visible"] == "none":
        return {**places, "there": f"; there are {places['hidden']}"}
    count, value = seen.probe.count("npu"), seen.machine.variables.get(VISIBLE_NPUS)
    if places is not None or value is None or count is None or count.devices or _present(seen):
        return None
    return {"value": value, "there": "", "all": "as npu-smi info lists them"}


def some_hidden(seen: Examination) -> Places | None:
    places = _hidden(seen)
    return places if places is not None and places["visible"] != "none" else None


def none_seen(seen: Examination) -> Places | None:
    count = seen.probe.count("npu")
    if count is None or count.devices:
        return None
    return {"refusal": f": {count.refusal}" if count.refusal else ""}


def unhealthy(seen: Examination) -> Places | None:
    return _with_health(seen, lambda health: health not in HEALTHY | MINOR)


def slightly_unhealthy(seen: Examination) -> Places | None:
    return _with_health(seen, lambda health: health in MINOR)


def memory_taken(seen: Examination) -> Places | None:
    full = [chip for chip in seen.smi.chips if chip.used_bytes > MOSTLY * chip.memory_bytes]
    if not full:
        return None
    pids = sorted({process.pid for chip in full for process in chip.processes})
    return {"taken": "; ".join(map(_taken, full)), "pids": ",".join(map(str, pids)) or "PID"}


def firmware_unfit(seen: Examination) -> Places | None:
    told = seen.smi.board_value("Compatibility")
    return None if told is None or told.upper() == "OK" else {"told": told, "firmware": seen.firmware or "unknown"}


def smi_missing(seen: Examination) -> Places | None:
    return {} if seen.is_ascend and seen.machine.ascend.driver_path and seen.smi.path is None else None


def smi_fails(seen: Examination) -> Places | None:
    smi = seen.smi
    if smi.path is None or smi.understood or smi.code == 0:
        return None
    how = "did not answer in time" if smi.code is None else f"ended with {smi.code}"
    return {"path": smi.path, "how": how, "said": _first_line(smi.text)}


def smi_unreadable(seen: Examination) -> Places | None:
    smi = seen.smi
    return (
        {"path": smi.path, "said": _first_line(smi.text)} if smi.path and not smi.understood and smi.code == 0 else None
    )


def _named_home(seen: Examination) -> str | None:
    """The variable that names CANN's folder; None: none is set."""
    return next((name for name in HOME_VARIABLES if seen.machine.variables.get(name)), None)


def _imported(seen: Examination) -> bool:
    return seen.probe.versions("npu") is not None


def _devices_work(seen: Examination) -> bool:
    return any(device.kind == "npu" for device in seen.probe.usable)


def _missing_library(seen: Examination) -> str | None:
    ending = seen.probe.ending(IMPORT, "raised")
    match = _MISSING_LIBRARY.search(ending.message) if ending is not None else None
    return match["library"] if match else None


def _message(ending: Ending | None) -> Places | None:
    return None if ending is None else {"message": ending.message}


def _pair_places(seen: Examination, fit: Fit) -> Places | None:
    pairing = _pairing(seen)
    if pairing is None or pairing.fit is not fit:
        return None
    fitting = extensions_for(seen.cann or "")
    return {
        "wanted_cann": pairing.wanted,
        "fitting": f"torch_npu {', '.join(fitting)}" if fitting else "none published",
    }


def _pairing(seen: Examination) -> Pairing | None:
    """The judgement; None where there is no pair, or a software stand-in, which is made for its torch_npu."""
    extension, cann = seen.machine.version("torch_npu"), seen.cann
    return None if extension is None or cann is None or cann.endswith(STAND_IN) else judge(cann, extension)


def _hidden(seen: Examination) -> Places | None:
    """What the variable hides of the devices that are there."""
    named = seen.machine.visible_npus
    present = _present(seen)
    if named is None or not present:
        return None
    visible = [str(number) for number in present if number in named]
    hidden = [str(number) for number in present if number not in named]
    if not hidden:
        return None
    return {
        "value": seen.machine.variables[VISIBLE_NPUS],
        "visible": ", ".join(visible) or "none",
        "hidden": ", ".join(hidden),
        "all": ",".join(map(str, present)),
    }


def _present(seen: Examination) -> range:
    """The numbers of the NPUs that are there, whoever may see them; empty where nothing tells."""
    return range(len(seen.smi.chips) or len(seen.machine.ascend.nodes))


def _with_health(seen: Examination, is_meant: Callable[[str], bool]) -> Places | None:
    sick = [
        f"NPU {chip.npu} chip {chip.chip}: {chip.health}" for chip in seen.smi.chips if is_meant(chip.health.upper())
    ]
    first = next((chip for chip in seen.smi.chips if is_meant(chip.health.upper())), None)
    return None if first is None else {"sick": "; ".join(sick), "npu": str(first.npu), "chip": str(first.chip)}


def _taken(chip: Chip) -> str:
    """How much of a chip's memory is taken, and by whom."""
    named = [f"{each.name} (pid {each.pid}, {size(each.memory_bytes)})" for each in chip.processes]
    holders = ", ".join(named) or "processes that npu-smi does not name, as in another container"
    return f"NPU {chip.npu} chip {chip.chip}: {size(chip.used_bytes)} of {size(chip.memory_bytes)} by {holders}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
