"""The report reads back: every number in it is in the summary, in one rendering, in both languages."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import fields, replace

from npu_adapt.records import Fact, Record, Summary, Term
from npu_adapt.report.figures import Figures
from npu_adapt.report.markdown import escaped, render
from npu_adapt.report.phrases import PHRASES

NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)*(?:e[+-]\d+)?(?![\w.]*\w)")
Sample = Callable[[str], Summary]


def numbers(text: str) -> Counter[str]:
    """The numbers that a reader sees in `text`, a list's commas not taken for thousands."""
    return Counter(NUMBER.findall(text.replace(", ", " , ")))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of everything in the summary that is not a container."""
    if isinstance(value, Record):
        for field in fields(value):
            yield from leaves(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield path, key
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, tuple):
        yield f"{path}.length", len(value)
        if all(isinstance(inner, int) for inner in value):
            yield path, value  # a shape or an index is one figure
        for position, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{position}")
    elif value is not None:
        yield path, value


def terms_of(summary: Summary) -> Iterator[Term]:
    """Every term of a comparison: its words write the values that it holds."""
    if summary.compare is not None:
        yield from summary.compare.match_basis
        yield from summary.compare.verdict.terms
        for other in summary.compare.verdict.others:
            yield from other.terms


def allowed(summary: Summary) -> set[str]:
    """Every number that the record can account for: its figures under the one rule, and those inside its texts."""
    figures = Figures(summary)
    told = [figures.tell("term", term) for term in terms_of(summary)]
    texts = [figures.write(path, value) if path else "" for path, value in leaves(summary)]
    return set(numbers(" ".join([*texts, *told, *(" ".join(phrase) for phrase in PHRASES.values())])))


def test_every_number_of_the_report_is_in_the_summary(summary: Summary) -> None:
    for language in ("en", "zh"):
        shown = numbers(render(summary, language))
        assert shown
        assert set(shown) - allowed(summary) == set()


def test_a_number_from_nowhere_would_be_noticed(sample: Sample) -> None:
    summary = sample("success")
    forged = render(summary).replace("5.988 ms", "5.99 ms", 1)
    assert set(numbers(forged)) - allowed(summary) == {"5.99"}


def test_both_languages_show_the_same_figures(summary: Summary) -> None:
    assert numbers(render(summary, "en")) == numbers(render(summary, "zh"))


def test_a_figure_is_the_same_wherever_it_appears(sample: Sample) -> None:
    page = render(sample("success"))
    for field, text in (
        ("max_abs_diff", "1.219e-02"),
        ("cosine_similarity", "0.99999610"),
        ("mean_abs_diff", "1.811e-03"),
    ):
        assert set(re.findall(rf"`{field}` \| (\S+)", page)) == {text}
    scored = re.findall(r"`latency_ms` \| (.+) \|", page)
    assert scored == ["5.988 ms, median of 100 iterations of bench, batch size 1"]
    assert re.findall(r"\| Median \| (.+) \|", page) == re.findall(r"\| Latency \| (.+?) \|", page) == ["5.988 ms"]


def test_nothing_is_blank(summary: Summary) -> None:
    page = render(summary)
    assert not re.search(r"\|[ \t]*\|", page)
    assert "None" not in page
    assert "null" not in page


def test_every_row_of_every_table_has_the_columns_of_its_head(summary: Summary) -> None:
    page = MarkdownIt("commonmark").enable("table").parse(render(summary))
    counts: list[int] = []
    for token in page:
        if token.type == "tr_open":
            counts.append(0)
        elif token.type in {"th_open", "td_open"}:
            counts[-1] += 1
        elif token.type == "table_close":
            assert len(set(counts)) == 1
            counts = []


def test_the_scoring_table_has_the_fields_of_published_reports(summary: Summary) -> None:
    section = render(summary).split("## Scoring table")[1].split("##")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        "reference",
        "adapted",
        "weight_path",
        "max_abs_diff",
        "mean_abs_diff",
        "cosine_similarity",
        "top1_match",
        "top5_match",
        "match_within_1_percent",
        "latency_ms",
    ]


def test_the_sections_stand_in_the_order_of_published_reports(summary: Summary) -> None:
    assert re.findall(r"^## (.+)$", render(summary), re.MULTILINE) == [
        "Model information",
        "Hardware",
        "Software",
        "Installation and inference commands",
        "Weight loading",
        "Result on the device",
        "Error comparison",
        "Latency and speed-up",
        "Operators left on the CPU",
        "Scoring table",
        "Log files",
        "Conclusion",
    ]


def front_matter(page: str) -> str:
    assert page.startswith("---\n")
    return page.split("---\n")[1]


@pytest.mark.parametrize("name", ["success", "failed-run", "failed-verdict", "bench-only"])
def test_an_npu_is_claimed_where_one_ran(sample: Sample, name: str) -> None:
    page = render(sample(name))
    assert front_matter(page).startswith("hardware: NPU\ntags:\n  - NPU\n  - Ascend\n  - ascend-npu\n")
    assert "#+NPU" not in front_matter(page)
    assert page.splitlines().count("#+NPU") == 1


@pytest.mark.parametrize("name", ["rehearsed", "stand-in", "environment-only"])
def test_no_npu_is_claimed_where_none_ran(sample: Sample, name: str) -> None:
    page = render(sample(name))
    assert "hardware: NPU" not in page
    assert "#+NPU" not in page
    assert "ascend-npu" not in page


def test_another_device_is_called_by_its_own_name(sample: Sample) -> None:
    summary = sample("success")
    assert summary.run is not None
    page = render(replace(summary, run=replace(summary.run, device="cuda:0")))
    assert front_matter(page).startswith("hardware: GPU\ntags:\n  - GPU\n  - CUDA\n")
    assert "#+NPU" not in page


def test_a_software_stand_in_is_said_before_any_figure(sample: Sample) -> None:
    assert "software stand-in" in render(sample("stand-in")).split("## ")[0]
    assert "软件替身" in render(sample("stand-in"), "zh").split("## ")[0]


def test_a_rehearsal_is_said_everywhere_and_passes_nothing(sample: Sample) -> None:
    page = render(sample("rehearsed"))
    assert "status: REHEARSED" in front_matter(page)
    assert "REHEARSED" in page.split("## ")[0].split("---")[-1]
    tables = [line for line in page.split("\n\n") if line.startswith("|")]
    assert page.count("· REHEARSED**") == len(tables)
    assert "PASSED" not in page
    assert "REHEARSED: a device of the arithmetic hf32 would pass" in page.split("## Conclusion")[1]


CONCLUSIONS = {
    "success": "PASSED: npu:0 agrees with cpu by the rule noise-floor.",
    "failed-verdict": "FAILED: npu:0 does not agree with cpu by the rule noise-floor.",
    "failed-run": "FAILED: the model did not run to its end on npu:0: forward, out-of-memory.",
    "infer-only": "The model ran on npu:0. It was not compared with a reference,",
    "bench-only": "The model ran on npu:0. It was not compared with a reference,",
    "environment-only": "Nothing was run, so nothing is concluded about a model.",
    "nulls": "FAILED: npu:0 does not agree",
}


@pytest.mark.parametrize("name", sorted(CONCLUSIONS))
def test_the_conclusion_is_the_verdict_and_no_more(sample: Sample, name: str) -> None:
    assert render(sample(name)).split("## Conclusion\n\n")[1].startswith(CONCLUSIONS[name])


def test_a_failed_run_outweighs_an_older_verdict(sample: Sample) -> None:
    summary = replace(sample("failed-run"), compare=sample("success").compare)
    assert "PASSED" not in render(summary)


def test_doubts_stand_beside_the_conclusion(sample: Sample) -> None:
    conclusion = render(sample("doubtful")).split("## Conclusion")[1]
    for said in (
        "not proven to be the pretrained ones",
        "looks untrained",
        "model.safetensors: compared with no published checksum",
        "CANN 8.5.1 with torch_npu 2.13.0",
        "aten::nonzero, aten::unique2",
    ):
        assert said in conclusion


def test_the_commands_are_those_that_were_run(sample: Sample) -> None:
    commands = render(sample("success")).split("## Installation")[1].split("## ")[0]
    assert "\nnpu-adapt compare google/vit-base-patch16-224 --device npu:0\n" in commands
    assert "\nnpu-adapt bench google/vit-base-patch16-224 --device npu:0 --iters 100\n" in commands
    assert "pip install torch==2.9.0 torch_npu==2.9.0.post1 transformers==4.57.6" in commands


def test_the_summarys_reason_is_printed_where_a_figure_is_missing(sample: Sample) -> None:
    assert "| `max_abs_diff` | the run on the device failed |" in render(sample("failed-run"))
    assert "| `top1_match` | the task has no class scores |" in render(sample("nulls"))


HOSTILE = (
    "a|b",
    "**bold** _em_ `code",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://x.example/y.png)",
    "line\n\n# heading\n---\n",
    "| --- | --- |",
    "1. one",
    "- item",
    "> quote",
    "&lt;b&gt; &#35;",
    "```\nfence",
    "$x$ ~~gone~~ \\",
    "http://evil.example www.evil.example",
    "\u202egnp.exe \x1b[31m",
    "__init__",
    "{brace} {0}",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_other_peoples_text_stays_text(sample: Sample, text: str) -> None:
    summary = sample("success")
    assert summary.model and summary.run and summary.weights and summary.compare
    term = Term(id="text", holds=True, values={"text": text})
    hostile = replace(
        summary,
        model=replace(summary.model, id=text, organization=text, url=text),
        weights=replace(
            summary.weights,
            path=text,
            doubts=(Fact("text", {"text": text}),),
            unexpected_keys=(text,),
            files=(replace(summary.weights.files[0], name=text, verified_against="nothing"),),
        ),
        run=replace(summary.run, predictions=(replace(summary.run.predictions[0], label=text),)),
        compare=replace(summary.compare, match_basis=(term,), verdict=replace(summary.compare.verdict, terms=(term,))),
    )
    clean, dirty = structure(render(summary)), structure(render(hostile))
    assert dirty - clean == Counter({"code_inline": dirty["code_inline"] - clean["code_inline"]}) - Counter()
    assert dirty["heading_open"] == clean["heading_open"]
    assert dirty["tr_open"] == clean["tr_open"] - 1  # one prediction instead of two


def structure(page: str) -> Counter[str]:
    """How often each kind of Markdown element occurs, plain text and the added list items left out."""
    body = page.split("---\n", 2)[2]
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(body)
    kinds: Counter[str] = Counter()
    for token in tokens:
        kinds[token.type] += 1
        kinds.update(child.type for child in token.children or ())
    for plain in ("text", "text_special", "inline", "list_item_open", "list_item_close", "paragraph_open"):
        del kinds[plain]
    for plain in ("paragraph_close", "bullet_list_open", "bullet_list_close"):
        del kinds[plain]
    return kinds


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parseInline(escaped(text))
    shown = "".join(child.content for child in tokens[0].children or ())
    assert shown == " ".join(text.split()).replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")


def test_front_matter_quotes_what_yaml_would_read_otherwise(sample: Sample) -> None:
    summary = sample("success")
    assert summary.model is not None
    name = 'x: {y} # "z"\n- no'
    page = render(replace(summary, model=replace(summary.model, id=name)))
    line = next(line for line in front_matter(page).splitlines() if line.startswith("model: "))
    assert json.loads(line.removeprefix("model: ")) == 'x: {y} # "z" - no'
