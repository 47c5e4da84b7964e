"""The record of a model of the study, as model/models.json holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Self

from radstudy.artefacts.records.fields import Says

_ALWAYS = ("sequences", "clinical", "training_rows", "testing_rows", "not_used", "classifier", "like", "fitted", "note")
_PATH = ("mix", "strength")  # chosen by some classifiers only


@dataclass(frozen=True)
class FittedModel:
    """One model: the data it was fitted on and the settings chosen, or the reason why it could not be fitted."""

    sequences: Annotated[tuple[str, ...], Says("Sequences whose features it may use.")]
    clinical: Annotated[tuple[str, ...], Says("Clinical variables that it may use.")]
    training_rows: Annotated[int, Says("Training rows that it can use.")]
    testing_rows: Annotated[int, Says("Testing rows that it can use.")]
    not_used: Annotated[int, Says("Rows that lack one of its sequences or variables.")]
    classifier: Annotated[str, Says("Classifier, by its word in the study file.")]
    like: Annotated[str | None, Says("Model whose selection it takes, if the study file names one.")]
    fitted: Annotated[bool, Says("True if it could be fitted.")] = False
    intercept: Annotated[
        float | None, Says("Intercept of the formula; none if it is not a formula.", optional=True)
    ] = None
    empty: Annotated[bool, Says("True if no feature survived the selection.", optional=True)] = False
    C: Annotated[float | None, Says("Inverse strength of the penalty that the folds chose.", optional=True)] = None
    mix: Annotated[float | None, Says("Share of the L1 penalty that the folds chose.", optional=True)] = None
    strength: Annotated[float | None, Says("Strength of the penalty that the folds chose.", optional=True)] = None
    settings: Annotated[Mapping[str, Any], Says("Further settings that the folds chose.", optional=True)] = field(
        default_factory=dict
    )
    sizes: Annotated[Mapping[str, int], Says("Step to the number of features that the folds chose.", optional=True)] = (
        field(default_factory=dict)
    )
    note: Annotated[str, Says("Remark on the model; if it is not fitted, the reason.")] = ""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        lists = {name: tuple(record[name]) for name in ("sequences", "clinical")}
        return cls(**{**record, **lists})

    def as_json(self) -> dict[str, Any]:
        """The record as model/models.json holds it."""
        whole = {name: value for name, value in asdict(self).items() if name not in _PATH or value is not None}
        return whole if self.fitted else {name: whole[name] for name in _ALWAYS}
