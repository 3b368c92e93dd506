"""The report as GitHub-flavoured Markdown. Other people's text is shown letter for letter, never interpreted."""

from __future__ import annotations

import json
import re

from npu_adapt.records import Summary
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.document import (
    Block,
    Code,
    Inline,
    Link,
    Listing,
    Paragraph,
    Report,
    Section,
    Table,
    Verbatim,
    is_plain_link,
    printable,
)
from npu_adapt.report.phrases import Language

# Letters that mean something anywhere in a line; an underscore only at the edge of a word, an angle or ampersand only
# where a tag or an entity could begin, a colon and a dot only where they would turn bare text into a link.
ACTIVE = re.compile(
    r"[\\`*\[\]|~$]|<(?=[A-Za-z/!?])|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.|@", re.IGNORECASE
)
LINE_START = re.compile(r"^(?:([#+=>-])|(\d+)([.)]))")
PLAIN_YAML = re.compile(r"[A-Z][A-Za-z]*|[a-z]+(?:-[a-z]+)*")


def render(summary: Summary, language: Language = "en") -> str:
    """The adaptation report of `summary`."""
    return markdown(adaptation_report(summary, language))


def markdown(report: Report) -> str:
    """The whole page, with its front matter, ending in one newline."""
    parts = [front_matter(report), f"# {escaped(report.title)}", *report.directives]
    parts += [f"> **{escaped(notice)}**" for notice in report.notices]
    for section in report.sections:
        parts += [f"## {escaped(section.title)}", *(block(each, section) for each in section.blocks)]
    return "\n\n".join(parts) + "\n"


def front_matter(report: Report) -> str:
    """YAML between two rules. Strings that are more than a word are written as JSON, which YAML reads as it is."""
    lines = ["---"]
    for key, value in report.front_matter:
        if isinstance(value, str):
            lines.append(f"{key}: {yaml_string(value)}")
        else:
            lines.append(f"{key}:" if value else f"{key}: []")
            lines += [f"  - {yaml_string(item)}" for item in value]
    return "\n".join([*lines, "---"])


def yaml_string(text: str) -> str:
    shown = printable(text)
    return shown if PLAIN_YAML.fullmatch(shown) else json.dumps(shown, ensure_ascii=False)


def block(content: Block, section: Section) -> str:
    if isinstance(content, Paragraph):
        return paragraph(content)
    if isinstance(content, Listing):
        return "\n".join(f"- {paragraph(item)}" for item in content.items)
    if isinstance(content, Verbatim):
        return verbatim(content)
    caption = "" if content.caption == section.title else f"**{escaped(content.caption)}**\n\n"
    return caption + table(content)


def paragraph(content: Paragraph) -> str:
    text = "".join(inline(part) for part in content.parts)
    return LINE_START.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", text)


def table(content: Table) -> str:
    head = "| " + " | ".join(escaped(column.title) for column in content.columns) + " |"
    rule = "| " + " | ".join("---:" if column.numeric else "---" for column in content.columns) + " |"
    rows = ("| " + " | ".join(inline(cell, in_table=True) for cell in row) + " |" for row in content.rows)
    return "\n".join([head, rule, *rows])


def verbatim(content: Verbatim) -> str:
    """A fence longer than any run of backticks inside."""
    lines = "\n".join(printable(line) for line in content.text.split("\n"))
    fence = "`" * max(3, longest_run(lines) + 1)
    return f"{fence}{content.language}\n{lines}\n{fence}"


def inline(part: Inline, *, in_table: bool = False) -> str:
    if isinstance(part, Link):
        return f"<{part.url}>" if is_plain_link(part.url) else code(part.url, in_table)
    return code(part.text, in_table) if isinstance(part, Code) else escaped(part)


def code(text: str, in_table: bool) -> str:
    """A code span. In a table a bar would end the cell even here, so it is escaped as GitHub asks."""
    shown = printable(text)
    fence = "`" * (longest_run(shown) + 1)
    if shown.startswith("`") or shown.endswith("`") or (shown[:1] == shown[-1:] == " " and shown.strip()):
        shown = f" {shown} "
    return fence + (shown.replace("|", "\\|") if in_table else shown) + fence


def escaped(text: str) -> str:
    """`text` on one line with nothing left that Markdown would act on inside a line."""
    return ACTIVE.sub(lambda match: "\\" + match[0], printable(text))


def longest_run(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall(r"`+", text)), default=0)
