"""Expected performance of a study of a given size: its selection and models on simulated features of known effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.modelling.models import candidates
from radstudy.modelling.refits.chunks import Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.sections import Protocol
from radstudy.statistics import auc_ci
from radstudy.statistics.apportionment import shared_out, training_size
from radstudy.streams import Stream, generator_of
from radstudy.table import CLINICAL, SEPARATOR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCK = 20  # features that share one hidden quantity
LOADING = 0.7  # the share of a feature's variance that the quantity explains: features of a block correlate by 0.7


@dataclass(frozen=True, eq=False)
class ExpectedPerformance:
    """Testing AUCs of simulated studies of one size.

    Attributes
    ----------
    patients, training, testing : numbers of patients.
    models : names.
    training_auc, testing_auc : (repeats, models).
    width : (repeats, models) width of the testing AUC's confidence interval.
    lower : (repeats, models) lower limit of the interval.
    """

    patients: int
    training: int
    testing: int
    models: tuple[str, ...]
    training_auc: Array
    testing_auc: Array
    width: Array
    lower: Array


def expected_performance(
    protocol: Protocol,
    patients: int,
    *,
    prevalence: float,
    auc: float,
    features: int,
    informative: int = 3,
    repeats: int = 40,
    models: Sequence[str] | None = None,
    jobs: int = 1,
) -> ExpectedPerformance:
    """Simulate studies and fit the protocol's models to each.

    Every sequence has `features` normal features in blocks of 20 that share a hidden quantity (correlation 0.7 within a
    block). In `informative` blocks the hidden quantity differs between the classes, so that knowing all of them would
    lead to the AUC `auc`, the best that a model of this sequence could reach. Sequences are independent of each other.
    Clinical variables are uninformative.

    Parameters
    ----------
    protocol : the study's: its selection, its models, the training share (0.7 if a column defines the split).
    patients : n, one lesion each.
    prevalence : share of positives.
    auc : of the hidden quantities of one sequence together; 0.5 for no effect.
    features : number per sequence, after the filter by readers' agreement.
    informative : number of blocks that differ.
    repeats : number of simulated studies, each with its own generator.
    models : names; None: all that the fast engine supports.
    jobs : number of processes.

    Raises
    ------
    DataError : too few patients of a class in a set, or a value outside its range.

    References
    ----------
    For the shift of the hidden quantities: AUC = Phi(d / sqrt(2)), d the Mahalanobis distance of the classes.
    """
    if not 0.5 <= auc < 1 or not 0 < prevalence < 1:
        raise DataError(f"The AUC ({auc}) must lie between 0.5 and 1, the share of positives ({prevalence}) in (0, 1).")
    if features < 1 or not 1 <= informative <= math.ceil(features / BLOCK):
        blocks = math.ceil(features / BLOCK)
        raise DataError(f"{features} features are {blocks} blocks, but informative is {informative}.")
    share = protocol.cohort.split.train or 0.7
    sizes = _sizes(patients, prevalence, share)
    if min(sizes) < 2:
        raise DataError(
            f"{patients} patients with {prevalence:.0%} positives leave {min(sizes)} of one class in a set: plan more"
        )
    probe = Engine(protocol, _design(protocol, 4, np.zeros(4, int), 0.5, 1, 1, np.random.default_rng(0)),
                   {name: np.ones(4, bool) for name in protocol.model.models})  # fmt: skip
    chosen = tuple(models) if models is not None else tuple(name for name in probe.models if name not in probe.slow)
    if not chosen:
        raise DataError("No model of the study can be simulated quickly; name some (models), and expect to wait.")
    work = partial(_repeats, protocol, sizes, auc, features, informative, chosen)
    arrays = in_chunks(work, repeats, Chunks(jobs))
    return ExpectedPerformance(
        patients, sizes[0] + sizes[1], sizes[2] + sizes[3], chosen, arrays["training"], arrays["testing"],
        arrays["width"], arrays["lower"],
    )  # fmt: skip


def _sizes(patients: int, prevalence: float, share: float) -> tuple[int, int, int, int]:
    """Return negatives and positives in training, then in testing, as a stratified split draws them."""
    positive = round(patients * prevalence)
    train = shared_out(training_size(patients, share), [patients - positive, positive])
    return train[0], train[1], patients - positive - train[0], positive - train[1]


def _repeats(
    protocol: Protocol, sizes: tuple[int, int, int, int], auc: float, features: int, informative: int,
    models: tuple[str, ...], numbers: range,
) -> Arrays:  # fmt: skip
    outcome = np.repeat([0, 1, 0, 1], sizes).astype(np.int64)
    training = np.arange(sizes[0] + sizes[1])
    testing = np.arange(len(training), len(outcome))
    method = protocol.evaluate.interval.auc
    arrays = {name: np.full((len(numbers), len(models)), np.nan) for name in ("training", "testing", "width", "lower")}
    for place, number in enumerate(numbers):
        rng = generator_of(protocol.seed, Stream.PLANNING, len(outcome), number)
        design = _design(protocol, len(outcome), outcome, auc, features, informative, rng)
        usable = dict.fromkeys(models, np.ones(len(outcome), dtype=np.bool_))
        fits = Engine(protocol, design, usable, models=models).fit(outcome, training, testing)
        for column, name in enumerate(models):
            fit = fits[name]
            arrays["training"][place, column] = fit.training_auc
            arrays["testing"][place, column] = fit.testing_auc
            area = auc_ci(
                outcome[testing], fit.testing_log_odds,
                method="newcombe" if method in ("bootstrap", "bca") else method, level=protocol.evaluate.interval.level,
            )  # fmt: skip
            arrays["width"][place, column] = area.ci[1] - area.ci[0]
            arrays["lower"][place, column] = area.ci[0]
    return arrays


def _design(
    protocol: Protocol, patients: int, outcome: IntArray, auc: float, features: int, informative: int,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Simulate a design table of independent sequences with an effect, and of clinical variables without."""
    index = pd.MultiIndex.from_product([[f"S{i:05d}" for i in range(patients)], ["1"]], names=["patient", "lesion"])
    shift = math.sqrt(2) * float(special.ndtri(auc)) / math.sqrt(informative)
    parts = [
        pd.DataFrame(
            simulated_features(outcome, features, shift, informative, rng), index=index,
            columns=[f"{sequence}{SEPARATOR}simulated_{i}" for i in range(features)],
        )
        for sequence in protocol.sequences
    ]  # fmt: skip
    clinical: dict[str, Array] = {}
    for name in candidates(protocol):
        levels = protocol.cohort.clinical[name].levels
        if levels is None:
            clinical[f"{CLINICAL}{name}"] = rng.normal(size=patients)
            continue
        level = rng.integers(0, len(levels), patients)
        for number, value in enumerate(levels[1:], 1):
            clinical[f"{CLINICAL}{name}={value}"] = (level == number).astype(np.float64)
    return pd.concat([*parts, pd.DataFrame(clinical, index=index)], axis=1)


def simulated_features(
    outcome: IntArray, features: int, shift: float, informative: int, rng: np.random.Generator
) -> Array:
    """Simulate features (patients, features) in blocks with a hidden quantity, shifted in the positives' first blocks.

    Parameters
    ----------
    outcome : (patients,) 0 or 1.
    features : number of features.
    shift : of the hidden quantity in positives, in its SD within the classes.
    informative : number of shifted blocks.
    rng : generator of all random numbers.
    """
    blocks = math.ceil(features / BLOCK)
    hidden = rng.normal(size=(len(outcome), blocks))
    hidden[:, :informative] += shift * outcome[:, None]
    own = rng.normal(size=(len(outcome), features))
    values: Array = math.sqrt(LOADING) * hidden[:, np.arange(features) // BLOCK] + math.sqrt(1 - LOADING) * own
    return values
