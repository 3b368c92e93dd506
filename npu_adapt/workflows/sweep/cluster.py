"""Places of a Ray cluster as slots of the schedule: an actor holds each device while the sweep lasts. Extra: ray.

Each model runs by the same code as on one machine, and its evidence comes back to the caller's folder. Weights stay
where they are.
"""

from __future__ import annotations

import io
import shutil
import socket
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.devices.backends import CPU
from npu_adapt.devices.doctor.machine import cpu_name
from npu_adapt.errors import DeviceUnavailable, Sentence, UsageError
from npu_adapt.records.sweep import Placement, SweepRow
from npu_adapt.workflows.sweep.identity import versions_here
from npu_adapt.workflows.sweep.job import Children, NotWritten
from npu_adapt.workflows.sweep.local import run_job
from npu_adapt.workflows.sweep.places import ALL, Place, available_cores, probe, shared_cores
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.schedule import Pending, PlaceLost, Site

LOCAL = "local"
READY_SECONDS = 180.0  # for an actor to have its device, and to have computed on it
ANSWER_SECONDS = 10.0  # for the cluster's head to take a connection
# What Ray calls the devices of a backend. Ray shows an actor only its own, as number 0.
RESOURCES = {"NPU": "npu", "GPU": "cuda"}


@dataclass(frozen=True)
class Wanted:
    """One place that is asked of the cluster."""

    node: str  # Ray's id
    resource: str  # NPU | GPU | CPU
    at: int  # which of the node's places
    of: int  # how many of them there are


class Worker:
    """Runs models on the one device that Ray gave to this actor."""

    def __init__(self, wanted: Wanted) -> None:
        self._place = _place_here(wanted)
        self._children = Children()
        self._versions = versions_here()

    def described(self) -> tuple[Placement, str, dict[str, str]]:
        return self._place.placement, self._place.device_name, self._versions

    def carry_out(self, job: bytes, attempts: int, seconds: float) -> tuple[bytes, bytes]:
        """The row, and the files of the model's logs."""
        asked = msgspec.json.decode(job, type=Job)
        models = Path(tempfile.mkdtemp(prefix="npu-adapt-sweep-"))
        try:
            if not Path(asked.cwd).is_dir():
                asked = msgspec.structs.replace(asked, cwd=str(models))
            pending = Pending(asked, attempts=attempts, seconds=seconds)
            row = run_job(pending, self._place, models, self._versions, self._children, lambda command: None)
            return msgspec.json.encode(row), _packed(models / asked.folder)
        finally:
            shutil.rmtree(models, ignore_errors=True)

    def still_works(self) -> bool:
        return self._place.is_shared or bool(probe().usable)


def _place_here(wanted: Wanted) -> Place:
    """The place of this actor. Raises `DeviceUnavailable` where its device does not compute."""
    import platform

    import ray

    cores = shared_cores(available_cores(), wanted.of)[wanted.at]
    kind = RESOURCES.get(wanted.resource)
    if kind is None:
        placement = Placement(node=platform.node(), device=CPU.kind, cores=cores)
        return Place(placement, f"{CPU.kind} {cpu_name()}", is_shared=True)
    usable = [each for each in probe().usable if each.kind == kind]
    if not usable:
        raise DeviceUnavailable(
            Sentence("the {kind} that Ray gave does not compute", kind=kind), hint="npu-adapt env on that machine"
        )
    numbers = ray.get_runtime_context().get_accelerator_ids().get(wanted.resource, ["0"])
    placement = Placement(node=platform.node(), device=f"{kind}:0", cores=cores, accelerator=f"{kind}:{numbers[0]}")
    return Place(placement, f"{kind} {usable[0].name}")


@dataclass(frozen=True)
class RaySlot:
    """An actor of the cluster, as the schedule sees it."""

    actor: Any
    placement: Placement
    site: Site
    models: Path

    def carry_out(self, pending: Pending, doing: Callable[[str], None]) -> SweepRow:
        import ray

        job = pending.job
        if job.calls:
            doing(job.calls[0].command)
        try:
            answer = self.actor.carry_out.remote(msgspec.json.encode(job), pending.attempts, pending.seconds)
            row, files = ray.get(answer)
        except ray.exceptions.RayActorError as error:
            raise PlaceLost(str(error).splitlines()[0]) from error
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, NotWritten):  # that machine's disk, not ours
                raise PlaceLost(str(error.cause)) from error
            raise
        _unpack(files, self.models / job.folder)
        return msgspec.json.decode(row, type=SweepRow)

    def still_works(self) -> bool:
        import ray

        try:
            return bool(ray.get(self.actor.still_works.remote()))
        except ray.exceptions.RayError:
            return False


def cluster_slots(address: str, devices: str, jobs: int | None, models: Path) -> tuple[RaySlot, ...]:
    """A slot for each device of the cluster, up to `jobs`. Raises `UsageError` and `DeviceUnavailable`."""
    if devices not in (ALL, CPU.kind):
        raise UsageError(
            Sentence("--devices {devices} names devices of one machine", devices=devices),
            hint="Ray gives the devices of its machines out: --devices all, or --devices cpu",
        )
    ray = _connected(address)
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    wanted = tuple(_wanted(ray.nodes(), devices, jobs))
    if not wanted:
        raise DeviceUnavailable(
            "the Ray cluster has no NPU and no GPU", hint="ray status lists what it has; or use --devices cpu"
        )
    remote = ray.remote(Worker)
    actors = []
    for each in wanted:
        taken = {"num_cpus": 1} if each.resource == "CPU" else {"num_cpus": 0, **_resource(each.resource)}
        node = NodeAffinitySchedulingStrategy(each.node, soft=False)
        actors.append(remote.options(**taken, max_restarts=0, scheduling_strategy=node).remote(each))
    slots = tuple(_ready(ray, actors, models))
    if not slots:
        raise DeviceUnavailable(
            "no device of the Ray cluster could be used",
            hint="ray status says who has them; npu-adapt env on each machine",
        )
    return slots


def _connected(address: str) -> Any:
    """Ray, connected. Raises `UsageError` where it is not installed, or nothing answers at the address."""
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed", hint="pip install 'npu-adapt[ray]'") from error
    try:
        if not ray.is_initialized():
            _require_answer(address)
            ray.init(address=None if address == LOCAL else address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            Sentence("no Ray cluster answers at {address}", address=address),
            hint="give the address that ray start printed, or --ray local",
        ) from error
    return ray


def _require_answer(address: str) -> None:
    """Raises `OSError` where nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()


def _resource(name: str) -> dict[str, Any]:
    return {"num_gpus": 1} if name == "GPU" else {"resources": {name: 1}}


def _wanted(nodes: list[dict[str, Any]], devices: str, jobs: int | None) -> Iterator[Wanted]:
    """One for each device of each machine that is alive; of CPUs one a machine, or `jobs` spread over them."""
    alive = [node for node in nodes if node["Alive"]]
    if devices == CPU.kind:
        hosts = [node for node in alive if node["Resources"].get("CPU", 0) >= 1]
        count = jobs or len(hosts)
        for at, node in enumerate(hosts):
            share = len(range(at, count, len(hosts)))
            yield from (Wanted(node["NodeID"], "CPU", number, share) for number in range(share))
        return
    found = [
        Wanted(node["NodeID"], name, number, int(node["Resources"][name]))
        for node in alive
        for name in RESOURCES
        for number in range(int(node["Resources"].get(name, 0)))
    ]
    yield from found[: jobs or len(found)]


def _ready(ray: Any, actors: list[Any], models: Path) -> Iterator[RaySlot]:
    """The slots whose actors have a device that computes."""
    asked = {actor.described.remote(): actor for actor in actors}
    ready, waiting = ray.wait([*asked], num_returns=len(asked), timeout=READY_SECONDS)
    for answer in waiting:
        ray.kill(asked[answer])
    for answer in ready:
        try:
            placement, name, versions = ray.get(answer)
        except ray.exceptions.RayError:
            continue
        yield RaySlot(asked[answer], placement, Site(name, versions), models)


def _packed(folder: Path) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.add(folder, arcname=".")
    return data.getvalue()


def _unpack(data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
