"""What of a protocol the engine does itself; the rest is left to scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from radstudy.protocol.sections import Protocol, Select
from radstudy.protocol.selection import FoundSize

LABEL_FREE = ("impute", "standardise")  # in this order, before every step that sees an outcome
HEAD = (*LABEL_FREE, "variance")  # see no outcome
_KNOWN: dict[str, dict[str, tuple[Any, ...] | None]] = {  # section to setting to the values carried; None: any
    "variance": {"ratio": None, "unique": None},
    "collinear": {"above": None, "keep": ("stronger",)},
    "univariate": {"test": ("mann-whitney", "student"), "below": None},
    "boosted_trees": {"keep": None, "trees": None, "depth": None, "learning_rate": None, "subsample": None},
    "logistic": {"penalty": ("l2",), "folds": None, "strengths": None},
    "clinical": {"univariate_below": None, "variables": None},
}


def step_of(step: Select) -> tuple[str, Any]:
    """Name and settings of one step of the selection."""
    return next((name, value) for name, value in step if value is not None)


def head_of(steps: Sequence[Select]) -> list[tuple[str, Any]]:
    """The steps before the first that sees an outcome."""
    return list(takewhile(lambda step: step[0] in HEAD, map(step_of, steps)))


def why_not(protocol: Protocol, name: str) -> str:
    """Why the engine leaves a model to scikit-learn; empty where it carries the model itself.

    A setting that is unknown here and differs from its default counts as a step that the engine does not carry.
    """
    return why_not_classifier(protocol, name) or _why_not_selected(protocol, name)


def why_not_classifier(protocol: Protocol, name: str) -> str:
    """Why the engine leaves a model's classifier to scikit-learn; empty where it carries it itself."""
    fit = protocol.model.fit_of(name)
    return f"the classifier {fit.kind}" if fit.logistic is None else _odd("logistic", fit.logistic)


def _why_not_selected(protocol: Protocol, name: str) -> str:
    model = protocol.model.models[name]
    if model.clinical is not None:
        return _odd("clinical", model.clinical)
    others = (*(model.pool or ()), *(model.add or ()))
    if model.sequences is None and not others:
        return "the kind of this model"
    if model.sequences is not None or model.pool is not None:
        steps = [step_of(step) for step in protocol.model.select]
        if odd := _odd_steps(steps):
            return odd
    if repeated := _repeated(protocol, name):
        return f"'{repeated}' reached twice"
    return next((why for other in others if (why := _why_not_selected(protocol, other))), "")


def _odd_steps(steps: list[tuple[str, Any]]) -> str:
    names = [name for name, _ in steps]
    for name, settings in steps:
        if name in LABEL_FREE:
            if settings not in ("median", "zscore"):
                return f"{name}: {settings}"
        elif name not in _KNOWN:
            return f"the step {name}"
        elif name == "boosted_trees" and _found_size(settings.keep):
            return "boosted_trees: a size found by cross-validation"
        elif odd := _odd(name, settings):
            return odd
    head = [name for name in takewhile(lambda name: name in HEAD, names) if name in LABEL_FREE]
    late = [name for name in names if name in LABEL_FREE][len(head) :]
    if late or head != [name for name in LABEL_FREE if name in head]:
        return f"the order of the steps {', '.join(names)}"
    return ""


def _found_size(keep: Any) -> bool:
    return any(isinstance(size, FoundSize) for size in (keep.values() if isinstance(keep, dict) else [keep]))


def _odd(name: str, section: BaseModel) -> str:
    known = _KNOWN[name]
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        allowed = known.get(key, (field.get_default(call_default_factory=True),))
        if allowed is not None and value not in allowed:
            return f"{name}: {key}: {value}"
    return ""


def _repeated(protocol: Protocol, name: str) -> str:
    """A model or sequence that two parts of a union both bring in."""
    found: set[str] = set()

    def visit(other: str) -> str:
        model = protocol.model.models[other]
        if model.clinical is not None or model.sequences is not None:
            parts = model.sequences or ("the clinical variables",)
            twice = next((part for part in parts if part in found), "")
            found.update(parts)
            return twice
        return next((twice for part in (*(model.pool or ()), *(model.add or ())) if (twice := visit(part))), "")

    return visit(name)
