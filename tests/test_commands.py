"""The fixtures that run the console script, and the environment they run it in."""

import os
from pathlib import Path

import pytest

from npu_adapt import __version__
from tests.commands import run_process


def test_cli_runs_the_installed_script(cli):
    done = cli("--version")
    assert (done.code, done.stdout, done.stderr) == (0, f"npu-adapt {__version__}\n", "")


def test_as_nobody_is_bound_by_the_mode_of_a_folder(as_nobody, tmp_path):
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    done = as_nobody("--version", cwd=folder)
    assert done.code == 0, done.stderr

    touched = run_process([*as_nobody.prefix, "touch", folder / "file"])
    assert touched.code != 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["NPU_ADAPT_CACHE", "NPU_ADAPT_LOGS"])
def test_every_test_has_folders_of_its_own(name, tmp_path):
    assert Path(os.environ[name]).is_relative_to(tmp_path)


def test_nothing_of_the_users_own_settings_is_left():
    from huggingface_hub import constants

    assert Path(constants.HF_HUB_CACHE).is_relative_to(Path(os.environ["HF_HOME"]))
    assert "HF_TOKEN" not in os.environ
    assert "NO_COLOR" not in os.environ
