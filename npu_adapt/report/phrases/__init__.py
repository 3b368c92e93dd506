"""Every phrase of a report, in English and Chinese; a phrase without both cannot be written down.

Names that the field knows by their English form (max_abs_diff, safetensors, dtype) stay as they are in both columns.
`{…}` are places that the caller fills.
"""

from __future__ import annotations

from npu_adapt.report.phrases import (
    audit,
    bench,
    bundle,
    compare,
    doctor,
    first,
    modes,
    overlap,
    page,
    progress,
    quantisation,
    registry,
    repro,
    run,
    soak,
    sweep,
    weights,
)
from npu_adapt.report.phrases.absent import ABSENT, REASONS
from npu_adapt.report.phrases.generation import PHRASES as GENERATION
from npu_adapt.report.phrases.labels import CAPTIONS, COLUMNS, ITEMS, TITLES
from npu_adapt.report.phrases.phrase import Language, Phrase
from npu_adapt.report.phrases.sentences import CONCLUSIONS, SENTENCES

__all__ = ["ABSENT", "PHRASES", "Language", "Phrase", "say"]

PHRASES: dict[str, Phrase] = {
    **{f"title-{key}": phrase for key, phrase in TITLES.items()},
    **{f"caption-{key}": phrase for key, phrase in (CAPTIONS | bench.CAPTIONS).items()},
    **{f"column-{key}": phrase for key, phrase in (COLUMNS | bench.COLUMNS).items()},
    **{f"item-{key}": phrase for key, phrase in (ITEMS | bench.ITEMS).items()},
    **SENTENCES,
    **CONCLUSIONS,
    **bench.SENTENCES,
    **REASONS,
    **bench.REASONS,
    **compare.PHRASES,
    **GENERATION,
    **progress.PHRASES,
    **run.PHRASES,
    **weights.PHRASES,
    **doctor.PHRASES,
    **first.PHRASES,
    **registry.PHRASES,
    **sweep.PHRASES,
    **audit.PHRASES,
    **bundle.PHRASES,
    **page.PHRASES,
    **modes.PHRASES,
    **quantisation.PHRASES,
    **repro.PHRASES,
    **soak.PHRASES,
    **overlap.PHRASES,
    **bench.WARNINGS,
    **bench.WORDS,
}


def say(key: str, language: Language, **values: str) -> str:
    """The phrase of that key in that language, its places filled."""
    text = PHRASES[key].zh if language == "zh" else PHRASES[key].en
    return text.format(**values) if values else text
