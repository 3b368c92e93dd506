"""The entry point of fresh processes: carries out the call that comes on stdin, as the command line would."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import typer

from npu_adapt.cli.app import AUTOLOAD, say_interrupted, show_error
from npu_adapt.cli.options import Output
from npu_adapt.cli.streams import ending, open_streams
from npu_adapt.errors import ExitCode, NpuAdaptError
from npu_adapt.workflows.processes.call import Call, parameters_of, read_call
from npu_adapt.workflows.processes.children import end_with_parent


def main() -> int:
    """The exit code of the command whose call is on stdin."""
    os.environ.setdefault(AUTOLOAD, "0")
    gc.set_threshold(1_000_000)  # for the reasons that the console script has
    try:
        return carry_out(read_call(sys.stdin.buffer))
    finally:
        gc.freeze()


def carry_out(call: Call) -> int:
    """Calls the command, and ends as the command line does: with its messages and its exit code."""
    command = getattr(import_module(f"npu_adapt.cli.{call.command}"), call.command)
    parameters = parameters_of(command, call.parameters)
    output = parameters.get("output", Output())
    try:
        command(**parameters)
    except typer.Exit as ended:
        return ended.exit_code
    except NpuAdaptError as error:
        show_error(error, output.language, as_json=output.json)
        return error.exit_code
    except KeyboardInterrupt:
        say_interrupted(output.language)
        return ExitCode.INTERRUPTED
    return ExitCode.PASSED


if __name__ == "__main__":
    end_with_parent()
    open_streams()
    sys.exit(ending(main()))
