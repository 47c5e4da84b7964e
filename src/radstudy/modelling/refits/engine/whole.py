"""Fits of all models of a protocol to some rows and labels, equal to those of their scikit-learn pipelines.

One engine serves permutations (same rows, other labels), nested cross-validation (other rows) and the bootstrap (rows
more than once): data that do not depend on labels are kept from call to call.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radstudy.errors import DataError
from radstudy.modelling.models import candidates
from radstudy.modelling.refits.engine.penalty import Folds, auc, folds_of, tuned_fit
from radstudy.modelling.refits.engine.plan import head_of, why_not
from radstudy.modelling.refits.engine.selecting import Selections
from radstudy.modelling.refits.engine.slow import fit_with_scikit_learn
from radstudy.modelling.refits.engine.sources import ClinicalSource, DesignColumns, FeatureSource
from radstudy.modelling.validation import TooFewError
from radstudy.protocol.classifiers import Logistic
from radstudy.protocol.sections import Protocol
from radstudy.table import CLINICAL, SEPARATOR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_KEPT_SOURCES = 40


@dataclass(frozen=True, eq=False)
class ModelFit:
    """One model fitted to some training rows.

    Attributes
    ----------
    model : its name.
    features : names of the selected columns; if there are none, the model is its intercept and its AUCs are 0.5.
    coefficients, intercept : of the standardised features.
    strength : the chosen C, NaN for the intercept model.
    training_auc : of the rows that the model was fitted on.
    cross_validated_auc : mean over the tuning folds of each fold's AUC; optimistic, since the selection has seen all
        training rows. Never the AUC of pooled scores.
    testing_auc : of the testing rows; NaN if a class is missing there.
    training_rows, testing_rows : the rows used, those with all sequences and clinical variables.
    training_log_odds, testing_log_odds : their scores.
    note : the reason why the model was not fitted; then every number is NaN.
    """

    model: str
    features: tuple[str, ...]
    coefficients: Array
    intercept: float
    strength: float
    training_auc: float
    cross_validated_auc: float
    testing_auc: float
    training_rows: IntArray
    testing_rows: IntArray
    training_log_odds: Array
    testing_log_odds: Array
    note: str = ""


class Engine:
    """The models of a protocol on one design table.

    Parameters
    ----------
    protocol : the study's protocol.
    design : the design table (`design_table`), indexed (patient, lesion).
    usable : model to bool (rows,), the rows that it can use (`usable_rows`).
    models : names of the models, in order; None: all.

    Attributes
    ----------
    slow : model to the reason why it is left to scikit-learn (same results, but many times slower).

    Examples
    --------
    >>> engine = Engine(protocol, design, usable)  # doctest: +SKIP
    >>> engine.fit(outcome, training, testing)["DCE7"].testing_auc  # doctest: +SKIP
    """

    def __init__(
        self,
        protocol: Protocol,
        design: pd.DataFrame,
        usable: Mapping[str, ArrayLike],
        *,
        models: Sequence[str] | None = None,
    ) -> None:
        self.protocol = protocol
        self.design = design
        self.models = tuple(models if models is not None else protocol.model.models)
        self.usable = {name: np.asarray(usable[name], dtype=np.bool_) for name in self.models}
        patients = pd.factorize(design.index.get_level_values("patient"))[0]
        self.patients: IntArray = np.asarray(patients, dtype=np.int64)
        self.slow = {name: why for name in self.models if (why := why_not(protocol, name))}
        self._columns: dict[str, DesignColumns] = {}
        self._sources: OrderedDict[tuple[Any, ...], FeatureSource | ClinicalSource] = OrderedDict()

    def fit(
        self,
        outcome: IntArray,
        training: IntArray,
        testing: IntArray,
        *,
        clinical_from: IntArray | None = None,
        groups: IntArray | None = None,
    ) -> dict[str, ModelFit]:
        """Fit every model on the training rows and score the testing rows.

        Parameters
        ----------
        outcome : (rows,) 0 or 1 for every row of the design table.
        training, testing : positions of rows; a training row may appear more than once (bootstrap).
        clinical_from : (rows,) the row whose clinical values each row has; None: its own. If the outcome is permuted
            in the same way, this permutes the radiomics rows against (outcome, clinical).
        groups : (rows,) rows of one group stay in one fold; None: the patients.

        Returns
        -------
        Model to its fit, equal to that of `modelling.models.build`, in the engine's order.

        Raises
        ------
        DataError : the outcome has values other than 0 and 1, or another length than the design table.
        """
        outcome = np.asarray(outcome, dtype=np.int64)
        if outcome.shape != (len(self.design),) or not np.isin(outcome[np.r_[training, testing]], (0, 1)).all():
            raise DataError(f"the outcome must be 0 or 1 for each of the {len(self.design)} rows of the design table")
        call = _Call(self, outcome, clinical_from, self.patients if groups is None else groups)
        return {name: call.fit(name, np.asarray(training), np.asarray(testing)) for name in self.models}

    def content_hash(self) -> str:
        """Return a hash of the design table and of the rows that each model can use."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update("\n".join(map(str, self.design.columns)).encode())
        digest.update(self.design.to_numpy(dtype=np.float64).tobytes())
        digest.update(self.patients.tobytes())
        for name in self.models:
            digest.update(self.usable[name].tobytes())
        return digest.hexdigest()

    def source(self, name: str, rows: IntArray) -> FeatureSource | ClinicalSource:
        """Return the source of a model of sequences or clinical variables for some rows; kept for the next call."""
        key = (name, rows.tobytes())
        if key not in self._sources:
            self._sources[key] = self._made(name, rows)
            while len(self._sources) > _KEPT_SOURCES:
                self._sources.popitem(last=False)
        self._sources.move_to_end(key)
        return self._sources[key]

    def _made(self, name: str, rows: IntArray) -> FeatureSource | ClinicalSource:
        if name not in self._columns:
            self._columns[name] = DesignColumns(self._columns_of(name))
        if self.protocol.model.models[name].clinical is not None:
            return ClinicalSource(self._columns[name], rows)
        return FeatureSource(self._columns[name], rows, head_of(self.protocol.model.select))

    def _columns_of(self, name: str) -> pd.DataFrame:
        model = self.protocol.model.models[name]
        names = [str(column) for column in self.design.columns]
        if model.clinical is not None:
            variables = model.clinical.variables or candidates(self.protocol)
            starts = tuple(f"{CLINICAL}{variable}=" for variable in variables)
            whole = {f"{CLINICAL}{variable}" for variable in variables}
            return self.design[[column for column in names if column.startswith(starts) or column in whole]]
        starts = tuple(f"{sequence}{SEPARATOR}" for sequence in model.sequences or ())
        return self.design[[column for column in names if column.startswith(starts)]]


class _Call:
    """One labelling; selections and folds that several models share are computed once."""

    def __init__(self, engine: Engine, outcome: IntArray, clinical_from: IntArray | None, groups: IntArray) -> None:
        self.engine = engine
        self.protocol = engine.protocol
        self.outcome = outcome
        self.clinical_from = clinical_from
        self.groups = groups
        self.selections = Selections(engine.protocol, engine.source, self._clinical_rows)
        self._folds: dict[tuple[bytes, int], Folds] = {}

    def fit(self, name: str, training: IntArray, testing: IntArray) -> ModelFit:
        usable = self.engine.usable[name]
        training, testing = training[usable[training]], testing[usable[testing]]
        outcome = self.outcome[training]
        if min(outcome.sum(), len(outcome) - outcome.sum()) < 2:
            return _not_fitted(name, training, testing, "the training rows have fewer than two lesions in a class")
        if name in self.engine.slow:
            try:
                features, strength, tuned, odds = fit_with_scikit_learn(
                    self.protocol, name, self._design(), training, testing, outcome, self.groups[training]
                )  # fmt: skip
            except TooFewError as error:  # such as a bootstrap sample with one positive patient, drawn twice
                return _not_fitted(name, training, testing, str(error))
        else:
            selected = self.selections.of(name, training, outcome)
            logistic = self.protocol.model.fit_of(name)
            assert isinstance(logistic, Logistic)
            folds = self._folds_of(training, outcome, logistic.folds)
            tuned = tuned_fit(selected.values, outcome, folds, logistic.strengths)
            features, strength = tuple(str(item) for item in selected.names), tuned.strength
            rows_of = {FeatureSource: testing, ClinicalSource: self._clinical_rows(testing)}
            odds = tuned.log_odds(selected.values), tuned.log_odds(selected.scored(rows_of))
        of_folds = tuned.fold_aucs[np.isfinite(tuned.fold_aucs)]
        return ModelFit(
            name, features, tuned.coefficients, tuned.intercept, strength,
            training_auc=auc(odds[0], outcome),
            cross_validated_auc=float(of_folds.mean()) if len(of_folds) else float("nan"),
            testing_auc=auc(odds[1], self.outcome[testing]),
            training_rows=training, testing_rows=testing,
            training_log_odds=odds[0], testing_log_odds=odds[1],
        )  # fmt: skip

    def _clinical_rows(self, rows: IntArray) -> IntArray:
        return rows if self.clinical_from is None else self.clinical_from[rows]

    def _design(self) -> pd.DataFrame:
        """Return the design table with the permuted clinical columns."""
        design = self.engine.design
        if self.clinical_from is None:
            return design
        clinical = [column for column in design.columns if str(column).startswith(CLINICAL)]
        moved = design.copy()
        moved[clinical] = design[clinical].to_numpy()[self.clinical_from]
        return moved

    def _folds_of(self, rows: IntArray, outcome: IntArray, count: int) -> Folds:
        key = rows.tobytes(), count
        if key not in self._folds:
            self._folds[key] = folds_of(outcome, self.groups[rows], count, self.protocol.seed)
        return self._folds[key]


def _not_fitted(name: str, training: IntArray, testing: IntArray, why: str) -> ModelFit:
    none = float("nan")
    note = f"not fitted: {why}"
    return ModelFit(
        name, (), np.empty(0), none, none, none, none, none, training, testing,
        np.full(len(training), none), np.full(len(testing), none), note,
    )  # fmt: skip
