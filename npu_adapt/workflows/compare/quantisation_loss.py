"""What quantising a model lost: its dequantised weights beside those it was made from, both on the CPU in float32."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from npu_adapt.devices.selection import open_device
from npu_adapt.errors import ModelError, Sentence, UsageError
from npu_adapt.models.loading import load_model
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.numerics.exact import HALF_TYPES
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.numerics.truth import Float32
from npu_adapt.progress import doing
from npu_adapt.records import OutputLoss, QuantisationLoss
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.models.fetch import fetch
from npu_adapt.workflows.run.forward import Outputs, Side
from npu_adapt.workflows.run.session import Session


def require_quantised(session: Session, original: str | None) -> None:
    """Raises `UsageError` for an original of a model that is not quantised."""
    weights = session.loaded.weights
    if original is not None and (weights is None or weights.quantisation is None):
        raise UsageError(
            "--original belongs to a quantised model, and this one is not quantised",
            hint="leave --original out",
        )


def loss_against(session: Session, original: str, evidence: Evidence) -> QuantisationLoss:
    """The reference's outputs against the original's on the same inputs. Raises `ModelError` where they do not fit."""
    with session.stage("original", doing("measuring-loss", model=original)):
        loaded = _loaded(session, original)
        _require_alike(session.loaded, loaded)
        side = _side(loaded)
        expected = tuple(side.call(side.tensors(sample)) for sample in session.samples)
        names = [name for name, tensor in evidence.reference[0].items() if tensor.is_floating_point()]
        return QuantisationLoss(
            original=loaded.info.id,
            path=str(loaded.path),
            outputs=tuple(_worst(name, evidence, expected) for name in names),
        )


def _require_alike(quantised: LoadedModel, original: LoadedModel) -> None:
    """Raises `ModelError` unless both are of one class and have the same parameters but for those that are stored
    quantised."""
    names, others = (
        {name: tuple(tensor.shape) for name, tensor in each.module.named_parameters()} for each in (quantised, original)
    )
    kinds = type(quantised.module), type(original.module)
    if kinds[0] is not kinds[1] or any(names.get(name) != shape for name, shape in others.items()):
        raise ModelError(
            Sentence(
                "{original} is not what {model} was made from", original=original.info.id, model=quantised.info.id
            ),
            hint="name the checkpoint before quantisation: the same architecture, sizes and task",
        )


def _loaded(session: Session, original: str) -> LoadedModel:
    request = session.request
    wanted = ModelRequest(
        model=original,
        source=request.source,
        offline=request.offline,
        weights_roots=request.weights_roots,
        cache_dir=request.cache_dir,
        allow_pickle=request.allow_pickle,
    )
    return load_model(
        fetch(wanted, session.progress),
        task=request.task,
        attention=request.attention,
        trust_remote_code=request.trust_remote_code,
        allow_pickle=request.allow_pickle,
        progress=session.progress,
    )


def _side(loaded: LoadedModel) -> Side:
    """The original on the CPU in float32."""
    device = open_device("cpu", allow_cpu=True).device
    context = Float32 if loaded.dtype in HALF_TYPES else nullcontext
    return Side(loaded.module, device, torch.float32, loaded.task, context=context)


def _worst(name: str, evidence: Evidence, expected: tuple[Outputs, ...]) -> OutputLoss:
    """The sample that lost most; one without figures first."""
    pairs = [(found[name], truth[name]) for found, truth in zip(evidence.reference, expected, strict=True)]
    differences = [compare_tensors(found, truth) for found, truth in pairs]
    worst = max(differences, key=lambda each: float("inf") if each.relative_l2 is None else each.relative_l2)
    same = [(found.argmax(-1) == truth.argmax(-1)).double().mean() for found, truth in pairs]
    return OutputLoss(
        name=name,
        relative_l2=worst.relative_l2,
        cosine_similarity=worst.cosine_similarity,
        same_best=float(min(same)) if name == evidence.class_scores else None,
    )
