"""A user who has no home: nothing is kept in a folder named "~"."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.errors import UsageError
from npu_adapt.homes import ensure_home, expanded, home
from npu_adapt.models.hubs import huggingface, modelscope
from npu_adapt.models.registry import cache_folder

NO_HOMES = ("~", "~nobody", "~no-such-user", "here", "")


@pytest.fixture(params=NO_HOMES)
def without_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process whose HOME is none, and the folder that it gets in place of one."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "MODELSCOPE_CACHE", "NPU_ADAPT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", request.param)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"npu-adapt-{os.getuid()}"


def test_caches_lie_in_a_folder_of_the_users_own(without_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home() == without_home
    assert huggingface.cache_folder() == without_home / ".cache/huggingface/hub"
    assert modelscope.cache_folder() == without_home / ".cache/modelscope"
    assert cache_folder(None) == without_home / ".cache/npu-adapt"

    def homeless(name: str) -> Path:
        raise RuntimeError(f"could not determine the home directory for {name}")

    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    assert cache_folder(None) == without_home / ".cache/npu-adapt"


def test_libraries_get_the_same_folder(without_home: Path) -> None:
    ensure_home()
    assert Path.home() == without_home
    assert without_home.stat().st_mode & 0o777 == 0o700


def test_a_home_that_the_variable_does_not_name_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in NO_HOMES:
        monkeypatch.setenv("HOME", value)
        assert home() == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_another_users_folder_is_not_taken(without_home: Path, tmp_path: Path) -> None:
    without_home.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="belongs to another") as caught:
        home()
    assert "set HOME" in caught.value.hint


def test_a_home_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert expanded("./~/x") == Path("./~/x")
    with pytest.raises(UsageError, match=r"~no-such-user/x: whose home folder that is, is not known here"):
        expanded("~no-such-user/x")


def test_every_folder_that_is_named_may_begin_with_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--logs=~/x` and ENV of a container file are expanded by no shell."""
    runner = CliRunner()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for option in ("--logs", "--weights-root", "--cache-dir", "--baseline", "--save-outputs", "--rejudge"):
        refused = runner.invoke(app, ["compare", option, "~no-such-user/x", "--device", "cpu"])
        assert refused.exit_code == 2 and "~no-such-user/x: whose home folder" in refused.stderr, option
    monkeypatch.setenv("HF_HOME", "~no-such-user/x")
    refused = runner.invoke(app, ["fetch", "an-org/model", "--offline", "--source", "huggingface"])
    assert refused.exit_code == 2 and "~no-such-user" in refused.stderr
    assert str(tmp_path / "home/logs") in runner.invoke(app, ["report", "--logs", "~/logs"]).stderr.replace("\n", "")
    assert not [*tmp_path.glob("~*")]
