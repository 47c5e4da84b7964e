"""Does harmonising help on raw features? Three synthetic scanners: the demo's 1.5 T, and two of 3 T.

    python benchmarks/harmonisation_sites.py --patients 60 --splits 20 --work FOLDER

Each scanner images a cohort of `radstudy demo` of its own, with its own voxel size, noise, contrast and bias field; the
third has 70 % positive instead of 40 %. Every lesion is prepared and extracted as by the reference protocol. Each
split (70 % train, by scanner and outcome) fits the models with and without ComBat; the AUC is that of the testing rows,
of all together and within the scanners. Extracted features in FOLDER are not extracted again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from radstudy.demo import appearance
from radstudy.demo.ceiling import simulated_features
from radstudy.parallel import HERE, use
from radstudy.protocol.load import parse_protocol
from radstudy.study import run

SEQUENCES = ("T2WI", "DWI")
SITES = {  # voxel size (T2WI, DWI), and factors of noise, lesion's brightness, texture's contrast and bias field
    "1.5 T, A": (None, None, 1.0, 1.0, 1.0, 1.0),
    "3 T, B": ((0.7, 0.7, 3.0), (1.8, 1.8, 3.0), 0.6, 1.4, 1.15, 2.0),
    "3 T, C": ((0.9, 0.9, 3.5), (2.0, 2.0, 5.0), 1.6, 0.7, 0.9, 1.5),
}
POSITIVE_AT_C = 0.7
STUDY = """
study: three synthetic scanners
seed: 1
cohort:
  table: cohort.csv
  patient: patient
  {site}
  outcome: {{column: outcome, positive: "1"}}
  split: {{column: set}}
sequences: [T2WI, DWI]
features: {{table: features.csv, patient: patient, sequence: sequence}}
model:
  select: [{harmonise}{{impute: median}}, {{standardise: zscore}}, {{collinear: {{above: 0.9}}}},
           {{univariate: {{below: 0.05}}}}, {{boosted_trees: {{keep: 5}}}}]
  models: {{T2WI: [T2WI], DWI: [DWI], both: {{pool: [T2WI, DWI]}}}}
evaluate: {{chance: null, resampling: null, baselines: null}}
"""


def measured(site: str, patients: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Features of one scanner's cohort, and the outcome by patient."""
    as_acquired, as_biased = dict(appearance.PROTOCOL), appearance._log_bias  # another scanner's
    t2, dwi, noise, lesion, contrast, bias = SITES[site]
    for name, spacing in (("T2WI", t2), ("DWI", dwi)):
        own = as_acquired[name]
        appearance.PROTOCOL[name] = replace(
            own, spacing_mm=spacing or own.spacing_mm, noise=own.noise * noise, lesion=own.lesion * lesion,
            contrast=own.contrast * contrast,
        )  # fmt: skip
    appearance._log_bias = lambda grid, rng: bias * as_biased(grid, rng)
    try:
        features, truth = simulated_features(patients, seed, sequences=SEQUENCES, jobs=1)
    finally:
        appearance.PROTOCOL.update(as_acquired)
        appearance._log_bias = as_biased
    return features, (truth["fish_made_from"] == "positive").astype(int)


def cohort(patients: int, work: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All scanners' patients, and their features in rows (patient, sequence)."""
    file = work / f"features_{patients}.parquet"
    if not file.exists():
        tables = []
        for number, site in enumerate(SITES, 1):
            features, outcome = measured(site, patients, seed=100 + number)
            frame = features.reset_index()
            frame["outcome"] = frame["patient"].map(outcome)
            tables.append(frame.assign(patient=f"{number}-" + frame["patient"], site=site))
            print(f"{site}: {len(outcome)} patients measured", flush=True)
        pd.concat(tables).to_parquet(file)
    frame = pd.read_parquet(file)
    people = frame.drop_duplicates("patient")[["patient", "site", "outcome"]].reset_index(drop=True)
    at_c = people[people["site"] == "3 T, C"]
    positives, negatives = (at_c[at_c["outcome"] == value] for value in (1, 0))
    kept = round(len(positives) * (1 - POSITIVE_AT_C) / POSITIVE_AT_C)
    people = people.drop(negatives.index[kept:])
    return people.reset_index(drop=True), frame[frame["patient"].isin(people["patient"])].drop(
        columns=["site", "outcome"]
    )


def aucs(out: Path, people: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Model to its AUC in all testing rows, and the mean of those within the scanners."""
    rows = pd.read_csv(out / "model" / "predictions.csv", dtype={"patient": str})
    rows = rows[rows["set"] == "testing"].merge(people[["patient", "site"]], on="patient")
    answers = {}
    for model, part in rows.groupby("model"):
        within = [roc_auc_score(one["outcome"], one["probability"]) for _, one in part.groupby("site")]
        answers[str(model)] = (float(roc_auc_score(part["outcome"], part["probability"])), float(np.mean(within)))
    return answers


def main() -> None:
    """Print the AUC with and without harmonising, and the sites' effect on the features."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, default=60)
    asked.add_argument("--splits", type=int, default=20)
    asked.add_argument("--work", type=Path, required=True)
    given = asked.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    use(HERE)
    people, features = cohort(given.patients, given.work)
    print(people.groupby("site")["outcome"].agg(["size", "mean"]))
    features.to_csv(given.work / "features.csv", index=False)
    rows = []
    for split in range(given.splits):
        rng = np.random.default_rng(split)
        order = people.assign(by=rng.random(len(people)))
        rank = order.groupby(["site", "outcome"])["by"].rank(pct=True)
        people.assign(set=np.where(rank <= 0.7, "training", "testing")).to_csv(given.work / "cohort.csv", index=False)
        for name, site, harmonise in (("without", "", ""), ("with", "site: site", "{harmonise: {method: combat}}, ")):
            out = given.work / f"{name}{split}"
            study = parse_protocol(STUDY.format(site=site, harmonise=harmonise))
            run(study, data=given.work, out=out, until="evaluate" if name == "with" and not split else "model", jobs=1)
            rows += [
                {"split": split, "harmonised": name, "model": model, "all": both[0], "within": both[1]}
                for model, both in aucs(out, people).items()
            ]
        table = pd.DataFrame(rows).pivot_table(index=["split", "model"], columns="harmonised", values=["all", "within"])
        for which in ("all", "within"):
            own = table[which]
            apart = (own["with"] - own["without"]).groupby("model")
            print(split + 1, which, own.groupby("model").mean().round(3).to_dict(), "difference",
                  apart.mean().round(3).to_dict(), "SE", apart.sem().round(3).to_dict(), flush=True)  # fmt: skip
    effect = pd.read_csv(given.work / "with0" / "evaluate" / "harmonisation" / "site_effect.csv")
    print(effect.groupby("set")[["eta_squared_before", "eta_squared_after"]].median().round(3))


if __name__ == "__main__":
    main()
