"""The first screen of `compare`: the verdict, both sides' prediction and latency, the worst output, the suspects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from npu_adapt.records import Compare, OutputComparison
from npu_adapt.records.outcome import outcome_of
from npu_adapt.report.document import Code, Inline, Paragraph, Table, Tone
from npu_adapt.report.figures import Figures
from npu_adapt.report.first import lines
from npu_adapt.report.first.generation import generation
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import LIMIT, LIMIT_OF_A_FAILURE, FirstScreen, Line, listed, without_column
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.sections.blocks import table
from npu_adapt.report.sections.conclusion import rehearsed_arithmetic
from npu_adapt.report.sections.overlap import said, share
from npu_adapt.report.sections.soak import summary_of, vitals

SHOWN_TERMS = 5
# Terms that the table of suspects or the lines of the modes show.
OF_THE_TABLE = (
    "operator-failed",
    "operator-wrong",
    "operators-failed",
    "mode",
    "mode-part",
    "mode-differs",
    "mode-failed-to-run",
)
SUSPECT_COLUMNS = ("step", "module", "operator", "test", "error", "floor", "over-floor")


def first_compare(figures: Figures, logs: Path | None) -> FirstScreen:
    """The summary must hold a comparison."""
    compare = figures.summary.compare
    assert compare is not None
    failed = outcome_of(figures.summary).failed
    return FirstScreen(
        head=head(figures, compare),
        lines=(
            *lines.prediction(figures),
            *latency(figures, compare),
            *lines.device(figures),
            *why(figures, compare),
            *worst_output(figures, compare),
            *one_percent(figures, compare),
            *seen(figures, compare),
            *baseline(figures, compare),
            *other_rules(figures, compare),
            *operators(figures, compare),
            *modes(figures, compare),
            *repro(figures, compare),
            *repeats(figures, compare),
            *soak(figures, compare),
            *generation(figures, compare),
            *lines.weights(figures),
            *lines.doubts(figures),
            *next_step(figures, compare),
        ),
        end=tuple(lines.end(figures, logs, explained=explained(compare))),
        tables=suspects(figures, compare),
        left_out=lambda hidden: figures.say("first-and-more", number=str(hidden)),
        limit=LIMIT_OF_A_FAILURE if failed else LIMIT,
    )


def explained(compare: Compare) -> tuple[str, ...]:
    """The ids that a reader of this screen may ask for first."""
    suspect = compare.first_suspect
    tests = () if suspect is None else (suspect.test,)
    return (*tests, *_of_modes(compare)[:1], compare.verdict.rule)


def head(figures: Figures, compare: Compare) -> Paragraph:
    """The verdict in one sentence: who, on what, against what, by which rule, and what that rule asks."""
    passed, rule = compare.verdict.passed, compare.verdict.rule
    model = figures.summary.model
    name = Code("" if model is None else model.id)
    meaning = figures.say("first-rule", meaning=figures.say(f"rule-{rule}")) if f"rule-{rule}" in PHRASES else ""
    if figures.is_rehearsal:
        key = "first-would-pass" if passed else "first-would-fail"
        text = figures.say(key, arithmetic=rehearsed_arithmetic(figures))
        parts = (figures.say("first-rehearsed"), name, text, Code(rule), meaning, figures.say("first-no-device"))
        return Paragraph(parts, "caution" if passed else "bad")
    sides = {"candidate": compare.candidate, "reference": compare.reference}
    text = figures.say("first-agrees" if passed else "first-disagrees", **sides)
    worse = figures.say("first-worse") if compare.baseline is not None and compare.baseline.regressions else ""
    good = passed and not worse
    parts = (figures.say("first-passed" if good else "first-failed"), name, text, Code(rule), meaning, worse)
    return Paragraph(parts, "good" if good else "bad")


def latency(figures: Figures, compare: Compare, label: str = "latency") -> Iterator[Line]:
    """Both sides' warm forwards and their quotient, or why there are none."""
    path = "compare.latency"
    if compare.latency is None:
        reason = figures.say("first-no-speed-up", reason=figures.reason(path))
        own = None if figures.is_rehearsal else figures("run.timings_ms.warm_forward", unit=True)
        yield line(figures, label, *listed(own, reason))
        return
    sides = figures.say(
        "first-sides",
        candidate=compare.candidate,
        reference=compare.reference,
        candidate_ms=figures(f"{path}.candidate_ms"),
        reference_ms=figures(f"{path}.reference_ms"),
    )
    ratio = figures.say("first-speed-up", ratio=figures(f"{path}.speed_up", unit=True))
    iterations = figures.say("first-iterations", number=figures(f"{path}.iterations"))
    yield line(figures, label, *listed(sides, ratio, iterations))


def worst_output(figures: Figures, compare: Compare) -> Iterator[Line]:
    """The output that is furthest off, in noise floors where there are any."""
    if not compare.outputs:
        return
    at = max(range(len(compare.outputs)), key=lambda each: badness(compare.outputs[each]))
    worst, path = compare.outputs[at], f"compare.outputs.{at}"
    if worst.nan_mismatches or worst.inf_mismatches:
        counts = {"nan": figures(f"{path}.nan_mismatches"), "inf": figures(f"{path}.inf_mismatches")}
        yield line(figures, "worst-output", Code(worst.name), figures.say("first-not-finite", **counts), tone="bad")
        return
    error = figures.say("first-output-l2", value=figures(f"{path}.relative_l2"))
    limits = [term.limit for term in compare.verdict.terms if term.id == "noise-floor" and term.place == worst.name]
    floors = None
    if worst.error_over_floor is not None:
        over = figures(f"{path}.error_over_floor")
        floors = figures.say("first-output-over", over=over)
        if limits and isinstance(limits[0], (int, float)):
            floors = figures.say("first-output-floors", over=over, limit=f"{limits[0]:g}")
    yield line(figures, "worst-output", *listed((Code(worst.name), error), floors))


def badness(output: OutputComparison) -> tuple[int, float, float]:
    """What orders outputs from good to bad: NaN on one side, error in floors, relative L2."""
    not_finite = output.nan_mismatches + output.inf_mismatches
    return not_finite, output.error_over_floor or 0.0, output.relative_l2 or 0.0


def one_percent(figures: Figures, compare: Compare) -> Iterator[Line]:
    """`match_within_1_percent` and the figures that it rests on."""
    worst = compare.worst_outputs.get("relative_l2")
    of_output: tuple[Inline, ...] = () if worst is None else (Code(worst.output), " ")
    error = (*of_output, figures("compare.relative_l2"))
    tops = [
        figures.say(f"term-top-{n}" if same else f"term-top-{n}-not")
        for n, same in ((1, compare.top1_match), (5, compare.top5_match))
        if same is not None
    ]
    answer = figures("compare.match_within_1_percent")
    tone: Tone = "plain" if compare.match_within_1_percent else "caution"
    yield line(figures, "one-percent", *listed(Code(answer), error, *tops), tone=tone)


def why(figures: Figures, compare: Compare) -> Iterator[Line]:
    """The terms that do not hold, but for those of single operators."""
    failing = [term for term in compare.verdict.terms if not term.holds and term.id not in OF_THE_TABLE]
    for term in failing[:SHOWN_TERMS]:
        yield line(figures, "why", figures.tell("term", term), tone="bad", rank=1)
    if len(failing) > SHOWN_TERMS:
        more = figures.say("first-and-more", number=str(len(failing) - SHOWN_TERMS))
        yield line(figures, "why", more, tone="bad", rank=1)


def baseline(figures: Figures, compare: Compare) -> Iterator[Line]:
    """Whether it is worse than an earlier comparison, and what is."""
    earlier = compare.baseline
    if earlier is None:
        return
    worse = bool(earlier.regressions)
    said = figures.say("first-worse-than" if worse else "first-as-good")
    yield line(
        figures, "baseline", said, Code(earlier.path), f" ({earlier.created_at})", tone="bad" if worse else "plain"
    )
    for found in earlier.regressions[:SHOWN_TERMS]:
        yield line(figures, "why", figures.tell("regression", found), tone="bad", rank=1)


def next_step(figures: Figures, compare: Compare) -> Iterator[Line]:
    """Where to look first, after a failure."""
    suspect = compare.first_suspect
    if suspect is not None:
        step = figures("compare.first_suspect.index")
        place = {"module": suspect.module, "operator": suspect.operator, "step": step}
        parts: tuple[Inline, ...] = (figures.say("first-suspect-next", **place), _explain(suspect.test))
        yield line(figures, "next", *parts, tone="bad")
    elif shown := _of_modes(compare):
        yield line(figures, "next", figures.say("first-failed-next"), _explain(shown[0]), tone="bad")
    elif not compare.verdict.passed:
        yield line(figures, "next", figures.say("first-failed-next"), _explain(compare.verdict.rule), tone="bad")


def _of_modes(compare: Compare) -> list[str]:
    """Of each mode with a wrong operator or submodule, the id that says most of it."""
    wrong = [mode for mode in compare.modes if mode.divergence is not None or mode.suspect is not None]
    return [mode.suspect.check if mode.suspect is not None else "mode-differs" for mode in wrong]


def _explain(name: str) -> Code:
    return Code(f"npu-adapt explain {name}")


def other_rules(figures: Figures, compare: Compare) -> Iterator[Line]:
    """What the rules say that do not decide."""
    said = [
        (Code(each.rule), figures.say("first-rule-passed" if each.passed else "first-rule-failed"))
        for each in compare.verdict.others
    ]
    if said:
        yield line(figures, "rules", *listed(*said), rank=2)


def operators(figures: Figures, compare: Compare) -> Iterator[Line]:
    """How many calls were judged alone, and how many of them failed."""
    if not compare.operators_judged:
        return
    failed = sum(each.test != "end-to-end" and not each.is_divergence for each in compare.operators)
    text = figures.say("first-operators", number=figures("compare.operators_judged"), failed=str(failed))
    yield line(figures, "operators", text, tone="bad" if failed else "plain", rank=2)


def modes(figures: Figures, compare: Compare) -> Iterator[Line]:
    """A line for each mode beyond eager: what its checks came to, the wrong submodule, or why it did not run."""
    for at, mode in enumerate(compare.modes):
        path = f"compare.modes.{at}"
        status: Inline = figures.say(f"mode-status-{mode.status}")
        tone: Tone = "plain" if mode.status in ("passed", "absent") else "bad"
        if mode.reason is not None:
            why = figures.tell("mode-reason", mode.reason)
            yield line(figures, "mode", *listed((Code(mode.mode), " ", status), why), tone=tone)
            continue
        said: tuple[Inline, ...] = (Code(mode.mode), " ", status)
        if mode.suspect is not None:
            place = {"module": mode.suspect.module, "type": mode.suspect.type}
            said = (*said, figures.say("first-mode-suspect", **place), Code(mode.suspect.check))
        if mode.divergence is not None:
            parted = {"module": mode.divergence.module, "operator": mode.divergence.operator}
            said = (*said, figures.say("first-mode-divergence", **parted), Code(mode.divergence.check))
        facts = [
            figures.say("mode-checks", number=str(len(mode.checks))),
            figures.say("mode-compiler", compiler=mode.compiler) if mode.compiler else "",
            figures.say("mode-graphs", number=figures(f"{path}.graphs")) if mode.graphs else "",
            figures.say("mode-breaks", number=str(len(mode.graph_breaks))) if mode.graph_breaks else "",
        ]
        yield line(figures, "mode", *listed(said, *facts), tone=tone)


def repro(figures: Figures, compare: Compare) -> Iterator[Line]:
    """How many failing operators were written down, where, and how many of them fail by themselves."""
    found = compare.repro
    if found is None:
        return
    if not found.cases:
        yield line(figures, "repro", figures.say("repro-nothing"), rank=1)
        return
    written = sum(case.folder is not None for case in found.cases)
    alone = sum(case.status == "reproduced" for case in found.cases)
    said = figures.say("repro-written", number=str(written), folder=found.folder)
    yield line(figures, "repro", *listed(said, figures.say("repro-of-them", number=str(alone))), rank=1)


def repeats(figures: Figures, compare: Compare) -> Iterator[Line]:
    """Whether the same forward gave the same bits each time."""
    found = compare.repeats
    if found is None:
        return
    path = "compare.repeats"
    differ = bool(found.reference_differing or found.candidate_differing)
    shares = {side: figures(f"{path}.{side}_differing") for side in ("reference", "candidate")} if differ else {}
    key = "first-bits-differ" if differ else "first-bits-equal"
    text = figures.say(key, forwards=figures(f"{path}.forwards"), **shares)
    yield line(figures, "repeats", text, tone="bad" if differ else "plain", rank=2)


def seen(figures: Figures, compare: Compare) -> Iterator[Line]:
    """Boxes or masks as people see them, of the sample where they agree the least."""
    if compare.overlaps:
        whole = all(share(each) == 1 for each in compare.overlaps)
        yield line(figures, "overlap", *listed(*said(figures)), tone="plain" if whole else "caution")


def soak(figures: Figures, compare: Compare) -> Iterator[Line]:
    """How many forwards ran under load, how many had other bits, and how warm and fast the device was."""
    if compare.soak is not None:
        tone: Tone = "bad" if compare.soak.changed else "plain"
        yield line(figures, "soak", *listed(*summary_of(figures), *vitals(figures)), tone=tone, rank=1)


def suspects(figures: Figures, compare: Compare) -> tuple[Table, ...]:
    """The operators that failed, in the order of execution, and narrower tables of them; nothing where none did."""
    if not compare.operators:
        return ()
    depth = compare.depth
    floors = {} if depth is None else {index: at for at, index in enumerate(depth.index)}
    rows: list[tuple[Inline, ...]] = []
    for at, each in enumerate(compare.operators):
        path = f"compare.operators.{at}"
        place = floors.get(each.index)
        sizes = [figures.say("not-applicable")] * 2
        if place is not None:
            sizes = [figures(f"compare.depth.{name}.{place}") for name in ("isolated", "isolated_floor")]
        step, over = figures(f"{path}.index"), figures.short(f"{path}.error_over_floor")
        rows.append((step, Code(each.module), Code(each.operator), Code(each.test), *sizes, over))
    numbers = frozenset({"step", "error", "floor", "over-floor"})
    whole = table(figures, "suspects", SUSPECT_COLUMNS, rows, numbers)
    no_floor = without_column(whole, SUSPECT_COLUMNS.index("floor"))
    return whole, no_floor, without_column(no_floor, SUSPECT_COLUMNS.index("test"))
