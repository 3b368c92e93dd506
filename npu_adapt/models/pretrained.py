"""From a proof to a claim: what must hold for weights to be called pretrained, and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from npu_adapt.errors import ModelCorrupt, NotPretrained, Sentence, few
from npu_adapt.models.configuration import PLAIN
from npu_adapt.models.finite import INFINITE, NAN, OVERFLOW, NotFinite
from npu_adapt.models.proof import Proof
from npu_adapt.records import Fact, Quantisation, WeightFile, WeightsInfo

_DAMAGED = "the checkpoint was saved from a training that diverged, or damaged; take another revision of it"
WIDER = "give --dtype bfloat16 or float32: these values become infinite in the type that they are loaded in"
# What is said of weights that are no numbers, the worst first.
_NOT_FINITE = (
    (NAN, "{file} holds NaN in {names}", _DAMAGED),
    (INFINITE, "{file} holds infinite values in {names}", _DAMAGED),
    (OVERFLOW, "{file} holds values beyond the range of the model's type in {names}", WIDER),
)


def require_proven(user: str, proof: Proof, path: Path, left_out: tuple[str, ...] = (), *, next_step: str) -> None:
    """Raises `NotPretrained` unless every tensor that runs was found in the checkpoint; `user` is what uses them.

    `next_step` is what is advised then, with a place for the path. Raises `ModelCorrupt` for NaN and infinite values.
    """
    missing = [
        name for name in proof.missing if not any(name == part or name.startswith(f"{part}.") for part in left_out)
    ]
    _require_finite(proof.not_finite)
    if proof.needed:
        raise NotPretrained(
            Sentence(
                "{path} holds tensors that scale, shift or replace weights that {row} uses, and the model does not "
                "read them: {names}",
                path=path,
                row=user,
                names=few(proof.needed),
            ),
            hint=PLAIN,
        )
    faults = (
        ("stored as whole numbers, which are no weights without their scales", proof.quantised, PLAIN),
        ("not in the checkpoint, so their values would be random", missing, next_step),
        ("of another shape in the checkpoint", proof.mismatched, next_step),
        ("not equal to the tensors of their names in the checkpoint", proof.unequal, next_step),
    )
    for fault, names, hint in faults:
        if names:
            raise NotPretrained(
                Sentence(
                    "weights that {row} uses are {fault}: {names}",
                    row=user,
                    fault=fault,
                    names=few(names),
                ),
                hint=Sentence(hint, path=path),
            )
    if not proof.proven:
        raise NotPretrained(
            Sentence("no weight of {path} is used by {row}", path=path, row=user), hint=Sentence(next_step, path=path)
        )


def _require_finite(found: Sequence[NotFinite]) -> None:
    """Raises `ModelCorrupt` for the worst of what was found, by files."""
    for kind, words, hint in _NOT_FINITE:
        names: dict[Path, list[str]] = {}
        for each in found:
            if each.kind == kind:
                names.setdefault(each.file, []).append(each.name)
        if names:
            said = [Sentence(words, file=file, names=few(within)) for file, within in names.items()]
            raise ModelCorrupt(Sentence.joined("; ", said), hint=hint)


def weights_info(
    path: Path,
    files: tuple[WeightFile, ...],
    proof: Proof,
    left_out: tuple[str, ...] = (),
    doubts: tuple[Fact, ...] = (),
    *,
    quantisation: Quantisation | None = None,
) -> WeightsInfo:
    """What was proven. Weights that look untrained are the checkpoint's own, and not pretrained."""
    return WeightsInfo(
        pretrained_used=all(doubt.id != "untrained" for doubt in doubts),
        local_weight_used=True,
        path=str(path),
        files=files,
        missing_keys=proof.missing,
        mismatched_keys=proof.mismatched,
        unexpected_keys=proof.unexpected,
        proven_parameters=proof.proven,
        conversions=proof.conversions,
        left_out=tuple(Fact("part", {"name": part}) for part in left_out),
        doubts=doubts,
        quantisation=quantisation,
    )
