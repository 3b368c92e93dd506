"""Fuzzing of the files of others that loading reads: whatever they hold, only the exits of the contract come out.

Bounded: each file is taken through `EXAMPLES` mutations of a sound one, the same ones every time.
"""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npu_adapt.errors import NpuAdaptError
from tests.models import tiny_models

EXAMPLES = 40
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=60_000,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["auto", "torch.float16", "gelu", "bert", "../../etc/passwd", "org/name", "[MASK]", "(", "{{", "\x00"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return tiny_models.bert(tmp_path_factory.mktemp("base") / "bert", "BertForSequenceClassification")


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return tiny_models.vit(tmp_path_factory.mktemp("base") / "vit")


def load_and_run(load, folder):
    """The exit code of loading the model, preparing its default input and reading a forward."""
    try:
        loaded = load(folder)
        loaded.task.prepare(loaded, (), 1, 0)
    except NpuAdaptError as error:
        assert error.hint and error.message
        assert len(error.message) < 2000
        return int(error.exit_code)
    return 0


def fuzzed(base, folder, name, data):
    """A copy of the model whose file `name` is mutated: a field changed, added or taken away, or bytes replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    text = (base / name).read_bytes()
    if data.draw(st.booleans(), label="as JSON"):
        content = json.loads(text)
        place = content
        while isinstance(place, dict) and place:
            key = data.draw(st.sampled_from(sorted(place)), label="field")
            if isinstance(place[key], dict) and place[key] and data.draw(st.booleans(), label="deeper"):
                place = place[key]
                continue
            place[key] = data.draw(VALUES, label="value")
            break
        text = json.dumps(content).encode()
    else:
        start = data.draw(st.integers(0, len(text)), label="start")
        end = data.draw(st.integers(start, min(len(text), start + 64)), label="end")
        text = text[:start] + data.draw(st.binary(max_size=16), label="bytes") + text[end:]
    (folder / name).write_bytes(text)
    return folder


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@BOUNDED
@given(data=st.data())
def test_files_of_a_text_model(name, data, bert, load, tmp_path):
    assert load_and_run(load, fuzzed(bert, tmp_path / "model", name, data)) in (0, 5, 6)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@BOUNDED
@given(data=st.data())
def test_files_of_a_picture_model(name, data, vit, load, tmp_path):
    assert load_and_run(load, fuzzed(vit, tmp_path / "model", name, data)) in (0, 5, 6)


@BOUNDED
@given(data=st.data())
def test_an_index(data, bert, load, tmp_path):
    from safetensors.torch import load_file

    folder = tmp_path / "sharded"
    if not folder.exists():
        shutil.copytree(bert, folder)
        weights = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "model-00001-of-00001.safetensors")}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    changed = fuzzed(folder, tmp_path / "model", "model.safetensors.index.json", data)
    assert load_and_run(load, changed) in (0, 5)


@BOUNDED
@given(data=st.data())
def test_a_safetensors_header(data, bert, load, tmp_path):
    folder = tmp_path / "model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bert, folder)
    file = folder / "model.safetensors"
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    name = data.draw(st.sampled_from(sorted(header)), label="tensor")
    kind = data.draw(st.sampled_from(["whole", "dtype", "shape", "data_offsets", "bytes"]), label="what")
    if kind == "whole":
        header[name] = data.draw(VALUES, label="value")
    elif kind != "bytes":
        header[name][kind] = data.draw(VALUES, label="value")
    text = json.dumps(header).encode()
    if kind == "bytes":
        start = data.draw(st.integers(0, length - 1), label="start")
        text = text[:start] + data.draw(st.binary(min_size=1, max_size=8), label="bytes") + text[start + 8 :]
    size = data.draw(st.sampled_from([len(text), len(text) + 1, 0, 2**63, length]), label="length")
    file.write_bytes(size.to_bytes(8, "little") + text + content[8 + length :])
    assert load_and_run(load, folder) in (0, 5)
