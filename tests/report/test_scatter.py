from __future__ import annotations

from npu_adapt.report.scatter import HEIGHT, WIDTH, scatter


def test_each_point_stands_where_its_values_are() -> None:
    lines = scatter([("a", 5.0, 100.0), ("b", 10.0, 50.0)], "ms", "per s").splitlines()
    assert lines[0].strip() == "per s"
    assert lines[1].startswith("100.0 |") and lines[1].endswith("a")
    assert len(lines[1]) - len("100.0 |") - 1 == round((WIDTH - 1) / 2)
    (line,) = [line for line in lines[1:-2] if line.endswith("b")]
    assert len(line) == len("100.0 |") + WIDTH
    assert lines[-1].endswith("10.00 ms")
    assert len(lines) == HEIGHT + 3


def test_two_points_on_one_place_are_a_star_and_none_at_all_is_zero() -> None:
    assert "*" in scatter([("a", 1.0, 1.0), ("b", 1.0, 1.0)], "x", "y")
    assert "a" in scatter([("a", 0.0, 0.0)], "x", "y")
