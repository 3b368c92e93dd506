"""The screens of real runs: as they were approved, within their limits, and in Chinese without English.

After a change that is meant: `WRITE_SCREENS=1` writes the approved ones. The runs: `python -m
tests.report.keep_summaries`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Group, RenderableType

from npu_adapt.records import TEXT, Summary
from npu_adapt.records.outcome import outcome_of
from npu_adapt.report.document import Code
from npu_adapt.report.explanations import known_ids
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.phrases.facts import finding_words
from npu_adapt.report.screens import EnvironmentScreens, details, report_details, report_summary, screen
from tests.report.drawing import codes, drawn, inlines
from tests.report.keep_summaries import KEPT, command_of, kept

SCREENS = Path(__file__).parents[1] / "data" / "screens"
LOGS = Path("logs")
WIDTHS = (80, 100, 120)
LANGUAGES: tuple[Language, ...] = ("en", "zh")
LIMIT, LIMIT_OF_A_FAILURE = 24, 32
RUN = [name for name in KEPT if command_of(name) != "env"]


def first_screen(name: str, language: Language) -> RenderableType:
    """What the command of a kept summary prints."""
    command, summary = command_of(name), kept(name)
    if command == "env":
        screens = EnvironmentScreens(language, LOGS, details=False)
        return Group(screens.at_once(summary), screens.answers(summary, summary))
    return screen(command, summary, language, LOGS)  # type: ignore[arg-type]


def everything(name: str, language: Language) -> RenderableType:
    """What it prints with `--details`."""
    command, summary = command_of(name), kept(name)
    if command == "env":
        screens = EnvironmentScreens(language, LOGS, details=True)
        return Group(screens.at_once(summary), screens.answers(summary, summary))
    return details(command, summary, language)  # type: ignore[arg-type]


def report(name: str, language: Language) -> RenderableType:
    return report_summary(kept(name), language, LOGS)


def whole_report(name: str, language: Language) -> RenderableType:
    return report_details(kept(name), language)


def approved_text(name: str, language: Language) -> Iterator[str]:
    """The first screen of the command and of `report` at each width, then everything at 100 columns."""
    for width in WIDTHS:
        yield f"== {command_of(name)}, {width} columns"
        yield from drawn(first_screen(name, language), width)
    yield "== report, 100 columns"
    yield from drawn(report(name, language), 100)
    yield "== --details, 100 columns"
    yield from drawn(everything(name, language), 100)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", KEPT)
def test_a_screen_is_as_it_was_approved(name: str, language: Language) -> None:
    shown = "".join(f"{line}\n" for line in approved_text(name, language))
    approved = SCREENS / f"{name}.{language}.txt"
    if os.environ.get("WRITE_SCREENS"):
        approved.write_text(shown, encoding="utf-8")
    assert shown == approved.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("made", [first_screen, report])
@pytest.mark.parametrize("name", KEPT)
def test_a_first_screen_is_one_screen(
    name: str, made: Callable[[str, Language], RenderableType], width: int, language: Language
) -> None:
    lines = drawn(made(name, language), width)
    assert len(lines) <= (LIMIT_OF_A_FAILURE if outcome_of(kept(name)).failed else LIMIT)
    assert "logs/summary.json" in lines[-2]
    assert "--details" in lines[-1]
    assert not any("None" in line for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", RUN)
def test_verdict_prediction_and_latency_are_in_the_first_six_lines(name: str, width: int, language: Language) -> None:
    shown = drawn(first_screen(name, language), width)
    verdicts = [say(f"first-{key}", language).strip() for key in ("passed", "failed", "rehearsed", "ran", "measured")]
    assert shown[0].startswith(tuple(verdicts))
    assert any("zero 0.9" in line for line in shown[:6])
    assert any(line.startswith(say("label-latency", language)) for line in shown[:6])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [name for name in KEPT if command_of(name) == "env"])
def test_which_devices_are_usable_is_in_the_first_six_lines(name: str, width: int) -> None:
    shown = drawn(first_screen(name, "en"), width)
    assert any(line.startswith(("USABLE: npu:0", "NO ACCELERATOR: ")) for line in shown[:6])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("made", [first_screen, report, everything, whole_report])
@pytest.mark.parametrize("name", KEPT)
def test_lines_fit_and_what_is_copied_is_never_broken(
    name: str, made: Callable[[str, Language], RenderableType], width: int, language: Language
) -> None:
    shown = made(name, language)
    lines = drawn(shown, width)
    long = {code for code in codes(shown) if cell_len(code) > width // 2}
    for line in lines:
        assert cell_len(line) <= width or any(code in line for code in long) or line.strip() in verbatim(shown)
    everything_shown = "\n".join(lines)
    paths = {code for code in codes(shown) if re.fullmatch(r"[^\s]+/[^\s]*|[0-9a-f]{64}", code)}
    if made in (everything, whole_report):
        assert all(path in everything_shown for path in paths)


def verbatim(shown: RenderableType) -> set[str]:
    """Lines of a tool's output or of a command, which are as wide as they are."""
    return {line.strip() for part in inlines(shown) if isinstance(part, Code) for line in part.text.splitlines()}


# Names that the field knows by their English form, in any language; units; what is typed.
FIELD = frozenset(
    (
        *("npu-adapt", "adapt", "npu", "NPU", "CPU", "CANN", "Ascend", "Python", "PyTorch", "torch", "torch_npu"),
        *("transformers", "safetensors", "summary", "Hub", "sha256", "float64", "float32", "float16", "bfloat16"),
        *("hf32", "HF32", "dtype", "NaN", "top-1", "top-5", "ms", "KiB", "MiB", "GiB", "FLOP", "REHEARSED", "UTC"),
        *("RTF", "max_abs_diff", "mean_abs_diff", "cosine_similarity", "match_within_1_percent", "mean_abs", "max_abs"),
        *("rtol", "atol", "p90", "p99", "matmul", "conv", "attention", "mode", "eager", "tokens", "samples", "soft"),
        *("true", "false", "nearest-even", "dropout", "adapter", "config.json", "ID", "id", "history", "MODEL", "FILE"),
        *("env", "infer", "bench", "compare", "report", "explain"),
    )
)
OPTION = re.compile(r"--[a-z][a-z0-9-]*")
WORD = re.compile(r"(?<![0-9A-Za-z.])[A-Za-z][A-Za-z_]+(?:[-_.][A-Za-z0-9_]+)*")


@pytest.mark.parametrize("made", [first_screen, report, everything, whole_report])
@pytest.mark.parametrize("name", KEPT)
def test_chinese_holds_no_english(name: str, made: Callable[[str, Language], RenderableType]) -> None:
    old = sentences_of(kept(name))
    known = FIELD | set(names_of(kept(name))) | set(known_ids("zh"))
    english = [
        (word, part)
        for part in inlines(made(name, "zh"))
        if isinstance(part, str) and not any(sentence in part for sentence in old)
        for word in WORD.findall(OPTION.sub("", without_findings(part, kept(name))))
        if word not in known
    ]
    assert not english, sorted({part for _, part in english})


def sentences_of(summary: Summary) -> set[str]:
    """Reasons that are kept as sentences, as those of schema 1 are: they have no other words."""
    return {str(fact.values["text"]) for fact in summary.reasons.values() if fact.id == TEXT}


def without_findings(text: str, summary: Summary) -> str:
    """`text` without what is said of the doctor's findings, which has a test of its own beside theirs."""
    for problem in summary.environment.problems if summary.environment else ():
        for words in finding_words(problem, "zh").values():
            text = text.replace(words, "")
    return text


def names_of(summary: Summary) -> Iterator[str]:
    """Names that the record holds: its keys, and texts of one word, and their parts. Sentences are not names."""

    def walk(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for key, each in value.items():
                yield from (key, *walk(each))
        elif isinstance(value, list):
            for each in value:
                yield from walk(each)
        elif isinstance(value, str) and len(value.split()) == 1:
            yield value

    import msgspec

    for name in walk(json.loads(msgspec.json.encode(summary))):
        yield name
        yield from WORD.findall(name)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
@pytest.mark.parametrize("name", KEPT)
def test_a_console_without_unicode_shows_the_same_figures(name: str, encoding: str) -> None:
    lines = drawn(first_screen(name, "en"), 100, encoding)
    assert len(lines) <= LIMIT_OF_A_FAILURE
    assert "logs/summary.json" in lines[-2]
