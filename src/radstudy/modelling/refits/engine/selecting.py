"""Selection of a model's features for one labelling, from its prepared sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radstudy.modelling.refits.engine.kernels.collinear import keep_uncorrelated
from radstudy.modelling.refits.engine.plan import head_of
from radstudy.modelling.refits.engine.sources import ClinicalSource, FeatureSource
from radstudy.modelling.refits.engine.trees import tree_importances
from radstudy.protocol.sections import Protocol
from radstudy.protocol.selection import BoostedTrees, Collinear, SelectionStep, Univariate, Variance
from radstudy.statistics import student_columns

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Source = FeatureSource | ClinicalSource


@dataclass(frozen=True, eq=False)
class Selected:
    """Selected columns: their source and positions there, their names and training values, in order."""

    parts: tuple[tuple[FeatureSource | ClinicalSource, IntArray], ...]
    names: NDArray[np.object_]
    values: Array

    def keep(self, kept: BoolArray) -> Selected:
        """Return some of the columns."""
        parts, at = [], 0
        for source, chosen in self.parts:
            parts.append((source, chosen[kept[at : at + len(chosen)]]))
            at += len(chosen)
        return Selected(tuple(parts), self.names[kept], self.values[:, kept])

    def scored(self, rows_of: Mapping[type, IntArray]) -> Array:
        """Return the values of other rows, (rows, columns); each kind of source has its own rows."""
        return np.hstack([source.scored(rows_of[type(source)], chosen) for source, chosen in self.parts])


class Selections:
    """The selections of one labelling; parts that several models share are computed once.

    Parameters
    ----------
    protocol : the study's protocol.
    source : function of (model, rows) that returns the source of a model of sequences or clinical variables.
    clinical_rows : function of rows that returns the rows whose clinical values they have.
    """

    def __init__(
        self,
        protocol: Protocol,
        source: Callable[[str, IntArray], Source],
        clinical_rows: Callable[[IntArray], IntArray],
    ) -> None:
        self.protocol = protocol
        self._source = source
        self._clinical_rows = clinical_rows
        self._made: dict[tuple[str, bytes], Selected] = {}

    def of(self, name: str, rows: IntArray, outcome: IntArray) -> Selected:
        """Return the columns that a model selects on some rows (positions, repeats allowed) and their outcome."""
        key = (name, rows.tobytes())
        if key not in self._made:
            self._made[key] = self._selected(name, rows, outcome)
        return self._made[key]

    def _selected(self, name: str, rows: IntArray, outcome: IntArray) -> Selected:
        model = self.protocol.model.models[name]
        if model.clinical is not None:
            screened = self._source(name, self._clinical_rows(rows))
            assert isinstance(screened, ClinicalSource)
            p_values = screened.p_values(outcome)
            below = model.clinical.univariate_below
            chosen = np.flatnonzero([p_values[str(variable)] < below for variable in screened.variables])
            return Selected(((screened, chosen),), screened.names[chosen], screened.values[:, chosen])
        if model.sequences is not None:
            source = self._source(name, rows)
            assert isinstance(source, FeatureSource)
            chosen = np.arange(len(source.names))
            for step in self.protocol.model.select[len(head_of(self.protocol.model.select)) :]:
                chosen = self._step(name, step, source, chosen, outcome)
            return Selected(((source, chosen),), source.names[chosen], source.values[:, chosen])
        parts = [self.of(other, rows, outcome) for other in (*(model.pool or ()), *(model.add or ()))]
        union = Selected(
            tuple(part for selected in parts for part in selected.parts),
            np.concatenate([selected.names for selected in parts]),
            np.hstack([selected.values for selected in parts]),
        )
        for step in self.protocol.model.select if model.pool else ():
            if isinstance(step, BoostedTrees):  # the only step known to the engine that reduces
                rank = np.argsort(np.argsort(union.names.astype(str), kind="stable"), kind="stable")
                union = union.keep(self._trees(step, name, union.values, rank, outcome))
        return union

    def _step(
        self, name: str, step: SelectionStep, source: FeatureSource, chosen: IntArray, outcome: IntArray
    ) -> IntArray:
        """Return those of the columns chosen so far that one step keeps."""
        if not len(chosen):
            return chosen
        if isinstance(step, Variance):
            return np.asarray(chosen[source.varying(step)[chosen]])
        if isinstance(step, Collinear):
            power = source.power(outcome)[chosen]
            order = chosen[np.lexsort((source.name_rank[chosen], -np.round(power, 12)))]
            return np.flatnonzero(keep_uncorrelated(source.related(step.above), order))
        if isinstance(step, Univariate):
            if step.test == "student":
                p_values = student_columns(source.values[:, chosen], outcome)
            else:
                p_values = source.mann_whitney(outcome, chosen)
            kept = p_values < step.below
            return np.asarray(chosen[kept])
        if isinstance(step, BoostedTrees):
            kept = self._trees(step, name, source.values[:, chosen], source.name_rank[chosen], outcome)
            return np.asarray(chosen[kept])
        raise AssertionError(f"the engine was given the step {step.word}, which it does not know")

    def _trees(
        self, section: BoostedTrees, name: str, values: Array, name_rank: IntArray, outcome: IntArray
    ) -> BoolArray:
        """Return the columns that are most important to the trees; ties are ordered by name."""
        keep = section.keep[name] if isinstance(section.keep, dict) else section.keep
        count = values.shape[1]
        kept = np.ones(count, dtype=bool)
        if count <= keep:
            return kept
        importances = tree_importances(
            values, outcome, trees=section.trees, depth=section.depth, learning_rate=section.learning_rate,
            subsample=section.subsample, random_state=self.protocol.seed,
        )  # fmt: skip
        kept[np.lexsort((name_rank, -importances))[keep:]] = False
        return kept
