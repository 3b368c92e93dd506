"""Device names as users type them, told apart without torch.

torch itself cannot: until torch_npu is imported, `npu` and `banana` are the same error to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from npu_adapt.devices.backends import BACKENDS, Backend
from npu_adapt.errors import Sentence, UsageError

_NAME = re.compile(r"(?P<kind>[A-Za-z_]+)(?::(?P<index>\d{1,4}))?")


@dataclass(frozen=True)
class DeviceName:
    """What `--device` asks for."""

    backend: Backend | None  # None: "auto"
    index: int | None  # None: left to the backend, which is the first device

    def __str__(self) -> str:
        if self.backend is None:
            return "auto"
        return self.backend.kind if self.index is None else f"{self.backend.kind}:{self.index}"


def parse_device_name(name: str) -> DeviceName:
    """The device meant by `name`: "auto", "cpu", "npu", "npu:1", "cuda:7" …

    Raises `UsageError` for a name that no backend has and for an index where the backend has none. Whether the
    device exists is not asked here: that is `open_device`'s `DeviceUnavailable`.
    """
    match = _NAME.fullmatch(name.strip())
    kind = match["kind"].lower() if match else ""
    if kind == "auto" and match and match["index"] is None:
        return DeviceName(None, None)
    if match is None or kind not in BACKENDS:
        raise UsageError(
            Sentence("there is no device called {name!r}", name=name),
            hint=Sentence(
                "say auto, or one of {names}, with a number where there are several: npu:1", names=", ".join(BACKENDS)
            ),
        )
    backend = BACKENDS[kind]
    index = None if match["index"] is None else int(match["index"])
    if not backend.indexed and index:
        raise UsageError(
            Sentence("there is only one {label}, so {name!r} means nothing", label=backend.label, name=name),
            hint=Sentence("say {kind}", kind=kind),
        )
    return DeviceName(backend, index)
