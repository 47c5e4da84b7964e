"""Check the planted effect: over many patients no single feature may separate the groups better than the latent score.

    python -m radstudy.demo.ceiling --patients 2000 --seed 1 --features features.parquet

simulates patients, takes every lesion through the reference protocol's preparation and extraction, and prints for each
sequence the AUC of the latent score and of the best of the 1,218 features, both in the same patients. The published
diameters differ slightly between the groups, which is a second path from the outcome to an image; here they are
permuted, so that the score is the only one. 2,000 patients take about half an hour on two cores. The exit code is 1 if
a feature beats its ceiling by more than 3.5 standard errors of an AUC, about the largest deviation expected by chance
among 1,218 features.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from radstudy.demo.cohort import PhantomPatient, plan, simulate, study_text
from radstudy.demo.latent import CEILING_AUC, SEQUENCES
from radstudy.features.extract import extract
from radstudy.imaging.preparation import prepare_volume
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.parallel import finished
from radstudy.protocol.load import parse_protocol
from radstudy.store import write_parquet


def simulated_features(
    patients: int,
    seed: int,
    *,
    sequences: Iterable[str] = SEQUENCES,
    jobs: int | None = None,
    deal_diameters: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reader 1's features of a simulated cohort, computed in memory.

    Parameters
    ----------
    patients, seed : as for `radstudy.demo.cohort.make`.
    sequences : sequences to simulate, of T2WI, DWI, DCE3 and DCE7.
    jobs : number of processes; None uses all cores.
    deal_diameters : permute the diameters over all patients.

    Returns
    -------
    features : float, one row per (patient, sequence).
    truth : the planted effect, one row per patient.
    """
    _, truth, plans = plan(patients=patients, seed=seed, null=False)
    dealt = [replace(patient, doubly_read=False) for patient in plans]
    if deal_diameters:
        order = np.random.default_rng(seed).permutation(patients)
        dealt = [replace(patient, diameter_mm=plans[i].diameter_mm) for patient, i in zip(dealt, order, strict=True)]
    work = partial(_features_of, sequences=tuple(sequences))
    tables = dict(finished(work, dealt, jobs, named=lambda patient: patient.identifier))
    return pd.concat([tables[index] for index in range(patients)]), truth.set_index("patient_id")


def _features_of(patient: PhantomPatient, sequences: tuple[str, ...]) -> pd.DataFrame:
    steps = parse_protocol(study_text(0, False)).prepare
    rows = {}
    for sequence, image, masks, affine in simulate(patient):
        if sequence in sequences:
            volume, _ = prepare_volume(Volume(image.astype(np.float32), affine, stored_dtype=image.dtype), steps)
            rows[(patient.identifier, sequence)] = extract(volume, Roi(masks["reader1"], affine))
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["patient", "sequence"])
    return table


def ceilings(features: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Latent and best single-feature AUC by sequence.

    Returns
    -------
    One row per sequence: planted (in the long run), latent (in these patients), best, feature, standard_error of an AUC
    without effect, rank_correlation of the feature that follows the score best, and within (no ceiling exceeded).
    """
    rows = []
    for sequence, part in features.groupby(level="sequence", sort=False):
        name = str(sequence)
        values = part.droplevel("sequence").dropna(axis=1)
        known = truth.loc[values.index]
        outcome = (known["fish_made_from"] == "positive").to_numpy()
        score = known[f"score_{name}"].to_numpy()
        ranks = stats.rankdata(values.to_numpy(), axis=0)
        areas = _auc(ranks, outcome)
        strength = np.maximum(areas, 1 - areas)
        latent = float(_auc(stats.rankdata(score)[:, None], outcome)[0])
        error = float(np.sqrt((outcome.size + 1) / (12 * outcome.sum() * (~outcome).sum())))
        spread = ranks.std(axis=0) > 0
        follows = np.abs(np.corrcoef(ranks[:, spread], stats.rankdata(score), rowvar=False)[-1, :-1]).max()
        best = int(np.argmax(strength))
        rows.append({
            "sequence": name, "planted": CEILING_AUC[name], "latent": latent, "best": strength[best],
            "feature": values.columns[best], "standard_error": error, "rank_correlation": follows,
            "within": bool(strength[best] <= max(latent, 1 - latent) + 3.5 * error),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _auc(ranks: NDArray[np.float64], outcome: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUC of every column of ranks: the Mann-Whitney statistic over the number of pairs."""
    positives, negatives = int(outcome.sum()), int((~outcome).sum())
    above = ranks[outcome].sum(axis=0) - positives * (positives + 1) / 2
    return np.asarray(above / (positives * negatives))


def main() -> int:
    """Run the check from the command line and return 0 if every ceiling holds."""
    parser = argparse.ArgumentParser(
        description="Check that no feature of the synthetic cohort beats its planted ceiling."
    )
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, help="number of processes; by default all cores")
    parser.add_argument("--features", type=Path, help="write the simulated patients' features here (Parquet)")
    given = parser.parse_args()
    features, truth = simulated_features(given.patients, given.seed, jobs=given.jobs)
    if given.features is not None:
        write_parquet(given.features, features)
    result = ceilings(features, truth)
    sys.stdout.write(result.round(3).to_string(index=False) + "\n")
    return 0 if bool(result["within"].all()) else 1


if __name__ == "__main__":
    sys.exit(main())
