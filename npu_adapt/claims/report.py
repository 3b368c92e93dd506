"""A report that was read: its lines, its blocks, its figures. What every rule looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from npu_adapt.claims.blocks import Block, Code, Heading, Table, Text, blocks_of, front_matter
from npu_adapt.claims.claim import Claim
from npu_adapt.claims.description import words
from npu_adapt.claims.quantities import claims_of
from npu_adapt.claims.text import plain

# Languages of code that is not a program's output.
PROGRAMS = frozenset((
    "python", "py", "bash", "sh", "shell", "zsh", "dockerfile", "cpp", "c", "makefile", "powershell", "cmd", "diff",
    "js",
))  # fmt: skip
_SENTENCE_END = re.compile(r"[。；;]|(?<=[^\d.])\.\s+|(?<=\d)\.\s+(?=[A-Z])")
_PROGRAM_LINE = re.compile(
    r"^\s*(?:\$|#|>>>|import |from \w+ import|pip3? |python3? |export |source |cd |git |conda "
    r"|def |class |for |with |if |return |print\(|[\w.\[\]\"']+ = |"
    r"[\w.]+\(.*\)\s*$|-{1,2}\w|curl |docker |npu-adapt |torchrun |bash |sudo |@|\)|\])"
)


@dataclass(frozen=True)
class ReportText:
    """One text. `blocks` are in plain letters, `lines` as they are written."""

    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.text.split("\n"))

    @cached_property
    def front(self) -> str:
        return front_matter(self.text)[0]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return blocks_of(self.text)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The figures; those in programs and commands are none."""
        programs = {line for line, _ in self.program_lines}
        found = (claim for claim in claims_of(self.blocks) if claim.line not in programs)
        return tuple(replace(claim, rest=claim.rest - self.subject) for claim in found)

    @cached_property
    def subject(self) -> frozenset[str]:
        """The words of the title: a figure that names the model of the report is of nothing else than one that does
        not.
        """
        title = next((block.text for block in self.blocks if isinstance(block, Heading)), "")
        return frozenset(word for word in words(title) if any(map(str.isdecimal, word)))

    @cached_property
    def program_lines(self) -> tuple[tuple[int, str], ...]:
        """The lines of code that are written to be run."""
        return tuple(
            (each.line, each.text)
            for block in self.blocks
            if isinstance(block, Code)
            for each in block.lines
            if block.language.lower() in PROGRAMS or _PROGRAM_LINE.match(each.text)
        )

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """Lines of text and headings, and rows of tables as one line each; no code."""
        found: list[tuple[int, str]] = []
        for block in self.blocks:
            if isinstance(block, Table):
                found += [(block.line, " | ".join(block.header))] if any(block.header) else []
                found += [(row.line, " | ".join(row.cells)) for row in block.rows]
            elif isinstance(block, (Heading, Text)):
                found.append((block.line, block.text))
        return tuple(found)

    @cached_property
    def headings(self) -> frozenset[int]:
        """The lines of headings."""
        return frozenset(block.line for block in self.blocks if isinstance(block, Heading))

    def heading_above(self, line: int) -> str:
        """The nearest heading above a line; empty where there is none."""
        above = [block for block in self.blocks if isinstance(block, Heading) and block.line < line]
        return above[-1].text if above else ""

    @cached_property
    def output(self) -> tuple[tuple[int, str], ...]:
        """Prose, and code that is a program's output."""
        programs = {line for line, _ in self.program_lines}
        shown = [
            (each.line, each.text)
            for block in self.blocks
            if isinstance(block, Code)
            for each in block.lines
            if each.line not in programs
        ]
        return (*self.prose, *shown)

    @cached_property
    def sentences(self) -> tuple[tuple[int, str], ...]:
        """The prose, sentence by sentence; a row of a table is one."""
        return tuple((line, part) for line, text in self.prose for part in _SENTENCE_END.split(text) if part.strip())

    def search(self, pattern: re.Pattern[str], *, code: bool = False) -> Iterator[tuple[int, str]]:
        """Lines of prose (with `code` also of programs' output) that hold a pattern."""
        yield from ((line, text) for line, text in (self.output if code else self.prose) if pattern.search(text))

    @cached_property
    def everything(self) -> str:
        return plain(self.text)
