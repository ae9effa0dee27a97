"""Statistics against cases worked by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.evaluation.statistics import (
    bland_altman,
    bootstrap_mean,
    compare_paired,
    holm,
    outliers,
    pick,
    pick_gain,
    rank_biserial,
    rank_stability,
    summarise,
)

RANDOM = np.random.default_rng(3)


def test_a_summary_counts_what_does_not_exist_and_leaves_it_out() -> None:
    summary = summarise([1.0, None, 2.0, 3.0, float("nan"), 6.0])
    assert (summary.n, summary.undefined) == (4, 2)
    assert summary.mean == 3.0
    assert summary.median == 2.5
    assert summary.quartiles == (1.75, 3.75)
    assert summary.standard_deviation == pytest.approx(np.std([1, 2, 3, 6], ddof=1))


def test_a_summary_of_nothing_has_no_mean_and_one_of_one_has_no_interval() -> None:
    nothing = summarise([None, None])
    assert (nothing.n, nothing.undefined, nothing.mean, nothing.interval) == (0, 2, None, None)
    one = summarise([0.5])
    assert (one.mean, one.interval, one.standard_deviation) == (0.5, None, None)


def test_the_bootstrap_of_zeros_and_ones_is_the_binomial_distribution() -> None:
    """Means of 20 draws of which half are 1: the 2.5th and 97.5th percentiles of Binomial(20, 1/2) are 6 and 14."""
    interval = bootstrap_mean(np.array([0.0, 1.0] * 10))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((6 / 20, 14 / 20))


def test_the_bootstrap_of_a_large_sample_is_near_the_normal_interval_and_the_same_each_time() -> None:
    values = RANDOM.normal(0.8, 0.1, 400)
    interval = bootstrap_mean(values)
    assert interval is not None
    half = 1.96 * values.std(ddof=1) / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.05 * half)
    assert bootstrap_mean(values) == interval


def test_patients_are_drawn_whole() -> None:
    """Ten equal images of each of eight patients say no more than eight images, and far less than eighty would."""
    patients = RANDOM.normal(0.8, 0.1, 8)
    repeated = np.repeat(patients, 10)
    clustered = bootstrap_mean(repeated, [f"p{number}" for number in np.repeat(np.arange(8), 10)])
    eight, single = bootstrap_mean(patients), bootstrap_mean(repeated)
    assert clustered is not None
    assert eight is not None
    assert single is not None
    assert (clustered.low, clustered.high) == pytest.approx((eight.low, eight.high))
    assert clustered.high - clustered.low > 2 * (single.high - single.low)


def test_a_single_patient_has_no_interval() -> None:
    assert bootstrap_mean(np.array([0.1, 0.5]), ["p", "p"]) is None


@pytest.mark.parametrize("count", [6, 40])
def test_the_paired_test_is_scipys_wilcoxon(count: int) -> None:
    first = RANDOM.normal(0.8, 0.1, count)
    second = first + RANDOM.normal(0.02, 0.05, count)
    test = compare_paired(list(first), list(second))
    assert test.p == stats.wilcoxon(second, first).pvalue
    assert test.mean_difference == pytest.approx(np.mean(second - first))
    assert test.interval is not None
    assert test.interval.low < test.mean_difference < test.interval.high
    assert test.n == count


def test_only_cases_that_both_have_are_compared() -> None:
    test = compare_paired([0.1, None, 0.3, 0.4, float("nan")], [0.2, 0.9, None, 0.6, 0.1])
    assert test.n == 2
    assert test.mean_difference == pytest.approx(0.15)


def test_what_cannot_be_tested_has_no_p_and_a_reason() -> None:
    assert compare_paired([None], [0.2]).reason == "no case has both values"
    same = compare_paired([0.1, 0.2], [0.1, 0.2])
    assert (same.p, same.reason, same.separates) == (None, "all differences are zero", False)
    assert compare_paired([0.1, 0.2], [0.1, 0.3]).reason == "fewer than two cases differ"


def test_patients_are_the_units_of_the_paired_test() -> None:
    """Twelve images that all gain, but of two patients only: that is no evidence."""
    first, second = [0.5] * 12, [0.5 + 0.01 * number for number in range(1, 13)]
    assert compare_paired(first, second).separates
    assert not compare_paired(first, second, ["a"] * 6 + ["b"] * 6).separates


def test_the_effect_size_by_hand() -> None:
    """Ranks of |1, -2, 3, 4|: 1 + 3 + 4 up, 2 down, of 10."""
    assert rank_biserial(np.array([1.0, -2.0, 3.0, 4.0])) == pytest.approx(0.6)
    assert rank_biserial(np.array([0.0, 5.0])) == 1.0
    assert rank_biserial(np.zeros(3)) is None


def test_holm_by_hand() -> None:
    """0.01 * 4; 0.02 * 3; 0.03 * 2 is not above it, so 0.06 stays; then 0.2."""
    assert holm([0.03, 0.01, None, 0.2, 0.02]) == pytest.approx([0.06, 0.04, None, 0.2, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_how_many_more_cases_would_be_needed() -> None:
    gains = [0.03, -0.01, 0.02, -0.02, 0.04]
    test = compare_paired([0.5] * 5, [0.5 + gain for gain in gains])
    assert not test.separates
    assert test.more_cases is not None
    assert 0 < test.more_cases < 100
    clear = compare_paired([0.5] * 20, [0.6 + 0.001 * number for number in range(20)])
    assert clear.separates
    assert clear.more_cases == 0


def test_the_cases_said_to_be_needed_do_separate_in_about_four_of_five_experiments() -> None:
    random = np.random.default_rng(0)
    units = random.normal(0.5, 1.0, 2000)[:14]
    units = (units - units.mean()) / units.std() + 0.5  # half a standard deviation, as seen in a pilot of 14
    more = compare_paired([0.0] * 14, list(units)).more_cases
    assert more is not None
    shares = [stats.wilcoxon(random.normal(0.5, 1.0, 14 + more)).pvalue < 0.05 for _ in range(400)]
    assert 0.6 < np.mean(shares) < 0.97


def test_a_clear_ranking_is_stable_and_equals_share_their_place() -> None:
    worse = list(RANDOM.normal(0.5, 0.01, 30))
    better = [value + 0.2 for value in worse]
    clear = rank_stability([worse, better], higher_is_better=True)
    assert clear is not None
    assert clear.order == (1, 0)
    assert clear.shares == ((0.0, 1.0), (1.0, 0.0))
    turned = rank_stability([worse, better], higher_is_better=False)
    assert turned is not None
    assert turned.order == (0, 1)
    same = rank_stability([worse, worse], higher_is_better=True)
    assert same is not None
    assert same.shares == ((1.0, 0.0), (1.0, 0.0))


def test_a_ranking_uses_cases_that_all_have() -> None:
    stability = rank_stability([[0.1, None, 0.3], [0.2, 0.9, 0.4]], higher_is_better=True)
    assert stability is not None
    assert stability.n == 2
    assert rank_stability([[0.1, None], [0.2, 0.3]], higher_is_better=True) is None


def test_bland_altman_by_hand() -> None:
    agreement = bland_altman([1.0, 2.0, 3.0, None], [2.0, 2.0, 5.0, 7.0])
    assert agreement is not None
    assert agreement.bias == 1.0
    assert list(agreement.means) == [1.5, 2.0, 4.0]
    assert agreement.limits == pytest.approx((1 - 1.96, 1 + 1.96))  # the differences 1, 0, 2 have a deviation of 1
    assert bland_altman([1.0, None], [1.0, 2.0]) is None


def test_outliers_are_beyond_one_and_a_half_quartile_ranges() -> None:
    assert outliers([1.0, 2.0, 3.0, 4.0, None, 30.0]) == [False, False, False, False, False, True]
    assert outliers([1.0, 99.0, None]) == [False, False, False]


def test_cases_are_picked_by_rule() -> None:
    values = [0.5, None, 0.9, 0.1, 0.7]
    assert pick(values, "best", higher_is_better=True) == 2
    assert pick(values, "worst", higher_is_better=True) == 3
    assert pick(values, "best", higher_is_better=False) == 3
    assert pick([0.1, 0.2, 0.3], "median", higher_is_better=True) == 1
    assert pick(values, "percentile", higher_is_better=True, percentile=67) == 4
    assert pick([0.3, 0.3], "best", higher_is_better=True) == 1
    assert pick([None], "best", higher_is_better=True) is None
    with pytest.raises(ValueError, match="no rule 'nicest'"):
        pick(values, "nicest", higher_is_better=True)


def test_the_largest_gain_over_a_baseline() -> None:
    assert pick_gain([0.5, 0.5, None], [0.6, 0.4, 0.9], higher_is_better=True) == 0
    assert pick_gain([3.0, 3.0], [2.0, 1.0], higher_is_better=False) == 1
