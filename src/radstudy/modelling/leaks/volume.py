"""Check for radiomics models that only measure the lesion's volume."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, p_of, varying
from radstudy.statistics import auc, holm, mann_whitney_columns

CHECK = "volume as a confounder"
BELOW = 0.01  # Holm over the sequences
FOLLOWS = 0.8  # Spearman's correlation of a model's probabilities with the volume
SAME = 0.9  # of a feature with the volume
MOST = 0.5  # of a sequence's features
_SHAPE = ("MeshVolume", "VoxelVolume", "volume_mesh", "volume_voxel", "Volume")


def volume_of(features: pd.DataFrame) -> pd.Series | None:
    """Return the lesions' volume among the features of a sequence; None if there is no volume feature.

    Parameters
    ----------
    features : (patient, lesion) x features; PyRadiomics' names, or any name that ends in Volume.
    """
    for ending in _SHAPE:
        names = [name for name in features.columns if str(name) == ending or str(name).endswith(f"_{ending}")]
        plain = [name for name in names if str(name).startswith("original")] or names
        if plain and (features[plain[0]].dropna() > 0).all():
            return features[plain[0]].dropna()
    return None


def find_volume(seen: Inspected) -> Iterator[LeakFinding]:
    """Find models whose probabilities follow a volume that itself predicts the outcome, and features mostly of volume.

    A warning if the volume differs between the classes (Mann-Whitney over all rows, Holm over sequences, p < 0.01) and
    a model's probabilities correlate with it (Spearman's rho of at least 0.8): the model adds little to a ruler.
    A note if more than half of a sequence's features correlate with the volume by at least 0.9.

    Parameters
    ----------
    seen : the study.

    References
    ----------
    Welch ML et al., Radiother Oncol 2019;130:2, doi 10.1016/j.radonc.2018.10.027.
    """
    tested = {name: _p_value(seen, column) for name, column in seen.volumes.items()}
    known = {name: p for name, p in tested.items() if not np.isnan(p)}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    for model, scores in seen.scores.items():
        yield from _of_model(seen, model, scores, {name: float(p) for name, p in adjusted.items() if p < BELOW})
    for sequence, column in seen.volumes.items():
        yield from _of_features(seen, sequence, column)


def _p_value(seen: Inspected, column: pd.Series) -> float:
    column = column[column.index.isin(seen.rows.index)]
    y = seen.outcome_of(column.index)
    if len(np.unique(y)) < 2:
        return float("nan")
    return float(mann_whitney_columns(column.to_numpy(dtype=float)[:, None], y)[0])


def _of_model(seen: Inspected, model: str, scores: pd.Series, telling: dict[str, float]) -> Iterator[LeakFinding]:
    correlations = []
    for sequence in (name for name in seen.of_model.get(model, ()) if name in telling):
        both = scores.index.intersection(seen.volumes[sequence].index)
        if scores[both].nunique() < 2:
            continue
        volume = seen.volumes[sequence][both]
        correlations.append((abs(float(stats.spearmanr(scores[both], volume).statistic)), sequence, both))
    if not correlations:
        return
    rho, sequence, both = max(correlations, key=lambda item: item[0])
    if rho < FOLLOWS:
        return
    y = seen.outcome_of(both)
    areas = [auc(y, values[both].to_numpy(dtype=float)) for values in (scores, seen.volumes[sequence])]
    alone = max(areas[1], 1 - areas[1])
    yield LeakFinding(
        "warning", CHECK, f"the model '{model}' follows the lesion's volume on {sequence}, which predicts the outcome",
        f"Spearman's rho of its probabilities with the volume {rho:.2f} over {len(both)} rows; AUC of the volume alone "
        f"{alone:.3f}, of the model {areas[0]:.3f}; volume against outcome, adjusted {p_of(telling[sequence])}",
        model, "report the volume-only model as well (evaluate.baselines), and what the model adds to the volume",
    )  # fmt: skip


def _of_features(seen: Inspected, sequence: str, column: pd.Series) -> Iterator[LeakFinding]:
    frame = seen.table_of(sequence)
    frame = frame[frame.index.isin(column.index)]
    frame = frame.loc[:, np.isfinite(frame.to_numpy(dtype=float)).all(axis=0)]
    frame = varying(frame)
    if frame.shape[1] < 2 or len(frame) < 10:
        return
    ranks = np.column_stack([column[frame.index].rank(), frame.rank()])
    rho = np.abs(np.corrcoef(ranks, rowvar=False)[0, 1:])
    share = float((rho >= SAME).mean())
    if share > MOST:
        yield LeakFinding(
            "note", CHECK, f"most features of {sequence} are measures of the lesion's volume",
            f"Spearman's rho of at least {SAME} with the volume in {share:.0%} of {frame.shape[1]} features", sequence,
            "add 'collinear' to model.select with the volume among the features, or use features that are divided "
            "by the number of voxels",
        )  # fmt: skip
