"""The reference values of combat.json.gz: sva, neuroCombat and combatlearn on 24 random tables.

``python tests/oracle/combat_make.py`` with neuroCombat 0.2.12 and combatlearn 2.3.0 (numpy 2.4), and R 4.2 with sva
3.46.0 (Debian: r-bioc-sva) for combat_make.R.

- sva, neuroCombat: empirical Bayes, iterated to the end (their own rule stops at a relative change of 1e-4; `usual` in
  the printed table is the difference with that rule). Values are in units of each feature's standard deviation.
- neuroCombat `eb=False`, combatlearn on one feature at a time (it then does not shrink): location and scale, and rows
  that were not fitted.
- combatlearn with several features is not used: its prior of a feature is over the sites, that of Johnson et al. 2007,
  of sva and of neuroCombat is of a site over the features.
"""

import contextlib
import gzip
import importlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
TABLES, WITH_GAPS = 20, 4


def case_of(number, rng):
    """One table: two to five sites with shifts and scales of their own, covariates that move the features."""
    sizes = rng.integers(5, 17, int(rng.integers(2, 6)))
    sites = np.repeat([f"site {letter}" for letter in "ABCDE"[: len(sizes)]], sizes)
    features = int(rng.integers(3, 8))
    kinds = ["", "n", "c", "nc", "nnc"][number % 5]
    covariates = np.column_stack(
        [rng.integers(240, 700, len(sites)) / 8 if kind == "n" else rng.integers(0, 2, len(sites)) for kind in kinds]
        or [np.empty((len(sites), 0))]
    )
    values = rng.normal(size=(len(sites), features)) * rng.uniform(0.6, 1.8, (len(sizes), features)).repeat(sizes, 0)
    values += rng.normal(0, 1.5, (len(sizes), features)).repeat(sizes, 0)
    values += covariates @ rng.normal(0, 0.05, (covariates.shape[1], features))
    values = np.round(values * 10.0 ** rng.integers(-3, 6, features), 6)
    order = rng.permutation(len(sites))
    missing = number >= TABLES
    if missing:
        values[rng.random(values.shape) < 0.05] = np.nan
    fresh = rng.integers(0, len(sites), 6)
    return {
        "name": f"{'missing' if missing else 'table'} {number}",
        "values": values[order], "sites": sites[order], "covariates": covariates[order],
        "mean_only": number % 4 == 1, "reference": "site B" if number % 3 == 2 else "", "missing": missing,
        "new_values": np.round(np.nan_to_num(values[fresh]) * 1.25, 6), "new_sites": sites[fresh],
        "new_covariates": covariates[fresh],
    }  # fmt: skip


def plain(case):
    """Arrays as lists, NaN as None."""
    return {
        name: [[None if isinstance(x, float) and np.isnan(x) else x for x in row] if isinstance(row, list) else row
               for row in value.tolist()] if isinstance(value, np.ndarray) else value
        for name, value in case.items()
    }  # fmt: skip


def by_neurocombat(case, *, eb, tolerance):
    """neuroCombat's table."""
    nc = importlib.import_module("neuroCombat.neuroCombat")

    vars(np)["int"] = int  # it was written for numpy < 1.24
    nc.it_sol.__defaults__ = (tolerance,)
    covariates = pd.DataFrame(case["covariates"], columns=[f"c{i}" for i in range(case["covariates"].shape[1])])
    with contextlib.redirect_stdout(io.StringIO()):
        return nc.neuroCombat(
            case["values"].T.copy(), pd.concat([covariates, pd.Series(case["sites"], name="site")], axis=1), "site",
            continuous_cols=list(covariates), eb=eb, mean_only=case["mean_only"],
            ref_batch=case["reference"] or None,
        )["data"].T  # fmt: skip


def by_combatlearn(case):
    """combatlearn's fitted and new rows, feature by feature."""
    from combatlearn.core import ComBatModel

    fitted, fresh = [], []
    for column in range(case["values"].shape[1]):
        model = ComBatModel(
            method="fortin", mean_only=case["mean_only"], reference_batch=case["reference"] or None, eps=0.0
        )
        kept = pd.DataFrame(case["covariates"]) if case["covariates"].shape[1] else None
        new = pd.DataFrame(case["new_covariates"]) if kept is not None else None
        table, sites = pd.DataFrame(case["values"][:, [column]]), pd.Series(case["sites"])
        model.fit(table, batch=sites, continuous_covariates=kept)
        fitted.append(model.transform(table, batch=sites, continuous_covariates=kept).to_numpy()[:, 0])
        rows = pd.DataFrame(case["new_values"][:, [column]])
        fresh.append(
            model.transform(rows, batch=pd.Series(case["new_sites"]), continuous_covariates=new).to_numpy()[:, 0]
        )
    return np.column_stack(fitted), np.column_stack(fresh)


def by_sva(cases):
    """sva's tables, by its own rule and iterated to the end."""
    with tempfile.TemporaryDirectory() as folder:
        given, results = Path(folder, "cases.json"), Path(folder, "results.json")
        given.write_text(json.dumps([plain(case) for case in cases]), encoding="utf-8")
        subprocess.run(["Rscript", str(HERE / "combat_make.R"), str(given), str(results)], check=True)
        tables = json.loads(results.read_text(encoding="utf-8"))
    return [[np.array(table, dtype=float) for table in tables[which]] for which in ("usual", "exact")]


def main():
    """Write the values, and print the largest differences from ours."""
    import warnings

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(2007)
    cases = [case_of(number, rng) for number in range(TABLES + WITH_GAPS)]
    usual, exact = by_sva(cases)
    records = []
    for case, loose, tight in zip(cases, usual, exact, strict=True):
        record = {**case, "sva": tight}
        if not case["missing"]:
            record["neuroCombat"] = by_neurocombat(case, eb=True, tolerance=1e-13)
            record["neuroCombat eb=False"] = by_neurocombat(case, eb=False, tolerance=1e-13)
            record["combatlearn"], record["combatlearn new"] = by_combatlearn(case)
            record["_usual"] = {"sva": loose, "neuroCombat": by_neurocombat(case, eb=True, tolerance=1e-4)}
        records.append(record)
    stored = [plain({name: value for name, value in record.items() if name[0] != "_"}) for record in records]
    with gzip.GzipFile(HERE / "combat.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(stored).encode())
    for name in ("sva", "neuroCombat"):
        size = [
            np.nanmax(np.abs(r["_usual"][name] - r[name]) / np.nanstd(r["values"], 0)) for r in records if "_usual" in r
        ]
        print(f"{name}: stopping at 1e-4 moves a value by at most {max(size):.2g} SD", file=sys.stderr)


if __name__ == "__main__":
    main()
