"""The reference values of max_t.csv: single-step max-T by its definition, in exact fractions and plain loops.

``python tests/oracle/max_t_make.py``, Python's standard library alone. AUCs are whole numbers of pairs over all pairs,
so that ties are exact; ``t`` is compared by the sign and the square of (value - mean) over the variance, which are
fractions too. Mean and variance are those of the permutations and the observed value, which is one of them. Westfall
PH, Young SS, Resampling-Based Multiple Testing, Wiley 1993, section 2.5.
"""

import csv
import random
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).parent
PAIRS = 12 * 20  # of an AUC of 12 positives and 20 negatives


def signed_square(value, values):
    """A number that orders as (value - mean) / SD does."""
    mean = Fraction(sum(values), len(values))
    variance = sum((Fraction(one) - mean) ** 2 for one in values) / len(values)
    above = Fraction(value) - mean
    if variance == 0:
        return Fraction(0)
    return (1 if above > 0 else -1) * above**2 / variance


def adjusted(observed, null):
    """The p-values; `null` is one list of pairs a permutation."""
    columns = list(zip(*[observed, *null], strict=True))
    found = []
    for place, value in enumerate(observed):
        own = signed_square(value, columns[place])
        count = 0
        for row in null:
            for other, chance in enumerate(row):
                t = signed_square(chance, columns[other])
                if t >= own:
                    count += 1
                    break
        found.append(Fraction(1 + count, 1 + len(null)))
    return found


def drawn(rng, level, spread, shared, extra=0.0):
    """Pairs of every model: around its level, with its spread, and so much that all have in common."""
    common = rng.gauss(0, 1)
    return [
        max(0, min(PAIRS, round(middle + width * (extra + shared * common + rng.gauss(0, 1)))))
        for middle, width in zip(level, spread, strict=True)
    ]


def cases(rng):
    """Name, observed pairs and pairs of each permutation: independent, correlated, of unlike spread, constant."""
    for number in range(4):
        models, permutations = rng.randint(2, 6), rng.choice([19, 39, 60])
        spread = [rng.uniform(5, 40) for _ in range(models)]
        level = [PAIRS // 2 + rng.randint(0, 60) for _ in range(models)]

        for name, shared in (("independent", 0.0), ("correlated", 2.0)):
            observed = drawn(rng, level, spread, shared, 1.5)
            yield f"{name} {number}", observed, [drawn(rng, level, spread, shared) for _ in range(permutations)]
    half = PAIRS // 2
    yield "one model", [200], [[rng.randint(90, 210)] for _ in range(19)]
    yield "an empty model beside others", [half, 190], [[half, rng.randint(90, 200)] for _ in range(19)]
    yield "above a constant", [half + 30, 190], [[half, rng.randint(90, 200)] for _ in range(19)]


def main():
    """Write the values."""
    with (HERE / "max_t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "pairs", "observed", "null", "adjusted"])
        for name, observed, null in cases(random.Random(1993)):
            values = " ".join(map(str, adjusted(observed, null)))
            rows = ";".join(" ".join(map(str, row)) for row in null)
            writer.writerow([name, PAIRS, " ".join(map(str, observed)), rows, values])


if __name__ == "__main__":
    main()
