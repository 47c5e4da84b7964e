"""Design table: one row per lesion, one column per reproducible feature or clinical variable."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from radstudy.errors import DataError
from radstudy.modelling.models import clinical_of, sequences_of
from radstudy.protocol.sections import Protocol
from radstudy.table import CLINICAL, SEPARATOR, SITE_IS, FeatureTable, variable_of


def design_table(
    features: FeatureTable, reproducible: Mapping[str, list[str]], clinical: pd.DataFrame, *, reader: str
) -> pd.DataFrame:
    """Combine features and clinical variables in one table.

    Parameters
    ----------
    features : of all readers.
    reproducible : sequence to the features that may be used.
    clinical : design columns of the clinical variables, one row per lesion of the cohort.
    reader : the reader whose features to use.

    Returns
    -------
    Rows as in `clinical`; columns ``sequence:feature`` and ``clinical:variable``. A lesion that lacks a sequence has
    NaN in all columns of the sequence.
    """
    parts = []
    for sequence, names in reproducible.items():
        part = features.of(sequence, reader)[names]
        part.columns = pd.Index([f"{sequence}{SEPARATOR}{name}" for name in names])
        parts.append(part.reindex(clinical.index))
    return pd.concat([*parts, clinical], axis=1)


def site_columns(sites: pd.Series[str]) -> pd.DataFrame:
    """Return a column ``site=NAME`` (0 or 1) for each site, in the order of their names.

    Examples
    --------
    >>> site_columns(pd.Series(["Lyon", "Bern"])).to_dict("list")
    {'site=Bern': [0.0, 1.0], 'site=Lyon': [1.0, 0.0]}
    """
    return pd.DataFrame({f"{SITE_IS}{name}": (sites == name).astype(float) for name in sorted(set(sites))})


def refuse_unseen_sites(model: str, sites: pd.Series[str], training: pd.Series[bool]) -> None:
    """Raise an error if a site has testing rows of a model and no training rows.

    Parameters
    ----------
    model : its name.
    sites : of the rows that it can use.
    training : True for the training rows.

    Raises
    ------
    DataError : names the site.
    """
    unseen = sorted(set(sites) - set(sites[training]))
    if unseen:
        rows = int((sites == unseen[0]).sum())
        raise DataError(
            f"model '{model}': the site '{unseen[0]}' has {rows} testing rows and no training row, so ComBat does "
            "not know its location and scale. To do: draw the split so that each site trains (cohort.split), or "
            "exclude the site"
        )


def usable_rows(protocol: Protocol, model: str, design: pd.DataFrame, extracted: Mapping[str, pd.Index]) -> pd.Series:
    """Return the lesions that a model can use: those with all its sequences and all its clinical variables.

    A missing sequence or clinical variable is never imputed; the model leaves out the patient, which is reported.

    Parameters
    ----------
    protocol : the study's protocol.
    model : a model's name.
    design : the design table.
    extracted : sequence to the lesions whose features were computed.
    """
    usable = pd.Series(True, index=design.index)
    for sequence in sequences_of(protocol, model):
        usable &= design.index.isin(extracted[sequence])
    wanted = set(clinical_of(protocol, model))
    step = protocol.model.harmonise
    if step is not None and protocol.model.harmonises(model):
        wanted |= set(step.keep)  # no covariate is imputed
    columns = [name for name in design.columns if name.startswith(CLINICAL) and variable_of(name) in wanted]
    return usable & design[columns].notna().all(axis=1)


def refuse_gaps(protocol: Protocol, model: str, design: pd.DataFrame) -> None:
    """Raise an error if a step would get a missing value that it cannot handle.

    Parameters
    ----------
    protocol : the study's protocol.
    model : a model's name.
    design : the rows that the model can use.

    Raises
    ------
    DataError : a feature has no value for some lesion, and no step fills it in before the first step that needs it.
    """
    first = next((step for step in protocol.model.select if step.gaps != "passed on"), None)
    if first is not None and first.gaps == "filled":
        return
    prefixes = tuple(f"{sequence}{SEPARATOR}" for sequence in sequences_of(protocol, model))
    columns = [name for name in design.columns if name.startswith(prefixes)] if prefixes else []
    gaps = design[columns].isna()
    if not gaps.to_numpy().any():
        return
    feature = gaps.any().idxmax()
    patient, lesion = gaps.index[int(gaps[feature].to_numpy().argmax())]
    raise DataError(
        f"model '{model}': {int(gaps.any().sum())} features have no value for some lesion (the first: {feature}, "
        f"patient {patient}, lesion {lesion}), and no step of model.select fills them in first. "
        "To do: write '- impute: median' as its first step"
    )
