"""What a model zoo wants beside a contest's files: licence headers, a level file, versions that pair, a self-test."""

from __future__ import annotations

from npu_adapt.records import Summary
from npu_adapt.records.outcome import outcome_of
from npu_adapt.report.document import Block, Section, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import cell, fact, facts

LEVEL_FILE = "modelzoo_level.txt"
LICENCE = """\
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""


def levels(summary: Summary) -> str:
    """Function, precision and performance: OK, NOK, or NA for what was not measured."""
    found = {"FuncStatus": function(summary), "PrecisionStatus": precision(summary), "PerfStatus": speed(summary)}
    return "".join(f"{name}:{status}\n" for name, status in found.items())


def function(summary: Summary) -> str:
    """Whether the model ran on the device to its end; a rehearsal ran on none."""
    run = summary.run
    if run is None or run.status == "REHEARSED":
        return "NA"
    return "NOK" if run.failure is not None else "OK"


def precision(summary: Summary) -> str:
    """The verdict of the comparison."""
    compare = summary.compare
    if compare is None or function(summary) == "NA":
        return "NA"
    return "OK" if compare.verdict.passed else "NOK"


def speed(summary: Summary) -> str:
    """The benchmark's gate where there was one; else whether the device was faster than its reference."""
    bench = summary.bench
    if bench is None or function(summary) == "NA":
        return "NA"
    if outcome_of(summary).cause in ("wrong-output", "no-row", "gate"):
        return "NOK"
    if bench.gate is not None:
        return "OK"
    faster = bench.rows[bench.result_row].speed_up if bench.rows else None
    return "NA" if faster is None else "OK" if faster.ratio > 1 else "NOK"


def pairing(figures: Figures) -> Section:
    """Driver, firmware, CANN and torch in one table, as they ran together."""
    rows = [fact(figures, item, f"environment.{item}") for item in ("driver", "firmware", "cann")]
    rows += [(name, cell(figures, f"environment.{name}")) for name in ("python", "torch", "torch_npu", "transformers")]
    blocks: tuple[Block, ...] = (
        facts(figures, "pairing", rows),
        sentence(figures.say("bundle-level", **_said(figures.summary))),
    )
    return Section(figures.say("title-pairing"), blocks)


def _said(summary: Summary) -> dict[str, str]:
    return {"function": function(summary), "precision": precision(summary), "speed": speed(summary)}
