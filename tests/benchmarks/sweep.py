"""What `npu-adapt sweep` holds to: right classes on four devices, kills at any moment, overhead, scaling, memory, page.

    python -m tests.benchmarks.sweep [classes|kill|overhead|linear|ray|memory|page] [--models 60] [--run fetch,infer]

`classes` sweeps tiny models of all tasks over four devices of the software CANN, eleven of them broken in ten ways.
`kill` ends a sweep by SIGKILL at random moments and resumes it. `linear`, `ray` and `memory` run jobs that only wait,
so that two cores can show it. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.records.sweep import Placement, Sweep, decode_sweep
from npu_adapt.workflows.processes import call
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.sweep import cluster
from npu_adapt.workflows.sweep.cluster import Wanted, Worker
from npu_adapt.workflows.sweep.job import Children
from npu_adapt.workflows.sweep.local import LocalSlot
from npu_adapt.workflows.sweep.places import Place
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.schedule import Schedule
from tests.commands import CONSOLE_SCRIPT
from tests.workflows.sweep.watching import Seen

OVERHEAD_SHARE, OVERHEAD_SECONDS = 0.03, 0.2  # of the commands' own time, and a model
LEAST_LINEAR = 0.9
MOST_GROWTH = 16 << 10  # bytes a model that the parent may keep
MOST_PAGE_MS = 1000.0
KILLS = 20
DEVICES = 4
BUILTIN = Path(__file__).parents[2] / "npu_adapt" / "assets" / "digits-vit"

# name: (how it is broken, class, subject)
FAULTS = {
    "missing-operator": ("LayerNorm unsupported", "operator-not-supported", "aclnnLayerNorm"),
    "missing-operator-too": ("LayerNorm unsupported", "operator-not-supported", "aclnnLayerNorm"),
    "crash": ("LayerNorm crash", "process-crashed", "SIGSEGV"),
    "hang": ("LayerNorm hang", "timeout", ""),
    "memory": ("LayerNorm out-of-memory", "out-of-memory", "aclnnLayerNorm"),
    "nan": ("LayerNorm nan", "nan-output", ""),
}
BLOCKED = {"swin2sr": ("operator-not-supported", "LeakyRelu"), "sam": ("other", "")}  # see tests.softcann.task_models
BROKEN = {"no-weights": "no-weights", "cut": "model-corrupt", "random-head": "not-pretrained", "pickle": "pickled",
          "unknown": "unknown-architecture"}  # fmt: skip


def break_model(name: str, folder: Path) -> None:
    """Damages the copy of the built-in model in `folder` in the way of its name."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    if name == "no-weights":
        weights.unlink()
    elif name == "cut":
        weights.write_bytes(weights.read_bytes()[:300_000])
    elif name == "random-head":
        tensors = {key: tensor for key, tensor in load_file(weights).items() if not key.startswith("classifier")}
        save_file(tensors, weights, metadata={"format": "pt"})
    elif name == "pickle":
        torch.save(load_file(weights), folder / "pytorch_model.bin")
        weights.unlink()
    else:
        fields = {"model_type": "telepath", "architectures": ["Telepath"]}
        config = folder / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | fields))


def models_in(folder: Path, count: int) -> tuple[list[dict[str, Any]], dict[str, tuple[str, str] | None]]:
    """The list of models, and how each is to end: None, or class and subject."""
    import torch

    with unopened_extensions_hidden():  # transformers would import torch_npu, which finds no CANN in this process
        from tests.models.tiny_models import MAKERS, vit
    listed: list[dict[str, Any]] = []
    expected: dict[str, tuple[str, str] | None] = {}
    makers = [*MAKERS.items()]
    with unopened_extensions_hidden():
        vit(folder / "first")  # transformers loads its parts late, and keeps the answer
    for number in range(count - len(FAULTS) - len(BROKEN)):
        name, (make, task, _) = makers[number % len(makers)]
        torch.manual_seed(number)
        label = f"{name}-{number}"
        listed.append({"model": str(make(folder / label)), "name": label, "task": task})
        expected[label] = BLOCKED.get(name)
    for name, (fault, kind, subject) in FAULTS.items():
        model = {"model": str(shutil.copytree(BUILTIN, folder / name)), "name": name}
        listed.append({**model, "environment": {"SOFTCANN_FAULTS": fault}})
        expected[name] = (kind, subject)
    listed[-3]["timeout"] = 60  # the one that hangs
    for name, kind in BROKEN.items():
        break_model(name, Path(shutil.copytree(BUILTIN, folder / name)))
        listed.append({"model": str(folder / name), "name": name})
        expected[name] = (kind, "")
    random.Random(0).shuffle(listed)
    return listed, expected


def classes(count: int, run: str) -> bool:
    """Sweeps all models over the devices; whether each ended as it was to.

    A comparison names the operator that gave NaN.
    """
    from tests.softcann import build
    from tests.softcann.fixtures import environment

    with tempfile.TemporaryDirectory(prefix="npu-adapt-sweep-") as scratch:
        folder = Path(scratch)
        listed, expected = models_in(folder / "models", count)
        if "compare" in run.split(","):
            expected["nan"] = ("nan-output", "layer_norm")
        (folder / "list.yaml").write_text(json.dumps(listed))  # JSON is YAML
        variables = environment(build.installation()) | {
            "SOFTCANN_DEVICES": str(DEVICES),
            "NPU_ADAPT_CACHE": str(folder / "cache"),
        }
        began = time.monotonic()
        swept(folder, "x", "--from", "list.yaml", "--devices", "all", "--run", run, "--retries", "0", more=variables)
        record = record_of(folder, "x")
        found = {row.name: None if row.cause is None else (row.cause.id, row.cause.subject) for row in record.rows}
        wrong = {name: (found.get(name), want) for name, want in expected.items() if found.get(name) != want}
        for name, (got, want) in wrong.items():
            print(f"  {name}: {got}, expected {want}")
        devices = sorted({row.placement.device for row in record.rows if row.placement})
        largest = record.groups[0]
        print(
            f"classes: {len(expected) - len(wrong)} of {len(expected)} models ended in their class on "
            f"{', '.join(devices)} in {time.monotonic() - began:.0f} s; the largest group: {largest.id} "
            f"{largest.subject}, {len(largest.models)} models"
        )
        return not wrong and (largest.subject, len(largest.models)) == ("aclnnLayerNorm", 2)


def kill(count: int, kills: int = KILLS, run: str = "fetch") -> bool:
    """Whether a sweep that was killed at random moments, and resumed, has the matrix of one that was not."""
    with tempfile.TemporaryDirectory(prefix="npu-adapt-sweep-") as scratch:
        folder = Path(scratch)
        for number in range(count):
            model = Path(shutil.copytree(BUILTIN, folder / f"model-{number:03}"))
            if number % 6 == 0:
                (model / "model.safetensors").unlink()
        names = [f"model-{number:03}" for number in range(count)]
        options = ("--devices", "cpu", "--jobs", "2", "--run", run)
        more = {"NPU_ADAPT_CACHE": str(folder / "cache")}
        began = time.monotonic()
        swept(folder, "whole", *names, *options, more=more)
        span = time.monotonic() - began
        moments = random.Random(1)
        started = killed = 0
        while killed < kills:
            begin = ("--name", "killed", *names) if not (folder / "logs/sweeps/killed/plan.json").exists() else ()
            process = start(folder, *(begin or ("--resume", "killed")), *options, more=more)
            started += 1
            try:
                process.wait(moments.uniform(0.2, 1.5 + 2 * span / kills))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait()
            if process.returncode != -signal.SIGKILL:  # it came to its end: begin anew
                shutil.rmtree(folder / "logs/sweeps/killed")
        if not (folder / "logs/sweeps/killed/plan.json").exists():
            swept(folder, "killed", *names, *options, more=more)
        else:
            start(folder, "--resume", "killed", *options, more=more).wait()
        same = matrix(record_of(folder, "killed")) == matrix(record_of(folder, "whole"))
        left = [
            each for each in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(each.info["cmdline"] or ())
        ]
        print(f"kill: {killed} kills in {started} starts; the same matrix: {same}; processes left: {len(left)}")
        return same and not left


def matrix(record: Sweep) -> list[tuple[object, ...]]:
    """What does not depend on when and where a model ran."""
    rows = [(row.name, row.status, row.cause, row.figures, [s.exit_code for s in row.steps]) for row in record.rows]
    return [*rows, (record.counts, record.groups)]


def overhead(count: int = 5, many: int = 25) -> bool:
    """Time of a sweep that is not its commands' own: as a share with real runs, and what each further model adds."""
    share, outside = outside_commands(count, "fetch,infer,report")
    _, few = outside_commands(count, "fetch")
    _, more = outside_commands(many, "fetch")
    each = (more - few) / (many - count)
    print(
        f"overhead: {100 * share:.2f} % of the commands' own time with {count} models ({outside:.2f} s, start-up "
        f"included); each further model adds {each:.3f} s"
    )
    return share <= OVERHEAD_SHARE and each <= OVERHEAD_SECONDS


def outside_commands(count: int, run: str) -> tuple[float, float]:
    """What a sweep of so many models takes beside its commands: as a share of theirs, and in seconds."""
    with tempfile.TemporaryDirectory(prefix="npu-adapt-sweep-") as scratch:
        folder = Path(scratch)
        names = [Path(shutil.copytree(BUILTIN, folder / f"model-{number}")).name for number in range(count)]
        more = {"NPU_ADAPT_CACHE": str(folder / "cache")}
        began = time.monotonic()
        swept(folder, "x", *names, "--devices", "cpu", "--run", run, more=more)
        wall = time.monotonic() - began
        commands = sum(step.seconds for row in record_of(folder, "x").rows for step in row.steps)
    return wall / commands - 1, wall - commands


def linear() -> bool:
    """Jobs that wait, as many for each device: with four devices as fast as with one."""
    jobs_each, seconds = 6, 1.0
    with waiting(seconds):
        alone = timed(lambda folder: run_waiting(folder, 1, jobs_each))
        together = timed(lambda folder: run_waiting(folder, DEVICES, DEVICES * jobs_each))
    ratio = alone / together
    print(
        f"linear: 1 device {alone:.2f} s, {DEVICES} devices with {DEVICES} times the jobs {together:.2f} s: {ratio:.3f}"
    )
    return ratio >= LEAST_LINEAR


class WaitingWorker(Worker):
    """A worker of a Ray cluster whose commands wait."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        call.CHILD = waits(1.0)  # type: ignore[assignment]


def on_ray() -> bool:
    """The same jobs on a local Ray cluster: one place, then four."""
    import ray
    from ray.cluster_utils import Cluster

    jobs_each = 6
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=DEVICES + 1, include_dashboard=False)
    cluster.Worker = WaitingWorker  # type: ignore[misc]
    took = []
    try:
        for places in (1, DEVICES):
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                slots = cluster.cluster_slots(made.address, "cpu", places, folder)
                assert len(slots) == places
                began = time.monotonic()
                Schedule(waiting_jobs(folder, places * jobs_each), slots, Seen(), retries=0).run()
                took.append(time.monotonic() - began)
                for slot in slots:
                    ray.kill(slot.actor)
    finally:
        cluster.Worker = Worker  # type: ignore[misc]
        ray.shutdown()
        made.shutdown()
    ratio = took[0] / took[1]
    print(f"ray: 1 place {took[0]:.2f} s, {DEVICES} places with {DEVICES} times the jobs {took[1]:.2f} s: {ratio:.3f}")
    return ratio >= LEAST_LINEAR


def memory(count: int = 1000) -> bool:
    """What the parent keeps of each model."""
    process, sizes = psutil.Process(), list[int]()

    class Weighing(Seen):
        def ended(self, row: Any) -> None:
            self.rows[row.name] = None  # type: ignore[assignment]
            sizes.append(process.memory_info().rss)

    with waiting(0.0), tempfile.TemporaryDirectory() as scratch:
        run_waiting(Path(scratch), DEVICES, count, Weighing())
    start = count // 10
    growth = (sizes[-1] - sizes[start]) / (count - start)
    print(
        f"memory: {sizes[start] >> 20} MiB after {start} models, {sizes[-1] >> 20} MiB after {count}: "
        f"{growth:.0f} B a model"
    )
    return growth <= MOST_GROWTH


def page(count: int = 1000) -> bool:
    """Milliseconds until a browser has loaded the page of so many models."""
    from npu_adapt.report.sweep import page as pages
    from tests.report.sweeps import many

    browser = shutil.which("chromium")
    if browser is None:
        print("page: Chromium is not installed")
        return True
    probe = """<script>addEventListener("load", () => setTimeout(() => { document.title =
    performance.getEntriesByType("navigation")[0].loadEventEnd; }, 0));</script></body>"""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "matrix.html"
        file.write_text(pages.render(many(count)).replace("</body>", probe))
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=9000"]
        found = []
        for _ in range(5):
            done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
            match = re.search("<title>(.*?)</title>", done.stdout)
            assert match is not None
            found.append(float(match[1]))
    middle = sorted(found)[len(found) // 2]
    print(f"page: {count} models load in {middle:.0f} ms (of five: {min(found):.0f} to {max(found):.0f})")
    return middle < MOST_PAGE_MS


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Within it, a command is a process that waits."""
    before = call.CHILD
    call.CHILD = waits(seconds)  # type: ignore[assignment]
    try:
        yield
    finally:
        call.CHILD = before


def waits(seconds: float) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", f"import sys, time; sys.stdin.read(); time.sleep({seconds})")


def waiting_jobs(folder: Path, count: int) -> list[Job]:
    infer = Call("infer", {"request": {"model": str(BUILTIN), "logs": "", "command_line": "", "command": "infer"}})
    return [
        Job(name=f"m{at}", model=str(BUILTIN), folder=f"m{at}", calls=(infer,), options={}, cwd=str(folder))
        for at in range(count)
    ]


def run_waiting(folder: Path, devices: int, count: int, seen: Seen | None = None) -> None:
    children = Children()
    places = [Place(Placement(node="here", device=f"npu:{at}", cores=()), "npu") for at in range(devices)]
    slots = [LocalSlot(place, folder, {}, children, lambda job: None) for place in places]
    left = Schedule(waiting_jobs(folder, count), slots, seen or Seen(), retries=0).run()
    assert left == ()


def timed(work: Callable[[Path], None]) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        work(Path(scratch))
        return time.monotonic() - began


def start(folder: Path, *arguments: str, more: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [str(CONSOLE_SCRIPT), "sweep", *arguments, "--logs", str(folder / "logs"), "--quiet"]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **more}, stdout=subprocess.DEVNULL)


def swept(folder: Path, name: str, *arguments: str, more: dict[str, str]) -> None:
    code = start(folder, *arguments, "--name", name, more=more).wait()
    assert code in (0, 3), code


def record_of(folder: Path, name: str) -> Sweep:
    return decode_sweep((folder / "logs" / "sweeps" / name / "sweep.json").read_bytes(), origin=name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=("classes", "kill", "overhead", "linear", "ray", "memory", "page"))
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--run")
    asked = parser.parse_args()
    parts: dict[str, Callable[[], bool]] = {
        "page": page,
        "linear": linear,
        "ray": on_ray,
        "memory": memory,
        "overhead": overhead,
        "kill": lambda: kill(asked.models, run=asked.run or "fetch"),
        "classes": lambda: classes(asked.models, asked.run or "fetch,infer,compare,report"),
    }
    held = [part() for name, part in parts.items() if asked.part in (None, name)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
