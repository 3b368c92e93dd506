"""The hubs that models come from, and the order in which they are asked. A new one is a module and a row here."""

from __future__ import annotations

import os

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.hubs.hub import Hub
from npu_adapt.models.hubs.huggingface import HuggingFace
from npu_adapt.models.hubs.modelscope import ModelScope

ORDER_VARIABLE = "NPU_ADAPT_SOURCES"
HUBS: dict[str, type[Hub]] = {"modelscope": ModelScope, "huggingface": HuggingFace}


def hub_of(source: str) -> Hub | None:
    """The hub of that name; None: the source is none, such as a directory."""
    return HUBS[source]() if source in HUBS else None


def hub_url(source: str, model: str, endpoint: str | None = None) -> str | None:
    """The page of a model at `endpoint`, else at its hub's own address; None: `source` is no hub."""
    hub = hub_of(source)
    return hub.page(model, endpoint) if hub else None


def hubs_to_ask(source: str) -> tuple[Hub, ...]:
    """The hub of that name; for "auto" all, in the order of $NPU_ADAPT_SOURCES, else of the table.

    Raises `UsageError` where the variable names a hub that there is not.
    """
    if source != "auto":
        return (HUBS[source](),)
    names = [name.strip() for name in os.environ.get(ORDER_VARIABLE, "").split(",") if name.strip()] or list(HUBS)
    if unknown := [name for name in names if name not in HUBS]:
        raise UsageError(
            Sentence(
                "{order_variable} names {unknown!r}, which is no hub", order_variable=ORDER_VARIABLE, unknown=unknown[0]
            ),
            hint=Sentence(
                "{order_variable}={names} is the default", order_variable=ORDER_VARIABLE, names=",".join(HUBS)
            ),
        )
    return tuple(HUBS[name]() for name in dict.fromkeys(names))
