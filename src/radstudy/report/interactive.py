"""The data of the interactive parts of the page, which its scripts turn into controls, drawings and tables.

The tables beside them have the same numbers for readers without scripts. A number here is rounded as it is displayed,
and has no mark of its source: the script, not the page, prints it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radstudy.printable import printable_in_page
from radstudy.protocol.words import listed
from radstudy.report.cited import plain
from radstudy.report.explained import (
    LESION,
    cutoff_of,
    explained,
    intercept_of,
    linear,
    predictions,
    several_lesions,
)
from radstudy.report.facts import TRAINING, AbsentError, RunFacts
from radstudy.report.out_of_fold import RISK, out_of_fold
from radstudy.report.outline import number_of
from radstudy.report.tables.cutoffs import EXPLORATORY
from radstudy.report.tables.features import readable
from radstudy.table import CLINICAL

_DIGITS = 3  # significant digits of a feature's value
_IN_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


@dataclass(frozen=True)
class Interactive:
    """An interactive part.

    Parameters
    ----------
    lines : sentences above it.
    label : its name for screen readers.
    without : sentence for readers without scripts.
    data : what its script reads.
    """

    lines: tuple[str, ...]
    label: str
    without: str
    data: dict[str, Any]

    @property
    def json(self) -> str:
        """The data as JSON that may stand in a script element: without <, > and &, and in ASCII."""
        text = json.dumps(self.data, separators=(",", ":"), allow_nan=False)
        return "".join(_IN_HTML.get(sign, sign) for sign in text)


def patient_picker(facts: RunFacts) -> Interactive:
    """The model's prediction for each patient, its features, and its training rows.

    Raises
    ------
    AbsentError : the model was not fitted.
    """
    own = predictions(facts)
    data = {
        "model": _text(facts.explained_model), "groups": [_text(name) for name in facts.groups],
        "case": facts.case_word[:-1], "cutoff": _rounded(cutoff_of(facts), 3),
        "patients": [_text(name) for name in own["patient"]],
        "lesions": [_text(name) for name in own["lesion"]] if several_lesions(own) else None,
        "training": "".join("1" if which == TRAINING else "0" for which in own["set"]),
        "outcomes": "".join(str(int(value)) for value in own["outcome"]),
        "probabilities": [_rounded(value, 3) for value in own["probability"]],
        **_features(facts, own),
    }  # fmt: skip
    lines = (
        f"The prediction of the model {facts.explained_model} for one {facts.case_word[:-1]}, what each feature "
        "contributes to it, and where it lies among the training set. A contribution describes the model, not a cause.",
    )
    without = _elsewhere("predicted", *(["contributions"] if "log_odds" in data else []))
    return Interactive(lines, f"Prediction for one {facts.case_word[:-1]}", without, data)


def _features(facts: RunFacts, own: pd.DataFrame) -> dict[str, Any]:
    """The features in every patient; the reason if there are none."""
    try:
        frame = explained(facts)
        formula = linear(facts, frame)
    except AbsentError as missing:
        return {"features": [], "why": _text(str(missing))}
    names = list(dict.fromkeys(map(str, frame["feature"])))
    plain_frame = pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})
    order = pd.MultiIndex.from_frame(pd.DataFrame(own)[LESION])
    columns = {
        kind: plain_frame.pivot_table(kind, LESION, "feature", dropna=False, sort=False)
        .reindex(index=order, columns=names)
        .to_numpy(dtype=float)
        for kind in ("value", "percentile", "contribution")
    }
    data: dict[str, Any] = {
        "features": [_text(readable(facts, name)) for name in names],
        "values": [[_significant(value) for value in row] for row in columns["value"]],
        "percentiles": [
            [None if is_level(name) else _rounded(value, 0) for name, value in zip(names, row, strict=True)]
            for row in columns["percentile"]
        ],
    }
    if not formula:
        why = f"{facts.explained_model} is not a linear model: its probability is not a sum of contributions."
        return {**data, "why": _text(why)}
    intercept = float(intercept_of(facts))
    shares = columns["contribution"]
    return data | {
        "intercept": _rounded(intercept, 2),
        "log_odds": [_rounded(value, 2) for value in shares.sum(axis=1) + intercept],
        "hundredths": [[int(f"{value:.2f}".replace(".", "")) for value in row] for row in shares],
    }


def movable_cutoff(facts: RunFacts) -> Interactive:
    """The out-of-fold probability and the outcome of every row of the model.

    Raises
    ------
    AbsentError : the run has no out-of-fold probabilities.
    """
    own, cutoff = out_of_fold(facts), cutoff_of(facts)
    data = {
        "model": _text(facts.explained_model), "groups": [_text(name) for name in facts.groups],
        "case": facts.case_word, "cutoff": _rounded(cutoff, 3),
        "risks": [float(value) for value in own[RISK]],
        "outcomes": "".join(str(int(value)) for value in own["outcome"]),
    }  # fmt: skip
    lines = (f"{EXPLORATORY} It is not exported.",)
    return Interactive(lines, "Movable cut-off", _elsewhere("cutoffs"), data)


def _elsewhere(*tables: str) -> str:
    places = listed([number_of("table", name) for name in tables])
    return f"Scripts are switched off here. The numbers are in {places}."


def is_level(feature: str) -> bool:
    """True for the indicator of a level, which has no percentile."""
    return feature.startswith(CLINICAL) and "=" in feature


INTERACTIVE: dict[str, Callable[[RunFacts], Interactive]] = {"patients": patient_picker, "cutoff": movable_cutoff}


def _text(value: Any) -> str:
    return printable_in_page(plain(str(value)))


def _rounded(value: Any, digits: int) -> float | int | None:
    """A number as it is displayed; None if it is missing."""
    number = float(value)
    if math.isnan(number):
        return None
    text = f"{number:.{digits}f}"
    return float(text) if digits else int(text)


def _significant(value: float) -> float | int | None:
    if math.isnan(value):
        return None
    number = float(f"{value:.{_DIGITS}g}")
    return int(number) if np.isfinite(number) and number == int(number) else number
