"""Builds the software CANN: a folder that looks like an installation of CANN, for Huawei's own torch_npu to run on.

The folder has `lib64/` with the shared libraries that torch_npu asks for, and the version files of an installation. It
is kept in the store of the tests' models, under a digest of all that goes into it, so it is built once. Two libraries
hold something: `libascendcl.so` (memory, streams, events, versions) and `libopapi.so` (operators, computed by ATen's
CPU kernels). Whatever else torch_npu links to is generated: the functions that it needs and nobody here has written
say so on standard error when they are called, and return an error.

`python -m tests.softcann.build` prints the folder.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

from tests.real_models import store

SOURCES = Path(__file__).with_name("src")
CANN_VERSION = "9.0.0-soft"
DRIVER_VERSION = "25.3.rc1"
FIRMWARE_VERSION = "7.8.0.2.212"

COMPILER = os.environ.get("CXX", "g++")
FLAGS = (
    *("-std=c++20", "-O0", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-deprecated-declarations"),
    "-DFUNC_VISIBILITY",  # CANN's headers then export what they declare
    *(f'-DSOFTCANN_CANN="{CANN_VERSION}"', f'-DSOFTCANN_DRIVER="{DRIVER_VERSION}"'),
)
COMPILE_TIMEOUT = 300
UNITS = 2  # the sources of operators are compiled as this many, on as many processors

# What torch_npu's shared objects need from CANN, by the beginnings of its names.
CANN_NAMES = re.compile(r"acl[a-z]*[A-Z]\w+|rt[A-Z]\w+|Hccl\w+|Msprof\w+")
EMPTY_LIBRARIES = ("hccl", "acl_op_compiler", "ge_runner", "graph", "acl_tdt_channel", "runtime")


class NoCompiler(Exception):
    """This machine cannot build it: the message names the program that is missing."""


def installation() -> Path:
    """The folder of the software CANN, built if it is not there.

    Raises `NoCompiler`, and `RuntimeError` with the compiler's output.
    """
    for program in (COMPILER, "nm"):
        if shutil.which(program) is None:
            raise NoCompiler(f"{program} is not installed")
    return store.made_once(store.root() / f"softcann-{_digest()}", _build)


def _digest() -> str:
    digest = hashlib.sha256(f"{_version('torch')} {_version('torch_npu')} {platform.machine()} {FLAGS}".encode())
    for path in sorted([Path(__file__), *SOURCES.glob("npu-smi"), *SOURCES.rglob("*.*")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _version(distribution: str) -> str:
    return metadata.version(distribution)


def _package(name: str) -> Path:
    """The folder of an installed package, found without the import system: tests hide torch_npu from it."""
    return Path(str(metadata.distribution(name).locate_file(name)))


def _build(folder: Path) -> None:
    torch, torch_npu = _package("torch"), _package("torch_npu")
    libraries, objects = folder / "lib64", folder / "objects"
    libraries.mkdir()
    objects.mkdir()
    include = [torch_npu / "include" / "third_party" / "acl" / "inc", torch / "include"]
    units = _units(objects)
    compiled = _compile([*units, *(SOURCES / "runtime").glob("*.cpp")], objects, include)
    operators, runtime = compiled[: len(units)], compiled[len(units) :]
    missing = objects / "missing.cpp"
    missing.write_text(_stubs(_needed(torch_npu) - _defined(runtime)), encoding="utf-8")

    ascendcl = libraries / "libascendcl.so"
    _link(ascendcl, [*runtime, *_compile([missing], objects, include)])
    _link(libraries / "libopapi.so", [*operators, ascendcl], f"-L{torch / 'lib'}", "-ltorch_cpu", "-lc10")
    for name in EMPTY_LIBRARIES:
        _link(libraries / f"lib{name}.so", [ascendcl], "-Wl,--no-as-needed")
    shutil.rmtree(objects)
    (folder / "bin").mkdir()
    shutil.copy(SOURCES / "npu-smi", folder / "bin")
    _write_version_files(folder)


def _units(folder: Path) -> list[Path]:
    """Writes sources into `folder` that include those of the operators, since ATen's headers cost more than they do."""
    sources = sorted((SOURCES / "operators").glob("*.cpp"), key=lambda path: -path.stat().st_size)
    units = [folder / f"operators-{number}.cpp" for number in range(UNITS)]
    for number, unit in enumerate(units):
        unit.write_text("".join(f'#include "{path}"\n' for path in sources[number::UNITS]), encoding="utf-8")
    return units


def _compile(sources: Iterable[Path], objects: Path, include: Iterable[Path]) -> list[Path]:
    """The objects of `sources`, in their order; compiled side by side."""
    paths = [f"-isystem{path}" for path in include]

    def compile_one(source: Path) -> Path:
        target = objects / f"{source.stem}.o"
        _run([COMPILER, *FLAGS, *paths, "-c", str(source), "-o", str(target)])
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [*pool.map(compile_one, sources)]


def _link(library: Path, inputs: Iterable[Path], *options: str) -> None:
    name = f"-Wl,-soname,{library.name}"
    _run([COMPILER, "-shared", "-o", str(library), name, *options[:1], *map(str, inputs), *options[1:]])


def _needed(torch_npu: Path) -> set[str]:
    """The names of CANN's functions that torch_npu's shared objects leave undefined."""
    objects = [
        torch_npu / "lib" / "libtorch_npu.so",
        torch_npu / "lib" / "libnpu_profiler.so",
        *torch_npu.glob("_C*.so"),
    ]
    lines = "".join(_run(["nm", "-D", "--undefined-only", str(path)]) for path in objects).splitlines()
    names = {line.split()[-1] for line in lines if line.split()[0] == "U"}
    return {name for name in names if CANN_NAMES.fullmatch(name)}


def _defined(objects: Iterable[Path]) -> set[str]:
    lines = "".join(_run(["nm", "--defined-only", str(path)]) for path in objects).splitlines()
    return {line.split()[-1] for line in lines if " T " in line}


def _stubs(names: Iterable[str]) -> str:
    """C++ that defines functions of these names, each of which says that it was called and returns an error."""
    head = "#include <cstdio>\nstatic int missing(const char* name) {\n"
    head += '  std::fprintf(stderr, "software CANN: %s is not built here\\n", name);\n  return 207000;\n}\n'
    export = 'extern "C" __attribute__((visibility("default")))'
    return head + "".join(f'{export} int {name}() {{ return missing("{name}"); }}\n' for name in sorted(names))


def _write_version_files(folder: Path) -> None:
    """The files in which an installation says its versions, and the folders that torch_npu looks for."""
    machine = f"{platform.machine()}-linux"
    for name in ("runtime", "compiler", "opp"):
        (folder / name).mkdir()
    files = {
        f"{machine}/ascend_toolkit_install.info": f"package_name=Ascend-cann-toolkit\nversion={CANN_VERSION}\n",
        "version.cfg": f"# software CANN\ntoolkit_installed_version=[{CANN_VERSION}]\n",
        "opp/version.info": f"Version={CANN_VERSION}\n",
        "driver/version.info": f"Version={DRIVER_VERSION}\n",
        "firmware/version.info": f"Version={FIRMWARE_VERSION}\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    return done.stdout


if __name__ == "__main__":
    print(installation())
