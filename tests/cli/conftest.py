"""What the tests of commands share: the evidence of a run that went well, and the command run in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from npu_adapt.cli.app import app

BUILTIN = Path(__file__).resolve().parents[2] / "npu_adapt" / "assets" / "digits-vit"


Invoke = Callable[..., Result]


class Evidence:
    """A logs folder, and what it held when it was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before = self._files()

    def unharmed(self) -> bool:
        """Whether the latest logs and the summary are the same to the byte."""
        return self._files() == self._before

    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.suffix in (".log", ".json")}


@pytest.fixture
def invoke() -> Invoke:
    """`invoke("infer", "--device", "cpu")`: the command in this process, which has paid for torch already."""
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def digits_copy(tmp_path: Path) -> Path:
    """A copy of the built-in model, to be damaged."""
    return Path(shutil.copytree(BUILTIN, tmp_path / "model"))


@pytest.fixture(scope="session")
def good_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a successful `infer`, to be copied."""
    folder = tmp_path_factory.mktemp("good") / "logs"
    done = CliRunner().invoke(app, ["infer", "builtin:digits-vit", "--device", "cpu", "--logs", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def evidence(good_logs: Path) -> Evidence:
    """This test's own logs folder, in which a run went well before."""
    logs = Path(os.environ["NPU_ADAPT_LOGS"])
    shutil.copytree(good_logs, logs)
    return Evidence(logs)
