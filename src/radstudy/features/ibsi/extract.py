"""Extraction of all IBSI features of one lesion. Read `extract_ibsi` for the order of work.

Values agree with the reference values of IBSI-1 (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145); docs/ibsi.md
lists which ones and how closely. `radstudy.extract` computes PyRadiomics' values instead; `radstudy.catalogue` lists
where they differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, StudyFileError
from radstudy.features.given import read_given
from radstudy.features.ibsi.diagnostics import diagnostics
from radstudy.features.ibsi.grey_levels import fixed_count, fixed_width
from radstudy.features.ibsi.histogram import intensity_histogram
from radstudy.features.ibsi.intensity import local_intensity, statistics
from radstudy.features.ibsi.morphology import morphology
from radstudy.features.ibsi.preparation import Stage, prepare
from radstudy.features.ibsi.settings import IbsiSettings, ibsi_settings
from radstudy.features.ibsi.texture import textures
from radstudy.features.ibsi.volume_histogram import volume_histogram
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume


def extract_ibsi(
    image: Volume | str | Path,
    mask: Roi | str | Path,
    settings: IbsiSettings | Mapping[str, Any] | str,
    *,
    label: Label | None = None,
) -> dict[tuple[str, str], float]:
    """Compute all features that IBSI standardised, for one lesion.

    Parameters
    ----------
    image : a volume, or the path of a NIfTI, NRRD or MetaImage file.
    mask : a region of interest on the image's grid, or the path of a mask file (docs/masks.md).
    settings : `IbsiSettings`, a dictionary of its fields, or the name of a published configuration: "A", "B", "C",
        "D", "E" or "digital_phantom".
    label : the lesion's label in the mask file, or "largest" or "union" as in `Roi.read`; None takes the only one.

    Returns
    -------
    values : (IBSI tag, aggregation) to value, named as in IBSI's tables: ("cm_contrast_3D_avg", "3D averaged"); the
        aggregation is "" for all but textures. NaN where a value does not exist. Diagnostic features are included;
        features that IBSI names but could not standardise are not.

    Raises
    ------
    CaseError : a file cannot be read; the mask is empty or not on the image's grid, or disappears in interpolation or
        resegmentation; intensities are not finite.
    StudyFileError : the settings cannot be used.
    UsageError : a label is given with a mask that is not a file.

    Examples
    --------
    >>> volume = Volume(np.arange(27.0, dtype=np.float32).reshape(3, 3, 3), np.eye(4))
    >>> values = extract_ibsi(volume, Roi(np.ones((3, 3, 3)), np.eye(4)), {"bin_count": 4})
    >>> values["stat_mean", ""], round(values["cm_joint_avg_3D_comb", "3D merged"], 3)
    (13.0, 2.541)
    """
    chosen = ibsi_settings(settings)
    volume, roi = read_given(image, mask, label)
    try:
        return _features(volume, roi, chosen)
    except CaseError as error:
        raise error.located(reader=roi.reader, file="" if isinstance(image, Volume) else image) from error


def _features(volume: Volume, roi: Roi, settings: IbsiSettings) -> dict[tuple[str, str], float]:
    prepared = prepare(volume, roi, settings)
    lesion = prepared.resegmented
    levels = _grey_levels(lesion, settings)
    n_levels = int(levels.max()) if settings.bin_count is None else settings.bin_count
    by_tag = (
        diagnostics(prepared)
        | morphology(lesion)
        | local_intensity(lesion)
        | statistics(lesion.values)
        | intensity_histogram(levels, n_levels)
        | volume_histogram(lesion.values, settings)
    )
    values = {(tag, ""): value for tag, value in by_tag.items()}
    grid = np.zeros(lesion.image.shape, np.int32)
    grid[lesion.intensity_mask] = levels
    return values | textures(lesion.cut(grid), lesion.cut(lesion.morphological_mask), n_levels, settings.dimensions)


def _grey_levels(lesion: Stage, settings: IbsiSettings) -> NDArray[np.int32]:
    """Return the grey levels of the intensity mask's voxels, (n,)."""
    if settings.bin_count is not None:
        return fixed_count(lesion.values, settings.bin_count)
    if settings.bin_width is None:
        raise StudyFileError("give bin_width or bin_count: the histogram and the textures need grey levels")
    lowest = settings.lowest
    if lowest is None:
        lowest = float(lesion.values.min()) if settings.resegment_range is None else settings.resegment_range[0]
    return fixed_width(lesion.values, settings.bin_width, lowest)
