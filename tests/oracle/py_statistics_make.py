"""Writes py_statistics.csv.gz: reference values by other Python programs, of the inputs in r_statistics_inputs.csv.gz.

Needs a venv of its own: ``pip install firthmodels==0.8.2 dcurves==1.1.7 tableone==0.9.6``, then
``python tests/oracle/py_statistics_make.py``. Nothing of radstudy is imported.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca
from firthmodels import FirthLogisticRegression
from tableone.statistics import Statistics

HERE = Path(__file__).parent
THRESHOLDS = (0.1, 0.25, 0.4, 0.6)
Values = dict[str, np.ndarray]


def firth(data: Values) -> Iterator[tuple[str, float]]:
    """Profile intervals and penalised likelihood-ratio tests, as R's logistf."""
    X = np.column_stack([data["x1"], data["x2"]])
    for tolerance in (1e-7, 1e-6, 1e-5, 1e-4):  # its step halving stops where rounding is all that is left
        fit = FirthLogisticRegression(gtol=tolerance, xtol=tolerance, max_iter=300, backend="numpy")
        try:
            fit.fit(X, data["y"])
            fit.lrt()
            limits = fit.conf_int(method="pl", tol=10 * tolerance, max_iter=300)
        except Warning:
            continue
        break
    else:
        return
    for index in range(2):
        yield f"b{index + 1}", fit.coef_[index]
        yield f"low{index + 1}", limits[index, 0]
        yield f"high{index + 1}", limits[index, 1]
        yield f"p{index + 1}", fit.lrt_pvalues_[index]


def net_benefit(data: Values) -> Iterator[tuple[str, float]]:
    """Of the model and of treating all."""
    frame = pd.DataFrame({"y": data["y"].astype(int), "p": data["p"]})
    found = dca(frame, "y", ["p"], thresholds=list(THRESHOLDS)).set_index(["model", "threshold"])["net_benefit"]
    for threshold in THRESHOLDS:
        yield f"model{threshold}", found[("p", threshold)]
        yield f"all{threshold}", found[("all", threshold)]


def continuous_smd(data: Values) -> Iterator[tuple[str, float]]:
    """tableone's is second minus first."""
    yield "smd", -Statistics()._cont_smd(data["a"].tolist(), data["b"].tolist())[0]


def categorical_smd(data: Values) -> Iterator[tuple[str, float]]:
    """Of the first two rows, whose levels both have."""
    rows = int(data["rows"][0])
    counts = data["counts"].reshape(-1, rows).T[:2]
    if (counts.sum(axis=0) > 0).all() and (counts > 0).all():
        shares = counts / counts.sum(axis=1, keepdims=True)
        yield "smd", Statistics()._cat_smd(shares[0].tolist(), shares[1].tolist(), *counts.sum(axis=1))[0]


MAKERS = {
    "firth": (firth, "firthmodels"),
    "risk": (net_benefit, "dcurves"),
    "groups": (continuous_smd, "tableone"),
    "table": (categorical_smd, "tableone"),
    "chi": (categorical_smd, "tableone"),
}


def main() -> None:
    """Run from the command line."""
    inputs: dict[str, Values] = {}
    with gzip.open(HERE / "r_statistics_inputs.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            inputs.setdefault(row["case"], {})[row["name"]] = np.array(row["values"].split(), dtype=float)
    lines = ["case,name,value,source"]
    for case, data in inputs.items():
        maker, source = MAKERS.get(case.rstrip("0123456789"), (None, ""))
        if maker is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = list(maker(data))
            if not found:
                print(f"{case}: no reference value")
        lines += [f"{case},{name},{value:.16g},{source}" for name, value in found if np.isfinite(value)]
    content = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    (HERE / "py_statistics.csv.gz").write_bytes(content)


if __name__ == "__main__":
    main()
