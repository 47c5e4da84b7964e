"""How many features each step of a fitted model let through, and what it dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from radstudy.modelling.models import leaves
from radstudy.modelling.selection.step import FeatureFilter
from radstudy.table import SEPARATOR

FUNNEL = ("model", "branch", "step", "entered", "kept")
FUNNEL_OF_SEQUENCES = ("model", "branch", "order", "step", "sequence", "entered", "kept")
DROPPED = ("model", "branch", "step", "feature", "reason")


def funnel(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    """One row (`FUNNEL`) a step of a fitted pipeline, those of the models inside it included."""
    return [
        (name, branch, word, len(step.kept_), int(step.kept_.sum())) for branch, word, step in _filters(name, pipeline)
    ]


def funnel_of_sequences(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    """One row (`FUNNEL_OF_SEQUENCES`) a step and sequence; clinical variables are under "clinical"."""
    rows = []
    for order, (branch, word, step) in enumerate(_filters(name, pipeline), 1):
        names = [str(column) for column in getattr(step, "feature_names_in_", ())]
        entered = _by_sequence(names)
        kept = _by_sequence(np.asarray(names, dtype=object)[step.kept_])
        rows += [(name, branch, order, word, sequence, number, kept[sequence]) for sequence, number in entered.items()]
    return rows


def dropped(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    """One row (`DROPPED`) a feature that the model's own steps dropped."""
    return [
        (name, branch, word, feature, reason)
        for branch, word, step in _filters(name, pipeline)
        if branch == name
        for feature, reason in step.dropped_.items()
    ]


def _filters(name: str, pipeline: Pipeline) -> Iterator[tuple[str, str, FeatureFilter]]:
    """Branch, word and step of every filter, in the order of their running."""
    for path, step in leaves(pipeline):
        if isinstance(step, FeatureFilter):
            yield _branch(path, name), path[-1], step


def _branch(path: tuple[str, ...], name: str) -> str:
    """The model whose selection a step belongs to: the innermost one that the path goes through."""
    inner = [part for before, part in zip(("", *path), path, strict=False) if before == "features"]
    return inner[-1] if inner else name


def _by_sequence(columns: Iterable[Any]) -> Counter[str]:
    return Counter(str(column).partition(SEPARATOR)[0] for column in columns)
