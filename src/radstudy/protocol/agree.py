"""The section `agree` of study.yaml: the reproducibility filter and the readers' agreement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.shipped import default, default_group


class IccSection(Section):
    """The reproducibility filter."""

    form: Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"] = default(
        "agree.icc.form", description="Shrout and Fleiss's name."
    )
    above: float = default("agree.icc.above", ge=-1, lt=1, description="Features with an ICC above this are kept.")
    by: Literal["estimate", "lower"] = default(
        "agree.icc.by",
        description="The value that must be above: the estimate, or the lower limit of its 95 % interval (strict).",
    )
    patients: Literal["all", "training"] = default(
        "agree.icc.patients",
        description="all doubly read patients (as published), or only those of the training set (strict).",
    )


class KappaSection(Section):
    """Two readers' assessments of one characteristic."""

    columns: tuple[str, str] = Field(description="Columns of the cohort table: the first reader's, the second's.")
    weights: Literal["linear", "quadratic"] | None = Field(
        None, description="For ordered levels; None: every disagreement weighs the same."
    )
    levels: tuple[str, ...] | None = Field(None, description="In order; None: those of the clinical variable.")


class Agree(Section):
    """Agreement between the readers."""

    icc: IccSection | None = default_group("agree.icc", description="None: no filter (one reader).")
    accept_few_doubly_read: bool = Field(
        False,
        description="Go on if so few lesions have every reader's mask that no ICC can be computed; no radiomics "
        "feature then passes the filter.",
    )
    accept_identical_masks: bool = Field(
        False, description="Go on if two readers' masks are identical, voxel for voxel (both used one contour)."
    )
    kappa: dict[str, KappaSection] = Field(
        {}, description="Characteristics that two readers assessed, for Cohen's kappa."
    )
