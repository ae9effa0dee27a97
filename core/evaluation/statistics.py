"""Statistics of evaluations: intervals, paired tests, effect sizes, and how sure a ranking is. Plain arrays in and out.

Every resampling is seeded, so that a table comes out the same each time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.records import Array

RESAMPLES = 10_000
SEED = 20_261_128
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A two-sided confidence interval at `level`."""

    low: float
    high: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Of the defined values. `n` of them; `undefined`: how many did not exist. All None without a single value."""

    n: int
    undefined: int
    mean: float | None = None
    interval: Interval | None = None
    standard_deviation: float | None = None
    median: float | None = None
    quartiles: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """Second minus first over the cases that both have. `p` None: it cannot be computed, and `reason` says why.

    `effect`: matched-pairs rank-biserial correlation, from -1 to 1 (Kerby, 2014), with a bootstrap interval.
    `separates`: the adjusted p is below 1 - level. `more_cases`: about how many further ones would separate the two.
    """

    n: int
    mean_difference: float | None
    interval: Interval | None
    p: float | None
    adjusted_p: float | None = None
    effect: float | None = None
    effect_interval: Interval | None = None
    more_cases: int | None = None
    reason: str = ""

    @property
    def separates(self) -> bool:
        p = self.p if self.adjusted_p is None else self.adjusted_p
        return p is not None and p < 1 - LEVEL


def summarise(values: Sequence[float | None], clusters: Sequence[Hashable] | None = None) -> Summary:
    """Mean with a bootstrap interval, spread, median and quartiles of the values that exist.

    `clusters`: which cases belong together (one patient's); whole clusters are then drawn, since cases of one patient
    are not independent. None = every case is its own.
    """
    known = [(value, number) for number, value in enumerate(values) if value is not None and np.isfinite(value)]
    undefined = len(values) - len(known)
    if not known:
        return Summary(n=0, undefined=undefined)
    numbers = np.array([value for value, _ in known], dtype=np.float64)
    groups = None if clusters is None else [clusters[number] for _, number in known]
    low, high = (float(part) for part in np.percentile(numbers, (25, 75)))
    return Summary(
        n=len(numbers),
        undefined=undefined,
        mean=float(numbers.mean()),
        interval=bootstrap_mean(numbers, groups),
        standard_deviation=float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        median=float(np.median(numbers)),
        quartiles=(low, high),
    )


def bootstrap_mean(values: Array, clusters: Sequence[Hashable] | None = None) -> Interval | None:
    """Percentile bootstrap of the mean, over clusters where given (Efron and Tibshirani, 1993; Field and Welsh, 2007).

    None for fewer than two clusters: one alone says nothing about the next.
    """
    sums, counts = _per_cluster(values, clusters)
    if len(sums) < 2:
        return None
    drawn = _drawn(len(sums))
    return _percentiles(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))


def _per_cluster(values: Array, clusters: Sequence[Hashable] | None) -> tuple[Array, Array]:
    if clusters is None:
        return values, np.ones_like(values)
    numbers: dict[Hashable, int] = {}
    index = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    return np.bincount(index, weights=values), np.bincount(index).astype(np.float64)


def _drawn(count: int, resamples: int = RESAMPLES) -> Array:
    """(resamples, count) indices, drawn with replacement."""
    return np.random.default_rng(SEED).integers(0, count, size=(resamples, count))


def _percentiles(samples: Array) -> Interval:
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(samples, (tail, 100 - tail))
    return Interval(low=float(low), high=float(high))


# ---- paired comparison -----------------------------------------------------------------------------------------------


def compare_paired(
    first: Sequence[float | None],
    second: Sequence[float | None],
    clusters: Sequence[Hashable] | None = None,
    tests: int = 1,
) -> PairedTest:
    """Second against first, case by case; cases that either lacks are left out.

    Wilcoxon's signed-rank test (zero differences dropped, ties by mid-ranks), two-sided. With clusters the test is made
    on the mean difference of each cluster. `tests`: of how many this is one; `more_cases` allows for them.
    """
    pairs = [
        (a, b, number)
        for number, (a, b) in enumerate(zip(first, second, strict=True))
        if a is not None and b is not None and np.isfinite(a) and np.isfinite(b)
    ]
    if not pairs:
        return PairedTest(n=0, mean_difference=None, interval=None, p=None, reason="no case has both values")
    differences = np.array([b - a for a, b, _ in pairs])
    groups = None if clusters is None else [clusters[number] for *_, number in pairs]
    sums, counts = _per_cluster(differences, groups)
    units = sums / counts
    p, reason = _wilcoxon(units)
    effect, effect_interval = _effect(units)
    return PairedTest(
        n=len(pairs),
        mean_difference=float(differences.mean()),
        interval=bootstrap_mean(differences, groups),
        p=p,
        effect=effect,
        effect_interval=effect_interval,
        more_cases=_more_cases(units, p, (1 - LEVEL) / tests),
        reason=reason,
    )


def _wilcoxon(units: Array) -> tuple[float | None, str]:
    if not np.any(units):
        return None, "all differences are zero"
    if np.count_nonzero(units) < 2:
        return None, "fewer than two cases differ"
    return float(stats.wilcoxon(units, zero_method="wilcox").pvalue), ""


def rank_biserial(units: Array) -> float | None:
    """(sum of ranks of positive differences - negative) / sum of all; None when nothing differs."""
    differing = units[units != 0]
    if not differing.size:
        return None
    ranks = stats.rankdata(np.abs(differing))
    return float((ranks[differing > 0].sum() - ranks[differing < 0].sum()) / ranks.sum())


def _effect(units: Array) -> tuple[float | None, Interval | None]:
    effect = rank_biserial(units)
    if effect is None or len(units) < 2:
        return effect, None
    samples = [rank_biserial(units[drawn]) for drawn in _drawn(len(units), 2000)]
    return effect, _percentiles(np.array([sample for sample in samples if sample is not None]))


def _more_cases(units: Array, p: float | None, alpha: float) -> int | None:
    """About how many further cases (or clusters) would separate the two with a power of 80 %, if they are like these.

    Noether (1987) for the signed-rank test: n = (z_(a/2) + z_b)^2 / (3 (q - 1/2)^2), q = P(sum of two differences > 0).
    0 when they are separated already; None when nothing points either way.
    """
    if p is None:
        return None
    if p < alpha:
        return 0
    upper = np.add.outer(units, units)[np.triu_indices(len(units))]
    q = float(np.mean(upper > 0) + np.mean(upper == 0) / 2)
    if abs(q - 0.5) < 1e-6:
        return None
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(0.8)
    needed = int(np.ceil(z**2 / (3 * (q - 0.5) ** 2)))
    return max(1, needed - len(units))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (1979) of the p values that exist, in their order."""
    known = sorted((p, number) for number, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, number) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        adjusted[number] = highest
    return adjusted


# ---- rankings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RankStability:
    """`shares[model][rank]`: in what part of the bootstrap samples a model came in at that rank, best first."""

    order: tuple[int, ...]
    shares: tuple[tuple[float, ...], ...]
    n: int


def rank_stability(
    columns: Sequence[Sequence[float | None]], *, higher_is_better: bool, clusters: Sequence[Hashable] | None = None
) -> RankStability | None:
    """How often the ranking by mean would come out the same with other cases of the same kind; None under two cases.

    Only cases that all models have; clusters are drawn whole. Source: Wiesenfarth et al., Scientific Reports 2021.
    """
    table = np.array([[np.nan if value is None else value for value in column] for column in columns], dtype=np.float64)
    whole: Array = np.atleast_1d(np.isfinite(table).all(axis=0))
    table = table[:, whole]
    groups = None if clusters is None else [cluster for cluster, kept in zip(clusters, whole, strict=True) if kept]
    parts = [_per_cluster(column, groups) for column in table]
    if len(table) == 0 or len(parts[0][0]) < 2:
        return None
    drawn = _drawn(len(parts[0][0]))
    means = np.stack([sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1) for sums, counts in parts])
    direction = -1 if higher_is_better else 1
    ranks = stats.rankdata(direction * means, axis=0, method="min").astype(int) - 1
    shares = [[float(np.mean(row == rank)) for rank in range(len(table))] for row in ranks]
    order = np.argsort(direction * table.mean(axis=1), kind="stable")
    return RankStability(order=tuple(map(int, order)), shares=tuple(map(tuple, shares)), n=int(table.shape[1]))


# ---- agreement -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlandAltman:
    """`means` and `differences` (second - first) of each case; `bias` with the limits of agreement, 1.96 SD around."""

    means: Array
    differences: Array
    bias: float
    limits: tuple[float, float]


def bland_altman(first: Sequence[float | None], second: Sequence[float | None]) -> BlandAltman | None:
    """Bland and Altman, Lancet 1986; None for fewer than two cases that both have."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if len(pairs) < 2:
        return None
    a, b = np.array(pairs, dtype=np.float64).T
    differences = b - a
    bias, spread = float(differences.mean()), float(differences.std(ddof=1))
    return BlandAltman(
        means=(a + b) / 2,
        differences=differences,
        bias=bias,
        limits=(bias - 1.96 * spread, bias + 1.96 * spread),
    )


def outliers(values: Sequence[float | None]) -> list[bool]:
    """Which values lie beyond 1.5 interquartile ranges from the quartiles (Tukey, 1977)."""
    known = np.array([value for value in values if value is not None])
    if known.size < 4:
        return [False] * len(values)
    low, high = np.percentile(known, (25, 75))
    reach = 1.5 * (high - low)
    return [value is not None and not low - reach <= value <= high + reach for value in values]


# ---- picking cases ---------------------------------------------------------------------------------------------------


def pick(values: Sequence[float | None], rule: str, *, higher_is_better: bool, percentile: float = 50.0) -> int | None:
    """The case that a rule names: `best`, `worst`, `median`, or at a `percentile` (0 = worst, 100 = best). The nearest
    existing one; of equals the first. None when no case has a value."""
    known = [(value, number) for number, value in enumerate(values) if value is not None and np.isfinite(value)]
    if not known:
        return None
    places = {"worst": 0.0, "median": 50.0, "best": 100.0, "percentile": percentile}
    if rule not in places:
        raise ValueError(f"There is no rule {rule!r}. Use {', '.join(places)}.")
    direction = 1 if higher_is_better else -1
    ordered = sorted(known, key=lambda item: (direction * item[0], item[1]))
    return ordered[round(places[rule] / 100 * (len(ordered) - 1))][1]


def pick_gain(baseline: Sequence[float | None], other: Sequence[float | None], *, higher_is_better: bool) -> int | None:
    """The case where `other` gains most over `baseline`."""
    gains = [None if a is None or b is None else b - a for a, b in zip(baseline, other, strict=True)]
    return pick(gains, "best", higher_is_better=higher_is_better)
