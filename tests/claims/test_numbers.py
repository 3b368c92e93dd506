"""Numbers in lines of reports: values, units, bounds, and the digits that are none."""

from __future__ import annotations

import pytest

from npu_adapt.claims.numbers import numbers, unit_in
from npu_adapt.claims.text import NotText, decoded, plain


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("6.01 ms", [0.00601]),
        ("首 token 时延 ４５.２ 毫秒", [0.0452]),
        ("5200 us", [0.0052]),
        ("约 1.5 %", [0.015]),
        ("3,411.4 tokens/s", [3411.4]),
        ("1.2e-5 and 1.2×10^-5", [1.2e-5, 1.2e-5]),
        ("38.1 ms ± 2", [0.0381]),
        ("0.2 s/it", [0.2]),
        ("61.27GB", [61.27e9]),
        ("加速 3.1 倍", [3.1]),
        ("npu:0, 910B4, top-5, p99, ViT-B/16, [1, 197, 768], 224x224, 2026-05-12 10:01:22, v1.2, 2.9.0.post1", []),
        ("https://example.org/v2/3.5?a=7", []),
    ],
)
def test_values_in_base_units(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(plain(text))] == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "bound"),
    [("< 0.1", "<"), ("小于 1%", "<"), (">0.99", ">"), ("不低于 0.99", ">"), ("~12 ms", ""), ("0.5", "")],
)
def test_a_bound_is_no_value(text: str, bound: str) -> None:
    assert [number.bound for number in numbers(text)] == [bound]


def test_a_range_is_one_number_that_agrees_with_what_is_inside() -> None:
    (number,) = numbers(plain("8.9–9.3 ms"))
    (inside,) = numbers("9.12 ms")
    (outside,) = numbers("10.1 ms")
    assert number.agrees(inside) and not number.agrees(outside)


def test_digits_agree_as_far_as_they_are_printed() -> None:
    (one,), (other,), (third,) = numbers("5.988 ms"), numbers("5.99 ms"), numbers("6.01 ms")
    assert one.agrees(other) and not one.agrees(third)


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("latency_ms", ("time", 1e-3)),
        ("mean (ms)", ("time", 1e-3)),
        ("吞吐(张/秒)", ("rate", 1.0)),
        ("时延/毫秒", ("time", 1e-3)),
        ("latency_ms mean=", ("time", 1e-3)),
        ("FPS", ("rate", 1.0)),
        ("top-1", None),
        ("输入 b", None),
    ],
)
def test_the_unit_of_a_header(label: str, unit: tuple[str, float] | None) -> None:
    assert unit_in(label) == unit


def test_text_of_any_usual_encoding_is_read_and_a_binary_is_not() -> None:
    assert decoded("平均时延：6.01 ms\r\n".encode("gb18030")) == "平均时延：6.01 ms\n"
    assert decoded("平均".encode("utf-16")) == "平均"
    assert decoded(b"\xef\xbb\xbfa") == "a"
    for binary in (b"\x7fELF\0\0\0", bytes(range(1, 32)) * 20):
        with pytest.raises(NotText):
            decoded(binary)
