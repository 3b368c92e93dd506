from __future__ import annotations

import math
import random
from itertools import combinations

import pytest

from npu_adapt.timing import statistics


def test_every_figure_of_five_hand_worked_samples() -> None:
    figures = statistics.latency([3.0, 1.0, 2.0, 5.0, 4.0])
    assert (figures.mean, figures.median, figures.min, figures.max) == (3.0, 3.0, 1.0, 5.0)
    assert figures.std == pytest.approx(math.sqrt(2.5))
    assert figures.p90 is None
    assert figures.p99 is None


def test_an_even_number_of_samples_has_the_mean_of_the_middle_two_as_median() -> None:
    assert statistics.median([1.0, 10.0, 2.0, 4.0]) == 3.0


def test_one_sample_has_no_spread() -> None:
    assert statistics.latency([7.0]).std == 0.0


def test_no_samples_are_an_error() -> None:
    with pytest.raises(ValueError, match="no samples"):
        statistics.latency([])


def test_p90_is_interpolated_between_samples() -> None:
    # ten samples: position 9 * 0.9 = 8.1, so a tenth of the way from the ninth to the tenth
    assert statistics.latency([float(x) for x in range(1, 11)]).p90 == pytest.approx(9.1)


@pytest.mark.parametrize(("count", "known"), [(99, False), (100, True)])
def test_p99_needs_a_hundred_samples(count: int, known: bool) -> None:
    assert (statistics.latency([1.0] * count).p99 is not None) is known


@pytest.mark.parametrize(
    ("count", "rank"),
    # published tables of the sign test at 5 %, two-sided
    [(1, None), (5, None), (6, 1), (8, 1), (9, 2), (10, 2), (20, 6), (25, 8), (50, 18), (100, 40)],
)
def test_ranks_of_the_medians_interval(count: int, rank: int | None) -> None:
    assert statistics.median_rank(count) == rank


def test_the_rank_of_a_million_samples_follows_the_normal_distribution() -> None:
    assert statistics.median_rank(1_000_000) == pytest.approx(500_000 - 1.96 * 500, abs=2)


def test_the_medians_interval_holds_it_as_often_as_it_says() -> None:
    draw = random.Random(0)
    held = 0
    for _ in range(1000):
        interval = statistics.median_interval([draw.expovariate(1.0) for _ in range(25)])
        assert interval is not None
        held += interval.low <= math.log(2) <= interval.high
    assert held >= 935  # at least 95 % is promised; 935 is two standard errors below


def test_mann_whitney_counts_equal_those_of_all_orderings() -> None:
    counted = [0] * 13
    for places in combinations(range(7), 3):
        counted[sum(place - index for index, place in enumerate(places))] += 1
    assert statistics._mann_whitney_counts(3, 4) == counted


@pytest.mark.parametrize(
    ("first", "second", "critical"),
    # published critical values of U at 5 %, two-sided; the rank is one more
    [(4, 4, 0), (5, 5, 2), (5, 8, 6), (10, 10, 23)],
)
def test_mann_whitney_ranks(first: int, second: int, critical: int) -> None:
    assert statistics.mann_whitney_rank(first, second) == critical + 1


def test_three_against_three_has_no_interval() -> None:
    assert statistics.group_ratio([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) is None


def test_a_group_half_as_slow_again_is_seen_past_one_odd_member() -> None:
    ratio = statistics.group_ratio([15.0, 15.1, 14.9, 15.05, 90.0], [10.0, 10.1, 9.9, 10.05, 10.02])
    assert ratio is not None
    assert ratio.estimate == pytest.approx(1.5, abs=0.02)
    assert ratio.low > 1.45


def test_paired_ratio_is_not_moved_by_what_slows_both_sides() -> None:
    reference = [10.0, 20.0, 10.0, 30.0, 10.0, 12.0, 10.0]
    ratio = statistics.paired_ratio(reference, [x / 4 for x in reference])
    assert ratio is not None
    assert (ratio.low, ratio.estimate, ratio.high) == (4.0, 4.0, 4.0)


def test_a_rise_from_first_to_last_third_is_drift() -> None:
    assert statistics.drift([10.0 + 0.05 * i for i in range(60)]) == pytest.approx(0.19, abs=0.02)


def test_noise_around_one_level_is_no_drift() -> None:
    draw = random.Random(1)
    assert statistics.drift([draw.gauss(10.0, 0.5) for _ in range(300)]) is None


def test_a_lone_spike_is_an_outlier_and_no_second_level() -> None:
    draw = random.Random(2)
    samples = [draw.gauss(10.0, 0.1) for _ in range(99)] + [50.0]
    assert statistics.outliers(samples) == (50.0,)
    assert statistics.two_clusters(samples) is None


def test_one_spike_in_a_thousand_is_no_outlier_worth_a_warning() -> None:
    assert statistics.outliers([10.0 + 0.001 * (i % 7) for i in range(999)] + [50.0]) == ()


def test_equal_samples_with_a_tick_more_are_no_outliers() -> None:
    assert statistics.outliers([10.0] * 50 + [10.1] * 5) == ()


def test_two_levels_are_found_with_their_shares() -> None:
    draw = random.Random(3)
    samples = [draw.gauss(10.0, 0.1) for _ in range(60)] + [draw.gauss(12.0, 0.1) for _ in range(40)]
    levels = statistics.two_clusters(samples)
    assert levels is not None
    assert (levels.low, levels.high) == (pytest.approx(10.0, abs=0.1), pytest.approx(12.0, abs=0.1))
    assert levels.upper_share == pytest.approx(0.4)


@pytest.mark.parametrize("shape", ["gauss", "uniform", "exponential"])
def test_one_level_of_any_shape_is_not_two(shape: str) -> None:
    draw = random.Random(4)
    one = {
        "gauss": lambda: draw.gauss(10.0, 1.0),
        "uniform": lambda: draw.uniform(5.0, 15.0),
        "exponential": lambda: 10.0 + draw.expovariate(1.0),
    }[shape]
    assert statistics.two_clusters([one() for _ in range(500)]) is None


def test_a_coarse_clock_is_warned_of() -> None:
    assert [w.id for w in statistics.warnings_of([1.0] * 20, resolution_ms=0.02)] == ["clock-resolution"]
    assert statistics.warnings_of([1.0] * 20, resolution_ms=0.005) == ()
