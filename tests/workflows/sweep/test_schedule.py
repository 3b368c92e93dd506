"""Who takes which model: all places at once, retries, places that are lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from npu_adapt.records.sweep import Cause, Placement, SweepRow
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.schedule import Pending, PlaceLost, Schedule, Site
from tests.workflows.sweep.watching import Seen

Act = Callable[[Pending], "str | None"]


class FakeSlot:
    """Ends each job as `act` says: with a class of failure, or None."""

    def __init__(self, device: str, act: Act, *, dies: bool = False) -> None:
        self.placement = Placement(node="here", device=device, cores=())
        self.site = Site(device, {})
        self.ran: list[str] = []
        self._act, self._dies = act, dies

    def carry_out(self, pending: Pending, doing: Callable[[str], None]) -> SweepRow:
        doing("infer")
        self.ran.append(pending.job.name)
        cause = self._act(pending)
        return SweepRow(
            name=pending.job.name,
            model=pending.job.model,
            folder=pending.job.folder,
            status="passed" if cause is None else "failed",
            cause=None if cause is None else Cause(id=cause),
            attempts=pending.attempts,
            placement=self.placement,
        )

    def still_works(self) -> bool:
        return not self._dies


def jobs(count: int) -> list[Job]:
    names = [f"model-{number}" for number in range(count)]
    return [Job(name=name, model=name, folder=name, calls=(), options={}, cwd="/") for name in names]


def passes(pending: Pending) -> None:
    return None


def test_every_model_runs_once_and_all_places_work_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=20)

    def meets(pending: Pending) -> None:
        if pending.job.name in {f"model-{number}" for number in range(4)}:
            together.wait()

    slots = [FakeSlot(f"npu:{index}", meets) for index in range(4)]
    seen = Seen()
    assert Schedule(jobs(60), slots, seen, retries=1).run() == ()
    assert sorted(seen.rows) == sorted(job.name for job in jobs(60))
    assert sum(len(slot.ran) for slot in slots) == 60


def test_a_crash_is_tried_again_elsewhere_and_a_verdict_is_not() -> None:
    def act(pending: Pending) -> str | None:
        return {"model-0": "process-crashed", "model-1": "wrong-operator"}.get(pending.job.name)

    slots = [FakeSlot("npu:0", act), FakeSlot("npu:1", act)]
    seen = Seen()
    Schedule(jobs(3), slots, seen, retries=1).run()
    assert (seen.rows["model-0"].attempts, seen.rows["model-1"].attempts) == (2, 1)
    assert [slot.ran.count("model-0") for slot in slots] == [1, 1]
    assert seen.gone == []


def test_a_lost_device_is_taken_out_and_its_model_runs_elsewhere_without_a_retry() -> None:
    def loses(pending: Pending) -> str | None:
        return "device-lost"

    def slow(pending: Pending) -> None:
        time.sleep(0.01)

    dead, alive = FakeSlot("npu:0", loses, dies=True), FakeSlot("npu:1", slow)
    seen = Seen()
    assert Schedule(jobs(6), [dead, alive], seen, retries=0).run() == ()
    assert len(dead.ran) == 1 and sorted(alive.ran) == sorted(job.name for job in jobs(6))
    assert [each.placement.device for each in seen.gone] == ["npu:0"]
    assert all(row.status == "passed" for row in seen.rows.values())


def test_a_model_that_takes_every_device_with_it_is_the_one_to_blame() -> None:
    def act(pending: Pending) -> str | None:
        return "device-lost" if pending.job.name == "model-0" else None

    class Dying(FakeSlot):
        def still_works(self) -> bool:
            return self.ran[-1] != "model-0"

    slots = [Dying(f"npu:{index}", act) for index in range(4)]
    seen = Seen()
    assert Schedule(jobs(5), slots, seen, retries=0).run() == ()
    assert len(seen.gone) == 3 and seen.rows["model-0"].status == "failed"
    assert [name for name, row in seen.rows.items() if row.status == "failed"] == ["model-0"]


def test_without_a_place_left_the_rest_is_not_run() -> None:
    slot = FakeSlot("npu:0", lambda pending: "device-lost", dies=True)
    seen = Seen()
    left = Schedule(jobs(3), [slot], seen, retries=3).run()
    assert [job.name for job in left] == ["model-1", "model-2"]
    assert seen.rows["model-0"].cause == Cause(id="device-lost")


def test_a_lost_machine_costs_its_model_a_retry() -> None:
    def gone(pending: Pending) -> str | None:
        raise PlaceLost("the node is dead")

    lost, alive = FakeSlot("npu:0", gone), FakeSlot("npu:1", lambda pending: time.sleep(0.01))
    seen = Seen()
    assert Schedule(jobs(4), [lost, alive], seen, retries=1).run() == ()
    assert [row.status for row in seen.rows.values()] == ["passed"] * 4
    assert max(row.attempts for row in seen.rows.values()) == 2


def test_what_ends_the_sweep_is_raised() -> None:
    def full(pending: Pending) -> str | None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Schedule(jobs(3), [FakeSlot("npu:0", full)], Seen(), retries=1).run()
