"""The weights of a quantised checkpoint as the device dequantised them, beside the exact ones."""

from __future__ import annotations

import math

import torch

from npu_adapt.models.quantised.compressed import parts_of
from npu_adapt.numerics.dequantisation import difference_of
from npu_adapt.records import Dequantised
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session


def dequantised_on(session: Session, candidate: Side) -> Dequantised | None:
    """None: the weights are not quantised, or the device is a rehearsed one."""
    if session.loaded.quantised is None or session.request.rehearse is not None:
        return None
    elements = differing = modules = 0
    worst, where = 0.0, ""
    exact = dict(parts_of(session.loaded.module))
    with torch.inference_mode():
        for name, part in parts_of(candidate.module):
            found = difference_of(part.weight, exact[name].weight)
            modules, elements, differing = modules + 1, elements + found.elements, differing + found.differing
            if found.worst_ulps > worst:
                worst, where = found.worst_ulps, name
    return Dequantised(
        modules=modules,
        differing=differing / max(1, elements),
        worst_ulps=worst if math.isfinite(worst) else None,
        worst_module=where,
    )
