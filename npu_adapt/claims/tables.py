"""The figures of a table: each cell with what its header, its row and the lines above say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from npu_adapt.claims.blocks import Row, Table
from npu_adapt.claims.claim import IMPLIED, INHERITED, PERFORMANCE_WORDS, Claim, fits
from npu_adapt.claims.description import Description, describe, figures, merged
from npu_adapt.claims.numbers import numbers
from npu_adapt.claims.sentences import claims_of_line
from npu_adapt.claims.vocabulary import METRIC

_VALUE_CELL = re.compile(
    r"^[\s✅✔√⚠️❌🎉~≈<>≤≥=约±+-]*(?:[小低不][于超][过]?)?\s*[-+]?[\d.][\d,.]*(?:[eE][+-]?\d+)?\s*(?:[%‰×xX]"
    r"|[A-Za-zμ/°]{1,12}|[\u4e00-\u9fff/]{1,4})?"
    r"(?:\s*$|\s*[(（,，;；/±|→*✅✔√⚠❌↑↓[])"
)
_NOTHING = Description(())
_RESULT = re.compile(r"%|差|提升|变化|diff|delta|gap|change|gain", re.IGNORECASE)  # a figure that follows from others
_TEXTLESS = re.compile(r"^[\s\d.,%:x×/~-]*$")


def claims_of_table(table: Table, leads: Sequence[str]) -> Iterator[Claim]:
    """The figures of a table under its lead: the line before it, then the headings above, the nearest first."""
    width = max([len(table.header), *(len(row.cells) for row in table.rows)], default=0)
    header = [*table.header, *[""] * (width - len(table.header))]
    heads = [_of_header(text) for text in header]
    lead = _of_lead(leads)
    above = {k: v for k, v in describe(leads[0]).facets.items() if k in INHERITED and "+" not in v} if leads else {}
    is_named = any(head.metrics for head in heads) or any(
        describe(row.cells[0]).metrics for row in table.rows if row.cells
    )
    for index, row in enumerate(table.rows):
        own = _of_header(row.cells[0]) if row.cells else Description(())
        for column, cell in enumerate(row.cells):
            if column == 0 and not heads[0].metrics:
                continue
            label = own if column else Description(())
            if not _VALUE_CELL.match(cell):
                yield from _of_words(cell, row, label, table, index)
                continue
            found = _of_cell(cell, heads[column], label, row.line, row.cells[0])
            if found is None and not is_named and lead is not None and column and not heads[column].rest:
                found = _of_cell(cell, replace(lead, facets=heads[column].facets), label, row.line)
            if found is None and column and not is_named:
                found = _implied(cell, heads[column], label, leads, row.line)
            if found is None:
                continue
            named = (
                figures(label, row.cells[0])
                if column and found.metric not in [m.id for m in heads[column].metrics]
                else frozenset()
            )
            named |= figures(label, row.cells[0]) if column and not _TEXTLESS.match(row.cells[0]) else frozenset()
            shown = _quote(row.cells[0] if column else "", header[column], cell)
            facets, rest = _conditions(header, heads, row.cells, column, found)
            yield replace(
                found,
                quote=shown,
                label=f"{row.cells[0] if column else ''} {header[column]}".strip(),
                facets=merged([found.facets, facets, above]),
                rest=found.rest | rest | named | figures(heads[column], header[column]),
                table=table.line,
                row=index,
                column=column,
            )


def _of_header(text: str) -> Description:
    """A header as it is meant: what carries a unit of time is a latency, what carries a rate a throughput."""
    found = describe(text)
    if found.metrics or found.unit is None or len(found.rest) > 1:
        return found
    implied = IMPLIED.get(found.unit[0])
    return found if implied is None else replace(found, metrics=(METRIC[implied],))


def _implied(cell: str, head: Description, label: Description, leads: Sequence[str], line: int) -> Claim | None:
    """A time or a rate in a table that nothing calls so, below words on performance or beside a statistic's name."""
    number = next(iter(numbers(cell)), None)
    if number is None or number.dimension not in IMPLIED:
        return None
    if "statistic" not in {**head.facets, **label.facets} and not any(map(PERFORMANCE_WORDS.search, leads)):
        return None
    facets = merged([head.facets, label.facets])
    return Claim(IMPLIED[number.dimension], number, line, "", facets, rest=head.rest | label.rest)


def _of_lead(leads: Sequence[str]) -> Description | None:
    """What a line or a heading above says that all cells of a table are. None: nothing with a unit."""
    for text in leads:
        found = describe(text)
        if found.metrics and found.unit is not None:
            return found
    return None


def _quote(label: str, head: str, cell: str) -> str:
    """A cell as it is quoted, with the names of its row and its column; "value" is none."""
    if label.strip() and describe(head) == _NOTHING:
        head = ""
    return ": ".join(part for part in (" / ".join(p for p in (label, head) if p.strip()), cell.strip()) if part)


def _of_cell(cell: str, head: Description, label: Description, line: int, label_text: str = "") -> Claim | None:
    """The figure of a cell, whose metric is named by the header or by the first cell of its row."""
    unit = head.unit or label.unit
    found = numbers(cell, unit)
    if not found:
        return None
    number = found[0]
    for described, other in ((head, label), (label, head)):
        metric = next((each for each in described.metrics if fits(each, number)), None)
        if metric is not None:
            facets = merged([described.facets, other.facets])
            for name in ("device", "dtype"):
                values = [d.facets[name] for d in (described, other) if name in d.facets and "+" not in d.facets[name]]
                if values:
                    facets[name] = values[0]
            rest = described.rest | other.rest
            threshold = bool(rest & _THRESHOLD_WORDS) and not re.search(r"=\s*[\d.]", label_text)
            return Claim(metric.id, number, line, "", facets, rest=rest, is_threshold=threshold)
    return None


_THRESHOLD_WORDS = frozenset(
    {
        "threshold",
        "阈",
        "阈值",
        "limit",
        "required",
        "requirement",
        "tolerance",
        "容差",
        "标准",
        "要求",
        "要",
        "target",
        "floor",
        "criterion",
    }
)


def _conditions(
    header: Sequence[str], heads: Sequence[Description], cells: Sequence[str], column: int, found: Claim
) -> tuple[dict[str, str], frozenset[str]]:
    """What the other cells of the row say of a figure: device, batch size, and any text or number under a header that
    names no metric.
    """
    if not heads[column].metrics:  # the row names the metric: the cells beside are its values elsewhere
        return {}, frozenset()
    texts: list[Mapping[str, str]] = []
    rest: set[str] = set()
    for at, cell in enumerate(cells):
        if at == column or heads[at].metrics or not cell.strip():
            continue
        described = describe(f"{header[at]} {cell}")
        texts.append(described.facets)
        rest |= describe(cell).rest
        if _TEXTLESS.match(cell) and "batch" not in described.facets and not _RESULT.search(f"{header[at]} {cell}"):
            rest.add(f"{header[at].strip().lower()}={cell.strip()}")
    return merged(texts), frozenset(rest)


def _of_words(cell: str, row: Row, label: Description, table: Table, index: int) -> Iterator[Claim]:
    """Figures in a cell that is a sentence: "CPU 8.2 ms / NPU 3.1 ms", "cosine 0.9998, error 1.7 %"."""
    name = row.cells[0] if row.cells and row.cells[0] != cell else ""
    for claim in claims_of_line(cell, row.line):
        yield replace(
            claim, rest=claim.rest | label.rest | frozenset({f"row={name.lower()}"}), table=table.line, row=index
        )
