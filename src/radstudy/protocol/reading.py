"""The section `reading` of study.yaml: what readers see and are asked in the reading room, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.agree import Agree
from radstudy.protocol.base import Fraction, Section, fields_of, unknown
from radstudy.protocol.cohort import CohortSection
from radstudy.protocol.shipped import default

LIKELIHOOD, COMMENT = "likelihood", "comment"  # what a form asks beside its items
IMAGING = "imaging"  # the table of the codebook whose variables readers assess
Computed = Literal["max_diameter_cm", "tic_type"]
Window = tuple[float, float]
_DIFFUSION = re.compile(r"dwi|dti|ivim|adc|b\d|_b$", re.IGNORECASE)
_FAMILY = re.compile(r"(.*[A-Za-z]{2}[_+.-]?)(\d+)")


class Repeats(Section):
    """Cases that each reader meets a second time, for the agreement of a reader with himself."""

    share: Fraction = Field(description="Share of a reader's patients, chosen by the seed.")
    after_days: Annotated[int, Field(ge=1)] = Field(description="Days from closing the case to meeting it again.")


class ReadingTools(Section):
    """Drawing tools that share automation between readers, and so inflate their agreement."""

    grow: bool = default("reading.tools.grow", description="Region growing from a click.")
    carry: bool = default("reading.tools.carry", description="Carrying a mask from one sequence to another.")


class Characteristics(Section):
    """The form that readers fill in."""

    readers: tuple[str, ...] | None = Field(None, description="Who fills it in; None: cohort.readers.")
    arbiter: str | None = Field(None, description="Who decides where two readers differ; None: nobody.")
    items: tuple[str, ...] | None = Field(
        None, description="Variables of cohort.clinical; None: those with 'table: imaging'."
    )
    definitions: dict[str, str] = Field({}, description="Item to a short definition, shown in the form.")
    differs_above: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {}, description="Number to the difference above which it is arbitrated; other numbers are averaged."
    )
    hidden: tuple[Computed, ...] = default(
        "reading.characteristics.hidden",
        description="What is computed from mask and phases, shown only after the reader's own answers are locked.",
    )
    likelihood: bool = default(
        "reading.characteristics.likelihood", description="Ask how likely the outcome is, from 0 to 100."
    )

    @field_validator("readers", "items")
    @classmethod
    def _each_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (not names or not all(names) or len(set(names)) != len(names)):
            raise PydanticCustomError("names", "name at least one, each once", {})
        return names


class ReadingSection(Section):
    """Settings of the reading room. No step of a run depends on them."""

    folder: Annotated[str, Field(min_length=1)] = default(
        "reading.folder", description="Folder of the record, beside the study file."
    )
    image: Literal["prepared", "acquired"] = default(
        "reading.image", description="Which image is shown first: after the steps of 'prepare', or as acquired."
    )
    target: tuple[str, ...] | None = Field(
        None,
        description="Columns of the cohort table that tell every reader which lesion is meant (side, clock, distance); "
        "None: the column of cohort.side.",
    )
    practice: Annotated[int, Field(ge=0, le=20)] = default(
        "reading.practice", description="Synthetic cases before the first real one."
    )
    wash_out_days: Annotated[int, Field(ge=0)] = default(
        "reading.wash_out_days", description="Days until a reader meets the same patient again in another task."
    )
    repeats: Repeats | None = Field(None, description="Cases read twice by the same reader; None: none.")
    tools: ReadingTools = Field(default_factory=ReadingTools)
    second: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="How many patients the readers after the first draw, chosen by the seed among all that have "
        "images, those excluded later too: a choice among the others would tell who is out. None: all.",
    )
    characteristics: Characteristics = Field(default_factory=Characteristics)
    windows: dict[str, tuple[Window, ...]] = Field(
        {}, description="Sequence to its lowest and highest intensities shown; phases of one scan share theirs."
    )

    dicom: str | None = Field(
        None,
        description="Folder of the DICOM series that a sequence was converted from, such as "
        "'dicom/{patient}/{sequence}': a DICOM SEG is then written beside each mask. It holds what names the patient, "
        "as the series does. None: masks are written as the study reads them alone.",
    )

    @field_validator("dicom")
    @classmethod
    def _one_folder_each(cls, pattern: str | None) -> str | None:
        names = set() if pattern is None else set(fields_of(pattern))
        if pattern is not None and (not {"patient", "sequence"} <= names or names - {"patient", "lesion", "sequence"}):
            raise PydanticCustomError(
                "dicom", "each sequence of each patient has a folder of its own: write {example}, with {lesion} where "
                "it is needed, and no other name in braces", {"example": "{patient} and {sequence}",
                                                               "lesion": "{lesion}"},
            )  # fmt: skip
        return pattern

    @field_validator("windows")
    @classmethod
    def _low_and_high(cls, windows: dict[str, tuple[Window, ...]]) -> dict[str, tuple[Window, ...]]:
        for name, pairs in windows.items():
            for low, high in pairs:
                if not low < high:
                    raise PydanticCustomError(
                        "window", "the window [{low}, {high}] of {name} is empty: give the lowest intensity, then the "
                        "highest", {"low": low, "high": high, "name": name, "at": (name,)},
                    )  # fmt: skip
        return windows


def family_of(sequence: str) -> str:
    """The common part of the names of a dynamic scan's phases; the name itself if it is not a phase.

    Diffusion weightings differ by a number, too, and so do T1 and T2: these are no phases.

    Examples
    --------
    >>> [family_of(name) for name in ("DCE3", "DCE_12", "T2WI", "T1", "DWI_b800", "DWI2")]
    ['DCE', 'DCE_', 'T2WI', 'T1', 'DWI_b800', 'DWI2']
    """
    parts = _FAMILY.fullmatch(sequence)
    return parts[1] if parts and not _DIFFUSION.search(parts[1]) else sequence


def items_of(reading: ReadingSection, cohort: CohortSection) -> tuple[str, ...]:
    """The variables of the codebook that readers assess."""
    given = reading.characteristics.items
    imaging = (name for name, variable in cohort.clinical.items() if variable.table == IMAGING)
    return tuple(imaging) if given is None else given


def target_columns(reading: ReadingSection, cohort: CohortSection) -> tuple[str, ...]:
    """The columns of the cohort table that tell a reader which lesion is meant."""
    if reading.target is not None:
        return reading.target
    side = cohort.side
    return () if side is None or side in dict(_blinded(cohort, Agree())) else (side,)


def characteristics_readers(reading: ReadingSection, cohort: CohortSection) -> tuple[str, ...]:
    """Readers who fill in the form."""
    return cohort.readers if reading.characteristics.readers is None else reading.characteristics.readers


def checked_reading(reading: ReadingSection, cohort: CohortSection, sequences: tuple[str, ...], agree: Agree) -> None:
    """Refuse what would unblind a reader, and names that the rest of the study file does not have.

    Raises
    ------
    PydanticCustomError : with the keys that lead to the setting.
    """
    _refuse_unblinding(reading, cohort, agree)
    _require_items(reading, cohort)
    _require_panel(reading, cohort)
    families = {*sequences, *map(family_of, sequences)}
    for name in reading.windows:
        if name not in families and family_of(name) not in families:
            raise unknown("reading.windows: sequence", name, sequences, ("reading", "windows", name))


def _blinded(cohort: CohortSection, agree: Agree) -> Iterator[tuple[str, str]]:
    """Columns that no reader may see, each with what it holds."""
    yield cohort.outcome.column, "the outcome"
    yield cohort.patient, "the patient's identifier: readers see pseudonyms only"
    for column, what in (
        (cohort.exclude, "the reason for exclusion"),
        (cohort.split.column, "the split into training and testing"),
        (cohort.visible, "where the lesion was seen"),
    ):
        if column is not None:
            yield column, what
    for name, variable in cohort.clinical.items():
        yield variable.column or name, f"the clinical variable or characteristic '{name}'"
    for name, kappa in agree.kappa.items():
        for column in kappa.columns:
            yield column, f"a reader's assessment of '{name}'"


def _refuse_unblinding(reading: ReadingSection, cohort: CohortSection, agree: Agree) -> None:
    blinded = dict(reversed(list(_blinded(cohort, agree))))
    for number, column in enumerate(reading.target or ()):
        if column in blinded:
            raise PydanticCustomError(
                "target", "reading.target shows every reader the column '{column}', which holds {what}. Name columns "
                "that say where the lesion is, such as side, clock or distance_cm",
                {"column": column, "what": blinded[column], "at": ("reading", "target", number)},
            )  # fmt: skip


def _require_items(reading: ReadingSection, cohort: CohortSection) -> None:
    section, at = reading.characteristics, ("reading", "characteristics")
    for name in section.items or ():
        if name not in cohort.clinical:
            raise unknown("reading: the item", name, tuple(cohort.clinical), (*at, "items"))
    items = items_of(reading, cohort)
    for name in (LIKELIHOOD, COMMENT):
        if name in (section.items or ()):
            raise PydanticCustomError(
                "items", "the form asks '{name}' itself, so that no item can be called so. Call the variable "
                "otherwise, or leave it out of reading.characteristics.items", {"name": name, "at": (*at, "items")},
            )  # fmt: skip
    named: Mapping[str, Mapping[str, Any]] = {
        "definitions": section.definitions,
        "differs_above": section.differs_above,
    }
    for setting, names in named.items():
        for name in names:
            if name not in items:
                raise unknown("reading: the item", name, items, (*at, setting, name))
    for name in section.differs_above:
        if cohort.clinical[name].levels is not None:
            raise PydanticCustomError(
                "differs_above", "'{name}' has levels: it is arbitrated wherever two readers differ. Name numbers only",
                {"name": name, "at": (*at, "differs_above", name)},
            )  # fmt: skip


def _require_panel(reading: ReadingSection, cohort: CohortSection) -> None:
    arbiter, readers = reading.characteristics.arbiter, characteristics_readers(reading, cohort)
    if arbiter is None:
        return
    at = ("reading", "characteristics", "arbiter")
    if arbiter in readers:
        raise PydanticCustomError(
            "arbiter", "'{arbiter}' fills in the form too, and would decide on an answer of his own. Name another "
            "reader, or 'arbiter: null'", {"arbiter": arbiter, "at": at},
        )  # fmt: skip
    if len(readers) != 2:
        raise PydanticCustomError(
            "arbiter", "an arbiter decides between two readers; here are {count} ({readers}). Name two in "
            "reading.characteristics.readers, or 'arbiter: null'",
            {"count": len(readers), "readers": ", ".join(readers), "at": at},
        )  # fmt: skip
