"""Writes docs/statistics.md: how far statistics lie from other programs', how often intervals of the AUC cover.

``python tests/oracle/r_table.py`` takes some minutes, for Firth's profiles. It reads the values that
``r_statistics_make.R``, ``py_statistics_make.py`` and ``auc_coverage.py`` left beside it; ``r_table.md`` has the text.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from r_statistics_found import OF_PYTHON, OF_R, Data, Reference, Values, inputs, is_excused, references

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "statistics.md"

# what the reader calls it, and the names of its values; the first that fits counts
ROWS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "roc": [
        ("AUC", ("auc",)),
        ("AUC, DeLong's interval, 95 and 90 %", ("low", "high", "low90", "high90")),
        ("AUC, DeLong's interval on the logit", ("logit_",)),
        ("AUC, Hanley and McNeil's interval", ("hanley_",)),
        ("AUC, Newcombe's interval", ("newcombe_",)),
        ("DeLong's test, paired: z, interval", ("paired_z", "paired_l", "paired_h")),
        ("DeLong's test, paired: p", ("paired_p",)),
        ("DeLong's test, unpaired: t, degrees of freedom", ("unpaired_t", "unpaired_d")),
        ("DeLong's test, unpaired: p", ("unpaired_p",)),
        ("Youden's index", ("youden",)),
    ],
    "icc": [("Six intraclass correlations: value, interval, F, p", ("ICC",))],
    "kappa": [("Kappa, plain", ("plain",)), ("Kappa, linear and quadratic weights", ("linear", "quadratic"))],
    "table": [
        ("Fisher's exact test, up to 3 x 4", ("fisher",)),
        ("Pearson's chi-square and p", ("chi_",)),
        ("Smallest expected count", ("min_",)),
        ("Standardised difference, categories", ("smd",)),
    ],
    "chi": [("Pearson's chi-square and p", ("chi_",)), ("Standardised difference, categories", ("smd",))],
    "groups": [
        ("Student's t and p", ("student_",)),
        ("Welch's t, degrees of freedom, p", ("welch_",)),
        ("Mann-Whitney U, asymptotic p", ("u", "u_p")),
        ("Mann-Whitney, continuity correction", ("u_continuity_p",)),
        ("Mann-Whitney, exact, no ties", ("u_exact_p",)),
        ("Mann-Whitney, exact, ties included", ("u_permutation_p",)),
        ("Lilliefors p", ("lilliefors_",)),
        ("Shapiro-Wilk p", ("shapiro_",)),
        ("Levene p, mean-centred", ("levene_p",)),
        ("Median and quartiles", ("median_", "q1_", "q3_")),
        ("Standardised difference, measurements", ("smd",)),
    ],
    "ranks": [("Mann-Whitney, exact, no ties", ("u_exact_p",))],
    "glm": [
        ("Logistic regression: coefficients, standard errors", ("b", "se")),
        ("Wald p", ("p1", "p2")),
        ("Log likelihood", ("log_",)),
        ("Profile-likelihood limits", ("profile_",)),
        ("Likelihood-ratio p", ("lr_p", "factor_p", "added_p")),
        ("AIC", ("aic",)),
        ("Variance inflation", ("vif",)),
        ("Nagelkerke's R2", ("nagelkerke",)),
        ("Calibration slope and intercept, standard errors", ("slope", "intercept")),
    ],
    "firth": [
        ("Firth: coefficients", ("b",)),
        ("Firth: standard errors", ("se",)),
        ("Firth: penalised profile limits", ("low", "high")),
        ("Firth: penalised likelihood-ratio p", ("p",)),
    ],
    "diagnostic": [
        ("Sensitivity, specificity, accuracy, PPV, NPV, Wilson", ("wilson_se", "wilson_sp", "wilson_d", "wilson_p")),
        ("The same, Clopper-Pearson", ("exact_",)),
        ("Likelihood ratios and intervals", ("wilson_lr",)),
        ("McNemar p, three forms", ("mcnemar",)),
    ],
    "risk": [
        ("Calibration curve and band", ("curve", "low", "high")),
        ("ICI, E50, E90, largest", ("ici", "e50", "e90", "e_max")),
        ("Brier score", ("brier",)),
        ("Calibration slope, rms", ("slope",)),
        ("IDI", ("idi",)),
        ("Continuous NRI", ("nri",)),
        ("Categorical NRI", ("categorical_",)),
        ("Net benefit of model and treat all", ("model", "all")),
    ],
    "proportion": [("Wilson's interval", ("wilson_",)), ("Clopper and Pearson's interval", ("exact_",))],
    "adjust": [("Holm", ("holm",)), ("Benjamini-Hochberg", ("bh",))],
}


def label_of(kind: str, name: str) -> str:
    """The row of a value: an exact name first, then the longest beginning."""
    fitting = [
        (len(part) + 100 * (part == name), label)
        for label, parts in ROWS[kind]
        for part in parts
        if name.startswith(part)
    ]
    if not fitting:
        raise KeyError(f"{kind} {name} has no row")
    return max(fitting)[1]


def lines_of(file: str, makers: dict[str, Callable[[Data], Values]], data: dict[str, Data]) -> tuple[list[str], int]:
    """The table's lines of one file of references, and how many values were excused."""
    found: dict[str, Values] = {}
    cases, values, worst = defaultdict(set), defaultdict(int), defaultdict(float)
    sources: dict[str, set[str]] = defaultdict(set)
    excused = 0
    for reference in references(file):
        if reference.case not in found:
            found[reference.case] = makers[reference.kind](data[reference.case])
        if is_excused(reference):
            excused += 1
            continue
        if reference.name in found[reference.case]:
            row = label_of(reference.kind, reference.name)
            cases[row].add(reference.case)
            values[row] += 1
            worst[row] = max(worst[row], difference(found[reference.case], reference))
            sources[row].add(reference.source)
    order = list(dict.fromkeys(label for rows in ROWS.values() for label, _ in rows))
    lines = [
        f"| {row} | {len(cases[row])} | {values[row]} | {worst[row]:.0e} | {'; '.join(sorted(sources[row]))} |"
        for row in sorted(cases, key=order.index)
    ]
    return lines, excused


def difference(found: Values, reference: Reference) -> float:
    """As a share of the value where that is above 1."""
    return float(abs(found[reference.name] - reference.value) / max(1.0, abs(reference.value)))


def coverage() -> list[str]:
    """One table a shape of the scores and a number of patients."""
    with (HERE / "auc_coverage.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = []
    for shape, positives, negatives in dict.fromkeys((r["shape"], r["positives"], r["negatives"]) for r in rows):
        part = [r for r in rows if (r["shape"], r["positives"]) == (shape, positives)]
        areas, methods = (list(dict.fromkeys(r[name] for r in part)) for name in ("area", "method"))
        lines += [f"### {shape[0].upper() + shape[1:]}, {positives} against {negatives}", ""]
        lines += ["| method | " + " | ".join(f"area {area}" for area in areas) + " |", "|---" * (len(areas) + 1) + "|"]
        for method in methods:
            of = {r["area"]: r for r in part if r["method"] == method}
            cells = [f"{float(of[a]['coverage_percent']):.1f} ({float(of[a]['mean_width']):.2f})" for a in areas]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def main() -> None:
    """Run from the command line."""
    data = inputs()
    of_r, excused_r = lines_of("r_statistics.csv.gz", OF_R, data)
    of_python, excused_python = lines_of("py_statistics.csv.gz", OF_PYTHON, data)
    text = (
        (HERE / "r_table.md")
        .read_text(encoding="utf-8")
        .format(
            excused=excused_r + excused_python,
            agreement="\n".join([*of_r, *of_python]),
            coverage="\n".join(coverage()).rstrip(),
        )
    )
    DOCS.write_text(text, encoding="utf-8")
    print(DOCS)


if __name__ == "__main__":
    main()
