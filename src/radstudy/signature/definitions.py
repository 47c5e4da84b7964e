"""Definitions of a signature's terms: the feature with its IBSI code and unit, or the clinical variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radstudy.algorithms import algorithm_key
from radstudy.catalogue import feature
from radstudy.errors import UsageError
from radstudy.table import CLINICAL, SEPARATOR, variable_of

PYRADIOMICS = "PyRadiomics 3.0.1"


def definition_of(name: str, clinical: Mapping[str, Mapping[str, Any]], *, from_table: bool = False) -> dict[str, Any]:
    """Describe one term of a formula.

    Parameters
    ----------
    name : of the term.
    clinical : the signature's codebook.
    from_table : True if the features were computed elsewhere, so that only their names are known.

    Examples
    --------
    >>> definition_of("DWI:wavelet-LLH_glcm_Contrast", {})["ibsi_code"]
    'ACUI'
    >>> definition_of("clinical:age", {"age": {"unit": "years"}})["unit"]
    'years'
    """
    if name.startswith(CLINICAL):
        variable = variable_of(name)
        level = name.partition("=")[2] if "=" in name else None
        unit = str(clinical.get(variable, {}).get("unit") or "") if level is None else ""
        return {"kind": "clinical", "variable": variable, "level": level, "unit": unit}
    sequence, _, whole = name.partition(SEPARATOR)
    plain = {"kind": "feature", "sequence": sequence, "feature": whole}
    image, _, rest = whole.partition("_")
    family, _, short = rest.partition("_")
    if from_table:
        return {**plain, "defined_by": "the table that the study started from"}
    try:
        known = feature(family, short)
    except UsageError:
        return plain
    return {
        **plain,
        "image": image,
        "family": family,
        "ibsi_code": known.ibsi_code or None,
        "ibsi_tag": known.ibsi_tag or None,
        "departs_from_ibsi": known.departs or None,
        "unit": known.unit,
        "defined_by": f"{PYRADIOMICS}; radstudy: {algorithm_key('extract')}",
    }
