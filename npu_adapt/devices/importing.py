"""Importing torch and a backend's extension so that a broken install is a diagnosis, never a crash.

What can go wrong with torch_npu was measured: without CANN the import raises (and `import torch` alone raises, when
autoload is on); with another torch's build it can abort the process; with a half-installed CANN it can hang.
A subprocess would shield from all of it and cost a second import, about as much as the whole start-up. So the import
happens in this process, and only when a look at versions and libraries finds nothing wrong; `npu-adapt env`, which is
there to find out what is, asks in a process of its own.
"""

from __future__ import annotations

import importlib
import os
import warnings
from importlib import metadata
from typing import Any

from npu_adapt.devices.backends import Backend, Extension
from npu_adapt.errors import DeviceUnavailable, Sentence, text_of

DOCTOR = "run npu-adapt env: it names what is broken and the command that fixes it"


def import_torch() -> Any:
    """The torch module, loaded without its extensions: each is imported by `import_extension`, which can fail alone."""
    os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
    return importlib.import_module("torch")


def version_of(distribution: str) -> str | None:
    """The installed version as the package's metadata has it; None: not installed. Imports nothing of it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def release(version: str) -> tuple[int, ...]:
    """The first three numbers of a version: (2, 9, 0) for "2.9.0.post1+cpu"."""
    numbers = []
    for part in version.partition("+")[0].split(".")[:3]:
        digits = "".join(character for character in part if character.isdigit())
        if not part[:1].isdigit():
            break
        numbers.append(int(digits))
    return tuple(numbers)


def import_extension(backend: Backend) -> None:
    """Make torch know `backend`. Does nothing for one that torch has built in.

    Raises `DeviceUnavailable` with the diagnosis.
    """
    extension = backend.extension
    if extension is None:
        return
    _require_installed(backend, extension)
    _require_libraries(backend, extension)
    import_torch()
    try:
        importlib.import_module(extension.module)
    except Exception as error:  # torch_npu raises the bare class where CANN's folders are incomplete
        raise DeviceUnavailable(
            Sentence("{module} cannot be imported: {said}", module=extension.module, said=root_cause(error)),
            hint=DOCTOR,
        ) from error
    for message in extension.chatter:
        warnings.filterwarnings("ignore", message=message)


def root_cause(error: BaseException) -> str:
    """The first line of the error at the bottom of the chain of causes, which is the one that says something."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (text_of(error).strip().splitlines() or [type(error).__name__])[0]


def _require_installed(backend: Backend, extension: Extension) -> None:
    if version_of(extension.distribution) is None:
        torch_version = (version_of("torch") or "").partition("+")[0]
        raise DeviceUnavailable(
            Sentence(
                "{distribution} is not installed, and without it torch knows no {label}",
                distribution=extension.distribution,
                label=backend.label,
            ),
            hint=Sentence(extension.install, torch=torch_version),
        )


def _require_libraries(backend: Backend, extension: Extension) -> None:
    """Ask the loader for the vendor's libraries, since a failed import leaves torch half patched."""
    import ctypes

    for library in extension.libraries:
        try:
            ctypes.CDLL(library)
        except OSError as error:
            raise DeviceUnavailable(
                Sentence(
                    "{module} is installed, the software of the {label} is not in order: {error}",
                    module=extension.module,
                    label=backend.label,
                    error=error,
                ),
                hint=Sentence(
                    "{doctor} (for CANN usually: source /usr/local/Ascend/ascend-toolkit/set_env.sh)", doctor=DOCTOR
                ),
            ) from error
