"""What changed between two sweeps: newly failing, newly passing, slower beyond noise, arithmetic coarser."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from npu_adapt.consistency.sweep import sweep_contradictions
from npu_adapt.errors import Sentence, SummaryUnreadable, UsageError
from npu_adapt.evidence import SUMMARY_FILE
from npu_adapt.evidence.tool import this_tool
from npu_adapt.files import exists, is_file, is_folder, read_regular
from npu_adapt.records.sweep import SWEEP_SCHEMA_VERSION, Change, Sweep, SweepDiff, SweepRow
from npu_adapt.workflows.sweep.folder import LARGEST_FILE, MODELS_FOLDER, SWEEPS_FOLDER, read_sweep

WORSE = ("newly-failing", "slower", "coarser", "gone")
ORDER = (*WORSE, "another-cause", "newly-passing", "faster", "added")
FAIL_ABOVE = 0.05  # how much slower is worse, as for the gate of `bench`


def compare_sweeps(old: str, new: str, logs: Path) -> SweepDiff:
    """`new` against `old`: names of sweeps below `logs`, folders, or files.

    Raises `UsageError`, and `SummaryUnreadable` for a record that was edited.
    """
    before, now = (read_checked(_path_of(name, logs)) for name in (old, new))
    old_rows = {row.name: row for row in before.rows}
    new_rows = {row.name: row for row in now.rows}
    both = old_rows.keys() & new_rows.keys()
    changes = [change for name in new_rows if name in both for change in _of_model(old_rows[name], new_rows[name])]
    changes += [Change(model=name, id="gone") for name in old_rows if name not in new_rows]
    changes += [Change(model=name, id="added") for name in new_rows if name not in old_rows]
    return SweepDiff(
        schema_version=SWEEP_SCHEMA_VERSION,
        tool=this_tool(),
        old=before.name,
        new=now.name,
        versions=_versions(before, now),
        compared=len(both),
        changes=tuple(sorted(changes, key=lambda change: ORDER.index(change.id))),
        worse=any(change.id in WORSE for change in changes),
    )


def read_checked(path: Path) -> Sweep:
    """The sweep in `path`, in which nothing contradicts anything, nor the summaries beside it."""
    sweep = read_sweep(path)
    found = next(sweep_contradictions(sweep), None)
    if found is not None:
        raise SummaryUnreadable(
            Sentence(
                "{path} contradicts itself: {field} does not follow from {source}",
                path=path,
                field=found.field,
                source=found.source,
            ),
            hint=Sentence("it was edited; npu-adapt sweep --resume {name} writes it again", name=sweep.name),
        )
    folder = path if is_folder(path) else path.parent
    for row in sweep.rows:
        summary = folder / MODELS_FOLDER / row.folder / SUMMARY_FILE
        if row.summary_sha256 and is_file(summary) and _hash_of(summary) != row.summary_sha256:
            raise SummaryUnreadable(
                Sentence("{file} is not the one that the row of {name} was taken from", file=summary, name=row.name),
                hint=Sentence(
                    "it was edited, or the model was run alone there; npu-adapt sweep {model} runs it again",
                    model=row.model,
                ),
            )
    return sweep


def _hash_of(path: Path) -> str | None:
    """None: it cannot be read."""
    try:
        return sha256(read_regular(path, LARGEST_FILE)).hexdigest()
    except OSError:
        return None


def _path_of(name: str, logs: Path) -> Path:
    for path in (Path(name), logs / SWEEPS_FOLDER / name):
        if exists(path):
            return path
    raise UsageError(
        Sentence("there is no sweep {name}", name=name),
        hint=Sentence("name one of {folder}, its folder or its sweep.json", folder=logs / SWEEPS_FOLDER),
    )


def _of_model(old: SweepRow, new: SweepRow) -> Iterator[Change]:
    if old.status == "passed" and new.status != "passed":
        yield Change(model=new.name, id="newly-failing", now=_cause(new))
    elif old.status != "passed" and new.status == "passed":
        yield Change(model=new.name, id="newly-passing", before=_cause(old))
    elif new.status == "failed" and _cause(old) != _cause(new):
        yield Change(model=new.name, id="another-cause", before=_cause(old), now=_cause(new))
    yield from _latency(old, new)
    for operators, bits in new.figures.operand_bits.items():
        before = old.figures.operand_bits.get(operators)
        if before is not None and bits < before:
            names = old.figures.arithmetic.get(operators), new.figures.arithmetic.get(operators)
            yield Change(model=new.name, id="coarser", before=f"{operators} {names[0]}", now=f"{operators} {names[1]}")


def _latency(old: SweepRow, new: SweepRow) -> Iterator[Change]:
    """Slower or faster by more than the two medians' intervals and the gate's 5 % leave open."""
    before, now = old.figures.latency_interval_ms, new.figures.latency_interval_ms
    if before is None or now is None:
        return
    medians = {"before": old.figures.latency_ms, "now": new.figures.latency_ms}
    if now[0] > before[1] * (1 + FAIL_ABOVE):
        yield Change(model=new.name, id="slower", **medians)
    elif now[1] * (1 + FAIL_ABOVE) < before[0]:
        yield Change(model=new.name, id="faster", **medians)


def _cause(row: SweepRow) -> str | None:
    return None if row.cause is None else " ".join(filter(None, (row.cause.id, row.cause.subject)))


def _versions(old: Sweep, new: Sweep) -> dict[str, tuple[str | None, str | None]]:
    """What the models of the two ran with and is not the same; of rows that differ among themselves, the last."""
    before, now = (
        {name: version for row in sweep.rows if row.identity for name, version in row.identity.versions.items()}
        for sweep in (old, new)
    )
    names = sorted({*before, *now})
    return {name: (before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)}
