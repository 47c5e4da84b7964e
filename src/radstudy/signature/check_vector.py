"""Test vector of a signature: inputs made by code with the results that every correct reader of the file gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd

from radstudy.errors import CaseError
from radstudy.features.settings import ExtractionSettings
from radstudy.modelling.models import LinearForm, Term
from radstudy.protocol.prepare import PreparationStep
from radstudy.protocol.sections import Extract
from radstudy.signature.small_image import SmallImage, features_of, small_image
from radstudy.table import CLINICAL, SEPARATOR, variable_of

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class VectorResult:
    """Values of the formula's terms with the result.

    Parameters
    ----------
    values : term to value; None where missing.
    log_odds, probability : by the formula.
    """

    values: Values
    log_odds: float
    probability: float

    @classmethod
    def of(cls, form: LinearForm, values: Mapping[str, float]) -> Self:
        """Apply a formula to values, NaN where missing."""
        design = pd.DataFrame([{term.name: values[term.name] for term in form.terms}], index=[0])
        with np.errstate(over="ignore"):  # for log-odds below -709 the probability is 0
            odds, probability = float(form.log_odds(design)[0]), float(form.probability(design)[0])
        kept = {name: None if np.isnan(value) else float(value) for name, value in values.items()}
        return cls({term.name: kept[term.name] for term in form.terms}, odds, probability)

    def again(self, form: LinearForm) -> Self:
        """Apply a formula to the same values."""
        return self.of(form, {name: np.nan if value is None else value for name, value in self.values.items()})


@dataclass(frozen=True, eq=False)
class CheckVector:
    """Test vector of a signature.

    Parameters
    ----------
    vector : values within the training ranges, half a standard deviation above or below the mean in turn.
    image : a generated image, used for every sequence; None if the model uses no image, or if none could be made.
    measured : the features measured on it and the vector's clinical values; None without an image.
    why_not : reason why there is no image; "" if there is one.
    """

    vector: VectorResult
    image: SmallImage | None
    measured: VectorResult | None
    why_not: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the test vector as plain JSON."""
        return {
            "vector": asdict(self.vector),
            "image": None if self.image is None else self.image.as_dict(),
            "measured": None if self.measured is None else asdict(self.measured),
            "why_no_image": self.why_not or None,
        }

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the result of `as_dict`."""
        image, measured = item["image"], item["measured"]
        return cls(
            _result(item["vector"]), None if image is None else SmallImage.read(image),
            None if measured is None else _result(measured), str(item["why_no_image"] or ""),
        )  # fmt: skip


def _result(item: Mapping[str, Any]) -> VectorResult:
    values = {str(name): None if value is None else float(value) for name, value in item["values"].items()}
    return VectorResult(values, float(item["log_odds"]), float(item["probability"]))


def check_vector(
    form: LinearForm, steps: tuple[PreparationStep, ...], settings: ExtractionSettings | None, section: Extract | None
) -> CheckVector:
    """Make the test vector of a formula.

    Parameters
    ----------
    form : the formula.
    steps : of the preparation.
    settings, section : of the extraction; None if the features were computed elsewhere.
    """
    typical = typical_values(form.terms)
    vector = VectorResult.of(form, typical)
    if all(term.name.startswith(CLINICAL) for term in form.terms):
        return CheckVector(vector, None, None, "the model uses no image")
    if settings is None or section is None:
        return CheckVector(vector, None, None, "the features were computed elsewhere")
    image = small_image(settings)
    try:
        features = measured_features(image, steps, settings, section)
    except CaseError as error:
        return CheckVector(vector, None, None, f"the settings do not allow so small an image: {error.problem}")
    values = values_on(form, features, typical)
    if any(np.isnan(values[term.name]) and term.imputation is None for term in form.terms):
        return CheckVector(vector, None, None, "a feature of the formula has no value on so small an image")
    return CheckVector(vector, image, VectorResult.of(form, values))


def values_on(form: LinearForm, features: Mapping[str, float], clinical: Mapping[str, float]) -> dict[str, float]:
    """Return the terms' values of an image that is used for every sequence, with clinical values of a vector."""
    return {
        term.name: clinical[term.name]
        if term.name.startswith(CLINICAL)
        else features.get(term.name.partition(SEPARATOR)[2], float("nan"))
        for term in form.terms
    }


def typical_values(terms: tuple[Term, ...]) -> dict[str, float]:
    """Return a vector like those of the training rows: every value within its range.

    Examples
    --------
    >>> typical_values((Term("T2:a", None, 4.0, 2.0, 1.0, (0.0, 9.0)), Term("T2:b", None, 4.0, 2.0, 1.0, (3.5, 9.0))))
    {'T2:a': 5.0, 'T2:b': 3.5}
    """
    values: dict[str, float] = {}
    leveled: set[str] = set()
    for number, term in enumerate(terms):
        low, high = term.training_range
        if term.name.startswith(CLINICAL) and "=" in term.name:
            variable = variable_of(term.name)
            values[term.name] = float(variable not in leveled)  # one level of a variable at most
            leveled.add(variable)
            continue
        aside = term.centre + (0.5 if number % 2 == 0 else -0.5) * term.scale
        values[term.name] = float(min(max(aside, low), high))
    return values


def measured_features(
    image: SmallImage, steps: tuple[PreparationStep, ...], settings: ExtractionSettings, section: Extract
) -> Mapping[str, float]:
    """Compute the features of the small image; those of the generated one are kept for a study's next model."""
    generated = small_image(settings)
    if all(
        np.array_equal(getattr(image, name), getattr(generated, name)) for name in ("voxels", "lesion", "reference")
    ):
        texts = tuple(step.model_dump_json(by_alias=True) for step in steps)
        return _kept(_Asked(texts, settings.key(), section.model_dump_json(), (steps, settings, section)))
    return features_of(image, steps, settings, section)


@dataclass(frozen=True, eq=False)
class _Asked:
    """The settings that the features of the generated image depend on, comparable by their texts."""

    steps: tuple[str, ...]
    settings: str
    section: str
    objects: tuple[tuple[PreparationStep, ...], ExtractionSettings, Extract]

    def _key(self) -> tuple[object, ...]:
        return self.steps, self.settings, self.section

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@lru_cache(maxsize=4)
def _kept(asked: _Asked) -> Mapping[str, float]:
    steps, settings, section = asked.objects
    return features_of(small_image(settings), steps, settings, section)
