"""Brings a model to this disk: found where it is, else downloaded."""

from __future__ import annotations

from npu_adapt.models.local import LocalModel, ModelRequest, locate
from npu_adapt.progress import Progress


def fetch(request: ModelRequest, progress: Progress) -> LocalModel:
    """The model on this disk. Raises what `locate` raises."""
    return locate(request, progress)
