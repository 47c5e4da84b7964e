"""The planted effect: one latent score per patient and sequence, and lesion traits without meaning.

A patient's score on a sequence is ``z = d y + e``: y the FISH result (0 or 1), e standard normal, correlated between
the sequences of one patient. The score alone separates the groups with an AUC of Phi(d / sqrt 2); the image depends on
the outcome only through the score, so no feature, and no model of one sequence's features, can do better than that in
the long run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

SEQUENCES = ("T2WI", "DWI", "DCE3", "DCE7")
CEILING_AUC = {"T2WI": 0.50, "DWI": 0.80, "DCE3": 0.70, "DCE7": 0.80}
CORRELATION = 0.4  # between two sequences' scores, within a FISH group


def distance(sequence: str) -> float:
    """The shift d of the score's mean between the FISH groups, in standard deviations: sqrt 2 Phi^-1(AUC)."""
    return float(np.sqrt(2) * stats.norm.ppf(CEILING_AUC[sequence]))


def planted_scores(outcome: NDArray[np.int64], groups: NDArray[np.int64], rng: np.random.Generator) -> pd.DataFrame:
    """The latent scores.

    Within each group (set and FISH result) of five patients or more the noise is centred and scaled to unit variance,
    so that one cohort of 107 shows the planted effect and not the luck of 13 draws.

    Parameters
    ----------
    outcome : (patients,) 0 or 1.
    groups : (patients,) number of the patient's set and FISH group.
    rng : source of the noise.

    Returns
    -------
    (patients, 4) scores, one column per sequence.
    """
    shape = (outcome.size, len(SEQUENCES))
    shared = rng.standard_normal((outcome.size, 1))
    noise = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * rng.standard_normal(shape)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        if members.size >= 5:
            noise[members] -= noise[members].mean(axis=0)
            noise[members] /= noise[members].std(axis=0, ddof=1)
    shifts = np.array([distance(sequence) for sequence in SEQUENCES])
    return pd.DataFrame(outcome[:, None] * shifts + noise, columns=list(SEQUENCES))


def texture_of(score: float, sequence: str) -> tuple[float, float]:
    """The effect of the score on a lesion's texture.

    Returns
    -------
    fine : share of the texture's variance that is fine, in 0-1: Phi(z - d / 2), 0.5 midway between the groups.
    contrast : factor on the texture's SD: exp(0.28 (z - d / 2)).
    """
    centred = score - distance(sequence) / 2
    return float(stats.norm.cdf(centred)), float(np.exp(0.28 * centred))
