"""Small cohorts for the engine's tests."""

import numpy as np
import pandas as pd

from radstudy.protocol.load import parse_protocol

STUDY = """
study: engine
seed: 7
cohort:
  outcome: {column: outcome}
  split: {train: 0.7}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [one, two]
  clinical:
    age:
    margin: {levels: [smooth, spiculated]}
    grade: {levels: [I, II, III]}
    fixed: {levels: [a, b]}
sequences: [T2, DWI]
model:
  select:
SELECT
  models:
    clinical: {clinical: {univariate_below: 0.3}}
    T2: [T2]
    DWI: [DWI]
    both: {pool: [T2, DWI]}
    all: {add: [both, clinical]}
    side by side: [T2, DWI]
"""
PAPER = """
    - impute: median
    - standardise: zscore
    - collinear: {above: 0.8}
    - univariate: {test: mann-whitney, below: 0.2}
    - boosted_trees: {keep: {T2: 2, DWI: 3, both: 4, side by side: 3}, trees: 20}
"""
TTEST_FIRST = """
    - impute: median
    - standardise: zscore
    - univariate: {test: student, below: 0.4}
    - collinear: {above: 0.6}
    - boosted_trees: {keep: 2, trees: 15, depth: 2, subsample: 0.7, learning_rate: 0.2}
"""
LATE_SCALING = """
    - impute: median
    - univariate: {below: 0.4}
    - standardise: zscore
    - boosted_trees: {keep: 2, trees: 10}
"""
VARIANCE = PAPER.replace("    - standardise", "    - variance: {ratio: 1.1, unique: 0.4}\n    - standardise")
VARIANCE_FIRST = PAPER.replace("    - impute", "    - variance: {ratio: 1.1, unique: 0.4}\n    - impute")
VARIANCE_LAST = PAPER.replace("    - boosted", "    - variance: {ratio: 1.1, unique: 0.4}\n    - boosted")


def protocol(select=PAPER):
    return parse_protocol(STUDY.replace("SELECT", select.strip("\n")))


def design(rng, patients=60, features=30, *, lesions=1):
    """Correlated features with ties, gaps and constants; clinical variables; an outcome that some of them follow."""
    index = pd.MultiIndex.from_tuples(
        [(f"p{i:02d}", str(k)) for i in range(patients) for k in range(lesions if i % 3 == 0 else 1)],
        names=["patient", "lesion"],
    )
    rows = len(index)
    outcome = np.zeros(rows, dtype=np.int64)
    outcome[: rows * 2 // 5] = 1
    rng.shuffle(outcome)
    columns = {}
    for sequence in ("T2", "DWI"):
        hidden = rng.normal(size=(rows, 8))
        hidden[:, 0] += outcome
        for number in range(features):
            values = hidden[:, number % 8] + rng.choice([0.2, 0.6, 2.0]) * rng.normal(size=rows)
            if number % 5 == 0:
                values = np.round(values)  # ties
            if number % 7 == 0:
                values[rng.random(rows) < 0.1] = np.nan
            columns[f"{sequence}:f{number:02d}"] = np.full(rows, 3.0) if number == 11 else values
        columns[f"{sequence}:empty"] = np.full(rows, np.nan)
    columns["clinical:age"] = np.round(rng.normal(50, 10, rows) + 4 * outcome)
    columns["clinical:margin=spiculated"] = (rng.random(rows) < 0.3 + 0.3 * outcome).astype(float)
    grade = rng.integers(0, 3, rows)
    columns["clinical:grade=II"], columns["clinical:grade=III"] = (grade == 1).astype(float), (grade == 2).astype(float)
    columns["clinical:fixed=b"] = np.zeros(rows)
    return pd.DataFrame(columns, index=index), outcome
