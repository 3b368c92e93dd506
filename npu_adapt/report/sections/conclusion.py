"""What follows from the record: the scores, and a conclusion that reads the verdict and adds nothing to it."""

from __future__ import annotations

from npu_adapt.evidence import HISTORY_FOLDER, LOG_FILES, SUMMARY_FILE
from npu_adapt.records.outcome import all_wrong, wrong_rows
from npu_adapt.report.document import Block, Code, Inline, Tone, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.hardware import is_stand_in
from npu_adapt.report.sections.benchmark import letter
from npu_adapt.report.sections.blocks import cell, facts, names, table
from npu_adapt.report.sections.comparison import first_suspect, terms
from npu_adapt.report.sections.speed import headline
from npu_adapt.report.sections.subject import weight_doubts

SCORES = (
    ("reference", "compare.reference"),
    ("adapted", "compare.candidate"),
    ("weight_path", "weights.path"),
    ("max_abs_diff", "compare.max_abs_diff"),
    ("mean_abs_diff", "compare.mean_abs_diff"),
    ("cosine_similarity", "compare.cosine_similarity"),
    ("top1_match", "compare.top1_match"),
    ("top5_match", "compare.top5_match"),
    ("match_within_1_percent", "compare.match_within_1_percent"),
)


def scoring(figures: Figures) -> tuple[Block, ...]:
    """The table that catalogues read, its fields by the names they are known under."""
    rows: list[tuple[Inline, Inline]] = [(Code(name), cell(figures, path)) for name, path in SCORES]
    latency, how = headline(figures)
    labelled = latency if latency == how else figures.say("latency-with-origin", latency=latency, how=how)
    rows.append((Code("latency_ms"), labelled))
    return (facts(figures, "scoring", rows),)


def log_files(figures: Figures) -> tuple[Block, ...]:
    """The evidence beside this report."""
    holds = {name: figures.say(f"log-{log}") for log, name in LOG_FILES.items()}
    holds |= {SUMMARY_FILE: figures.say("log-summary"), f"{HISTORY_FOLDER}/": figures.say("log-history")}
    rows = [(Code(name), text) for name, text in holds.items()]
    return (table(figures, "log-files", ("log", "holds"), rows),)


def conclusion(figures: Figures) -> tuple[Block, ...]:
    """One sentence, the verdict's terms, and whatever else a reader must know before believing it."""
    text, tone = outcome(figures)
    blocks: list[Block] = [sentence(text, tone=tone)]
    compare = figures.summary.compare
    if compare is not None:
        answer = figures("compare.match_within_1_percent")
        blocks.append(sentence(figures.say("conclusion-one-percent", answer=answer)))
        blocks += terms(figures)
        blocks += first_suspect(figures)
    reserved = reservations(figures)
    if reserved:
        blocks += [sentence(figures.say("conclusion-reservations")), listing(reserved, "caution")]
    return tuple(blocks)


def outcome(figures: Figures) -> tuple[str, Tone]:
    """The one sentence. A failed run comes before any verdict; a rehearsal never speaks of a device's success."""
    summary = figures.summary
    run, compare = summary.run, summary.compare
    if run is not None and run.failure is not None:
        failure = f"{run.failure.stage}, {run.failure.kind}"
        return figures.say("conclusion-run-failed", device=run.device, failure=failure), "bad"
    if summary.bench is not None and all_wrong(summary.bench):
        wrong = summary.bench.rows[summary.bench.result_row].reason
        reason = "" if wrong is None else figures.tell("reason", wrong)
        return figures.say("conclusion-wrong-output", device=summary.bench.device, reason=reason), "bad"
    if compare is None:
        return _without_comparison(figures)
    passed = compare.verdict.passed
    if figures.is_rehearsal:
        phrase = "conclusion-rehearsed-passed" if passed else "conclusion-rehearsed-failed"
        text = figures.say(phrase, arithmetic=rehearsed_arithmetic(figures), rule=compare.verdict.rule)
        return text, "caution" if passed else "bad"
    phrase = "conclusion-passed" if passed else "conclusion-failed"
    sides = {"candidate": compare.candidate, "reference": compare.reference, "rule": compare.verdict.rule}
    return figures.say(phrase, **sides), "good" if passed else "bad"


def _without_comparison(figures: Figures) -> tuple[str, Tone]:
    run = figures.summary.run
    if run is None:
        return figures.say("conclusion-no-run"), "caution"
    if figures.is_rehearsal:
        return figures.say("conclusion-rehearsed-only", arithmetic=rehearsed_arithmetic(figures)), "caution"
    if run.status == "FAILED":
        return figures.say("conclusion-failed-unexplained"), "bad"
    return figures.say("conclusion-not-compared", device=run.device), "caution"


def rehearsed_arithmetic(figures: Figures) -> str:
    """The arithmetic that was emulated: what follows the colon in "rehearsed:hf32"."""
    run = figures.summary.run
    return "" if run is None else run.device.partition(":")[2] or run.device


def notices(figures: Figures) -> tuple[str, ...]:
    """What must be said before any figure: that no device, or no real one, stood behind them."""
    said = []
    if figures.is_rehearsal:
        said.append(figures.say("rehearsal", arithmetic=rehearsed_arithmetic(figures)))
    if is_stand_in(figures.summary):
        said.append(figures.say("stand-in"))
    return tuple(said)


def reservations(figures: Figures) -> tuple[str, ...]:
    """What a reader must know beside the verdict, all of it from the record."""
    environment = figures.summary.environment
    problems = () if environment is None else environment.problems
    said = [*notices(figures), *weight_doubts(figures)]
    said += [
        figures.say("conclusion-problem", severity=each.severity, found=each.found)
        for each in problems
        if each.severity != "note"
    ]
    bench = figures.summary.bench
    if bench is not None and wrong_rows(bench) and not all_wrong(bench):
        rows = names(figures, [letter(index) for index in wrong_rows(bench)])
        said.append(figures.say("conclusion-wrong-rows", rows=rows))
    operators = figures.value("run.cpu_fallbacks")
    if operators:
        said.append(figures.say("conclusion-fallbacks", operators=names(figures, operators)))
    return tuple(said)
