"""The quantities that a report gives: value, metric, the conditions it holds for, and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from npu_adapt.claims.blocks import Block, Code, Heading, Table
from npu_adapt.claims.claim import INHERITED, Claim
from npu_adapt.claims.description import describe, merged
from npu_adapt.claims.numbers import numbers
from npu_adapt.claims.sentences import LONGEST_LABEL, claims_of_line
from npu_adapt.claims.tables import claims_of_table

LONGEST_LEAD = 40
_ALONE = re.compile(r"[:=]\s*$")
ITEM = 10  # the level of an outermost list item, below all headings
_COMPARES = re.compile(r"against|\bvs\b|versus|compar|对比|比较|误差|差异|一致|差", re.IGNORECASE)


def claims_of(blocks: Sequence[Block]) -> tuple[Claim, ...]:
    """All quantities, in the order of the report."""
    found: list[Claim] = []
    section: list[Heading] = []
    lead = measured = ""
    for block in blocks:
        if isinstance(block, Heading):
            measured = block.text
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
            claims = list(claims_of_line(block.text, block.line))
            if not claims and _names_a_metric(block.text):
                measured = block.text
            elif not claims and _is_one_of_several(block.text):
                claims = list(claims_of_line(f"{measured.rstrip(':')} {block.text}", block.line))
            found += _placed(iter(claims), [*section, *items])
            lead = block.text if len(block.text) <= LONGEST_LABEL else ""
    return tuple(found)


def _names_a_metric(text: str) -> bool:
    """Whether a line names what the lines below it give: "Latency (ms)", "推理时延:"."""
    return len(text) <= LONGEST_LEAD and bool(describe(text).metrics) and not numbers(text)


def _is_one_of_several(text: str) -> bool:
    """Whether a line is one figure of what a line above names: "P95: 16.0", with a statistic or a device alone."""
    found = numbers(text)
    if len(found) != 1 or not _ALONE.search(text[: found[0].start]):
        return False
    said = describe(text[: found[0].start])
    return bool(said.facets) and not said.metrics and not said.rest


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
