"""Lists of models that are none: each is refused with its line, and none takes long."""

import io
import sys
import time
from pathlib import Path

import pytest

from npu_adapt.errors import UsageError
from npu_adapt.workflows.sweep.listing import LARGEST_YAML, options_from, read_list

LAUGHS = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS + "models: *i\n", "more nesting or more values"),
        ("models: &a [*a]\n", "more nesting or more values"),
        ("models: " + "[" * 500 + "]" * 500, "is no YAML"),
        ("models:\n- !!int x\n", r"list.yaml:2: 'x' is no int"),
        ("models:\n- {model: a/b, seed: " + "9" * 9000 + "}\n", r"list.yaml:2: '9{59}… is no int"),
        ("models:\n- {model: a/b, name: 2026-99-99}\n", r"list.yaml:2: '2026-99-99' is no timestamp"),
        ("models: [!!python/object/apply:os.system [x]]\n", "no model"),
        ("models: [!!python/name:os.system x]\n", "could not determine a constructor"),
        ("models:\n- {model: [[a]]}\n", r"list.yaml:2: \[\['a'\]\] is no model"),
        ("x" * (LARGEST_YAML + 1), "larger than"),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text)
    began = time.monotonic()
    with pytest.raises(UsageError, match=said):
        read_list((), file)
    assert time.monotonic() - began < 30


def test_a_date_is_the_text_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text("- {model: a/b, name: 2026-11-27}\n")
    assert read_list((), file).models[0].options["name"].value == "2026-11-27"


def test_what_comes_on_stdin_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("npu_adapt.workflows.sweep.listing.LARGEST_LIST", 8)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a/b\nc/d\ne/f\n")))
    with pytest.raises(UsageError, match="larger than 8 bytes"):
        read_list((), Path("-"))


@pytest.mark.parametrize("text", ["dtype=&a [*a]", "dtype=" + "[" * 500, "seed=!!int x", "seed=" + "9" * 9000])
def test_an_option_that_is_none_is_refused_or_a_text(text: str) -> None:
    try:
        options_from((text,))
    except UsageError as error:
        assert error.message.startswith("--set ")
