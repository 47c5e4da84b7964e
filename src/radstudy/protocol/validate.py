"""The section `validate` of study.yaml: an external cohort that a signature is validated on."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Section


class Validate(Section):
    """External validation; only `radstudy validate` reads it."""

    by: tuple[str, ...] = Field((), description="Columns of the cohort table; the result is also given for each value.")

    @field_validator("by")
    @classmethod
    def _each_once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(given)) != len(given):
            raise PydanticCustomError("by", "a column is named twice", {})
        return given
