"""An audit for a terminal: what contradicts itself in one screen, or every finding with its places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

from npu_adapt.records import Fact
from npu_adapt.records.audit import Audit, AuditFinding, Nature, Place
from npu_adapt.report.document import Code, Inline, Paragraph, Tone, printable, sentence
from npu_adapt.report.first.screen import LIMIT, FirstScreen, Line, listed
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.phrases.facts import words
from npu_adapt.report.terminal import legible

TONES: dict[Nature, Tone] = {"contradiction": "bad", "gap": "caution", "doubt": "caution"}
SHOWN_FILES = 12
UNLIMITED = 1_000_000  # lines


@dataclass(frozen=True)
class _Writer:
    """Turns an audit into lines in one language."""

    audit: Audit
    language: Language

    def say(self, key: str, **values: str) -> str:
        return say(key, self.language, **values)

    def head(self) -> Paragraph:
        count = {nature: sum(each.nature == nature for each in self.audit.findings) for nature in TONES}
        outcome = "contradicts" if self.audit.contradicts_itself else "incomplete" if self.audit.findings else "clean"
        counts = self.say(
            "audit-counts",
            contradictions=str(count["contradiction"]),
            gaps=str(count["gap"]),
            doubts=str(count["doubt"]),
            path=printable(self.audit.path),
        )
        tone: Tone = "bad" if outcome == "contradicts" else "caution" if outcome == "incomplete" else "good"
        return sentence(self.say(f"audit-{outcome}"), counts, tone=tone)

    def finding(self, each: AuditFinding) -> Line:
        """Its first place, its id, its words, how sure it is."""
        told = printable(words("audit", Fact(each.id, each.values), self.language))
        doubt = "" if each.certainty == "certain" else self.say(f"audit-{each.certainty}")
        parts: tuple[Inline, ...] = (Code(each.id), ": ", told, doubt)
        return Line(self.place(each.places), parts, TONES[each.nature])

    def place(self, places: tuple[Place, ...]) -> str:
        """ "line 47, 70", with the file's name where there are several files."""
        first = places[0]
        name = PurePath(first.file).name if len(self.audit.files) > 1 else ""
        lines = list(
            dict.fromkeys(str(each.line) for each in places if each.line is not None and each.file == first.file)
        )
        where = self.say("audit-line", line=", ".join(lines)) if lines else "" if name else self.say("audit-record")
        return printable(" ".join(part for part in (name, where) if part))

    def notes(self) -> Iterator[Line]:
        for note in self.audit.notes:
            told = printable(words("audit-note", Fact(note.id, note.values), self.language))
            yield Line(self.say("audit-note"), (told,), rank=1)

    def end(self) -> Iterator[Line]:
        looked = self.say("audit-looked", files=str(len(self.audit.files)), checks=str(self.audit.checks))
        asked = self.audit.findings[0].id if self.audit.findings else "audit"
        yield Line(self.say("audit-read"), (looked,))
        yield Line(self.say("audit-next"), listed(Code("--details"), Code(f"npu-adapt explain {asked}")))


@dataclass(frozen=True)
class AuditScreen:
    """As many findings as fit in one screen, contradictions first; how many more there are."""

    audit: Audit
    language: Language

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        writer = _Writer(self.audit, self.language)
        lines = [writer.finding(each) for each in self.audit.findings]
        screen = FirstScreen(writer.head(), (*lines, *writer.notes()), tuple(writer.end()), limit=UNLIMITED)
        letters = legible(options.encoding)
        shown = len(lines)
        while shown > LIMIT or (shown > 1 and len(screen.whole(options.max_width, letters)) > LIMIT):
            shown = min(shown - 1, LIMIT)  # each takes a line at least
            hidden = Line("", (writer.say("audit-hidden", number=str(len(lines) - shown)),))
            screen = replace(screen, lines=(*lines[:shown], hidden))
        yield from screen.whole(options.max_width, letters)


def audit_screen(audit: Audit, language: Language) -> RenderableType:
    """The first screen of an audit."""
    return AuditScreen(audit, language)


def audit_details(audit: Audit, language: Language) -> RenderableType:
    """Every finding with each of its places and what is written there, the notes, and the files that were read."""
    writer = _Writer(audit, language)
    lines: list[Line] = []
    for nature in TONES:
        among = [each for each in audit.findings if each.nature == nature]
        if among:
            lines.append(Line("", (writer.say(f"title-{nature}"),), "plain"))
        for each in among:
            lines.append(writer.finding(each))
            lines += [
                Line("", (f"{writer.place((place,))}: ", Code(printable(place.quote))))
                for place in each.places
                if place.quote
            ]
    files = [Line(writer.say("audit-read"), (Code(printable(name)),)) for name in audit.files]
    return FirstScreen(writer.head(), (*lines, *writer.notes(), *files), tuple(writer.end()), limit=UNLIMITED)
