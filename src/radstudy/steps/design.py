"""The design table of a run: all candidate variables of the study's models, and the rows that each model can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.cohort.codebook import design_columns
from radstudy.cohort.sealed import is_sealed, with_outcome
from radstudy.modelling.design import design_table, site_columns, usable_rows
from radstudy.modelling.harmonisation import refuse_outcome_among
from radstudy.modelling.models import candidates
from radstudy.steps.agree import read_reproducible
from radstudy.steps.cohort import read_rows
from radstudy.steps.extract import read_features
from radstudy.steps.run import Run
from radstudy.table import SITE, FeatureTable, variable_of


@dataclass(frozen=True, eq=False)
class Design:
    """The data that models are fitted on.

    Parameters
    ----------
    rows : of the cohort, indexed (patient, lesion).
    table : reproducible features and candidate clinical variables, one row per row of the cohort.
    usable : model to bool (rows,): those with all of its sequences and clinical variables.
    features : of all readers.
    reproducible : sequence to the features that the readers reproduce.
    """

    rows: pd.DataFrame
    table: pd.DataFrame
    usable: dict[str, pd.Series]
    features: FeatureTable
    reproducible: dict[str, list[str]]

    @property
    def outcome(self) -> NDArray[np.int64]:
        """(rows,) 0 or 1; not of a sealed run, whose testing rows have none."""
        if is_sealed(self.rows):
            raise AssertionError("the testing results are sealed: nothing may be computed from all outcomes")
        outcome: NDArray[np.int64] = self.rows["outcome"].to_numpy(dtype=np.int64)
        return outcome

    def places(self, which: str) -> NDArray[np.intp]:
        """Positions of the rows of a set, training or testing."""
        return np.flatnonzero((self.rows["set"] == which).to_numpy())


def read_design(run: Run) -> Design:
    """Read the design table of a run that has finished the step agree."""
    protocol = run.protocol
    rows, features, reproducible = read_rows(run), read_features(run), read_reproducible(run)
    step = protocol.model.harmonise
    named = dict.fromkeys((*candidates(protocol), *(step.keep if step is not None else ())))
    clinical = design_columns({name: protocol.cohort.clinical[name] for name in named}, rows)
    if step is not None:
        clinical = pd.concat([site_columns(rows[SITE]), clinical], axis=1)
        covariates = clinical[[name for name in clinical.columns if variable_of(str(name)) in step.keep]]
        known = with_outcome(rows)
        refuse_outcome_among(
            covariates.loc[known.index].to_numpy(), list(map(str, covariates)), known["outcome"].to_numpy()
        )
    table = design_table(features, reproducible, clinical, reader=protocol.reader)
    extracted = {name: features.of(name, protocol.reader).index for name in protocol.sequences}
    usable = {name: usable_rows(protocol, name, table, extracted) for name in protocol.model.models}
    return Design(rows, table, usable, features, reproducible)
