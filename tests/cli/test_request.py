"""From Typer's parameters to requests: each of its versions leaves something else in `ctx.params`."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.cli.options import Source
from npu_adapt.cli.request import model_request


@pytest.mark.parametrize("kind", [str, Path], ids=["Typer before 0.29", "since"])
def test_paths_are_paths(kind: type) -> None:
    parameters = {"model": "org/name", "cache_dir": kind("cache"), "weights_root": [kind("a"), kind("b")], "json": True}
    request = model_request(parameters)
    assert (request.cache_dir, request.weights_roots) == (Path("cache"), (Path("a"), Path("b")))


@pytest.mark.parametrize("source", ["modelscope", Source.modelscope])
def test_enumerations_are_their_values(source: str) -> None:
    request = model_request({"model": "org/name", "source": source, "revision": None})
    assert (request.source, request.revision) == ("modelscope", None)
    assert type(request.source) is str
