"""Make pmvalsampsize.csv: sample sizes of external validations by Ensor's pmvalsampsize for Python.

In a throw-away environment: ``pip install pmvalsampsize==0.2.1 pandas scipy scikit-learn matplotlib tabulate``, then
``python pmvalsampsize_make.py > pmvalsampsize.csv``. Not a dependency. It simulates a million log-odds.
"""

import contextlib
import io

from pmvalsampsize.pmvalsampsize import pmvalsampsize

# prevalence, C statistic, mean and SD of the log-odds, widths of the intervals of O/E, slope and C statistic; the first
# is the program's own example, a model for the failure of mechanical heart valves (Riley et al., Stat Med 2021;40:4230)
CASES = [
    (0.018, 0.8, -5.0, 2.5, 1.0, 0.2, 0.1),
    (0.43, 0.77, -0.5, 1.0, 0.2, 0.2, 0.1),
    (0.29, 0.67, 0.1, 0.6, 0.2, 0.2, 0.1),
    (0.10, 0.85, -2.8, 1.5, 0.4, 0.3, 0.08),
]
COLUMNS = ("prevalence", "auc", "mean", "sd", "oe_width", "slope_width", "auc_width", "oe", "slope", "c")


def main():
    print(",".join(COLUMNS))
    for prevalence, auc, mean, sd, oe, slope, c in CASES:
        with contextlib.redirect_stdout(io.StringIO()):
            sizes = pmvalsampsize(type="b", prevalence=prevalence, cstatistic=auc, lpnormal=(mean, sd), oeciwidth=oe,
                                  csciwidth=slope, cstatciwidth=c)  # fmt: skip
        rows = [row[1] for row in sizes["results_table"] if str(row[0]).startswith("Criteria")]
        print(prevalence, auc, mean, sd, oe, slope, c, *rows[:3], sep=",")


main()
