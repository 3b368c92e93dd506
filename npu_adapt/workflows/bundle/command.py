"""`report --bundle`: gathers what belongs together and writes it as one folder, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.evidence import LOG_FILES, SUMMARY_FILE, Logs
from npu_adapt.files import is_file, read_regular
from npu_adapt.models.local import BUILTIN_MODELS, BUILTIN_PREFIX, builtin_folder
from npu_adapt.records import ModelInfo, Summary
from npu_adapt.report.bundle.contents import contents
from npu_adapt.report.bundle.recipes import Recipe, recipe_of
from npu_adapt.report.bundle.scripts import Inputs, is_scripted
from npu_adapt.report.phrases import Language
from npu_adapt.workflows.bundle.beside import beside
from npu_adapt.workflows.bundle.inputs import completed_in, inputs_of
from npu_adapt.workflows.bundle.request import Layout
from npu_adapt.workflows.folders import require_free, write_folder

LARGEST_LOG = 256 << 20  # bytes
ALONE = "npu-adapt report --out report.md writes the report alone"


def bundle(summary: Summary, logs: Logs, folder: Path, layout: Layout, language: Language) -> None:
    """Writes the bundle of `summary`, whose evidence lies in `logs`, to `folder`, which must be new or empty.

    Raises `UsageError` for a folder that cannot take it, and for a summary of which there is nothing to run.
    """
    recipe = require_recipe(summary)
    require_free(folder, "--bundle")
    inside, evidence = _checkpoint(summary), _logs(logs)
    found, compared = _inputs(summary, recipe)
    files = {
        **contents(summary, recipe, found, compared, layout, language, weights_inside=bool(inside)),
        **found.files,
        **(compared.files if compared is not None else {}),
        **inside,
        **beside(summary),
        **evidence,
    }
    try:
        write_folder(folder, files)
    except OSError as error:
        raise UsageError(
            Sentence("{out} cannot be written: {reason}", out=folder, reason=error.strerror),
            hint=Sentence("name another folder with {option}", option="--bundle"),
        ) from error


def require_recipe(summary: Summary) -> Recipe:
    """How the scripts do what ran.

    Raises `UsageError` where nothing ran, or plain scripts cannot do what ran: a module made in Python, an adapter
    without weights, quantised weights, or outputs that only a checkpoint's own code or a plug-in names.
    """
    model, run = summary.model, summary.run
    if model is None or run is None or not run.outputs:
        raise UsageError(
            "a bundle needs a model that ran to its end", hint="run npu-adapt compare MODEL first, then report --bundle"
        )
    if summary.weights is None or summary.environment is None:
        raise _without_weights(model)
    if (refusal := _cannot_be_repeated(summary)) is not None:
        raise refusal
    recipe = recipe_of(model, run)
    if recipe is None:
        raise UsageError(
            Sentence(
                "no script is known for {task} with the outputs {names}",
                task=model.task,
                names=", ".join(each.name for each in run.outputs),
            ),
            hint=ALONE,
        )
    return recipe


def _without_weights(model: ModelInfo) -> UsageError:
    if model.adapter is not None:
        return UsageError(
            "a bundle needs weights, and the adapter ran without --weights",
            hint="run it again with --weights FILE_OR_DIR, then report --bundle",
        )
    return UsageError(
        "a bundle needs a checkpoint, and this model was made in Python",
        hint="compare the checkpoint by its name or folder",
    )


def _cannot_be_repeated(summary: Summary) -> UsageError | None:
    """Why scripts without npu-adapt cannot give the figures of the record. None: they can."""
    weights, inputs = summary.weights, () if summary.run is None else summary.run.inputs
    if weights is not None and weights.quantisation is not None:
        return UsageError(
            Sentence(
                "no script is known for weights quantised as {method}: npu-adapt dequantises them itself",
                method=weights.quantisation.method,
            ),
            hint=ALONE,
        )
    if described := [name for name in completed_in(inputs) if not is_scripted(name)]:
        return UsageError(
            Sentence(
                "no script is known for the inputs {names}, which were made from the model's documentation",
                names=", ".join(described),
            ),
            hint=ALONE,
        )
    return None


def _inputs(summary: Summary, recipe: Recipe) -> tuple[Inputs, Inputs | None]:
    """Of the run, and of the comparison where it took others. None: it took the same, or there is none."""
    run, compare = summary.run, summary.compare
    assert run is not None
    found = inputs_of(summary, recipe, run.inputs, summary.command, "inputs")
    if compare is None or not compare.inputs or compare.inputs == run.inputs:
        return found, None
    return found, inputs_of(summary, recipe, compare.inputs, summary.commands.get("compare", ""), "inputs/compared")


def _checkpoint(summary: Summary) -> dict[str, bytes]:
    """The files of a built-in checkpoint, which nobody can fetch; of any other none."""
    model = summary.model
    assert model is not None
    if model.source != "builtin" or model.id.removeprefix(BUILTIN_PREFIX) not in BUILTIN_MODELS:
        return {}
    found = sorted(path for path in builtin_folder(model.id).glob("*") if is_file(path))  # never what a record names
    return {f"weights/{path.name}": path.read_bytes() for path in found}


def _logs(logs: Logs) -> dict[str, bytes]:
    """The evidence as it lies there. Raises `UsageError` where a part of it cannot be read."""
    names = (SUMMARY_FILE, *LOG_FILES.values())
    found = [path for name in names if is_file(path := logs.folder / name)]
    try:
        return {f"logs/{path.name}": read_regular(path, LARGEST_LOG) for path in found}
    except OSError as error:
        raise UsageError(
            Sentence("cannot read {path}: {reason}", path=error.filename, reason=error.strerror),
            hint="run npu-adapt compare MODEL first, then report --bundle",
        ) from error
