"""The section `features` of study.yaml: a study that begins at a table of features, without an image or a mask."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Section, one_of


class FeatureColumns(Section):
    """The columns of a wide table that belong to one sequence; the rest of a column's name is the feature's name."""

    prefix: str | None = Field(None, description="Prefix of their names: T2_ of T2_original_glcm_Contrast.")
    suffix: str | None = Field(None, description="Suffix of their names.")
    pattern: str | None = Field(None, description="A regular expression; its first group is the feature's name.")

    @model_validator(mode="before")
    @classmethod
    def _word(cls, given: Any) -> Any:
        return {"prefix": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _usable(self) -> Self:
        one_of(self, "the columns of a sequence")
        if not (self.prefix or self.suffix or self.pattern):
            raise PydanticCustomError("columns", "this is empty", {})
        try:
            groups = re.compile(self.pattern or "(.*)").groups
        except re.error as error:
            raise PydanticCustomError("pattern", "not a regular expression: {why}", {"why": str(error)}) from None
        if groups != 1:
            raise PydanticCustomError("pattern", "the expression needs one group, ( ), for the feature's name", {})
        return self

    def feature_of(self, column: str) -> str | None:
        """The feature that a column holds; None if the column belongs to another sequence.

        Examples
        --------
        >>> FeatureColumns(prefix="T2_").feature_of("T2_original_glcm_Contrast")
        'original_glcm_Contrast'
        """
        if self.pattern is not None:
            match = re.fullmatch(self.pattern, column)
            return (match.group(1) or None) if match else None
        if self.prefix is not None:
            return (column.removeprefix(self.prefix) or None) if column.startswith(self.prefix) else None
        suffix = self.suffix or ""
        return (column.removesuffix(suffix) or None) if column.endswith(suffix) else None


class Features(Section):
    """Features that were computed elsewhere: one table, or one per sequence."""

    table: str | None = Field(None, description="CSV, XLSX or Parquet; relative to the study file.")
    tables: dict[str, str] | None = Field(None, description="One file per sequence, instead of one table.")
    sheet: str | None = Field(None, description="Sheet of an XLSX file; by default the first.")
    decimal: Literal["point", "comma"] | None = Field(
        None, description="Decimal mark of the table's numbers; None: detected from its cells."
    )
    patient: str | None = Field(None, description="Column with the patient's identifier; None: as cohort.patient.")
    lesion: str | None = Field(None, description="Column with the lesion's identifier; None: as cohort.lesion.")
    reader: str | None = Field(None, description="Column with the reader, if the table has several readers' rows.")
    sequence: str | None = Field(None, description="Column with the sequence, if every sequence has its own rows.")
    columns: dict[str, FeatureColumns] = Field(
        default_factory=dict, description="Sequence to its columns, if one row holds several sequences."
    )
    ignore: tuple[str, ...] = Field(
        ("diagnostics_*",),
        description="Columns that are not features; * matches any text; by default PyRadiomics' diagnostics.",
    )
    standardised: Literal["whole-table"] | None = Field(
        None,
        description="whole-table: every column was standardised over all rows of this table before the study. The leak "
        "detector still reports it; the signature says so, and fits only tables that declare the same.",
    )

    @field_validator("columns", mode="before")
    @classmethod
    def _no_columns(cls, given: Any) -> Any:
        return {} if given is None else given

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        if (self.table is None) == (self.tables is None):
            raise PydanticCustomError("table", "give either 'table', or 'tables' with one file per sequence", {})
        if sum((self.tables is not None, self.sequence is not None, bool(self.columns))) > 1:
            raise PydanticCustomError(
                "layout", "'tables', 'sequence' and 'columns' each define where a sequence's features are: give one", {}
            )
        return self

    @model_serializer(mode="wrap")
    def _without_a_declaration_that_is_not_made(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The settings, without `standardised` if it is not declared, so that earlier runs keep their keys."""
        settings: dict[str, Any] = dump(self)
        return {name: value for name, value in settings.items() if name != "standardised" or value is not None}

    def files(self) -> tuple[str, ...]:
        """The files, each once."""
        return tuple(dict.fromkeys((self.tables or {}).values())) if self.table is None else (self.table,)
