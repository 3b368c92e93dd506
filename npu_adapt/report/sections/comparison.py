"""How far the device is from the reference, by which rule that was judged, and which operator is to blame."""

from __future__ import annotations

from collections.abc import Iterable

from npu_adapt.records import Term, WorstOutput
from npu_adapt.report.document import Block, Code, Inline, Listing, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections import modes, operators, overlap, repro, soak
from npu_adapt.report.sections.blocks import cell, fact, facts, missing_reasons, table
from npu_adapt.report.sections.generation import generation
from npu_adapt.report.sections.quantisation import dequantised

METRICS = (
    "max_abs_diff",
    "mean_abs_diff",
    "cosine_similarity",
    "relative_l2",
    "top1_match",
    "top5_match",
    "match_within_1_percent",
)
OUTPUT_COLUMNS = {
    "mean_abs_diff": "mean-abs",
    "cosine_similarity": "cosine",
    "relative_l2": "relative-l2",
}
FLOOR_COLUMNS = {
    "float64_relative_l2": "relative-l2",
    "noise_floor": "floor",
    "error_over_floor": "over-floor",
}
READING_COLUMNS = {
    "operand_bits": "operand-bits",
    "rounding": "rounding",
    "accumulation_bits": "sum-bits",
    "overflows": "overflows",
    "flushes_denormals": "flushes",
}
ELEMENT_COLUMNS = {
    "reference_value": "reference-value",
    "candidate_value": "candidate-value",
    "max_abs_diff": "max-abs",
}
SUSPECT_COLUMNS = {"error_over_floor": "over-floor"}
ARITHMETIC_FACTS = (
    ("asked", "compare.arithmetic.asked"),
    ("found-matmul", "compare.arithmetic.found.matmul"),
    ("found-conv", "compare.arithmetic.found.conv"),
    ("found-attention", "compare.arithmetic.found.attention"),
    ("judged-at", "compare.arithmetic.judged_at"),
)
SUSPECT_LIMIT = 20  # rows of failed operators; the summary holds them all


def comparison(figures: Figures) -> tuple[Block, ...]:
    compare = figures.summary.compare
    if compare is None:
        return (sentence(figures.reason("compare")),)
    return (
        *first_suspect(figures),
        metrics(figures),
        basis(figures),
        rules(figures),
        *terms(figures),
        *baseline(figures),
        *suspects(figures),
        *repro.repro(figures),
        *operators.judged(figures),
        *modes.modes(figures),
        *by_output(figures),
        *against_float64(figures),
        *worst_elements(figures),
        repeats(figures),
        *soak.soak(figures),
        *overlap.overlaps(figures),
        *arithmetic(figures),
        *dequantised(figures),
        *generation(figures),
        *left_out(figures),
    )


def metrics(figures: Figures) -> Block:
    """The flat figures, each the worst over outputs and samples, and where it was taken from."""
    compare = figures.summary.compare
    taken_from = {} if compare is None else compare.worst_outputs
    rows: list[tuple[Inline, ...]] = [
        (Code(name), cell(figures, f"compare.{name}"), _place(figures, taken_from.get(name))) for name in METRICS
    ]
    return table(figures, "metrics", ("metric", "value", "taken-from"), rows)


def _place(figures: Figures, worst: WorstOutput | None) -> str:
    """Where a metric was taken from; None: it is of all outputs and samples."""
    if worst is None:
        return figures.say("all-outputs")
    return figures.say("output-sample", output=worst.output, sample=str(worst.sample))


def basis(figures: Figures) -> Block:
    """The terms of `match_within_1_percent`."""
    compare = figures.summary.compare
    terms = () if compare is None else compare.match_basis
    return sentence(figures.say("basis", text=in_line(figures, terms)))


def in_line(figures: Figures, terms: Iterable[Term]) -> str:
    """Terms one after the other, in one line."""
    return figures.say("separator").join(figures.tell("term", each) for each in terms)


def rules(figures: Figures) -> Block:
    """The rule that decides, and what the others say of the same figures."""
    compare = figures.summary.compare
    rows: list[tuple[Inline, ...]] = []
    if compare is not None:
        judged = compare.verdict
        rows.append((judged.rule, outcome(figures, judged.passed), figures.say("deciding")))
        rows += [(other.rule, outcome(figures, other.passed), in_line(figures, other.terms)) for other in judged.others]
    return table(figures, "rules", ("rule", "outcome", "detail"), rows)


def terms(figures: Figures) -> tuple[Block, ...]:
    """What the verdict rests on, term by term; what does not hold first."""
    compare = figures.summary.compare
    if compare is None or not compare.verdict.terms:
        return ()
    judged = compare.verdict
    told = (figures.tell("term", each) for each in judged.terms)
    return (listing(told, "plain" if judged.passed else "bad"),)


def outcome(figures: Figures, passed: bool) -> str:
    return figures.say("passed" if passed else "not-passed")


def by_output(figures: Figures) -> tuple[Block, ...]:
    return _outputs(figures, "outputs-compared", OUTPUT_COLUMNS)


def against_float64(figures: Figures) -> tuple[Block, ...]:
    """Each output's error against the same weights in float64, beside what correct arithmetic shows."""
    return _outputs(figures, "floors", FLOOR_COLUMNS)


def _outputs(figures: Figures, caption: str, columns: dict[str, str]) -> tuple[Block, ...]:
    """A row for each output; `columns`: field to heading."""
    compare = figures.summary.compare
    if compare is None or not compare.outputs:
        return ()
    rows: list[tuple[Inline, ...]] = []
    paths: list[str] = []
    for at, each in enumerate(compare.outputs):
        own = [f"compare.outputs.{at}.{field}" for field in columns]
        rows.append((Code(each.name), *(figures.short(path) for path in own)))
        paths += own
    headings = tuple(columns.values())
    made = table(figures, caption, ("output", *headings), rows, frozenset(headings))
    return made, *_under(missing_reasons(figures, columns, paths))


def worst_elements(figures: Figures) -> tuple[Block, ...]:
    """Where each output differs most, the two values there, and how often NaN and infinity stand on one side only."""
    compare = figures.summary.compare
    if compare is None or not compare.outputs:
        return ()
    rows: list[tuple[Inline, ...]] = []
    paths: list[str] = []
    for at, each in enumerate(compare.outputs):
        place = f"compare.outputs.{at}"
        own = [f"{place}.{field}" for field in ELEMENT_COLUMNS]
        where = (cell(figures, f"{place}.worst_sample"), cell(figures, f"{place}.worst_index"))
        rows.append((Code(each.name), *where, *(figures.short(path) for path in own)))
        paths += own
    columns = tuple(ELEMENT_COLUMNS.values())
    made = table(figures, "worst-elements", ("output", "sample", "at", *columns), rows, frozenset({"sample", *columns}))
    return made, *_under(missing_reasons(figures, ELEMENT_COLUMNS, paths)), not_finite(figures)


def not_finite(figures: Figures) -> Block:
    """How many elements are NaN or infinite on one side only, output by output."""
    compare = figures.summary.compare
    found = []
    for at, each in enumerate(() if compare is None else compare.outputs):
        if each.nan_mismatches or each.inf_mismatches:
            place = f"compare.outputs.{at}"
            nan, inf = figures(f"{place}.nan_mismatches"), figures(f"{place}.inf_mismatches")
            found.append(figures.say("not-finite", output=figures(f"{place}.name"), nan=nan, inf=inf))
    return listing(found, "bad") if found else sentence(figures.say("all-finite"))


def repeats(figures: Figures) -> Block:
    """Whether the same forward gave the same bits each time."""
    compare = figures.summary.compare
    if compare is None or compare.repeats is None:
        item = figures.say("repeats-item")
        return sentence(figures.say("with-reason", item=item, reason=figures.reason("compare.repeats")))
    shares = compare.repeats.reference_differing, compare.repeats.candidate_differing
    forwards = figures("compare.repeats.forwards")
    if not any(shares):
        return sentence(figures.say("repeats-equal", forwards=forwards))
    reference, candidate = (figures(f"compare.repeats.{side}_differing") for side in ("reference", "candidate"))
    text = figures.say("repeats-differ", forwards=forwards, reference=reference, candidate=candidate)
    return sentence(text, tone="bad")


def baseline(figures: Figures) -> tuple[Block, ...]:
    """What got worse since an earlier comparison, and what changed in the environment; nothing unless asked for."""
    compare = figures.summary.compare
    if compare is None or compare.baseline is None:
        return ()
    earlier = compare.baseline
    key = "baseline-worse" if earlier.regressions else "baseline-as-good"
    said = sentence(
        figures.say(key, path=earlier.path, created=earlier.created_at), tone="bad" if earlier.regressions else "good"
    )
    regressions = [figures.tell("regression", each) for each in earlier.regressions]
    worse = (listing(regressions, "bad"),) if regressions else ()
    changes = [figures.tell("change", each) for each in earlier.changes]
    if not changes:
        return said, *worse, sentence(figures.say("baseline-same-environment"))
    return said, *worse, sentence(figures.say("baseline-changes")), listing(changes)


def arithmetic(figures: Figures) -> tuple[Block, ...]:
    """What the device computes with, as found by probing it, and which arithmetics its error fits."""
    compare = figures.summary.compare
    if compare is None or compare.arithmetic is None:
        reason = figures.reason("compare.arithmetic")
        return (sentence(figures.say("with-reason", item=figures.say("caption-arithmetic"), reason=reason)),)
    made = facts(figures, "arithmetic", (fact(figures, item, path) for item, path in ARITHMETIC_FACTS))
    return made, *readings(figures), *convolutions(figures), *sums(figures), fits(figures)


def readings(figures: Figures) -> tuple[Block, ...]:
    """What the probe saw of each class of operators."""
    compare = figures.summary.compare
    if compare is None or compare.arithmetic is None or not compare.arithmetic.readings:
        return ()
    rows: list[tuple[Inline, ...]] = []
    paths: list[str] = []
    for at, each in enumerate(compare.arithmetic.readings):
        own = [f"compare.arithmetic.readings.{at}.{field}" for field in READING_COLUMNS]
        rows.append((each.operators, *(figures.short(path) for path in own)))
        paths += own
    columns = tuple(READING_COLUMNS.values())
    made = table(figures, "readings", ("operators", *columns), rows, frozenset({"operand-bits", "sum-bits"}))
    return made, *_under(missing_reasons(figures, READING_COLUMNS, paths))


def convolutions(figures: Figures) -> tuple[Block, ...]:
    """Which convolutions the device computes by a transform; nothing where all are sums of products."""
    compare = figures.summary.compare
    if compare is None or compare.arithmetic is None or not compare.arithmetic.convolutions:
        return ()
    rows: list[tuple[Inline, ...]] = [
        (
            cell(figures, f"compare.arithmetic.convolutions.{at}.image"),
            cell(figures, f"compare.arithmetic.convolutions.{at}.filters"),
            Code(each.algorithm),
        )
        for at, each in enumerate(compare.arithmetic.convolutions)
    ]
    return (table(figures, "convolutions", ("image", "filters", "algorithm"), rows),)


def sums(figures: Figures) -> tuple[Block, ...]:
    """In which order the device sums products; nothing where it was not asked."""
    compare = figures.summary.compare
    if compare is None or compare.arithmetic is None or not compare.arithmetic.sums:
        return ()
    rows: list[tuple[Inline, ...]] = []
    for at, each in enumerate(compare.arithmetic.sums):
        path = f"compare.arithmetic.sums.{at}"
        said = figures.say(f"order-{each.order}", block=str(each.block), at_once=str(each.at_once))
        if each.at_once > 1:
            said = figures.say("order-at-once", order=said, at_once=str(each.at_once))
        rows.append(
            (cell(figures, f"{path}.terms"), figures.say("order-last-first", order=said) if each.last_first else said)
        )
    return (table(figures, "sums", ("terms", "order"), rows, frozenset({"terms"})),)


def fits(figures: Figures) -> Block:
    """Which arithmetics explain the error that was measured end to end."""
    found = figures.value("compare.arithmetic.fits")
    if found is None:
        reason = figures.reason("compare.arithmetic.fits")
        return sentence(figures.say("with-reason", item=figures.say("fits-item"), reason=reason))
    keys = {0: "fits-none", 1: "fits-one"}
    return sentence(figures.say(keys.get(len(found), "fits-several"), names="; ".join(found)))


def first_suspect(figures: Figures) -> tuple[Block, ...]:
    """The operator to look at first; nothing where none failed."""
    compare = figures.summary.compare
    if compare is None or compare.first_suspect is None:
        return ()
    suspect, path = compare.first_suspect, "compare.first_suspect"
    places = {
        "module": suspect.module,
        "operator": suspect.operator,
        "index": figures(f"{path}.index"),
        "test": suspect.test,
    }
    if suspect.is_divergence:
        text = figures.say("first-suspect-divergence", **places)
    elif suspect.error_over_floor is None:
        text = figures.say("first-suspect-unbounded", **places, reason=figures.reason(f"{path}.error_over_floor"))
    else:
        text = figures.say("first-suspect", **places, over=figures(f"{path}.error_over_floor"))
    return (sentence(text, tone="bad"),)


def suspects(figures: Figures) -> tuple[Block, ...]:
    """Every operator that failed, in the order of execution, with its worst element."""
    compare = figures.summary.compare
    if compare is None or not compare.operators:
        return ()
    rows: list[tuple[Inline, ...]] = []
    values: list[tuple[Inline, ...]] = []
    paths: list[str] = []
    for at, each in enumerate(compare.operators[:SUSPECT_LIMIT]):
        place = f"compare.operators.{at}"
        step = cell(figures, f"{place}.index")
        rows.append((step, Code(each.module), each.operator, each.test, figures.short(f"{place}.error_over_floor")))
        paths.append(f"{place}.error_over_floor")
        if not each.is_divergence:
            own = (f"{place}.reference", f"{place}.candidate")
            where = (cell(figures, f"{place}.sample"), cell(figures, f"{place}.worst_index"))
            values.append((step, *where, *(figures.short(path) for path in own)))
    numbers = frozenset({"step", "sample", "over-floor", "reference-value", "candidate-value"})
    made = table(figures, "suspects", ("step", "module", "operator", "test", "over-floor"), rows, numbers)
    columns = ("step", "sample", "at", "reference-value", "candidate-value")
    elements = (table(figures, "suspect-values", columns, values, numbers),) if values else ()
    hidden = len(compare.operators) - SUSPECT_LIMIT
    more = (sentence(figures.say("and-more", number=str(hidden))),) if hidden > 0 else ()
    return made, *more, *_under(missing_reasons(figures, SUSPECT_COLUMNS, paths)), *elements


def left_out(figures: Figures) -> tuple[Block, ...]:
    """What was not compared, and why."""
    compare = figures.summary.compare
    facts = () if compare is None else compare.left_out
    told = (figures.tell("left-out", each) for each in facts)
    return tuple(sentence(figures.say("left-out-compared", text=text)) for text in told)


def _under(reasons: Listing | None) -> tuple[Listing, ...]:
    return () if reasons is None else (reasons,)
