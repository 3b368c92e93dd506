"""The rule that CI does not take a skip for a success."""

import pytest

SKIPPED = """
    import pytest

    @pytest.mark.required
    def test_real_model():
        pytest.skip("no package index")

    @pytest.fixture
    def model():
        pytest.skip("no network")

    @pytest.mark.required
    def test_needs_a_fixture(model):
        pass

    def test_not_required():
        pytest.skip("no NPU here")

    @pytest.mark.required
    @pytest.mark.xfail(reason="known")
    def test_expected_failure():
        raise AssertionError

    @pytest.mark.required
    def test_passes():
        pass
"""


def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, source: str) -> pytest.RunResult:
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "tests.required", "-p", "no:cacheprovider")


def test_in_ci_a_skipped_required_test_fails_and_says_why(pytester, monkeypatch):
    result = run(pytester, monkeypatch, "true", SKIPPED)
    result.assert_outcomes(passed=1, failed=1, errors=1, skipped=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*with CI=true a skip is a failure. It said: *no package index*"])
    result.stdout.fnmatch_lines(["*with CI=true a skip is a failure. It said: *no network*"])


def test_elsewhere_it_skips_aloud(pytester, monkeypatch):
    result = run(pytester, monkeypatch, "", SKIPPED)
    result.assert_outcomes(passed=1, skipped=3, xfailed=1)
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("ci", "code"), [("true", pytest.ExitCode.INTERRUPTED), ("", pytest.ExitCode.NO_TESTS_COLLECTED)]
)
def test_a_module_skipped_as_a_whole_counts(pytester, monkeypatch, ci, code):
    result = run(pytester, monkeypatch, ci, 'import pytest\n\npytest.importorskip("no_such_package")\n')
    assert result.ret == code
