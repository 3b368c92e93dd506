"""timm, and the torchvision that it needs, in a folder of their own to put on PYTHONPATH.

On a user's machine a torchvision that matches torch is simply there. Here torch is the CPU's and the package index has
torchvision built for CUDA, whose C++ library then does not load, so that its own registrations find no operators:
"operator torchvision::nms does not exist". timm's models use none of them, and declaring their names is enough.

The folder stays apart from the environment of the tests because where torchvision is present, transformers takes
another back end for images.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import run_python
from tests.real_models import store
from tests.required import in_ci

TORCHVISION, TIMM = "torchvision==0.28.0", "timm==1.0.31"  # torchvision of torch 2.13

DECLARATIONS = """
if not _has_ops():
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor a) -> Tensor")
    _library.define("qnms(Tensor a) -> Tensor")
    _library.define("qroi_align(Tensor a) -> Tensor")
    for _operator in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
        _library.define(f"{_operator}(Tensor a) -> Tensor")
        _library.define(f"_{_operator}_backward(Tensor a) -> Tensor")
"""


def folder() -> Path:
    """The folder, filled when it is asked for the first time. Raises `store.Unreachable`."""

    def build(partial: Path) -> None:
        store.pip(["install", "--no-deps", "--only-binary", ":all:", "--target", partial, TORCHVISION, TIMM])
        with (partial / "torchvision" / "extension.py").open("a", encoding="utf-8") as extension:
            extension.write(DECLARATIONS)

    return store.made_once(store.root() / f"{TIMM}-{TORCHVISION}".replace("==", "-"), build)


@pytest.fixture(scope="session")
def timm_environment() -> dict[str, str]:
    """What to add to a process's environment so that it has timm: for `cli(…, environment=timm_environment)`."""
    try:
        packages = folder()
    except store.Unreachable as error:
        message = f"timm: the package index does not give {TIMM} and {TORCHVISION}: {error}"
        if in_ci():
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return {"PYTHONPATH": str(packages)}


def with_timm(code: str, environment: dict[str, str]) -> str:
    """What `code` prints in an interpreter that has timm."""
    done = run_python(code, environment=environment)
    assert done.code == 0, done.stderr
    return done.stdout
