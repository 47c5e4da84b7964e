"""The reference values of nogueira.csv, by the authors' own program.

``python tests/oracle/nogueira_make.py JMLR2018/python`` with a copy of github.com/nogueirs/JMLR2018 (commit 9ccbea8 of
python/stability): Nogueira S, Sechidis K, Brown G, J Mach Learn Res 2018;18(174). Made with numpy 2.4 and scipy 1.17.
"""

import csv
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def cases(rng):
    """Name and (resamples, features) table of each case: equal and unequal sizes, stable, random, worse than random."""
    for number in range(6):
        resamples, features, size = int(rng.integers(5, 40)), int(rng.integers(8, 60)), int(rng.integers(2, 6))
        table = np.zeros((resamples, features), dtype=int)
        for row in table:
            row[rng.choice(features, size, replace=False)] = 1
        yield f"equal sizes {number}", table
        chance = rng.random(features) ** (1 + number)
        yield f"unequal sizes {number}", (rng.random((resamples, features)) < chance).astype(int)
    yield "always the same", np.tile([1, 1, 0, 0, 0, 1, 0], (9, 1))
    yield "never the same", np.eye(6, dtype=int)


def main():
    """Write the values."""
    sys.path.insert(0, sys.argv[1])
    import stability

    with (HERE / "nogueira.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "table", "stability", "variance", "lower", "upper"])
        for name, table in cases(np.random.default_rng(2018)):
            found, limits = stability.getVarianceofStability(table), stability.confidenceIntervals(table)
            rows = " ".join("".join(map(str, row)) for row in table)
            values = (found["stability"], found["variance"], limits["lower"], limits["upper"])
            writer.writerow([name, rows, *(repr(float(value)) for value in values)])


if __name__ == "__main__":
    main()
