"""The step `mrmr`."""

from __future__ import annotations

from typing import Literal

from radstudy.protocol.selection.size import Size, SizedStep, size_by_default, size_told
from radstudy.protocol.shipped import default


class Mrmr(SizedStep):
    """Minimum redundancy, maximum relevance: informative features that do not repeat each other."""

    word = "mrmr"
    heading = "mRMR"
    again = "minimum redundancy and maximum relevance"
    gaps = "refused"

    keep: Size = size_by_default("model.select.mrmr.keep")
    score: Literal["quotient", "difference"] = default(
        "model.select.mrmr.score",
        description="F statistic divided by the mean |r| with those already chosen (FCQ), or minus it (FCD).",
        json_schema_extra={
            "why": "Relevance divided by redundancy (FCQ), or minus it (FCD): an F statistic is usually far above a "
            "correlation, so the difference gives redundancy less weight."
        },
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        score = "quotient (FCQ)" if self.score == "quotient" else "difference (FCD)"
        return (
            f"features were taken one by one for minimum redundancy and maximum relevance, {score} of F statistic and "
            f"mean absolute correlation with those taken before, at most {size_told(self.keep)}"
        )
