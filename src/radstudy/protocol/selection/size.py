"""The number of features that a selection step keeps: fixed, fixed per model, or found by cross-validation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from radstudy.protocol.base import Section
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default
from radstudy.protocol.words import listed

Count = Annotated[int, Field(ge=1)]
PerEvents = Annotated[str, Field(pattern=r"^events/[1-9][0-9]*$")]


class FoundSizeSection(Section):
    """A number of features that cross-validation inside the training rows finds."""

    cv: Literal["one-se", "best"] = default(
        "model.select.size.cv",
        description="one-se: the fewest features whose log-loss is within a standard error of the lowest; best: the "
        "number with the lowest.",
    )
    folds: Annotated[int, Field(ge=2)] = default(
        "model.select.size.folds", description="Folds; a patient's lesions stay in one fold."
    )
    most: Count | PerEvents = default(
        "model.select.size.most",
        description="At most this many; events/10: a tenth of the patients in the smaller class of the training rows.",
    )


def _kind_of_size(given: Any) -> str:
    if not isinstance(given, dict):
        return "size-found" if isinstance(given, FoundSizeSection) else "size-number"
    known = {"cv", "most", "folds"}
    return "size-found" if known & set(given) and not isinstance(given.get("cv"), int) else "size-per-model"


_OneSize = Annotated[
    Annotated[Count, Tag("size-number")] | Annotated[FoundSizeSection, Tag("size-found")], Discriminator(_kind_of_size)
]
Size = Annotated[
    Annotated[Count, Tag("size-number")]
    | Annotated[FoundSizeSection, Tag("size-found")]
    | Annotated[dict[str, _OneSize], Tag("size-per-model")],
    Discriminator(_kind_of_size),
]


class SizedStep(SelectionStep, Section):
    """A step with a setting for the number of features to keep."""

    keep: Size


def size_by_default(setting: str) -> Any:
    """The field `keep` of a step, by the name of its value among the defaults."""
    return default(
        setting,
        description="A number; a number per model; or {cv: one-se, most: events/10}, found by cross-validation.",
        json_schema_extra={
            "why": "Size of each model: choose it before seeing the data; otherwise the choice must be validated, too."
        },
    )


def size_told(size: int | FoundSizeSection | dict[str, int | FoundSizeSection]) -> str:
    """Describe the number of features that a step keeps."""
    if isinstance(size, dict):
        return listed([f"{size_told(count)} ({name})" for name, count in size.items()])
    if not isinstance(size, FoundSizeSection):
        return f"{size}"
    return (
        f"as many as had {rule_told(size.cv, 'the fewest')} in {size.folds}-fold cross-validation{cap_told(size.most)}"
    )


def rule_told(rule: str, simplest: str = "the strongest") -> str:
    """Describe the rule by which the folds choose a setting."""
    if rule == "best":
        return "the lowest log-loss"
    return f"a log-loss within one standard error of the lowest ({simplest} such)"


def cap_told(most: int | str | None) -> str:
    """Describe the cap on the number of features."""
    if most is None:
        return ""
    if isinstance(most, str):
        return f", at most one feature per {most.partition('/')[2]} patients of the smaller class"
    return f", at most {most}"
