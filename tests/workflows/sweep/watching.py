"""A watcher that keeps what it is told."""

from __future__ import annotations

from npu_adapt.records.sweep import LostDevice, Placement, SweepRow
from npu_adapt.workflows.sweep.plan import Job


class Seen:
    """What a watcher is told."""

    def __init__(self) -> None:
        self.rows: dict[str, SweepRow] = {}
        self.gone: list[LostDevice] = []

    def started(self, job: Job, placement: Placement, command: str) -> None:
        pass

    def ended(self, row: SweepRow) -> None:
        assert row.name not in self.rows
        self.rows[row.name] = row

    def lost(self, device: LostDevice) -> None:
        self.gone.append(device)
