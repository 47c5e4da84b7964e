"""The section `prepare` of study.yaml: the steps applied to every volume, in the order of the list.

A new step is a file here with its class, its place in `PREPARATION_STEPS`, and its fit in `imaging/preparation.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter

from radstudy.protocol.kinds import OneOf
from radstudy.protocol.prepare.n4 import N4
from radstudy.protocol.prepare.reference import Reference
from radstudy.protocol.prepare.rescale import Rescale
from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.prepare.zscore import ZScoreSection

__all__ = [
    "N4",
    "PREPARATION_STEPS",
    "AnyPreparationStep",
    "PreparationStep",
    "Reference",
    "Rescale",
    "ZScoreSection",
    "preparation_step",
    "reference_in",
]

PREPARATION_STEPS: tuple[type[PreparationStep], ...] = (N4, Rescale, ZScoreSection, Reference)

AnyPreparationStep = Annotated[
    PreparationStep,
    OneOf("a step of 'prepare'", PREPARATION_STEPS, noted_when_absent=("n4", "rescale", "zscore", "reference")),
]
_STEP: TypeAdapter[PreparationStep] = TypeAdapter(AnyPreparationStep)


def preparation_step(written: Any) -> PreparationStep:
    """Read a step of `prepare` as written in a study file or a signature: ``{"rescale": {"to": [0, 2000]}}``.

    Raises
    ------
    pydantic.ValidationError : the step cannot be used.
    """
    return _STEP.validate_python(written)


def reference_in(steps: Sequence[PreparationStep]) -> Reference | None:
    """The step that divides by a reference tissue; None without one."""
    return next((step for step in steps if isinstance(step, Reference)), None)
