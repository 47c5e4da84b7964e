"""The synthetic cohort table: invented rows that add up to the published Tables 1 and 2.

Within each set and FISH group the rows have the published counts, means and standard deviations; the values are
assigned to patients at random from the seed. Findings that a radiologist would read from the images (margin, oedema,
...) are assigned, within each group, to the patients whose simulated lesions show them most. The appearance of a lesion
is drawn without regard to the outcome, so the findings match the images but the images do not reveal the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from radstudy.demo.published import AGE, CELLS, COUNTS, DIAMETER_CM, EXCLUDED, PATIENTS, SIZES, Continuous
from radstudy.errors import UsageError
from radstudy.statistics.apportionment import shared_out

SMALLEST = 20
COLUMNS = (
    "patient_id", "lesion", "side", "exclusion", "set", "fish", "age", "er", "pr", "ki67", "grade",
    "histological_type", "max_diameter_cm", "shape", "margin", "t2_signal", "cystic_necrosis", "peripheral_oedema",
    "dce3_enhancement", "dce7_enhancement", "tic_type",
)  # fmt: skip
# Findings read from the images, and the lesion trait that each follows (levels in COUNTS run from low to high).
READ_OFF = {
    "shape": "lobulation",
    "margin": "spiculation",
    "t2_signal": "t2_brightness",
    "cystic_necrosis": "necrosis",
    "peripheral_oedema": "oedema",
    "dce3_enhancement": "rim_early",
    "dce7_enhancement": "rim_late",
    "tic_type": "washout",
}
TRAITS = tuple(READ_OFF.values())


def cell_sizes(patients: int) -> tuple[int, int, int, int]:
    """The number of `patients` in each of the four cells (set x FISH), in the published proportions.

    Raises
    ------
    UsageError : fewer than 20 patients, so that a set would lack a class.

    Examples
    --------
    >>> cell_sizes(107)
    (45, 29, 20, 13)
    """
    if patients < SMALLEST:
        raise UsageError(
            f"--patients {patients}: the demo needs at least {SMALLEST} patients, so that training and testing sets "
            f"have both FISH results. To do: ask for {SMALLEST} or more"
        )
    a, b, c, d = shared_out(patients, list(SIZES))
    return a, b, c, d


def included_rows(patients: int, traits: Mapping[str, NDArray[np.float64]], rng: np.random.Generator) -> pd.DataFrame:
    """The rows of the included patients, cell by cell; identifiers are assigned later.

    Parameters
    ----------
    patients : number of patients.
    traits : one standard normal value per patient for each of TRAITS, with the patients in order of cells.
    rng : source of the invented rows.

    Returns
    -------
    One row per patient with the columns of the cohort table except the identifiers.
    """
    sizes = cell_sizes(patients)
    ages = _continuous(AGE, sizes, exact=patients == PATIENTS, rng=rng)
    diameters = _continuous(DIAMETER_CM, sizes, exact=patients == PATIENTS, rng=rng)
    parts = []
    start = 0
    for cell, (set_name, fish) in enumerate(CELLS):
        size = sizes[cell]
        rows = pd.DataFrame({"set": [set_name] * size, "fish": [fish] * size})
        rows["age"] = ages[cell].astype(int)
        rows["max_diameter_cm"] = np.round(diameters[cell], 1)
        for variable, levels in COUNTS.items():
            counts = shared_out(size, [level[cell] for level in levels.values()])
            words = np.repeat(np.array(list(levels), dtype=object), counts)
            trait = READ_OFF.get(variable)
            if trait is None:
                rows[variable] = rng.permutation(words)
            else:  # the reading is not perfect: a third of the variance is the radiologists'
                seen = traits[trait][start : start + size] + 0.7 * rng.standard_normal(size)
                rows[variable] = words[np.argsort(np.argsort(seen))]
        rows["side"] = rng.choice(["left", "right"], size)
        parts.append(rows)
        start += size
    return pd.concat(parts, ignore_index=True)


def excluded_rows(patients: int, rng: np.random.Generator) -> pd.DataFrame:
    """The rows of patients screened and excluded (26 of 133 in the study), with the reason and incomplete data."""
    total = max(round(sum(EXCLUDED.values()) * patients / PATIENTS), len(EXCLUDED))
    counts = shared_out(total, list(EXCLUDED.values()))
    reasons = np.repeat(np.array(list(EXCLUDED), dtype=object), counts)
    rows = pd.DataFrame({"exclusion": reasons})
    rows["fish"] = rng.choice(["negative", "positive"], total)
    rows["age"] = np.clip(np.round(rng.normal(52, 10, total)), 26, 84).astype(int)
    rows["side"] = rng.choice(["left", "right"], total)
    for variable in ("er", "pr", "ki67", "grade", "histological_type"):
        levels = COUNTS[variable]
        weights = np.array([sum(level) for level in levels.values()], dtype=float)
        rows[variable] = rng.choice(np.array(list(levels), dtype=object), total, p=weights / weights.sum())
    rows.loc[rows["exclusion"].str.startswith("borderline"), "fish"] = None
    rows.loc[rows["exclusion"].str.startswith("incomplete"), ["ki67", "grade"]] = None
    return rows


# --- means and standard deviations as published -----------------------------------------------------------------


def _continuous(
    spec: Continuous, sizes: tuple[int, int, int, int], *, exact: bool, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Rows of a continuous variable in each cell; with `exact` they have the published mean, SD and p-values."""
    if not exact:
        return [
            np.asarray(_drawn(size, mean / spec.step, sd / spec.step, spec, rng) * spec.step, dtype=np.float64)
            for size, mean, sd in zip(sizes, spec.means, spec.sds, strict=True)
        ]
    targets: list[tuple[int, int]] = []
    for first in (0, 2):
        pair = [(sizes[cell], spec.means[cell], spec.sds[cell]) for cell in (first, first + 1)]
        targets += _sums_with_p(pair, spec.p_values[first // 2], spec.step)
    return [_rows_with_sums(size, *target, spec, rng) * spec.step for size, target in zip(sizes, targets, strict=True)]


def _drawn(size: int, mean: float, sd: float, spec: Continuous, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole steps with approximately this mean and SD (in steps), inside the variable's range."""
    raw = rng.gamma(5.0, size=size) if spec.skewed else rng.standard_normal(size)
    scaled = mean + sd * (raw - raw.mean()) / raw.std(ddof=1)
    low, high = round(spec.low / spec.step), round(spec.high / spec.step)
    return np.asarray(np.clip(np.round(scaled), low, high), dtype=np.int64)


def _sums_with_p(pair: list[tuple[int, float, float]], p_value: float, step: float) -> list[tuple[int, int]]:
    """Sums and sums of squares (in steps) of two groups that print as published, with the published Student's p.

    Of all pairs whose means, SDs and p round to the published values, the pair nearest to the published means and
    SDs is taken.
    """
    candidates = [_sums_that_print(size, mean, sd, step) for size, mean, sd in pair]
    (total_a, square_a, off_a), (total_b, square_b, off_b) = (
        (grid[:, 0], grid[:, 1], grid[:, 2]) for grid in candidates
    )
    n_a, n_b = pair[0][0], pair[1][0]
    within = (square_a - total_a**2 / n_a)[:, None] + (square_b - total_b**2 / n_b)[None, :]
    standard_error = np.sqrt(within / (n_a + n_b - 2) * (1 / n_a + 1 / n_b))
    t = ((total_a / n_a)[:, None] - (total_b / n_b)[None, :]) / standard_error
    p = 2 * stats.t.sf(np.abs(t), n_a + n_b - 2)
    off = off_a[:, None] + off_b[None, :]
    off[np.abs(p - p_value) >= 0.00049] = np.inf
    a, b = np.unravel_index(int(np.argmin(off)), off.shape)
    if not np.isfinite(off[a, b]):
        raise AssertionError(f"no rows of step {step} give p = {p_value}")
    return [(int(total_a[a]), int(square_a[a])), (int(total_b[b]), int(square_b[b]))]


def _sums_that_print(size: int, mean: float, sd: float, step: float) -> NDArray[np.float64]:
    """Sum, sum of squares and distance from the printed values, (n, 3), of all whole numbers that print the same."""
    rows = []
    low, high = size * (mean - 0.0049) / step, size * (mean + 0.0049) / step
    for total in range(int(np.ceil(low)), int(np.floor(high)) + 1):
        centre = total**2 / size
        least, most = (centre + (size - 1) * ((sd + side * 0.0049) / step) ** 2 for side in (-1, 1))
        squares = np.arange(np.ceil(least), np.floor(most) + 1)
        squares = squares[(squares - total) % 2 == 0]  # a whole number and its square are both odd or both even
        spread = np.sqrt((squares - centre) / (size - 1)) * step
        off = np.abs(total * step / size - mean) + np.abs(spread - sd)
        rows.append(np.column_stack([np.full(squares.size, float(total)), squares, off]))
    return np.concatenate(rows)


def _rows_with_sums(
    size: int, total: int, squares: int, spec: Continuous, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Whole numbers (steps) with exactly this sum and sum of squares, drawn and then moved step by step."""
    low, high = round(spec.low / spec.step), round(spec.high / spec.step)
    sd = np.sqrt((squares - total**2 / size) / (size - 1))
    for _ in range(200):
        rows = _drawn(size, total / size, sd, spec, rng)
        if _move_to_sum(rows, total, low, high, rng) and _move_to_squares(rows, squares, low, high, rng):
            return rows.astype(np.float64)
    raise AssertionError(f"no {size} whole numbers in {low}-{high} sum to {total} and {squares}")


def _move_to_sum(rows: NDArray[np.int64], total: int, low: int, high: int, rng: np.random.Generator) -> bool:
    for _ in range(10_000):
        missing = total - int(rows.sum())
        if missing == 0:
            return True
        step = 1 if missing > 0 else -1
        movable = np.flatnonzero((rows + step >= low) & (rows + step <= high))
        if movable.size == 0:
            return False
        rows[rng.choice(movable)] += step
    return False


def _move_to_squares(rows: NDArray[np.int64], squares: int, low: int, high: int, rng: np.random.Generator) -> bool:
    """Move pairs one step up and one step down (the sum stays) until the sum of squares is right."""
    for _ in range(20_000):
        missing = squares - int((rows**2).sum())
        if missing == 0:
            return True
        up, down = rng.choice(rows.size, 2, replace=False)
        change = 2 * int(rows[up] - rows[down]) + 2
        inside = rows[up] < high and rows[down] > low
        if inside and abs(missing - change) < abs(missing) + (rng.random() < 0.02) * 4:
            rows[up] += 1
            rows[down] -= 1
    return False
