"""How an error reads on stderr."""

from __future__ import annotations

import errno
import gc
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from npu_adapt.cli import cpu_time
from npu_adapt.cli.app import PACKAGE, app, main, show_error
from npu_adapt.errors import UsageError


def test_a_path_that_is_wider_than_the_console_can_be_copied_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "80")
    path = "/evidence/" + "history/" * 12 + "summary.json"
    show_error(UsageError(f"{path} contradicts itself", hint=f"take the copy: {path}"), as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        f"error: {path} contradicts itself",
        f"next:  take the copy: {path}",
    ]


def test_words_are_kept_whole_in_lines_of_the_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "80")
    show_error(UsageError("some words " * 20, hint="read them"), as_json=False)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 80 for line in lines)


def test_what_is_not_utf_8_is_shown_as_escapes(capsys: pytest.CaptureFixture[str]):
    show_error(UsageError("\udcd0", hint="rename it"), as_json=True)
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "\\udcd0"


@pytest.mark.parametrize(("module", "code"), [("torch._C", 4), (None, 4), ("npu_adapt.records", 1)])
def test_a_library_that_cannot_be_loaded_is_a_broken_environment(
    module: str | None, code: int, monkeypatch: pytest.MonkeyPatch
):
    """A name that this package itself does not have is a bug."""

    def broken(asked: object) -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object", name=module)

    monkeypatch.setattr("npu_adapt.workflows.models.fetch.cache_folder", broken)
    done = CliRunner().invoke(app, ["fetch", "builtin:digits-vit"])
    assert done.exit_code == code
    assert ("a library cannot be loaded: libtorch_cpu.so" in done.stderr) == (code == 4)


def test_an_end_of_cpu_time_is_a_run_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt says it, once; and the lower limit comes before the one that kills."""
    monkeypatch.setattr(cpu_time, "used_up", [])
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (60, 60))
    monkeypatch.setattr(resource, "setrlimit", lambda limit, values: given.append((limit, values)))
    before = signal.getsignal(signal.SIGXCPU)
    try:
        cpu_time.watch_cpu_time()
        assert given == [(resource.RLIMIT_CPU, (55, 60))]

        def use_up(asked: object) -> None:
            signal.raise_signal(signal.SIGXCPU)

        monkeypatch.setattr("npu_adapt.workflows.models.fetch.cache_folder", use_up)
        done = CliRunner().invoke(app, ["fetch", "builtin:digits-vit"])
        signal.raise_signal(signal.SIGXCPU)  # the next one, while it says so
    finally:
        signal.signal(signal.SIGXCPU, before)
    assert done.exit_code == 6
    assert "the limit of CPU time is reached" in done.stderr


def test_memory_that_ends_while_an_error_is_said_is_still_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory() -> None:
        raise MemoryError

    ended = []
    monkeypatch.setattr("npu_adapt.cli.app.app", out_of_memory)
    monkeypatch.setattr("npu_adapt.cli.app.open_streams", lambda: None)
    monkeypatch.setattr("npu_adapt.cli.app.cpu_time.watch_cpu_time", lambda: None)
    monkeypatch.setattr("os._exit", ended.append)
    thresholds = gc.get_threshold()
    try:
        main()
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    assert ended == [6]


@pytest.mark.parametrize(
    ("text", "code"), [("raise ValueError('Invalid log settings: x')", 4), ("def work(): 1 / 0", 1)]
)
def test_what_a_library_raises_while_it_is_imported_is_no_bug(
    text: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch raises for a TORCH_LOGS that it does not know; what it raises later is not this boundary's."""
    (tmp_path / "somebodys.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "somebodys", raising=False)
    environment = {"__name__": "npu_adapt.x"}
    exec(compile("def ours():\n import somebodys\n somebodys.work()", f"{PACKAGE}/x.py", "exec"), environment)
    monkeypatch.setattr("npu_adapt.workflows.models.fetch.cache_folder", lambda asked: environment["ours"]())  # type: ignore[operator]
    done = CliRunner().invoke(app, ["fetch", "builtin:digits-vit"])
    assert done.exit_code == code
    assert ("a library cannot be loaded: Invalid log settings: x" in done.stderr) == (code == 4)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files"), 6, "Too many open files"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left on device"),
        (OSError(errno.EROFS, "Read-only file system", "/x/y"), 2, "/x/y: Read-only file system"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), 2, "TMPDIR"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x/y"), 1, ""),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 1, ""),
    ],
)
def test_what_a_system_says_of_itself_is_no_bug(
    error: OSError, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(asked: object) -> None:
        if "temporary" in error.strerror:
            monkeypatch.setattr(tempfile, "tempdir", None)
        raise error

    monkeypatch.setattr("npu_adapt.workflows.models.fetch.cache_folder", failing)
    done = CliRunner().invoke(app, ["fetch", "builtin:digits-vit"])
    assert done.exit_code == code
    assert said in done.stderr
