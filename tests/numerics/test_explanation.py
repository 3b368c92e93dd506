"""Which arithmetics explain an error, on errors worked by hand."""

from __future__ import annotations

from npu_adapt.numerics.explanation import fitting, predicted_errors

PREDICTED = predicted_errors([{"logits": 1e-7}], [{"logits": 8e-4}], "float16")


def test_errors_go_with_the_roundoff_of_the_operands() -> None:
    assert {name: errors[0]["logits"] for name, errors in PREDICTED.items()} == {
        "float32": 1e-7, "hf32": 4e-4, "float16": 8e-4, "bfloat16": 64e-4,
    }  # fmt: skip


def test_an_error_between_two_arithmetics_fits_both_and_cannot_tell() -> None:
    assert fitting({"logits": 6e-4}, PREDICTED) == ("hf32", "float16")


def test_a_small_error_fits_the_finest_only() -> None:
    assert fitting({"logits": 1e-9}, PREDICTED) == ("float32",)
    assert fitting({"logits": 0.0}, PREDICTED) == ("float32",)


def test_an_error_of_none_of_them_fits_nothing() -> None:
    assert fitting({"logits": 1e-5}, PREDICTED) == ()
    assert fitting({"logits": 0.5}, PREDICTED) == ()
    assert fitting({"logits": None}, PREDICTED) == ()


def test_every_output_must_fit() -> None:
    predicted = {"hf32": [{"logits": 4e-4, "state": 1e-4}]}
    assert fitting({"logits": 4e-4, "state": 1e-4}, predicted) == ("hf32",)
    assert fitting({"logits": 4e-4, "state": 1e-2}, predicted) == ()


def test_several_emulations_hold_an_error_between_them() -> None:
    predicted = {"float32": [{"logits": 1e-7}], "hf32": [{"logits": 2e-4}, {"logits": 6e-4}]}
    assert fitting({"logits": 1e-3}, predicted) == ("hf32",)
    assert fitting({"logits": 1.1e-4}, predicted) == ("hf32",)


def test_an_arithmetic_that_overflows_here_explains_nothing() -> None:
    assert fitting({"logits": 4e-4}, {"float16": [{"logits": None}]}) == ()
