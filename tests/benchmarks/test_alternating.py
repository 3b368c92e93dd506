"""The benchmarks' own arithmetic: a limit that is exceeded is said, and a command that fails never counts as fast."""

import sys

import pytest

from tests.benchmarks.alternating import Contender, Limit, Measured, Run, run_once, show
from tests.commands import run_python

MEASURED = {
    "bare": Measured("bare", tuple(Run(seconds, 1.0, 100) for seconds in (1.0, 1.1, 9.0))),
    "ours": Measured("ours", tuple(Run(seconds, 0.5, 126) for seconds in (1.2, 1.3, 1.0))),
}


@pytest.mark.parametrize(
    ("figure", "ratio", "holds"),
    [
        ("median_seconds", 1.15, True),  # 1.2 / 1.1: one slow run of the baseline does not count
        ("median_seconds", 1.05, False),
        ("median_peak_bytes", 1.25, False),
        ("median_cpu_seconds", 0.5, True),
    ],
)
def test_ratios_are_of_medians(capsys, figure, ratio, holds):
    assert show("title", MEASURED, [Limit("ours", "bare", figure, ratio)]) is holds
    assert ("holds" if holds else "EXCEEDED") in capsys.readouterr().out


MEASURE = """
import sys
from pathlib import Path
from tests.benchmarks.alternating import Contender, measure

small = Contender("small", (sys.executable, "-c", "pass"))
code = "import time; x = b'1' * 2**27; time.sleep(0.3); exit(3)"
large = Contender("large", (sys.executable, "-c", code), accepted=(3,))
measured = measure((small, large), rounds=1, cwd=Path())
(one,), (other,) = measured["large"].runs, measured["small"].runs
print(one.seconds, one.seconds - one.cpu_seconds, one.peak_bytes - other.peak_bytes)
"""


def test_memory_and_time_are_those_of_the_process():
    """In a fresh process: what a child is charged with begins at its parent's peak, and pytest's may be large."""
    done = run_python(MEASURE)
    assert done.code == 0, done.stderr
    seconds, idle, more = map(float, done.stdout.split())
    assert seconds >= 0.3 and idle >= 0.25  # it slept
    assert more > 2**26


def test_a_failure_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match=r"broken ended with 3:\nno such"):
        run_once(Contender("broken", (sys.executable, "-c", "print('no such'); raise SystemExit(3)")), tmp_path)
