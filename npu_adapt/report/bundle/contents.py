"""The files of a bundle that the record makes: the report, the scripts, the versions, the results, the screens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from npu_adapt.records import Summary
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.bundle import modelzoo
from npu_adapt.report.bundle.adapters import FOLDER, place_of
from npu_adapt.report.bundle.recipes import Recipe
from npu_adapt.report.bundle.requirements import requirements
from npu_adapt.report.bundle.screens import as_png, pictures
from npu_adapt.report.bundle.scripts import Inputs, scripts, self_test
from npu_adapt.report.document import Block, Code, Inline, Section, Verbatim, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.language import recorded
from npu_adapt.report.markdown import markdown
from npu_adapt.report.phrases import Language
from npu_adapt.report.sections import conclusion
from npu_adapt.report.sections.blocks import table

SECTIONS = ("run", "compare", "bench")  # of the summary, each a file in `results/`


def contents(
    summary: Summary,
    recipe: Recipe,
    inputs: Inputs,
    compared: Inputs | None,
    layout: str,
    language: Language,
    *,
    weights_inside: bool,
    as_pixels: bool = True,
) -> dict[str, bytes]:
    """Each file by its place in the bundle. `as_pixels`: the screens as PNG too, where this machine can draw them."""
    texts = scripts(summary, recipe, inputs, compared, weights_inside=weights_inside)
    texts["requirements.txt"] = requirements(summary, recipe)
    if summary.model is not None and (adapter := summary.model.adapter) is not None:
        texts[place_of(adapter)] = adapter.text
    texts |= dict(pictures(summary, language))
    vectors = [place for place in texts if as_pixels and place.endswith(".svg")]
    pixels = {f"{place[:-4]}.png": as_png(texts[place], language) for place in vectors}
    drawn = {place: data for place, data in pixels.items() if data is not None}
    texts |= {f"results/{name}.json": text for name in SECTIONS if (text := section(summary, name))}
    if layout == "modelzoo":
        texts["test/self_test.py"] = self_test(summary)
        texts = {place: modelzoo.LICENCE * _is_script(place) + text for place, text in texts.items()}
        texts[modelzoo.LEVEL_FILE] = modelzoo.levels(summary)
    texts["README.md"] = readme(
        summary, inputs, layout, language, (*texts, *drawn, *inputs.files, *(WEIGHTS,) * weights_inside)
    )
    return {place: text.encode() for place, text in texts.items()} | drawn


def section(summary: Summary, name: str) -> str:
    """A section of the summary as it is there; empty: there is none."""
    record = getattr(summary, name)
    if record is None:
        return ""
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n"


def readme(summary: Summary, inputs: Inputs, layout: str, language: Language, places: tuple[str, ...]) -> str:
    """The report, and before its sections how to run what lies beside it and the fields that graders look for."""
    figures = Figures(summary, language)
    report = adaptation_report(summary, language)
    first = [
        Section(figures.say("title-bundle-scores"), conclusion.scoring(figures)),
        Section(figures.say("title-bundle"), how_to_run(figures, inputs, places)),
    ]
    if layout == "modelzoo":
        first.append(modelzoo.pairing(figures))
    text = markdown(replace(report, sections=(*first, *report.sections)))
    screens = {Path(place).stem: place for place in places if place.startswith("screens/")}  # a PNG where there is one
    shown = [f"![npu-adapt {name}]({place})\n" for name, place in screens.items()]
    return "\n".join([text, f"## {figures.say('title-bundle-screens')}\n", *shown])


def how_to_run(figures: Figures, inputs: Inputs, places: tuple[str, ...]) -> tuple[Block, ...]:
    """The commands, and what each file is."""
    ran = [place for place in places if _is_script(place)]
    lines = ["pip install -r requirements.txt", *(f"python {place}" for place in ran)]
    blocks: list[Block] = [Verbatim("\n".join(lines), "bash"), sentence(figures.say("bundle-options"))]
    said = []
    if figures.is_rehearsal:
        said.append(figures.say("bundle-rehearsed"))
    compare = figures.summary.compare
    if compare is not None and compare.generation is not None:
        said.append(figures.say("bundle-generation"))
    if compare is not None and compare.modes:
        said.append(figures.say("bundle-modes"))
    said += [
        figures.say("bundle-input-missing", origin=recorded(each.origin, each.said, figures.language))
        for each in inputs.missing
    ]
    if said:
        blocks.append(listing(said, "caution"))
    rows: list[tuple[Inline, Inline]] = [
        (Code(place), figures.say(f"bundle-file-{key}"))
        for place, key in FILES
        if place in places or place in WRITTEN_LATER or _lies_in(place, places)
    ]
    blocks.append(table(figures, "bundle-files", ("file", "holds"), rows))
    return tuple(blocks)


def _is_script(place: str) -> bool:
    """Whether it is ours: the adapter is the user's."""
    return place.endswith(".py") and not place.startswith(f"{FOLDER}/")


def _lies_in(folder: str, places: tuple[str, ...]) -> bool:
    return folder.endswith("/") and any(place.startswith(folder) for place in places)


WEIGHTS = "weights/"  # the checkpoint, where it is small enough to lie in the bundle
WRITTEN_LATER = ("results/", "logs/", "screens/")  # in every bundle, by its scripts or beside these texts
FILES = (
    ("inference.py", "inference"),
    ("eval/eval_accuracy.py", "accuracy"),
    ("eval/eval_performance.py", "performance"),
    ("test/self_test.py", "self-test"),
    (modelzoo.LEVEL_FILE, "level"),
    (f"{FOLDER}/", "adapter"),
    ("inputs/", "inputs"),
    (WEIGHTS, "weights"),
    ("requirements.txt", "requirements"),
    ("results/", "results"),
    ("logs/", "logs"),
    ("screens/", "screens"),
)
