"""The reference values of metrics_score.csv, by hand from the published calculator's weights and rule.

METRICS Tool v1.0, metricsscore.github.io/metrics/METRICS.html (github.com/metricsscore/metrics, commit 2dcf827): each
item that is not switched off by a condition adds its weight to the sum of active weights, and each yes adds it to the
score; the page prints 100 x score / sum to one decimal. Condition 1 switches items 8, 9 and 10, condition 2 item 9,
condition 3 item 12, condition 4 items 14, 15 and 16, condition 5 item 17. ``python tests/oracle/metrics_score_make.py``
prints the scores in thousandths of a weight, so that each can be checked with a pencil.
"""

import csv
from pathlib import Path

HERE = Path(__file__).parent
WEIGHTS = (  # thousandths, items 1 to 30
    37, 74, 92, 44, 29, 44, 29, 34, 22, 11, 62, 31, 41, 20, 20, 30, 20, 60, 30, 35, 23, 18, 12, 29, 18, 37, 75, 7, 7, 7,
)  # fmt: skip
# Table 1 of the publication, items 1 to 23:
# insightsimaging.springeropen.com/articles/10.1186/s13244-023-01572-w/tables/1
PUBLISHED = (
    0.0368, 0.0735, 0.0919, 0.0438, 0.0292, 0.0438, 0.0292, 0.0337, 0.0225, 0.0112, 0.0622, 0.0311, 0.0415, 0.0200,
    0.0200, 0.0300, 0.0200, 0.0599, 0.0300, 0.0352, 0.0234, 0.0176, 0.0117,
)  # fmt: skip
# The publication converts ranks to weights by their sums but does not print them for each item. These ranks of the
# categories (89 in all) and of the items in each give all weights that are printed, and items 24 to 30 with them.
RANKS = (
    (18, (2, 4, 5)), (13, (3, 2, 3, 2)), (6, (3, 2, 1)), (12, (6, 3, 4)), (8, (2, 2, 3, 2)), (8, (2, 1)),
    (12, (6, 4, 3, 2, 5, 3)), (10, (1, 2)), (2, (1, 1, 1)),
)  # fmt: skip


def main():
    with (HERE / "metrics_score.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yes, off = ({int(number) for number in row[key].split()} for key in ("yes", "off"))
            active = sum(weight for number, weight in enumerate(WEIGHTS, 1) if number not in off)
            score = sum(WEIGHTS[number - 1] for number in yes)
            print(f"{row['case']}: {score} of {active}: {100 * score / active:.1f}")


if __name__ == "__main__":
    main()
