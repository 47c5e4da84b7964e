"""The patients that Riley's criteria ask for, before anything is known of a model's performance."""

from __future__ import annotations

from radstudy.errors import DataError
from radstudy.statistics.sample_size import prediction_sample_size

R2_NAGELKERKE = 0.15  # Riley's value for a model of which nothing is known; never the study's own


def patients_needed(parameters: int, events: int, rows: int) -> int | None:
    """The patients that a logistic model needs for training, by the criteria of Riley and colleagues.

    Parameters
    ----------
    parameters : number of parameters, the intercept not counted.
    events : patients with the rarer outcome.
    rows : patients.

    Returns
    -------
    The number; None if there are no parameters, or only one outcome.

    References
    ----------
    Riley R.D. et al. BMJ 2020;368:m441, doi 10.1136/bmj.m441: an R2 of Nagelkerke of 0.15 where nothing is known.
    """
    if parameters < 1 or not 0 < events < rows:
        return None
    try:
        return prediction_sample_size(parameters, events / rows, r2_nagelkerke=R2_NAGELKERKE, mape=None).n
    except DataError:
        return None
