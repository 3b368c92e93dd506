"""Which arithmetics an error measured end to end fits. More than one does as a rule: then it cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SPREAD = 2.0  # correct devices of one arithmetic were seen to differ by 2.1 in relative L2

Errors = Mapping[str, float | None]  # output -> relative L2; None: not finite


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
