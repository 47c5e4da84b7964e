"""The base class of the sections of study.yaml: frozen; a misspelt setting is an error that names the nearest one."""

from __future__ import annotations

import difflib
import string
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_SMALLEST, _LARGEST = 1e-30, 1e30  # images are computed in float32, whose range ends soon after


def _in_range(value: float) -> float:
    """Require a number that images can be computed with."""
    if value != 0 and not _SMALLEST <= abs(value) <= _LARGEST:
        raise PydanticCustomError(
            "range", "this is outside the computable range ({low} to {high})", {"low": _SMALLEST, "high": _LARGEST}
        )
    return value


Fraction = Annotated[float, Field(gt=0, lt=1)]
Number = Annotated[float, AfterValidator(_in_range)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_in_range)]


class Section(BaseModel):
    """A part of the study file: frozen; a misspelt setting is an error that names the nearest correct one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=False, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in given:
            if key not in known and key not in cls.model_fields:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
                hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}"
                raise PydanticCustomError(
                    "unknown_setting", "there is no setting '{key}' here; {hint}", {"key": str(key), "hint": hint}
                )
        return given


def one_of(section: Section, what: str) -> Section:
    """Return the section if exactly one of its settings is given; else raise an error that lists them."""
    given = [name for name, value in section if value is not None]
    if len(given) != 1:
        names = ", ".join(type(section).model_fields)
        raise PydanticCustomError(
            "one_of", "{what} takes exactly one of {names}; given: {given}",
            {"what": what, "names": names, "given": ", ".join(given) or "none"},
        )  # fmt: skip
    return section


def unknown(what: str, name: str, known: tuple[str, ...], at: tuple[str, ...] = ()) -> PydanticCustomError:
    """The error for a name in the study file that does not exist; it names the nearest correct one.

    Parameters
    ----------
    what, name : the kind of thing, and the name as given.
    known : the existing names.
    at : the keys of the study file that lead to the setting.
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}"
    return PydanticCustomError(
        "unknown_reference",
        "{what} '{name}' does not exist; {hint}",
        {"what": what, "name": name, "hint": hint, "at": at},
    )


def checked_pattern(pattern: str) -> str:
    """Require a file pattern such as {patient}/{sequence}.nii.gz, with plain names in its braces."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise PydanticCustomError(
            "pattern", "the pattern '{given}' cannot be read: {error}. Write names as in {example}",
            {"given": pattern, "error": str(error), "example": "{patient}/{sequence}.nii.gz"},
        ) from None  # fmt: skip
    for _, name, form, conversion in parts:
        if name is not None and (not name or set(name) & set(".[") or form or conversion):
            wrong = "{" + name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "") + "}"
            raise PydanticCustomError(
                "pattern", "the pattern '{given}' holds '{wrong}', not a plain name. Write names as in {example}",
                {"given": pattern, "wrong": wrong, "example": "{patient}/{sequence}.nii.gz"},
            )  # fmt: skip
    return pattern


def fields_of(pattern: str) -> tuple[str, ...]:
    """The names in braces in a pattern, in order.

    Examples
    --------
    >>> fields_of("{patient}/{sequence}.nii.gz")
    ('patient', 'sequence')
    """
    return tuple(name for _, name, _, _ in string.Formatter().parse(pattern) if name)


def as_text(value: Any) -> Any:
    """YAML numbers and booleans as text, as in the cohort table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


Pattern = Annotated[str, AfterValidator(checked_pattern)]
