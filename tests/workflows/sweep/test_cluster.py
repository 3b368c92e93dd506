"""A sweep on a real Ray cluster of two machines of this one, of which one is killed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from npu_adapt.errors import UsageError
from npu_adapt.records.sweep import SweepRow
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.schedule import Schedule
from tests.workflows.sweep.watching import Seen

ray = pytest.importorskip("ray")
BUILTIN = "builtin:digits-vit"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without a CPU, and two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
    try:
        yield made, nodes
    finally:
        ray.shutdown()
        made.shutdown()


def jobs(count: int, folder: Path) -> list[Job]:
    request = {"model": BUILTIN, "cache_dir": str(folder / "cache")}
    fetch = Call("fetch", {"request": request, "output": {"json": True}, "logs": ""})
    names = [f"model-{number}" for number in range(count)]
    return [Job(name=name, model=BUILTIN, folder=name, calls=(fetch,), options={}, cwd=str(folder)) for name in names]


@pytest.mark.filterwarnings("ignore")  # of Ray: about its own futures, and files of processes that were killed
def test_models_run_on_two_machines_and_one_that_dies_costs_a_retry(cluster: Any, tmp_path: Path) -> None:
    from npu_adapt.workflows.sweep.cluster import cluster_slots

    made, nodes = cluster
    models = tmp_path / "models"
    slots = cluster_slots(made.address, "cpu", None, models)
    assert len(slots) == 2 and {slot.placement.device for slot in slots} == {"cpu"}
    killed = threading.Event()

    class Killing(Seen):
        """Kills a machine when three models are done."""

        def ended(self, row: SweepRow) -> None:
            super().ended(row)
            if len(self.rows) == 3 and not killed.is_set():
                killed.set()
                threading.Thread(target=made.remove_node, args=(nodes[0],), kwargs={"allow_graceful": False}).start()

    seen = Killing()
    left = Schedule(jobs(12, tmp_path), slots, seen, retries=2).run()
    assert left == () and killed.is_set()
    assert {row.status for row in seen.rows.values()} == {"passed"} and len(seen.rows) == 12
    assert len(seen.gone) == 1 and seen.gone[0].cause.id == "node-lost"
    assert all((models / row.folder / "output.log").exists() for row in seen.rows.values())


def test_what_ray_cannot_do_is_refused(tmp_path: Path) -> None:
    from npu_adapt.workflows.sweep.cluster import cluster_slots

    with pytest.raises(UsageError, match="names devices of one machine"):
        cluster_slots("local", "npu:0", None, tmp_path)
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "not-an-address"):
        with pytest.raises(UsageError, match="no Ray cluster answers at"):
            cluster_slots(address, "cpu", None, tmp_path)
