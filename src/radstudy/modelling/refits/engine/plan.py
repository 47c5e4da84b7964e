"""Parts of a protocol that the engine supports; the rest is left to scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from radstudy.protocol.classifiers import Logistic
from radstudy.protocol.model import ClinicalModel
from radstudy.protocol.sections import Protocol
from radstudy.protocol.selection import (
    BoostedTrees,
    Collinear,
    FoundSizeSection,
    Impute,
    SelectionStep,
    Standardise,
    Univariate,
    Variance,
)

LABEL_FREE = (Impute, Standardise)  # in this order, before every step that sees an outcome
HEAD = (*LABEL_FREE, Variance)  # see no outcome
_KNOWN: dict[
    type[BaseModel], dict[str, tuple[Any, ...] | None]
] = {  # section to setting to the supported values; None: any
    Impute: {"root": ("median",)},
    Standardise: {"root": ("zscore",)},
    Variance: {"ratio": None, "unique": None},
    Collinear: {"above": None, "keep": ("stronger",)},
    Univariate: {"test": ("mann-whitney", "student"), "below": None},
    BoostedTrees: {"keep": None, "trees": None, "depth": None, "learning_rate": None, "subsample": None},
    Logistic: {"penalty": ("l2",), "folds": None, "strengths": None},
    ClinicalModel: {"univariate_below": None, "variables": None},
}


def head_of(steps: Sequence[SelectionStep]) -> list[SelectionStep]:
    """Return the steps before the first that sees an outcome."""
    return list(takewhile(lambda step: isinstance(step, HEAD), steps))


def why_not(protocol: Protocol, name: str) -> str:
    """Return the reason why the engine leaves a model to scikit-learn; empty if it supports the model.

    A setting that is unknown here and differs from its default counts as a step that the engine does not support.
    """
    return why_not_classifier(protocol, name) or _why_not_selected(protocol, name)


def why_not_classifier(protocol: Protocol, name: str) -> str:
    """Return the reason why the engine leaves a model's classifier to scikit-learn; empty if it supports it."""
    fit = protocol.model.fit_of(name)
    return _odd(fit.word, fit) if isinstance(fit, Logistic) else f"the classifier {fit.word}"


def _why_not_selected(protocol: Protocol, name: str) -> str:
    model = protocol.model.models[name]
    if model.clinical is not None:
        return _odd("clinical", model.clinical)
    others = (*(model.pool or ()), *(model.add or ()))
    if model.sequences is None and not others:
        return "the kind of this model"
    if (model.sequences is not None or model.pool is not None) and (odd := _odd_steps(protocol.model.select)):
        return odd
    if repeated := _repeated(protocol, name):
        return f"'{repeated}' reached twice"
    return next((why for other in others if (why := _why_not_selected(protocol, other))), "")


def _odd_steps(steps: Sequence[SelectionStep]) -> str:
    for step in steps:
        if type(step) not in _KNOWN:
            return f"the step {step.word}"
        if isinstance(step, BoostedTrees) and _found_size(step.keep):
            return f"{step.word}: a size found by cross-validation"
        if odd := _odd(step.word, step):
            return odd
    head = [type(step) for step in head_of(steps) if isinstance(step, LABEL_FREE)]
    late = [step for step in steps if isinstance(step, LABEL_FREE)][len(head) :]
    if late or head != [kind for kind in LABEL_FREE if kind in head]:
        return f"the order of the steps {', '.join(step.word for step in steps)}"
    return ""


def _found_size(keep: Any) -> bool:
    return any(isinstance(size, FoundSizeSection) for size in (keep.values() if isinstance(keep, dict) else [keep]))


def _odd(name: str, section: BaseModel) -> str:
    known = _KNOWN[type(section)]
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        allowed = known.get(key, (field.get_default(call_default_factory=True),))
        if allowed is not None and value not in allowed:
            return f"{name}: {key}: {value}"
    return ""


def _repeated(protocol: Protocol, name: str) -> str:
    """Return a model or sequence that occurs in two parts of a union."""
    seen: set[str] = set()

    def visit(other: str) -> str:
        model = protocol.model.models[other]
        if model.clinical is not None or model.sequences is not None:
            parts = model.sequences or ("the clinical variables",)
            twice = next((part for part in parts if part in seen), "")
            seen.update(parts)
            return twice
        return next((twice for part in (*(model.pool or ()), *(model.add or ())) if (twice := visit(part))), "")

    return visit(name)
