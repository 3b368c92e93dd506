"""Which arithmetics an error measured end to end fits. More than one does as a rule: then it cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from npu_adapt.numerics.arithmetic import ARITHMETICS

SPREAD = 2.0  # correct devices of one arithmetic were seen to differ by 2.1 in relative L2
CANDIDATES = ("float32", "hf32", "float16", "bfloat16")

Errors = Mapping[str, float | None]  # output -> relative L2; None: not finite


def predicted_errors(float32: Sequence[Errors], coarse: Sequence[Errors], name: str) -> dict[str, list[Errors]]:
    """What every candidate would show, from emulations of float32 and of one coarser arithmetic, `name`.

    Where the rounding of operands rules, errors go with the roundoff: on four models those of hf32, float16 and
    bfloat16 were as 1 : 2 : 16 within a fifth.
    """
    known = ARITHMETICS[name].unit_roundoff
    predicted: dict[str, list[Errors]] = {"float32": list(float32)}
    for candidate in CANDIDATES[1:]:
        scale = ARITHMETICS[candidate].unit_roundoff / known
        predicted[candidate] = [
            {output: None if error is None else error * scale for output, error in errors.items()} for errors in coarse
        ]
    return predicted


def fitting(found: Errors, predicted: Mapping[str, Sequence[Errors]]) -> tuple[str, ...]:
    """The arithmetics whose emulations' errors hold the found one between them, within `SPREAD`, for every output.

    The smallest error of all predictions bounds nothing from below: a device may be better than its emulation.
    """
    finest = {output: min(_known(output, predicted.values()), default=0.0) for output in found}
    return tuple(name for name, errors in predicted.items() if _fits(found, errors, finest))


def _fits(found: Errors, emulated: Sequence[Errors], finest: Mapping[str, float]) -> bool:
    for output, error in found.items():
        errors = _known(output, [emulated])
        if error is None or not errors or error > SPREAD * max(errors):
            return False
        if min(errors) > finest[output] and error < min(errors) / SPREAD:
            return False
    return True


def _known(output: str, several: Iterable[Sequence[Errors]]) -> list[float]:
    return [error for emulated in several for errors in emulated if (error := errors[output]) is not None]
