"""A small picture of the middle slice of a volume, for the review page; none if the pixels may show a name."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.acquisition import sidecar_path
from radstudy.formats.raster import read_raster
from radstudy.intake.faults import unexpected
from radstudy.store import read_json

LONGER_SIDE = 180  # pixels
_WINDOW_PERCENT = (1.0, 99.0)
WITHHELD = "no picture: text may be burned into its pixels"


def thumbnail(file: Path) -> tuple[str, str]:
    """Draw the middle slice as acquired (columns to the right, rows downwards), from its 1st to its 99th percentile.

    Parameters
    ----------
    file : a volume written by an import, with its sidecar.

    Returns
    -------
    The PNG as a data URI and its caption; "" and the reason if there is none.
    """
    try:
        sidecar = read_json(sidecar_path(file))
    except (OSError, json.JSONDecodeError):
        return "", ""
    if sidecar.get("pixels_may_hold_text") is not False:
        return "", WITHHELD
    try:
        voxels, affine = read_raster(file)
        middle = voxels.shape[2] // 2
        spacing = np.linalg.norm(affine[:3, :2], axis=0)
        return _png(voxels[:, :, middle].T, spacing), f"slice {middle + 1} of {voxels.shape[2]}"
    except CaseError:
        return "", "no picture: the file cannot be read"
    except Exception as error:  # the tables are written even if a picture fails
        return "", f"no picture: {unexpected(error)}"


def _png(pixels: NDArray[np.generic], spacing: NDArray[np.float64]) -> str:
    """Encode pixels (rows, columns) of any type as a data URI; spacing in mm along column and row index."""
    from PIL import Image

    values = np.nan_to_num(pixels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(values, _WINDOW_PERCENT)
    grey = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    size = np.array(values.shape[::-1]) * spacing
    width, height = np.maximum(1, np.rint(size * LONGER_SIDE / size.max())).astype(int).tolist()
    memory = io.BytesIO()
    image = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
    image.resize((width, height), Image.Resampling.BILINEAR).save(memory, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(memory.getvalue()).decode("ascii")
