"""The quantities that a report gives: value, metric, the conditions it holds for, and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from npu_adapt.claims.blocks import Block, Code, Heading, Table
from npu_adapt.claims.claim import INHERITED, Claim
from npu_adapt.claims.description import describe, merged
from npu_adapt.claims.sentences import LONGEST_LABEL, claims_of_line
from npu_adapt.claims.tables import claims_of_table

ITEM = 10  # the level of an outermost list item, below all headings
_COMPARES = re.compile(r"against|\bvs\b|versus|compar|对比|比较|误差|差异|一致|差", re.IGNORECASE)


def claims_of(blocks: Sequence[Block]) -> tuple[Claim, ...]:
    """All quantities, in the order of the report."""
    found: list[Claim] = []
    section: list[Heading] = []
    lead = ""
    for block in blocks:
        if isinstance(block, Heading):
            section = [each for each in section if each.level < block.level] + [block]
            found += _placed(claims_of_line(block.text, block.line), section)
            lead = ""
        elif isinstance(block, Table):
            found += _placed(claims_of_table(block, [lead, *(each.text for each in reversed(section))]), section)
            lead = ""
        elif isinstance(block, Code):
            inside = (replace(c, in_code=True) for line in block.lines for c in claims_of_line(line.text, line.line))
            found += _placed(inside, section)
        else:
            items = [Heading(block.line, text, ITEM + depth) for depth, text in enumerate(block.above)]
            found += _placed(claims_of_line(block.text, block.line), [*section, *items])
            lead = block.text if len(block.text) <= LONGEST_LABEL else ""
    return tuple(found)


def _placed(claims: Iterator[Claim], section: Sequence[Heading]) -> Iterator[Claim]:
    """The claims with what the headings above say of them."""
    known = [_inherited(heading) for heading in reversed(section) if heading.level > 1]
    for claim in claims:
        yield replace(claim, context=merged(known), section=tuple(section))


def _inherited(heading: Heading) -> dict[str, str]:
    """The conditions that a heading sets for what stands under it; one that compares two sides sets no device."""
    facets = describe(heading.text).facets
    names = [name for name in INHERITED if name != "device" or not _COMPARES.search(heading.text)]
    return {name: facets[name] for name in names if name in facets and "+" not in facets[name]}
