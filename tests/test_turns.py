"""The mark `alone` keeps other tests out while a marked one runs, and lets all others run beside each other."""

import itertools
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
    import json
    import time
    from pathlib import Path

    import pytest

    def spend(seconds, name):
        began = time.monotonic()
        time.sleep(seconds)
        Path("{folder}", name).write_text(json.dumps([began, time.monotonic()]))

    @pytest.fixture(scope="module")
    def slow_to_make():
        spend(0.5, "fixture")

    def test_first(slow_to_make):
        spend(2.0, "first")

    @pytest.mark.alone
    def test_alone():
        spend(0.3, "alone")

    def test_second():
        spend(2.0, "second")
"""


def spans(folder: Path) -> dict[str, tuple[float, float]]:
    return {path.name: tuple(json.loads(path.read_text())) for path in folder.iterdir()}


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def test_a_test_that_measures_runs_beside_no_other(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # where the started pytest finds the plug-in, wherever it runs
    folder = tmp_path / "spans"
    folder.mkdir()
    pytester.makepyfile(TESTS.format(folder=folder))
    result = pytester.runpytest_subprocess("-p", "tests.turns", "-n", "3", "--dist", "worksteal")
    result.assert_outcomes(passed=3)
    found = spans(folder)
    alone = found.pop("alone")
    assert not any(overlap(alone, span) for span in found.values()), (alone, found)
    assert any(overlap(*pair) for pair in itertools.combinations(found.values(), 2)), found
