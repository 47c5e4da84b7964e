"""Writes auc_coverage.csv: how often 95 % intervals of the AUC hold the true area, by simulation.

``python tests/oracle/auc_coverage.py`` takes about 20 minutes. Binormal scores, whose area is known, and departures
from them; the seed is fixed. ``r_table.py`` puts the result into docs/statistics.md.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np
from scipy import special

from radstudy.statistics import auc_ci

HERE = Path(__file__).parent
SIZES = ((13, 20), (30, 44))
AREAS = (0.6, 0.7, 0.8, 0.9, 0.95)
QUICK = ("delong", "logit-delong", "hanley-mcneil", "newcombe")
SLOW = ("bootstrap", "bca")
SIMULATIONS, OF_BOOTSTRAPS = 10_000, 2_000


SHAPES = ("binormal", "positives' SD 2", "exponential", "five categories")
_EDGES = np.array([-0.5, 0.3, 1.0, 1.8])


def drawn(rng: np.random.Generator, shape: str, y: np.ndarray, area: float) -> np.ndarray:
    """Scores of one data set."""
    if shape == "exponential":
        return rng.exponential(size=y.size) * np.where(y == 1, area / (1 - area), 1.0)
    sd = 2.0 if "SD" in shape else 1.0
    score = rng.normal(size=y.size) * np.where(y == 1, sd, 1.0) + np.sqrt(1 + sd * sd) * special.ndtri(area) * y
    return np.digitize(score, _EDGES).astype(float) if "categories" in shape else score


def true_area(shape: str, area: float) -> float:
    """The area of the distributions; of five categories it is a little less than that of what they divide."""
    if "categories" not in shape:
        return area
    limits = np.concatenate([[-np.inf], _EDGES, [np.inf]])
    of_cases = np.diff(special.ndtr(limits - np.sqrt(2) * special.ndtri(area)))
    of_controls = np.diff(special.ndtr(limits))
    return float((of_cases * (np.cumsum(of_controls) - of_controls / 2)).sum())


def simulated(shape: str, positives: int, negatives: int, area: float) -> dict[str, list[tuple[float, float]]]:
    """The intervals (low, high) of every method, of many data sets; all methods see the same ones."""
    rng = np.random.default_rng([20260101, SHAPES.index(shape), positives, negatives, round(1000 * area)])
    y = np.repeat([1, 0], [positives, negatives])
    found: dict[str, list[tuple[float, float]]] = {
        method: [] for method in (*QUICK, *(SLOW if shape == "binormal" else ()))
    }
    for index in range(SIMULATIONS):
        score = drawn(rng, shape, y, area)
        for method in QUICK + (SLOW if shape == "binormal" and index < OF_BOOTSTRAPS else ()):
            generator = np.random.default_rng([7, index])
            found[method].append(auc_ci(y, score, method=method, rng=generator).ci)  # type: ignore[arg-type]
    return found


def main() -> None:
    """Run from the command line."""
    rows = []
    for shape, (positives, negatives), nominal in product(SHAPES, SIZES, AREAS):
        area = true_area(shape, nominal)
        for method, intervals in simulated(shape, positives, negatives, nominal).items():
            low, high = np.array(intervals).T
            inside, width = (low <= area) & (area <= high), high - low
            rows.append(
                {
                    "shape": shape, "positives": positives, "negatives": negatives, "area": f"{area:.3f}",
                    "method": method, "simulations": len(intervals), "coverage_percent": f"{100 * inside.mean():.2f}",
                    "above_percent": f"{100 * (low > area).mean():.2f}",
                    "below_percent": f"{100 * (high < area).mean():.2f}", "mean_width": f"{width.mean():.4f}",
                }
            )  # fmt: skip
            print(*rows[-1].values(), flush=True)
    with (HERE / "auc_coverage.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
