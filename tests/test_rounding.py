"""The one rounding rule, value by value."""

import pytest

from npu_adapt import rounding


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (2.7031e-3, "2.703e-03"), (1234.56, "1.235e+03"), (-4e-9, "-4.000e-09"), (1.0, "1.000e+00")],
)
def test_errors_are_always_scientific(value: float, text: str) -> None:
    assert rounding.error(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (5.98849, "5.988"),
        (9.99951, "10.00"),
        (0.0123456, "0.01235"),
        (123.456, "123.5"),
        (1234.56, "1235"),
        (123456.7, "123457"),
        (0.00001234, "1.234e-05"),
        (-5.98849, "-5.988"),
        (2.5e17, "2.500e+17"),
    ],
)
def test_four_significant_digits(value: float, text: str) -> None:
    assert rounding.significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.00000000"),
        (0.99, "0.99000000"),
        (0.999999999, "0.999999999"),
        (1 - 2**-53, "0.9999999999999999"),
        (-1.0, "-1.00000000"),
        (2**-53 - 1, "-0.9999999999999999"),
    ],
)
def test_a_cosine_below_one_is_never_called_one(value: float, text: str) -> None:
    assert rounding.cosine(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.000 KiB"),
        (346293852, "330.3 MiB"),
        (34359738368, "32.00 GiB"),
        (2**60, "1048576 TiB"),
    ],
)
def test_sizes_are_binary(value: int, text: str) -> None:
    assert rounding.size(value) == text


def test_neighbouring_float32_values_differ_in_text() -> None:
    assert rounding.tensor_value(1.0) != rounding.tensor_value(1.00000012)


def test_counts_separate_thousands() -> None:
    assert rounding.count(86567656) == "86,567,656"
