"""Records of sweeps for tests of what is shown: models of many tasks, failed for several causes."""

from __future__ import annotations

from npu_adapt.records import ToolInfo
from npu_adapt.records.sweep import (
    SWEEP_SCHEMA_VERSION,
    Cause,
    Identity,
    ModelFigures,
    Placement,
    Sweep,
    SweepRow,
    SweepStep,
    counts_of,
    groups_of,
)

CAUSES = (
    Cause(id="operator-not-supported", subject="aclnnGridSample", message="EZ3002: unsupported", command="infer"),
    Cause(id="wrong-operator", subject="aten::gelu", message="encoder.layer.3", command="compare"),
    Cause(id="process-crashed", subject="SIGSEGV", command="infer"),
    Cause(id="pickled", message="the weights are a pickle", command="fetch"),
)
TASKS = ("image-classification", "fill-mask", "text-generation")


def row(number: int, cause: Cause | None = None, *, name: str = "", latency: float | None = None) -> SweepRow:
    """A model that ran on one of four devices."""
    name = name or f"org-{number % 7}/model-{number:04}"
    ran = cause is None or cause.command == "compare"
    steps = [SweepStep(command="fetch", exit_code=0, seconds=0.5), SweepStep(command="infer", exit_code=0, seconds=8.0)]
    if cause is not None:
        steps[-1] = SweepStep(command=cause.command, exit_code=6, seconds=8.0)
    milliseconds = latency or 1.5 + number % 13
    return SweepRow(
        name=name,
        model=name,
        folder=name.replace("/", "--"),
        status="passed" if cause is None else "failed",
        cause=cause,
        steps=(*steps, SweepStep(command="report", exit_code=0, seconds=0.2)),
        attempts=1,
        seconds=8.7,
        placement=Placement(node="host", device=f"npu:{number % 4}", cores=(number % 4,)),
        identity=Identity(options={}, versions={"torch": "2.9.0", "cann": "8.3"}, device="npu 910B4", weights={}),
        figures=ModelFigures(
            task=TASKS[number % 3],
            parameters=1_000_000 * (1 + number % 90),
            dtype="float16",
            runs=ran,
            right=None if not ran else cause is None,
            floors=0.4 + number % 3 if ran else None,
            within_1_percent=ran or None,
            arithmetic={"matmul": "float32"},
            operand_bits={"matmul": 23},
            latency_ms=milliseconds if ran else None,
            latency_interval_ms=(0.99 * milliseconds, 1.01 * milliseconds) if ran else None,
            of_limit=0.25 if ran else None,
            memory_bytes=(1 + number % 40) << 24 if ran else None,
        ),
        ended_at="2026-11-27T08:00:00.000Z",
    )


def sweep_of(rows: tuple[SweepRow, ...], name: str = "night") -> Sweep:
    return Sweep(
        schema_version=SWEEP_SCHEMA_VERSION,
        tool=ToolInfo(name="npu-adapt", version="0.2.0"),
        name=name,
        command="npu-adapt sweep --from models.txt",
        created_at="2026-11-27T07:00:00.000Z",
        written_at="2026-11-27T08:00:00.000Z",
        run=("fetch", "infer", "compare", "bench", "report"),
        rows=rows,
        counts=counts_of(rows),
        groups=groups_of(rows),
    )


def many(count: int) -> Sweep:
    """Every fifth model failed; the first cause is the commonest."""
    causes = (CAUSES[0], CAUSES[0], *CAUSES[1:])
    return sweep_of(tuple(row(number, causes[number // 5 % 5] if number % 5 == 0 else None) for number in range(count)))
