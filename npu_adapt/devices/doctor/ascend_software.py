"""Findings about CANN and torch_npu: how each is noticed, and how much it matters."""

from __future__ import annotations

import re

from npu_adapt.devices.doctor.ascend import HOME_VARIABLES
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.findings import ERROR, NOTE, WARNING, Finding, Values
from npu_adapt.devices.doctor.pairs import Fit, Pairing, cann_version, extensions_for, judge
from npu_adapt.devices.doctor.probing import Ending
from npu_adapt.devices.importing import release

STAND_IN = "-soft"  # how a software double of CANN signs its version
_MISSING_LIBRARY = re.compile(r"(?P<library>lib[\w+-]+\.so[\w.]*): cannot open shared object file")
_DRIVER_LIBRARY = re.compile(r"lib(?:ascend_hal|drv\w*|dcmi|mmpa_drv)\b")


def extension_missing(seen: Examination) -> Values | None:
    if not seen.is_ascend or seen.machine.version("torch_npu") is not None:
        return None
    fitting = extensions_for(seen.cann) if seen.cann else ()
    torch = (seen.machine.version("torch") or "").partition("+")[0]
    same = next((each for each in fitting if release(each) == release(torch)), None)
    if same is not None or not fitting:
        return {"pair": f"torch_npu=={same or torch}"}
    return {"pair": f"torch=={'.'.join(map(str, release(fitting[0])))} torch_npu=={fitting[0]}"}


def extension_of_another_torch(seen: Examination) -> Values | None:
    torch, extension = seen.machine.version("torch"), seen.machine.version("torch_npu")
    if torch is None or extension is None or release(torch) == release(extension):
        return None
    return {"right_torch": ".".join(map(str, release(extension))), "said": _import_said(seen)}


def cann_missing(seen: Examination) -> Values | None:
    if not seen.is_ascend or seen.machine.ascend.cann is not None or _imported(seen) or _named_home(seen):
        return None
    extension = seen.machine.version("torch_npu")
    wanted = _wanted(judge("0.0.0", extension)) if extension else {"span": "any", "low": None, "high": None}
    return {**wanted, "said": _import_said(seen)}


def environment_not_sourced(seen: Examination) -> Values | None:
    cann = seen.machine.ascend.cann
    if cann is None or _named_home(seen) or _imported(seen):
        return None
    return {"path": str(cann.path), "said": _import_said(seen)}


def home_unset(seen: Examination) -> Values | None:
    return {} if _imported(seen) and not _named_home(seen) else None


def home_points_nowhere(seen: Examination) -> Values | None:
    named = _named_home(seen)
    if named is None or seen.machine.ascend.home is not None:
        return None
    others = seen.machine.ascend.canns
    script = next((str(cann.set_env) for cann in others if cann.set_env), None)
    return {
        "variable": named,
        "value": seen.machine.variables[named],
        "fix": "source" if script else "unset",
        "script": script,
        "said": _import_said(seen),
    }


def opp_unset(seen: Examination) -> Values | None:
    if seen.machine.ascend.home is None or seen.machine.variables.get("ASCEND_OPP_PATH"):
        return None
    return {"said": _import_said(seen)}


def opp_points_nowhere(seen: Examination) -> Values | None:
    value = seen.machine.variables.get("ASCEND_OPP_PATH")
    return {"value": value, "said": _import_said(seen)} if value and not seen.machine.ascend.opp else None


def library_missing(seen: Examination) -> Values | None:
    missing = _missing_library(seen)
    if missing is None or _DRIVER_LIBRARY.match(missing):
        return None
    return {"library": missing, "said": _import_said(seen)}


def driver_library_missing(seen: Examination) -> Values | None:
    missing = _missing_library(seen)
    if missing is None or not _DRIVER_LIBRARY.match(missing):
        return None
    path = seen.machine.ascend.driver_path or "/usr/local/Ascend/driver"
    return {"library": missing, "path": path, "said": _import_said(seen)}


def import_raises(seen: Examination) -> Values | None:
    ending = _import_ending(seen, "raised")
    return None if ending is None or _missing_library(seen) else {"said": ending.said}


def import_aborts(seen: Examination) -> Values | None:
    ending = _import_ending(seen, "killed", "exited", "silent")
    return None if ending is None else ending.values()


def import_hangs(seen: Examination) -> Values | None:
    ending = _import_ending(seen, "hung")
    return None if ending is None else ending.values()


def autoload_kills(seen: Examination) -> Values | None:
    ending = _import_ending(seen)
    return {"how": ending.how} if ending is not None and seen.machine.autoload else None


def cann_too_old(seen: Examination) -> Values | None:
    return _pair_values(seen, Fit.OLDER)


def cann_too_new(seen: Examination) -> Values | None:
    return _pair_values(seen, Fit.NEWER)


def pair_unknown(seen: Examination) -> Values | None:
    return _pair_values(seen, Fit.UNKNOWN)


def two_canns(seen: Examination) -> Values | None:
    running, home = seen.probe.versions("npu"), seen.machine.ascend.home
    if running is None or not running.stack or home is None or not home.version:
        return None
    if cann_version(running.stack) == cann_version(home.version):
        return None
    return {"running": running.stack, "path": str(home.path), "version": home.version}


def none_seen(seen: Examination) -> Values | None:
    count = seen.probe.count("npu")
    return None if count is None or count.devices else {"said": count.refusal}


def _named_home(seen: Examination) -> str | None:
    """The variable that names CANN's folder; None: none is set."""
    return next((name for name in HOME_VARIABLES if seen.machine.variables.get(name)), None)


def _imported(seen: Examination) -> bool:
    return seen.probe.versions("npu") is not None


def _import_ending(seen: Examination, *how: str) -> Ending | None:
    return seen.probe.ending("import", "torch_npu", *how)


def _import_said(seen: Examination) -> str:
    """What torch_npu's import said as it failed; "" where it said nothing, or did not fail."""
    ending = _import_ending(seen)
    return "" if ending is None else ending.said


def _missing_library(seen: Examination) -> str | None:
    ending = _import_ending(seen, "raised")
    match = _MISSING_LIBRARY.search(ending.said) if ending is not None else None
    return match["library"] if match else None


def _pair_values(seen: Examination, fit: Fit) -> Values | None:
    """What is published for the pair; None where it is not of that fit, or the CANN is a software stand-in."""
    extension, cann = seen.machine.version("torch_npu"), seen.cann
    if extension is None or cann is None or cann.endswith(STAND_IN):
        return None
    pairing = judge(cann, extension)
    return {**_wanted(pairing), "fitting": extensions_for(cann)} if pairing.fit is fit else None


def _wanted(pairing: Pairing) -> Values:
    """The CANN versions known for a torch_npu."""
    low, high = pairing.low, pairing.high
    if low is not None and high is not None:
        span = "one" if low == high else "range"
    else:
        span = "from" if low is not None else "up-to" if high is not None else "unknown"
    return {"span": span, "low": low, "high": high}


SOFTWARE_FINDINGS = (
    Finding("torch-npu-missing", ERROR, extension_missing),
    Finding("torch-npu-version", ERROR, extension_of_another_torch, shared=("torch", "torch_npu")),
    Finding("cann-missing", ERROR, cann_missing),
    Finding("set-env-not-sourced", ERROR, environment_not_sourced, shared=("set_env",)),
    Finding("ascend-home-path-unset", WARNING, home_unset, shared=("set_env",)),
    Finding("ascend-home-path-wrong", ERROR, home_points_nowhere),
    Finding("ascend-opp-path-unset", ERROR, opp_unset, shared=("set_env",)),
    Finding(
        "ascend-opp-path-wrong",
        ERROR,
        opp_points_nowhere,
        shared=("set_env",),
        explained_by=("ascend-home-path-wrong",),
    ),
    Finding("driver-library-missing", ERROR, driver_library_missing, explained_by=("driver-missing",)),
    Finding(
        "cann-library-missing",
        ERROR,
        library_missing,
        shared=("set_env",),
        explained_by=("cann-missing", "set-env-not-sourced", "ascend-home-path-wrong"),
    ),
    Finding(
        "torch-npu-import-raises",
        ERROR,
        import_raises,
        shared=("torch_npu", "set_env"),
        explained_by=(
            *("torch-npu-version", "cann-missing", "set-env-not-sourced", "ascend-home-path-wrong"),
            *("ascend-opp-path-unset", "ascend-opp-path-wrong"),
        ),
    ),
    Finding("torch-npu-import-aborts", ERROR, import_aborts, shared=("torch",)),
    Finding("torch-npu-import-hangs", ERROR, import_hangs),
    Finding("autoload-kills-torch", WARNING, autoload_kills),
    Finding("cann-too-old", WARNING, cann_too_old, shared=("cann", "torch_npu"), where_it_works=NOTE),
    Finding("cann-too-new", WARNING, cann_too_new, shared=("cann", "torch_npu"), where_it_works=NOTE),
    Finding("cann-pair-unknown", NOTE, pair_unknown, shared=("cann", "torch_npu")),
    Finding("two-canns", WARNING, two_canns, shared=("set_env",)),
    Finding(
        "no-device-seen",
        ERROR,
        none_seen,
        explained_by=(
            *("driver-missing", "device-nodes-missing", "device-nodes-denied", "all-devices-hidden"),
            "visible-devices-invalid",
        ),
    ),
)
