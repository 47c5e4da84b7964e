"""The step `impute`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from radstudy.protocol.selection.step import SelectionStep


class Impute(SelectionStep, RootModel[Literal["median"]]):
    """Fill missing values."""

    word = "impute"
    bare = "median"
    heading = "Values known"
    again = None
    gaps = "filled"

    root: Literal["median"] = Field(
        "median", json_schema_extra={"why": "A feature that is not defined for a lesion takes the training median."}
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return "features not defined for a lesion took the training median"
