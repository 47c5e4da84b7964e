"""Make pmsampsize.csv: minimum sample sizes of binary prediction models by Ensor's pmsampsize for Python.

In a throw-away environment of Python 3.12 or later: ``pip install pmsampsize==0.1.0``, then
``python pmsampsize_make.py > pmsampsize.csv``. Not a dependency.
"""

import contextlib
import io

from pmsampsize.pmsampsize import pmsampsize

# parameters, prevalence, Cox-Snell R2 or C statistic, shrinkage; the first is the Chagas disease model of Riley et al.,
# Stat Med 2019;38:1276, whose abstract gives 4.8 events per parameter
CASES = [
    (24, 0.174, "csrsquared", 0.288, 0.9),
    (24, 0.174, "cstatistic", 0.89, 0.9),
    (30, 0.05, "csrsquared", 0.05, 0.9),
    (10, 0.39, "csrsquared", 0.25, 0.9),
    (10, 0.39, "nagrsquared", 0.4, 0.85),
    (1218, 0.39, "csrsquared", 0.3, 0.9),
    (4872, 0.39, "cstatistic", 0.8, 0.9),
    (5, 0.5, "cstatistic", 0.7, 0.9),
    (12, 0.02, "cstatistic", 0.75, 0.95),
]
COLUMNS = ("parameters", "prevalence", "given", "value", "shrinkage", "r2_cox_snell", "criterion_1", "criterion_2",
           "criterion_3", "n", "events_per_parameter")  # fmt: skip


def main():
    print(",".join(COLUMNS))
    for parameters, prevalence, given, value, shrinkage in CASES:
        with contextlib.redirect_stdout(io.StringIO()):
            found = pmsampsize(type="b", parameters=parameters, prevalence=prevalence, shrinkage=shrinkage,
                               **{given: value})  # fmt: skip
        sizes = [row[1] for row in found["results_table"] if row[0].startswith("Criteria")]
        row = [parameters, prevalence, given, value, shrinkage, found["rsquared"], *sizes, found["sample_size"]]
        print(*row, found["EPP"], sep=",")


main()
