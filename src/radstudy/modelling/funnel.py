"""Numbers of features that each step of a fitted model kept, and the features that it dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from radstudy.modelling.models import leaves
from radstudy.modelling.selection.step import FeatureFilter
from radstudy.table import SEPARATOR


def funnel(name: str, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return one row (model/funnel.csv) per step of a fitted pipeline, including the models inside it."""
    return [
        {"model": name, "branch": branch, "step": word, "entered": len(_entered(step)), "kept": int(step.kept_.sum())}
        for branch, word, step in _filters(name, pipeline)
    ]


def funnel_of_sequences(name: str, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return one row (model/funnel_sequences.csv) per step and sequence; clinical variables are under "clinical"."""
    rows: list[dict[str, Any]] = []
    for order, (branch, word, step) in enumerate(_filters(name, pipeline), 1):
        names = [str(column) for column in getattr(step, "feature_names_in_", ())]
        entered = _by_sequence(np.asarray(names, dtype=object)[_entered(step)])
        kept = _by_sequence(np.asarray(names, dtype=object)[step.kept_])
        about = {"model": name, "branch": branch, "order": order, "step": word}
        rows += [
            {**about, "sequence": sequence, "entered": number, "kept": kept[sequence]}
            for sequence, number in entered.items()
        ]
    return rows


def dropped(name: str, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return one row (model/dropped.csv) per feature that the model's own steps dropped."""
    return [
        {"model": name, "branch": branch, "step": word, "feature": feature, "reason": reason}
        for branch, word, step in _filters(name, pipeline)
        if branch == name
        for feature, reason in step.dropped_.items()
    ]


def _filters(name: str, pipeline: Pipeline) -> Iterator[tuple[str, str, FeatureFilter]]:
    """Yield branch, word and step of every filter, in running order."""
    for path, step in leaves(pipeline):
        if isinstance(step, FeatureFilter):
            yield _branch(path, name), path[-1], step


def _entered(step: FeatureFilter) -> NDArray[np.intp]:
    """Return the positions of the columns that a step chooses from: without the sites and covariates of harmonise."""
    beside = getattr(step, "beside_", np.zeros(len(step.kept_), dtype=bool))
    return np.flatnonzero(~beside)


def _branch(path: tuple[str, ...], name: str) -> str:
    """Return the model whose selection a step belongs to: the innermost one on the path."""
    inner = [part for before, part in zip(("", *path), path, strict=False) if before == "features"]
    return inner[-1] if inner else name


def _by_sequence(columns: Iterable[Any]) -> Counter[str]:
    return Counter(str(column).partition(SEPARATOR)[0] for column in columns)
