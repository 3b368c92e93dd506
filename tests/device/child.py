"""The process of one part: `python -m tests.device.child MODULE FUNCTION CONTEXT RESULT`.

It ends without taking anything down: after an error of the device that may abort the process or hang it.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import sys
import traceback
from pathlib import Path

from tests.device.part import Context, Report, Skipped, hide_torch_npu

SKIPPED, FAILED = 75, 70  # exit codes: neither Python nor npu-adapt ends with them


def main(module: str, function: str, context: str, result: str) -> int:
    faulthandler.enable()
    report, given = Report(Path(result)), Context.decoded(context)
    if not given.device.startswith("npu"):
        hide_torch_npu()
    try:
        getattr(importlib.import_module(module), function)(given, report)
    except Skipped as reason:
        report.say(str(reason))
        return SKIPPED
    except Exception:  # noqa: BLE001 - whatever a part raises is its result
        traceback.print_exc()
        return FAILED
    return 0


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
