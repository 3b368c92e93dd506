"""Whether the task rows of other packages can be imported: tried in a child, since their code may do anything."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from npu_adapt.devices.doctor.examination import FailedPlugin
from npu_adapt.models.entry_points import task_entry_points

_CODE = """
import sys
from npu_adapt.devices.hiding import unopened_extensions_hidden
with unopened_extensions_hidden():
    from npu_adapt.models.tasks.plugins import plugins
    import msgspec
    failed = [{"name": fact.values["name"], "error": fact.values["error"]} for fact in plugins().failed]
    sys.__stdout__.buffer.write(b"\\n" + msgspec.json.encode(failed))
"""


def failing_plugins(seconds: float) -> tuple[FailedPlugin, ...]:
    """Each that cannot be used, and what it said. Without any package of the kind nothing is started."""
    names = [entry.name for entry in task_entry_points()]
    if not names:
        return ()
    try:
        done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return tuple(FailedPlugin(name, f"no answer within {seconds:g} s") for name in names)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        return tuple(FailedPlugin(name, said) for name in names)
    return tuple(msgspec.json.decode(done.stdout.splitlines()[-1], type=tuple[FailedPlugin, ...]))
