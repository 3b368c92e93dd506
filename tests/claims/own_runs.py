"""Runs of every kind by this tool itself, each with all that is written of it: nothing of that contradicts itself.

`python -m tests.claims.own_runs [KIND …]` runs them on the CPU and prints what an audit finds in each.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import torch

from npu_adapt.errors import UsageError
from npu_adapt.evidence import Logs
from npu_adapt.progress import Silent
from npu_adapt.records import Summary
from npu_adapt.records.audit import AuditFinding
from npu_adapt.report.html import render as render_page
from npu_adapt.report.markdown import render
from npu_adapt.report.phrases import Language
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.bundle.request import Layout
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.input_pictures import input_pictures
from npu_adapt.workflows.run.infer import infer
from npu_adapt.workflows.run.request import RunRequest
from tests.adapters.make import FILES, weights_of
from tests.models.quantised_models import quantised
from tests.models.tiny_models import MAKERS

BUILTIN = "builtin:digits-vit"


def compared(folder: Path, model: str, options: CompareOptions | None = None, **request: Any) -> Summary:
    line = f"npu-adapt compare {model} --device cpu"
    return compare(_request(folder, "compare", line, model, **request), options or CompareOptions(), Silent())


def _request(folder: Path, command: Any, line: str, model: str, **request: Any) -> RunRequest:
    places = {"logs": folder / "logs", "cache_dir": folder / "cache"}
    return RunRequest(command=command, command_line=line, model=model, device="cpu", **places, **request)


def tiny(folder: Path, name: str) -> str:
    torch.manual_seed(0)
    return str(MAKERS[name][0](folder / name))


def adapter(folder: Path, options: CompareOptions) -> Summary:
    return compared(folder, str(FILES / "resnet.py"), options, weights=weights_of("resnet.py", folder))


KINDS: dict[str, Callable[[Path], Summary]] = {
    "infer": lambda at: infer(_request(at, "infer", f"npu-adapt infer {BUILTIN} --device cpu", BUILTIN), Silent()),
    "compare": lambda at: compared(at, tiny(at, "vit")),
    "samples": lambda at: compared(at, tiny(at, "bert-classes"), CompareOptions(fast=True), samples=3),
    "bfloat16": lambda at: compared(at, tiny(at, "whisper"), CompareOptions(fast=True), dtype="bfloat16"),
    "detection": lambda at: compared(at, tiny(at, "yolos"), CompareOptions(fast=True)),
    "generation": lambda at: compared(at, tiny(at, "llama"), CompareOptions(generate=3)),
    "quantised": lambda at: compared(at, str(quantised(at / "llama", "int8")), dtype="bfloat16"),
    "soak-and-repro": lambda at: compared(at, BUILTIN, CompareOptions(soak=0.2, repro=at / "repro")),
    "adapter": lambda at: adapter(at, CompareOptions(fast=True)),
    "modes": lambda at: adapter(at, CompareOptions(mode=("eager", "compile"))),
    "speech": lambda at: compared(at, tiny(at, "vits"), CompareOptions(fast=True)),
}


def audited(folder: Path, kind: str) -> tuple[list[AuditFinding], int]:
    """What an audit finds in the logs, reports, page and bundles of a run of that kind; and how many texts it read."""
    summary = KINDS[kind](folder)
    logs = folder / "logs"
    for language in get_args(Language):
        (logs / f"report.{language}.md").write_text(render(summary, language), encoding="utf-8")
    (logs / "report.html").write_text(render_page(summary, "zh", input_pictures(summary)), encoding="utf-8")
    places = [logs]
    for layout in get_args(Layout):
        try:
            bundle(summary, Logs(logs), folder / layout, layout, "zh" if layout == "contest" else "en")
        except UsageError:  # quantised
            continue
        places.append(folder / layout)
    found = [audit(AuditRequest(place, offline=True), Silent()) for place in places]
    return [each for one in found for each in one.findings], sum(len(one.files) for one in found)


def main(kinds: list[str]) -> None:
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            found, files = audited(Path(folder), kind)
            print(f"{kind:16} {files:3} files, {len(found)} findings", *((each.id, each.places) for each in found))


if __name__ == "__main__":
    main(sys.argv[1:])
