"""Writes auc_coverage.csv: how often 95 % intervals of the AUC hold the true area, by simulation.

``python tests/oracle/auc_coverage.py`` takes about ten minutes. Binormal scores of equal variance, whose area is known;
the seed is fixed. ``r_table.py`` puts the result into docs/statistics.md.
"""

from __future__ import annotations

import csv
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


def simulated(positives: int, negatives: int, area: float) -> dict[str, list[tuple[float, float]]]:
    """The intervals (low, high) of every method, of many data sets; all methods see the same ones."""
    rng = np.random.default_rng([20260101, positives, negatives, round(1000 * area)])
    y = np.repeat([1, 0], [positives, negatives])
    shift = np.sqrt(2) * special.ndtri(area)
    found: dict[str, list[tuple[float, float]]] = {method: [] for method in (*QUICK, *SLOW)}
    for index in range(SIMULATIONS):
        score = rng.normal(size=y.size) + shift * y
        for method in QUICK + (SLOW if index < OF_BOOTSTRAPS else ()):
            generator = np.random.default_rng([7, index])
            found[method].append(auc_ci(y, score, method=method, rng=generator).ci)  # type: ignore[arg-type]
    return found


def main() -> None:
    """Run from the command line."""
    rows = []
    for positives, negatives in SIZES:
        for area in AREAS:
            for method, intervals in simulated(positives, negatives, area).items():
                low, high = np.array(intervals).T
                inside, width = (low <= area) & (area <= high), high - low
                rows.append(
                    {
                        "positives": positives, "negatives": negatives, "area": area, "method": method,
                        "simulations": len(intervals), "coverage_percent": f"{100 * inside.mean():.2f}",
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
