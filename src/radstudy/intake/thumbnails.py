"""Small pictures of slices of a volume, for the review pages; none if the pixels may show a name."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
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
    png, caption = slices_png(file, (0.5,))
    return ("data:image/png;base64," + base64.b64encode(png).decode("ascii") if png else ""), caption


def slices_png(file: Path, parts: Sequence[float], longer_side: int = LONGER_SIDE) -> tuple[bytes, str]:
    """Draw slices side by side, as acquired, all from the 1st to the 99th percentile of what is drawn.

    Parameters
    ----------
    file : a volume written by an import, with its sidecar.
    parts : where the slices lie: 0 for the first one, 1 for the last one.
    longer_side : of each slice, pixels.

    Returns
    -------
    The PNG and its caption; nothing and the reason if there is none.
    """
    try:
        sidecar = read_json(sidecar_path(file))
    except (OSError, json.JSONDecodeError):
        return b"", ""
    if sidecar.get("pixels_may_hold_text") is not False:
        return b"", WITHHELD
    try:
        voxels, affine = read_raster(file)
        count = voxels.shape[2]
        numbers = [min(int(part * count), count - 1) for part in parts]
        spacing = np.linalg.norm(affine[:3, :2], axis=0)
        drawn = np.concatenate([voxels[:, :, number].T for number in numbers], axis=1)
        shown = ", ".join(str(number + 1) for number in numbers)
        scale = longer_side / float((np.array(voxels.shape[:2]) * spacing).max())
        return _png(drawn, spacing * scale), f"slice {shown} of {count}"
    except CaseError:
        return b"", "no picture: the file cannot be read"
    except Exception as error:  # the tables are written even if a picture fails
        return b"", f"no picture: {unexpected(error)}"


def _png(pixels: NDArray[np.generic], spacing: NDArray[np.float64]) -> bytes:
    """Encode pixels (rows, columns) of any type; spacing in pixels of the picture along column and row index."""
    from PIL import Image

    values = np.nan_to_num(pixels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(values, _WINDOW_PERCENT)
    grey = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    size = np.array(values.shape[::-1]) * spacing
    width, height = np.maximum(1, np.rint(size)).astype(int).tolist()
    memory = io.BytesIO()
    image = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
    image.resize((width, height), Image.Resampling.BILINEAR).save(memory, "PNG", optimize=True)
    return memory.getvalue()
