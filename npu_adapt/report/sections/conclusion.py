"""What follows from the record: the scores, and a conclusion that reads the verdict and adds nothing to it."""

from __future__ import annotations

from collections.abc import Callable

from npu_adapt.evidence import HISTORY_FOLDER, LOG_FILES, SUMMARY_FILE
from npu_adapt.records.outcome import all_wrong, outcome_of, wrong_rows
from npu_adapt.report.document import Block, Code, Inline, Tone, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.hardware import is_stand_in
from npu_adapt.report.phrases.facts import finding_words
from npu_adapt.report.sections.benchmark import letter
from npu_adapt.report.sections.blocks import cell, facts, names, table
from npu_adapt.report.sections.comparison import first_suspect, terms
from npu_adapt.report.sections.speed import headline
from npu_adapt.report.sections.subject import Reservation, told, weight_doubts

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
    said = (*reservations(figures), *of_benchmark(figures))
    if said:
        blocks += [sentence(figures.say("conclusion-reservations")), listing(said, "caution")]
    return tuple(blocks)


def outcome(figures: Figures) -> tuple[str, Tone]:
    """The one sentence, from all sections: what failed first, else the verdict, else what was done."""
    found = outcome_of(figures.summary)
    say = SENTENCES.get(found.cause, _without_failure)
    return say(figures)


def _failure(figures: Figures) -> tuple[str, Tone]:
    run = figures.summary.run
    if run is None or run.failure is None:
        return figures.say("conclusion-failed-unexplained"), "bad"
    failure = f"{run.failure.stage}, {run.failure.kind}"
    return figures.say("conclusion-run-failed", device=run.device, failure=failure), "bad"


def _verdict(figures: Figures) -> tuple[str, Tone]:
    """What a comparison came to, by its rule; a rehearsal never speaks of a device's success."""
    compare = figures.summary.compare
    assert compare is not None
    passed = compare.verdict.passed
    if figures.is_rehearsal:
        key = "conclusion-rehearsed-passed" if passed else "conclusion-rehearsed-failed"
        text = figures.say(key, arithmetic=rehearsed_arithmetic(figures), rule=compare.verdict.rule)
        return text, "caution" if passed else "bad"
    sides = {"candidate": compare.candidate, "reference": compare.reference, "rule": compare.verdict.rule}
    return figures.say("conclusion-passed" if passed else "conclusion-failed", **sides), "good" if passed else "bad"


def _worse(figures: Figures) -> tuple[str, Tone]:
    compare = figures.summary.compare
    assert compare is not None and compare.baseline is not None
    sides = {"candidate": compare.candidate, "reference": compare.reference, "path": compare.baseline.path}
    return figures.say("conclusion-worse", **sides), "bad"


def _benchmark(key: str) -> Callable[[Figures], tuple[str, Tone]]:
    def say(figures: Figures) -> tuple[str, Tone]:
        return figures.say(key, device=figures("bench.device")), "bad"

    return say


SENTENCES: dict[str | None, Callable[[Figures], tuple[str, Tone]]] = {
    "failure": _failure,
    "verdict": _verdict,
    "baseline": _worse,
    "wrong-output": _benchmark("conclusion-bench-wrong"),
    "no-row": _benchmark("conclusion-bench-none"),
    "gate": _benchmark("conclusion-bench-slower"),
}


def _without_failure(figures: Figures) -> tuple[str, Tone]:
    run, bench = figures.summary.run, figures.summary.bench
    if run is None:
        return figures.say("conclusion-no-run"), "caution"
    if figures.summary.compare is not None:
        return _verdict(figures)
    if figures.is_rehearsal:
        return figures.say("conclusion-rehearsed-only", arithmetic=rehearsed_arithmetic(figures)), "caution"
    if bench is not None and bench.rows and bench.rows[bench.result_row].relative_l2 is not None:
        return figures.say("conclusion-checked", device=run.device), "caution"
    return figures.say("conclusion-not-compared", device=run.device), "caution"


def of_benchmark(figures: Figures) -> tuple[str, ...]:
    """What the benchmark warns of, each with its id."""
    bench = figures.summary.bench
    found = () if bench is None else bench.warnings
    return tuple(told(figures, Reservation(figures.tell("warning", each), each.id)) for each in found)


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
    return (*notices(figures), *(told(figures, each) for each in reserved(figures)))


def reserved(figures: Figures) -> tuple[Reservation, ...]:
    """Doubts about the weights, notes on the run, problems of the environment, wrong rows of a benchmark, fallbacks."""
    environment, run = figures.summary.environment, figures.summary.run
    found = [*weight_doubts(figures)]
    found += [Reservation(figures.tell("run-note", each), each.id) for each in (() if run is None else run.notes)]
    for each in () if environment is None else environment.problems:
        if each.severity != "note":
            severity = figures.say(f"label-{each.severity}")
            said = finding_words(each, figures.language)["found"]
            found.append(Reservation(figures.say("conclusion-problem", severity=severity, found=said), each.id))
    bench = figures.summary.bench
    if bench is not None and wrong_rows(bench) and not all_wrong(bench):
        rows = names(figures, [letter(index) for index in wrong_rows(bench)])
        found.append(Reservation(figures.say("conclusion-wrong-rows", rows=rows), "wrong-output"))
    operators = figures.value("run.cpu_fallbacks")
    if operators:
        text = figures.say("conclusion-fallbacks", operators=names(figures, operators))
        found.append(Reservation(text, "cpu-fallback"))
    return tuple(found)
