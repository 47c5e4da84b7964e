"""The step `harmonise`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default
from radstudy.protocol.words import listed


class Harmonise(SelectionStep, Section):
    """Bring the features of several sites or scanners to one location and scale (`cohort.site`)."""

    word = "harmonise"
    heading = "Harmonised"
    again = None
    gaps = "passed on"

    method: Literal["combat"] = default(
        "model.select.harmonise.method", json_schema_extra={"why": "ComBat, the field's usual method."}
    )
    mean_only: bool = default(
        "model.select.harmonise.mean_only",
        description="Adjust the location of a site alone, not its scale.",
        json_schema_extra={"why": "true with few patients per site, whose scale is not known well."},
    )
    empirical_bayes: bool = default(
        "model.select.harmonise.empirical_bayes",
        description="Shrink a site's locations and scales towards their mean over the features.",
        json_schema_extra={
            "why": "Shrinkage steadies small sites, but leaves a small part of the sites' difference; with large sites "
            "it may be left out."
        },
    )
    reference: str | None = Field(
        None,
        description="The site that stays as it is; None: all move to their weighted mean.",
        json_schema_extra={"why": "A site with many patients whose scanner will be used on."},
    )
    keep: tuple[str, ...] = Field(
        (),
        description="Clinical variables whose effect on the features is kept. Never the outcome.",
        json_schema_extra={
            "why": "Variables that differ between the sites and move the features, such as age: without them ComBat "
            "removes their effect, too. Never the outcome: it would leak into the features."
        },
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        what = "location" if self.mean_only else "location and scale"
        shrunk = "with" if self.empirical_bayes else "without"
        kept = f", keeping the effects of {listed(self.keep)}" if self.keep else ""
        to = f", with {self.reference} as the reference" if self.reference else ""
        return (
            f"ComBat brought the features of all sites to one {what} ({shrunk} empirical Bayes{to}{kept}; the outcome "
            "was not a covariate)"
        )
