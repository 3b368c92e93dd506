"""Odd machines: variables, terminals, limits, npu-smi and CANN of any content."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.running import CPU, Input, some
from tests.mutations import damaged

SAMPLES = Path(__file__).parents[2] / "data" / "npu-smi"
Generator = Callable[[Random], Iterator[Input]]


def kinds(saved: Path, share: float) -> dict[str, Generator]:
    """The generators of inputs by the name of their kind."""
    return {
        "variables": partial(_variables, saved),
        "terminals and streams": partial(_terminals, saved),
        "limits and rights": partial(_limits, saved),
        "shortages and names": _shortages,
        "npu-smi": partial(_npu_smi, share),
        "CANN": partial(_cann, share),
    }


def file_limit(size: int) -> Callable[[], None]:
    """What a disk without room is like: files of at most `size` bytes."""

    def limit() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def open_limit(count: int) -> Callable[[], None]:
    """`count` open files beyond those that are open."""

    def limit() -> None:
        most = max(int(path.name) for path in Path("/proc/self/fd").iterdir()) + 1 + count
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return limit


def bound_by_modes() -> None:
    """A user whom the modes of files bind, also where this is root."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def process_limit(count: int) -> Callable[[], None]:
    """A user, whom the modes of files bind, with `count` threads and processes beyond this one."""

    def limit() -> None:
        bound_by_modes()
        resource.setrlimit(resource.RLIMIT_NPROC, (1 + count, 1 + count))

    return limit


VALUES = (
    "",
    " ",
    "x",
    "0",
    "-1",
    "1",
    "9" * 30,
    "nan",
    "~",
    "~nobody/x",
    "/dev/null",
    "/proc/self/mem",
    "\u6a21",
    "a" * 5000,
    "../..",
    "\udcff",
)
VARIABLES = (
    "NPU_ADAPT_LOGS",
    "NPU_ADAPT_CACHE",
    "NPU_ADAPT_MODEL",
    "NPU_ADAPT_LANG",
    "NPU_ADAPT_WEIGHTS_ROOT",
    "NPU_ADAPT_STALL_SECONDS",
    "NPU_ADAPT_HANDOVER",
    "NPU_ADAPT_PARENT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_OFFLINE",
    "MODELSCOPE_CACHE",
    "MODELSCOPE_API_TOKEN",
    "HOME",
    "XDG_CACHE_HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "COLUMNS",
    "LINES",
    "TERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "OMP_NUM_THREADS",
    "TORCH_DEVICE_BACKEND_AUTOLOAD",
    "ASCEND_HOME_PATH",
    "ASCEND_OPP_PATH",
    "ASCEND_RT_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "PATH",
)
LIGHT: tuple[tuple[str, ...], ...] = (
    ("models", "list"),
    ("report",),
    ("infer", *CPU),
    ("infer", *CPU),
    ("fetch", "org/name", "--offline"),
    ("explain", "noise-floor"),
)


def _variables(saved: Path, chosen: Random) -> Iterator[Input]:
    for variable in VARIABLES:
        for value in (None, *chosen.sample(VALUES, 4)):
            command = ("env", "--quiet") if variable.startswith("ASCEND") else chosen.choice(LIGHT)
            yield Input(f"{variable}={value!r:.30}", command, environment={variable: value})
    for devices in ("1,0", "0,,1", "0,1,2", "a", "0-3", ",", "99", "-1", "0;1"):
        yield Input(
            f"ASCEND_RT_VISIBLE_DEVICES={devices}",
            ("env", "--quiet"),
            environment={"ASCEND_RT_VISIBLE_DEVICES": devices},
        )


SHELLS: tuple[str, ...] = (
    *(
        f"COLUMNS={width} $NPU {command}"
        for width in (0, 1, 2, 5, 79, 100000, "x", -3)
        for command in ("models list", "report")
    ),
    *(
        f"PYTHONIOENCODING={encoding} $NPU report --lang zh"
        for encoding in ("ascii", "latin-1", "gbk", "utf-16", "cp1252", "utf-8:strict", "ascii:strict")
    ),
    *(
        f"PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 LC_ALL={locale} $NPU {command}"
        for locale in ("C", "POSIX", "xx_YY.klingon", "zh_CN.GBK", "''")
        for command in ("models list --lang zh", "explain noise-floor --lang zh")
    ),
    *(
        f"$NPU {command} >&-"
        for command in ("report", "models list", "report --json", "explain noise-floor", "--help", "--version")
    ),
    *(f"$NPU {command} 2>&-" for command in ("report", "models list", "nonsense", "infer --offline no/model")),
    *(f"$NPU {command} <&-" for command in ("report", "models list", "models remove builtin:digits-vit")),
    *(f"$NPU {command} <&- >&- 2>&-" for command in ("report", "nonsense", "models list")),
    *(
        f"$NPU {command} | true"
        for command in ("report", "report --json", "models list", "explain noise-floor", "--help")
    ),
    *(
        f"$NPU {command} >/dev/full"
        for command in ("report", "report --json", "models list", "models list --json", "explain noise-floor", "--help")
    ),
    *(f"$NPU {command} 2>/dev/full" for command in ("nonsense", "infer --offline no/model", "report --logs nowhere")),
    "$NPU infer --device cpu --json >&-",
    "$NPU infer --device cpu >/dev/full",
    "$NPU infer --device cpu --json >/dev/full",
    "$NPU infer --device cpu --quiet 2>&-",
    "$NPU infer --device cpu | true",
    "mkdir gone; cd gone; rmdir ../gone; $NPU models list",
    "mkdir gone; cd gone; rmdir ../gone; $NPU infer --device cpu --quiet",
    "script -qec 'stty cols 0 rows 0; $NPU models list' /dev/null",
    "script -qec 'stty cols 1 rows 1; $NPU report' /dev/null",
    "TERM=dumb script -qec '$NPU report --details' /dev/null",
    "TERM= script -qec '$NPU report' /dev/null",
    "TERM=klingon script -qec '$NPU models list' /dev/null",
)


SHORTAGES: tuple[str, ...] = (
    *(
        f"ulimit -v {kilobytes}; $NPU {command}"
        for kilobytes in (60_000, 120_000, 250_000, 500_000, 1_000_000, 2_000_000, 4_000_000)
        for command in ("models list", "report", "infer --device cpu --quiet", "env --quiet")
    ),
    *(f"ulimit -n {count}; $NPU {command}" for count in (4, 8, 16, 24) for command in ("models list", "env --quiet")),
    *(
        f"ulimit -s {kilobytes}; $NPU infer --device cpu --quiet" for kilobytes in (96, 128, 256, 1024)
    ),  # no Python starts below some 72
    *(
        f"ulimit -d {kilobytes}; $NPU {command} --device cpu --quiet"
        for kilobytes in (20_000, 100_000, 300_000, 450_000)
        for command in ("infer", "bench --iters 2")
    ),
    *(f"ulimit -t {seconds}; $NPU compare --device cpu --quiet" for seconds in (4, 7)),
    *(
        f"ulimit -v {kilobytes}; OMP_NUM_THREADS=2 $NPU infer --device cpu --quiet"
        for kilobytes in (920_000, 1_040_000, 1_100_000)
    ),
    "ulimit -f 0; $NPU infer --device cpu --quiet",
    *(
        f"TMPDIR={folder} $NPU {command}"
        for folder in ("/proc", "/no/such", "/dev/null", "''")
        for command in ("env --quiet", "infer --device cpu --quiet --timeout 90")
    ),
)
NAMES: tuple[str, ...] = tuple(
    f"mkdir -- \"$(printf -- '{name}')\" && cd -- \"$(printf -- '{name}')\" && cp -r $MODEL m && $NPU {command}"
    for name in ("\\304\\243\\320\\315", "a b", "[bold]", "\\033[31m", "a\\nb", "-x", "%%s{{x}}")
    for command in (
        "infer ./m --device cpu --quiet --timeout 90",
        "infer $PWD/m --device cpu --quiet --logs ./logs",
        "sweep ./m --run infer --devices cpu --quiet",
    )
)


def _shortages(chosen: Random) -> Iterator[Input]:
    """Machines with little of everything, and folders of odd names, from the start of an interpreter on."""
    from tests.benchmarks.hostile.models import builtin_folder

    for shell in (*SHORTAGES, *NAMES):
        yield Input(shell[-70:], (), shell=shell, environment={"MODEL": str(builtin_folder())})


def _terminals(saved: Path, chosen: Random) -> Iterator[Input]:
    """As processes from the beginning: encodings and streams are chosen when an interpreter starts."""
    logs = {"NPU_ADAPT_LOGS": str(saved / "logs"), "PYTHONUNBUFFERED": None}
    for shell in SHELLS:
        environment = logs if "infer --device" not in shell else {}
        yield Input(shell[:60], (), shell=shell, environment=environment)


def _limits(saved: Path, chosen: Random) -> Iterator[Input]:
    """Memory, processes and files that are few, and a user without rights."""

    def memory(megabytes: int) -> Callable[[], None]:
        def limit() -> None:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20),) * 2)

        return limit

    for megabytes in (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64):
        for command in (
            ("infer", *CPU),
            ("compare", "--fast", *CPU),
            ("compare", *CPU),
            ("report",),
            ("models", "list"),
        ):
            logs = {"NPU_ADAPT_LOGS": str(saved / "logs")} if command == ("report",) else {}
            yield Input(f"{megabytes} MB of memory, {command[0]}", command, before=memory(megabytes), environment=logs)
    for count in (0, 2, 4, 8):
        for command in (("models", "list"), ("report",), ("infer", *CPU)):
            yield Input(f"{count} open files, {command[0]}", command, before=open_limit(count))
    for count in (0, 1, 2):
        for command in (("infer", *CPU), ("compare", *CPU), ("models", "verify"), ("env", "--quiet")):
            yield Input(
                f"{count} more threads or processes, {command[0]}",
                command,
                prepare=lambda folder: folder.chmod(0o777),
                before=process_limit(count),
            )
    for command in (*LIGHT, ("env", "--quiet")):
        for gone in ((), ("HOME",)):
            yield Input(
                f"as nobody{', HOME unset' if gone else ''}, {' '.join(command)}",
                command,
                prepare=lambda folder: folder.chmod(0o755),
                before=bound_by_modes,
                environment=dict.fromkeys(gone),
            )


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


SCRIPTS: dict[str, str] = {
    "fails": "#!/bin/sh\nexit 3\n",
    "fails with words": "#!/bin/sh\necho 'dcmi module initialize failed. ret is -8005' >&2\nexit 1\n",
    "is used": "#!/bin/sh\necho 'dcmi model initialized failed, because the device is used. ret is -8020'\nexit 236\n",
    "dies": "#!/bin/sh\nkill -9 $$\n",
    "aborts": "#!/bin/sh\nkill -ABRT $$\n",
    "hangs": "#!/bin/sh\nsleep 300\n",
    "hangs with a child": "#!/bin/sh\nsleep 300 & sleep 300\n",
    "never ends": "#!/bin/sh\nyes\n",
    "is empty": "",
    "is no program": "\x7fELF",
    "has no interpreter": "#!/no/such\n",
    "says nothing": "#!/bin/sh\n",
    "says bytes": "#!/bin/sh\nhead -c 100000 /dev/urandom\n",
    "reads": "#!/bin/sh\ncat\n",
}


def _npu_smi(share: float, chosen: Random) -> Iterator[Input]:
    path = f"bin{os.pathsep}{os.environ['PATH']}"
    for name, text in SCRIPTS.items():
        for command in (("env", "--quiet"), ("env", "--json", "--quiet")):
            yield Input(
                f"npu-smi {name}",
                command,
                lambda folder, text=text: _script(folder / "bin/npu-smi", text),
                environment={"PATH": path},
            )
    samples = sorted(SAMPLES.glob("*"))
    for number in some(share, 40):
        said = damaged(chosen.choice(samples).read_bytes(), chosen)

        def prepare(folder: Path, said: bytes = said) -> None:
            _script(folder / "bin/npu-smi", f"#!/bin/sh\ncat {folder}/said\n")
            (folder / "said").write_bytes(said)

        yield Input(f"npu-smi text {number}", ("env", "--quiet"), prepare, environment={"PATH": path})


def _cann(share: float, chosen: Random) -> Iterator[Input]:
    """Folders of CANN with files of any content, named by the variables and found in the home folder."""
    files = (
        "x86_64-linux/ascend_toolkit_install.info",
        "version.cfg",
        "set_env.sh",
        "opp/version.info",
        "ascend_nnae_install.info",
        "compiler/version.info",
    )
    sound = b"package_name=Ascend-cann-toolkit\nversion=8.2.RC1\narch=x86_64\npath=/usr/local/Ascend\n"
    for number in some(share, 40):
        content = {name: damaged(sound, chosen) for name in chosen.sample(files, 3)}
        odd_kind = chosen.randrange(6)

        def prepare(folder: Path, content: dict[str, bytes] = content, odd_kind: int = odd_kind) -> None:
            root = folder / "home/Ascend/ascend-toolkit/latest"
            for name, data in content.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if odd_kind == 0:
                    os.mkfifo(path)
                elif odd_kind == 1:
                    path.mkdir()
                elif odd_kind == 2:
                    path.symlink_to("/dev/zero")
                else:
                    path.write_bytes(data)
            (folder / "home/Ascend/ascend_cann_install.info").write_bytes(next(iter(content.values())))

        named = {"ASCEND_HOME_PATH": "home/Ascend/ascend-toolkit/latest"} if chosen.randrange(2) else {}
        yield Input(f"CANN {number}", ("env", "--quiet"), prepare, environment=named)
