"""`npu-adapt report`: what it prints where, what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.records import SCHEMA_VERSION, decode, encode
from npu_adapt.report import html, markdown
from tests.commands import CONSOLE_SCRIPT, Cli
from tests.report.summaries import SAMPLES

SUCCESS = SAMPLES["success"]()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A logs folder with the summary of a successful run."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "summary.json").write_bytes(encode(SUCCESS))
    return folder


def test_markdown_goes_to_a_pipe_and_nothing_to_stderr(cli: Cli, logs: Path) -> None:
    done = cli("report", "--logs", logs)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == markdown.render(SUCCESS)


def test_chinese_survives_any_locale(logs: Path) -> None:
    done = subprocess.run(
        [CONSOLE_SCRIPT, "report", "--logs", logs, "--lang", "zh"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("utf-8") == markdown.render(SUCCESS, "zh")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_tables_with_details(logs: Path, columns: int) -> None:
    lines = on_a_terminal("report", "--logs", logs, "--details", columns=columns)
    assert not any(line.startswith("| ") for line in lines)
    assert any(line.split() == ["max_abs_diff", "1.219e-02", "logits,", "sample", "0"] for line in lines)


def test_a_terminal_gets_one_screen(logs: Path) -> None:
    lines = on_a_terminal("report", "--logs", logs, columns=80)
    assert len(lines) <= 24
    assert "PASSED: google/vit-base-patch16-224 on npu:0 agrees with cpu" in lines[0]
    assert lines[-1].split(maxsplit=1) == ["more", "npu-adapt report --details · npu-adapt report --out report.md"]


def on_a_terminal(*command: str | Path, columns: int) -> list[str]:
    """What the command writes to a terminal of that width, without colour."""
    master, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([CONSOLE_SCRIPT, *command], stdout=terminal, env=environment)
    os.close(terminal)
    shown = b""
    while chunk := read(master):
        shown += chunk
    os.close(master)
    assert process.wait() == 0
    return shown.decode("utf-8").splitlines()


def read(terminal: int) -> bytes:
    """What the other end wrote; nothing once it is closed, which Linux calls an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_json_is_the_record_and_nothing_else(cli: Cli, logs: Path) -> None:
    done = cli("report", "--logs", logs, "--json")
    assert (done.code, done.stderr) == (0, "")
    assert decode(done.stdout.encode(), origin="stdout") == SUCCESS


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.md", markdown.render(SUCCESS)), ("r.markdown", markdown.render(SUCCESS)), ("r.HTML", html.render(SUCCESS))],
    ids=["md", "markdown", "html"],
)
def test_the_ending_of_out_names_the_form(logs: Path, tmp_path: Path, name: str, content: str) -> None:
    out = tmp_path / name
    done = CliRunner().invoke(app, ["report", "--logs", str(logs), "--out", str(out)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"wrote {out}" in done.stderr
    assert out.read_text(encoding="utf-8") == content


def test_the_report_as_data_has_its_tables_and_texts(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    assert CliRunner().invoke(app, ["report", "--logs", str(logs), "--out", str(out)]).exit_code == 0
    data = json.loads(out.read_text(encoding="utf-8"))
    scoring = next(section for section in data["sections"] if section["title"] == "Scoring table")
    assert [{"text": "max_abs_diff"}, "1.219e-02"] in scoring["blocks"][0]["rows"]


@pytest.mark.parametrize("out", ["report.pdf", "report", "missing/report.md", "."])
def test_an_out_that_cannot_be_is_refused(
    logs: Path, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["report", "--logs", str(logs), "--out", out])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_write_leaves_the_old_report(as_nobody: Cli, logs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    out = folder / "report.md"
    out.write_text("old")
    folder.chmod(0o555)
    done = as_nobody("report", "--logs", logs, "--out", out)
    assert done.code == 2
    assert out.read_text() == "old"
    assert list(folder.iterdir()) == [out]


BROKEN = {
    "torn": encode(SUCCESS)[:200],
    "empty": b"",
    "foreign": b'{"name": "something else"}',
    "newer": encode(SUCCESS).replace(
        b'"schema_version": %d' % SCHEMA_VERSION, b'"schema_version": %d' % (SCHEMA_VERSION + 1)
    ),
    "wrong type": encode(SUCCESS).replace(b'"samples": 1', b'"samples": "one"'),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
@pytest.mark.parametrize("as_json", [False, True])
def test_a_summary_that_is_not_one_is_refused(logs: Path, kind: str, as_json: bool) -> None:
    (logs / "summary.json").write_bytes(BROKEN[kind])
    done = CliRunner().invoke(app, ["report", "--logs", str(logs), *(["--json"] if as_json else [])])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    if as_json:
        error = json.loads(done.stdout)["error"]
        assert error["exit_code"] == 2
        assert error["hint"]
    else:
        assert done.stdout == ""
        assert "next:" in done.stderr
    assert (logs / "summary.json").read_bytes() == BROKEN[kind]


def test_without_a_summary_it_says_what_to_run(cli: Cli, tmp_path: Path) -> None:
    done = cli("report", "--logs", tmp_path / "nowhere")
    assert (done.code, done.stdout) == (2, "")
    assert "npu-adapt compare MODEL" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_an_unknown_language_is_a_usage_error(cli: Cli, logs: Path) -> None:
    done = cli("report", "--logs", logs, "--lang", "fr")
    assert (done.code, done.stdout) == (2, "")


def test_a_report_in_a_pipe_loads_neither_torch_nor_what_only_screens_and_pages_need(logs: Path) -> None:
    code = (
        "import sys; from npu_adapt.cli.app import app; app(['report', '--logs', sys.argv[1]], standalone_mode=False);"
        "print(sorted({'torch', 'transformers', 'jinja2', 'rich.table'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, logs], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
