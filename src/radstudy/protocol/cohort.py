"""The section `cohort` of study.yaml: the patients of the study, and their files."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Fraction, Pattern, Section, as_text, checked_pattern
from radstudy.protocol.shipped import default
from radstudy.protocol.site import ScannerSite, SiteSource


class OutcomeSection(Section):
    """The binary outcome."""

    column: str = Field(description="Column of the cohort table that holds the outcome.")
    positive: str = default("cohort.outcome.positive", description="The value that counts as positive (outcome = 1).")
    negative: str | None = Field(None, description="The value of the other class; by default the only other one.")
    label: str | None = Field(None, description="Name of the outcome in tables.")
    labels: tuple[str, str] | None = Field(None, description="Names of the negative and the positive group in tables.")

    @field_validator("positive", "negative", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return as_text(value)


class Split(Section):
    """Training and testing sets: drawn here (seeded, stratified, by patient) or given by a column."""

    train: Fraction | None = Field(None, description="Share of the patients that train the models.")
    stratify: bool = default("cohort.split.stratify", description="Keep the outcome's shares equal in both sets.")
    column: str | None = Field(None, description="Column that holds 'training' or 'testing' for each row.")

    @model_validator(mode="after")
    def _made_or_given(self) -> Self:
        if (self.train is None) == (self.column is None):
            raise PydanticCustomError("split", "give either 'train' (a share) or 'column' (a given split)", {})
        return self

    @property
    def external(self) -> bool:
        """True if no row trains: the cohort of an external validation."""
        return self.train == 0


EXTERNAL = Split.model_construct(train=0.0, stratify=False, column=None)  # no study file can write it


class ClinicalVariable(Section):
    """One clinical variable or conventional imaging characteristic of the codebook."""

    column: str | None = Field(None, description="Its column in the cohort table; by default its own name.")
    label: str | None = Field(None, description="Its name in tables.")
    unit: str = Field("", description="Unit of a continuous variable.")
    levels: tuple[str, ...] | None = Field(
        None, description="The values it may take, in order; the first is the reference. None: a number."
    )
    range: tuple[float, float] | None = Field(
        None,
        description="Smallest and largest possible value of a number; by default that of its unit (years: 0 to 120).",
    )
    table: Literal["clinical", "imaging"] = default("cohort.clinical.table", description="The table that shows it.")
    model: bool = default("cohort.clinical.model", description="True if the clinical model may use it.")

    @field_validator("levels", mode="before")
    @classmethod
    def _levels_as_text(cls, value: Any) -> Any:
        return [as_text(item) for item in value] if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        if self.levels is not None and len(set(self.levels)) != len(self.levels):
            raise PydanticCustomError("levels", "a level is named twice", {})
        if self.levels is not None and len(self.levels) < 2:
            raise PydanticCustomError("levels", "a variable with levels needs at least two", {})
        return self

    @model_validator(mode="after")
    def _range_of_a_number(self) -> Self:
        if self.range is not None and self.levels is not None:
            raise PydanticCustomError("range", "a variable with levels has no range", {})
        if self.range is not None and not self.range[0] < self.range[1]:
            raise PydanticCustomError("range", "give the smallest value, then the largest", {})
        return self


class TransferSection(Section):
    """Masks transferred from the sequence they were drawn on to others; a reader confirms each (docs/transfer.md)."""

    from_: str = Field(alias="from", description="The sequence on which the first reader drew the lesion.")
    to: tuple[str, ...] = Field(description="Sequences that receive its mask if the first reader drew none.")
    rigid: bool = default(
        "cohort.transfer.rigid",
        description="Fit the motion between the two sequences; false: the scanner's coordinates alone.",
    )
    partial_volume: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Share of a voxel that the mask must cover; None: the nearest voxel of the mask."
    )
    confirmed: str = default(
        "cohort.transfer.confirmed", description="Table with a reader's answers: prepare/transferred.csv, filled in."
    )
    accept_unconfirmed: bool = Field(False, description="Use transferred masks that no reader has confirmed.")

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        if not self.to or self.from_ in self.to or len(set(self.to)) != len(self.to):
            raise PydanticCustomError("transfer", "'to' must name sequences other than 'from', each only once", {})
        return self


class CohortSection(Section):
    """The patients of the study, and their files."""

    table: str = default("cohort.table", description="CSV or XLSX, one row per lesion; relative to the study file.")
    sheet: str | None = Field(None, description="Sheet of an XLSX file; by default the first.")
    decimal: Literal["point", "comma"] | None = Field(
        None, description="Decimal mark of the table's numbers; None: detected from its cells."
    )
    patient: str = default("cohort.patient", description="Column with the patient's identifier.")
    lesion: str | None = Field(None, description="Column with the lesion's identifier; None: one lesion per patient.")
    side: str | None = Field(None, description="Column with the lesion's side.")
    outcome: OutcomeSection
    site: SiteSource | None = Field(
        None,
        description="Column with the site or scanner that examined the patient, for the step harmonise; or "
        "{scanner: [manufacturer, model, field_strength_t]}: the scanner that the import recorded.",
    )
    exclude: str | None = Field(None, description="Column with the reason for exclusion, empty for those kept.")
    visible: str | None = Field(
        None, description="Column with the sequences on which the lesion is visible (a; b; c); None: on all."
    )
    split: Split
    images: Pattern = Field(
        "", description="Pattern of the image files: {patient}, {lesion}, {sequence} or any column; *."
    )
    masks: Pattern = Field("", description="Pattern of the mask files: as images, and {reader}.")
    readers: tuple[str, ...] = Field(
        (),
        description="The readers; the first one's masks train the models. A feature table need not name one. A list, "
        "or name: text for {reader}, or name: pattern of this reader's mask files.",
    )
    reader_files: dict[str, Pattern] = Field({}, description="Filled from readers, if that is written as name: text.")
    optional_sequences: tuple[str, ...] = Field(
        (), description="Sequences that not every patient has: if both image and mask are missing, go on without."
    )
    label: int | str | None = Field(
        None,
        description="The part of a mask that is the lesion. None: its only label (several are an error); a number or a "
        "segment's name: that one; lesion: the label with the row's lesion number, so that all rows of a "
        "patient may share one mask; largest: the largest connected piece; union: all labels together.",
    )
    transfer: TransferSection | None = Field(None, description="Transfer masks to sequences on which none was drawn.")
    clinical: dict[str, ClinicalVariable] = Field(default_factory=dict, description="The codebook.")

    @model_serializer(mode="wrap")
    def _with_a_site_that_is_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The settings, without a site if the study names none, so that the keys of such a study stay the same."""
        settings: dict[str, Any] = dump(self)
        return {name: value for name, value in settings.items() if name != "site" or value is not None}

    @model_validator(mode="before")
    @classmethod
    def _readers_with_their_files(cls, given: Any) -> Any:
        named = given.get("readers") if isinstance(given, dict) else None
        if not isinstance(named, dict):
            return given
        files = {str(name): "" if text is None else as_text(text) for name, text in named.items()}
        for name, text in files.items():
            if not isinstance(text, str):
                raise PydanticCustomError(
                    "readers", "give reader '{name}' the text to use for {field}, or the pattern of the mask "
                    "files: one text in quotes", {"name": name, "field": "{reader}", "at": ("readers", name)},
                )  # fmt: skip
            try:
                checked_pattern(text)
            except PydanticCustomError as error:
                context = {**(error.context or {}), "at": ("readers", name)}
                raise PydanticCustomError("pattern", error.message_template, context) from None
        return {**given, "readers": list(files), "reader_files": files}

    @field_validator("clinical", mode="before")
    @classmethod
    def _bare_variable(cls, given: Any) -> Any:
        return {k: ({} if v is None else v) for k, v in given.items()} if isinstance(given, dict) else given

    @field_validator("readers")
    @classmethod
    def _readers_differ(cls, readers: tuple[str, ...]) -> tuple[str, ...]:
        if not readers or len(set(readers)) != len(readers):
            raise PydanticCustomError("readers", "name at least one reader, each once", {})
        return readers

    @property
    def site_column(self) -> str | None:
        """The column of the cohort table that names the site; None if none does."""
        return self.site if isinstance(self.site, str) else None

    @property
    def scanner_site(self) -> ScannerSite | None:
        """The rule by which scanners are sites; None if they are not."""
        return self.site if isinstance(self.site, ScannerSite) else None

    def masks_of(self, reader: str) -> tuple[str, str]:
        """The pattern of a reader's mask files, and the text to use for {reader} in it.

        Examples
        --------
        >>> split, outcome = {"train": 0.7}, {"column": "y"}
        >>> readers = {"Dr Li": "", "Dr Wu": "-2", "Dr Ma": "ma/{patient}.nii.gz"}
        >>> section = CohortSection(outcome=outcome, split=split, masks="{patient}{reader}.nii.gz", readers=readers)
        >>> [section.masks_of(name) for name in section.readers]
        [('{patient}{reader}.nii.gz', ''), ('{patient}{reader}.nii.gz', '-2'), ('ma/{patient}.nii.gz', 'Dr Ma')]
        """
        text = self.reader_files.get(reader, reader)
        return (text, reader) if "{" in text else (self.masks, text)
