"""The scripts of a bundle give the figures of the record to the bit, for a tiny model of each row of the task table."""

from __future__ import annotations

import io
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from msgspec.structs import replace
from PIL import Image, ImageChops

from npu_adapt.errors import UsageError
from npu_adapt.evidence import Logs
from npu_adapt.models.tasks import TASKS
from npu_adapt.progress import Silent
from npu_adapt.records import Summary
from npu_adapt.report.bundle import modelzoo, screens
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.folders import require_free
from npu_adapt.workflows.run.infer import infer
from npu_adapt.workflows.run.request import RunRequest
from tests.models.tiny_models import MAKERS
from tests.report.summaries import SAMPLES
from tests.workflows.bundle import test_adapters
from tests.workflows.bundle.rows import script

Made = tuple[Path, Summary]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bundles")
    for name in ("vit", "bert-classes"):  # which several tests look at, each in whatever process it runs
        written(made, name, lambda request: infer(request, Silent()))
    return made


def written(folder: Path, name: str, run: Callable[[RunRequest], Summary], **options: Any) -> Made:
    """The bundle of a run of the tiny model of that name."""
    if (folder / f"{name}-bundle").exists():
        return folder / f"{name}-bundle", Logs(folder / f"{name}-logs").read()
    torch.manual_seed(0)
    made, logs = MAKERS[name][0](folder / name), folder / f"{name}-logs"
    line = f"npu-adapt infer {made} --device cpu"
    request = RunRequest(
        command="infer", command_line=line, model=str(made), device="cpu", logs=logs, cache_dir=folder / "c", **options
    )
    summary = run(request)
    bundle(summary, Logs(logs), folder / f"{name}-bundle", "contest", "en")
    return folder / f"{name}-bundle", summary


def test_every_row_of_the_task_table_is_tried() -> None:
    assert {row for _, row, *_ in MAKERS.values()} >= TASKS.keys() - {"timm-image-classification"}  # tests/timm has it


@pytest.mark.parametrize("name", MAKERS)
def test_the_script_gives_what_the_record_holds(name: str, folder: Path) -> None:
    made, summary = written(folder, name, lambda request: infer(request, Silent()))
    assert summary.run is not None
    found = script(made, "inference.py")
    inputs = [digest for sample in found["inputs"] for digest in sample.values()]
    assert inputs == [info.sha256 for info in summary.run.inputs]
    assert found["outputs"] == {each.name: list(each.shape) for each in summary.run.outputs}
    assert found["predictions"] == [msgspec.to_builtins(each) for each in summary.run.predictions]
    assert found["same_as_reported"]
    assert json.loads((made / "results" / "inference.json").read_text()) == found


def test_the_errors_are_those_of_the_record(folder: Path) -> None:
    """In bfloat16, whose outputs differ from the float32 reference's: every figure to the bit."""
    run = lambda request: compare(request, CompareOptions(fast=True), Silent())  # noqa: E731
    made, summary = written(folder / "compared", "bert-mask", run, dtype="bfloat16")
    assert summary.compare is not None
    found = script(made, "eval/eval_accuracy.py")
    for name in ("max_abs_diff", "mean_abs_diff", "cosine_similarity", "relative_l2", "top1_match", "top5_match"):
        assert found[name] == getattr(summary.compare, name), name
    assert found["relative_l2"] > 0
    assert found["match_within_1_percent"] == summary.compare.match_within_1_percent
    for output in summary.compare.outputs:
        assert found["outputs"][output.name]["relative_l2"] == output.relative_l2
    timed = script(made, "eval/eval_performance.py", "--iters", "3")
    assert len(timed["device_samples_ms"]) == 3 and timed["speed_up"] > 0


def test_scripts_are_typed_and_formatted(folder: Path) -> None:
    """Of every task, as the project's own code is; names differ, since mypy knows a module once."""
    kept = folder / "scripts"
    kept.mkdir()
    made = {name: written(folder, name, lambda request: infer(request, Silent()))[0] for name in MAKERS}
    (folder / "adapter").mkdir()
    made["adapter"], _ = test_adapters.handed_in(test_adapters.written(folder / "adapter"))
    for name, place in made.items():
        text = (place / "inference.py").read_text().replace(str(folder), "/models")  # of any length
        (kept / f"inference_{name.replace('-', '_')}.py").write_text(text)
    for place in ("inference.py", "eval/eval_accuracy.py", "eval/eval_performance.py"):
        source = folder / "vit-bundle" / place
        (kept / source.name).write_text(source.read_text().replace(str(folder), "/models"))
    settings = str(Path(__file__).parents[3] / "pyproject.toml")
    tools = Path(sys.executable).parent
    for command in (
        [tools / "ruff", "check", "--config", settings, "--ignore", "T201,PTH,INP001,TRY003", "."],
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=skip", "--ignore-missing-imports",
         "--allow-untyped-calls", "--no-warn-return-any", "--allow-subclassing-any",
         "--allow-untyped-decorators", *sorted(kept.glob("*.py"))],
    ):  # fmt: skip
        done = subprocess.run([*map(str, command)], cwd=kept, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_runs_by_itself(folder: Path) -> None:
    """As a process, from another folder, where npu_adapt cannot be imported."""
    made = folder / "bert-classes-bundle"
    code = (
        "import runpy, sys; sys.modules |= {'npu_adapt': None, 'torch_npu': None}; "  # no CANN here either
        "runpy.run_path(sys.argv.pop(), run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(made / "inference.py")]
    (made / "results" / "inference.json").unlink(missing_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the same as reported, to the bit: True" in done.stdout
    assert json.loads((made / "results" / "inference.json").read_text())["same_as_reported"]


def test_other_weights_are_refused(folder: Path) -> None:
    other = MAKERS["vit"][0](folder / "other")
    data = bytearray((other / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (other / "model.safetensors").write_bytes(data)
    with pytest.raises(SystemExit, match="is another file than the report's"):
        script(folder / "vit-bundle", "inference.py", "--weights", str(other))


def test_a_bundle_is_never_mixed_with_what_is_there(tmp_path: Path) -> None:
    require_free(tmp_path / "new", "--bundle")
    (tmp_path / "empty").mkdir()
    require_free(tmp_path / "empty", "--bundle")
    (tmp_path / "file").write_text("")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="is there already, and is no empty folder"):
            require_free(taken, "--bundle")


def test_nothing_is_written_where_nothing_ran(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a bundle needs a model that ran to its end"):
        bundle(SAMPLES["environment-only"](), Logs(tmp_path), tmp_path / "out", "contest", "en")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_a_usage_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logs = Logs(folder / "vit-logs")
    with pytest.raises(UsageError, match="cannot be written"):
        bundle(logs.read(), logs, tmp_path / "file" / "out", "contest", "en")


def test_a_model_zoo_gets_its_files(folder: Path, tmp_path: Path) -> None:
    logs = Logs(folder / "vit-logs")
    bundle(logs.read(), logs, tmp_path / "out", "modelzoo", "zh")
    assert (tmp_path / "out" / "modelzoo_level.txt").read_text().startswith("FuncStatus:OK\nPrecisionStatus:NA\n")
    for place in ("inference.py", "test/self_test.py"):
        assert (tmp_path / "out" / place).read_text().startswith("# Licensed under the Apache License")
    pins = (tmp_path / "out" / "requirements.txt").read_text()
    assert f"torch=={torch.__version__.partition('+')[0]}\n" in pins and "torch_npu" not in pins  # the CPU ran
    readme = (tmp_path / "out" / "README.md").read_text()
    assert readme.index("## 评分一览") < readme.index("## 版本配套") < readme.index("## 模型信息")
    pairing = readme[readme.index("## 版本配套") : readme.index("## 模型信息")]
    assert all(f"| {name} |" in pairing for name in ("驱动版本", "固件版本", "CANN", "torch", "torch_npu"))
    assert "**输入**" in readme and "| `logits` | `[1, 3]` | float32 |" in readme[readme.index("**输出**") :]
    shown = "png" if (tmp_path / "out" / "screens" / "infer.png").exists() else "svg"
    assert f"![npu-adapt infer](screens/infer.{shown})" in readme


@pytest.mark.parametrize(
    ("sample", "levels"),
    [
        ("success", ("OK", "OK", "NA")),
        ("failed-verdict", ("OK", "NOK", "NA")),
        ("rehearsed", ("NA", "NA", "NA")),
        ("failed-run", ("NOK", "NA", "NA")),
        ("wrong-bench", ("OK", "NA", "NOK")),
    ],
)
def test_the_level_file_says_what_was_found(sample: str, levels: tuple[str, ...]) -> None:
    names = ("FuncStatus", "PrecisionStatus", "PerfStatus")
    lines = [f"{name}:{level}" for name, level in zip(names, levels, strict=True)]
    assert modelzoo.levels(SAMPLES[sample]()).splitlines() == lines


def test_a_screen_in_pixels_shows_what_the_screen_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py")
    svg = screens.picture(SAMPLES["success"](), "compare", "en")
    drawn = screens.as_png(svg, "en")
    if drawn is None:
        pytest.skip("no font is installed")
    image = Image.open(io.BytesIO(drawn)).convert("RGB")
    inked = Image.open(io.BytesIO(screens.as_png(svg.replace("palace", "").replace("Ascend", ""), "en") or b""))
    assert image.width > screens.WIDTH * 10 and image.size == inked.size
    assert ImageChops.difference(image, inked.convert("RGB")).getbbox() is not None
    monkeypatch.setattr(screens, "SAMPLE", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>")
    assert screens.as_png(svg, "zh") is None  # where no font has the letter


def test_the_last_line_of_the_self_test_says_whether_the_report_holds(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, made = Logs(folder / "vit-logs"), tmp_path / "out"
    bundle(logs.read(), logs, made, "modelzoo", "en")
    monkeypatch.setattr(sys, "argv", ["self_test.py"])
    sys.modules.pop("inference", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    main = runpy.run_path(str(made / "test" / "self_test.py"))["main"]
    assert main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "SELF-TEST PASSED"
    edited = (made / "results" / "run.json").read_text().replace('"label": "', '"label": "another ')
    (made / "results" / "run.json").write_text(edited)
    assert main() == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "SELF-TEST FAILED: the prediction is not the reported one"
    sys.modules.pop("inference", None)


def test_an_audit_finds_nothing_in_a_bundle(folder: Path) -> None:
    from npu_adapt.workflows.audit.command import audit
    from npu_adapt.workflows.audit.request import AuditRequest

    found = audit(AuditRequest(path=folder / "vit-bundle", offline=True), Silent())
    assert [(each.id, each.places) for each in found.findings] == []


def test_outputs_that_no_recipe_has_are_refused(tmp_path: Path) -> None:
    summary = SAMPLES["success"]()
    assert summary.model is not None
    other = replace(summary, model=replace(summary.model, task="a task of a plugin"))
    with pytest.raises(UsageError, match="no script is known for a task of a plugin"):
        bundle(other, Logs(tmp_path), tmp_path / "out", "contest", "en")
    assert not (tmp_path / "out").exists()
